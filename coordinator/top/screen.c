/* SPDX-License-Identifier: MIT */
/*
 * From top to bottom: what table it is, the sums, the keys, the last events, one line for words.
 * Columns are rows of a table; on a narrow terminal those that matter least are left out first, and
 * the key gets what remains. ncurses writes what differs from before, so a still picture costs
 * nothing.
 */
#include "screen.h"

#include <curses.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include <lull/lull.h>

#include "duration.h"
#include "keys.h"
#include "output.h"

#define HEAD_LINES   3  /* table, sums, titles */
#define KEY_COLUMNS  30 /* the key has at least these, if another column can be left out */
#define EVENTS_LEAST 18 /* on fewer lines there are no events */

enum colour { COLOUR_NONE, COLOUR_RED, COLOUR_YELLOW };

int screen_open(void)
{
	const char *const no_color = getenv("NO_COLOR");

	if (newterm(NULL, stdout, stdin) == NULL)
		return -ENOTTY;
	(void)cbreak();
	(void)noecho();
	(void)keypad(stdscr, TRUE);
	(void)nodelay(stdscr, TRUE);
	(void)set_escdelay(50);
	(void)curs_set(0);
	if ((no_color != NULL && no_color[0] != '\0') || !has_colors())
		return 0;
	(void)start_color();
	(void)use_default_colors();
	(void)init_pair(COLOUR_RED, COLOR_RED, -1);
	(void)init_pair(COLOUR_YELLOW, COLOR_YELLOW, -1);
	return 0;
}

void screen_close(void)
{
	(void)endwin();
}

/* ------------------------------------------------------------------ text in columns */

/* The next character and its columns; what the terminal cannot show is a '?'. 0: the end. */
static size_t next_character(const char *text, mbstate_t *state, wchar_t *ret, int *ret_columns)
{
	size_t length = mbrtowc(ret, text, MB_CUR_MAX, state);

	if (length == 0)
		return 0;
	*ret_columns = length > MB_CUR_MAX ? -1 : wcwidth(*ret);
	if (*ret_columns >= 0)
		return length;
	memset(state, 0, sizeof(*state));
	*ret = L'?';
	*ret_columns = 1;
	return length > MB_CUR_MAX ? 1 : length;
}

static int columns_of(const char *text)
{
	mbstate_t state = {0};
	int all = 0, columns;
	wchar_t character;
	size_t length;

	for (; (length = next_character(text, &state, &character, &columns)) != 0; text += length)
		all += columns;
	return all;
}

/* The text in just so many columns: cut, with a mark, or filled up with blanks. */
static void put(const char *text, int width)
{
	const bool is_cut = columns_of(text) > width;
	const int room = is_cut ? width - 1 : width;
	mbstate_t state = {0};
	int used = 0, columns;
	wchar_t character;
	size_t length;

	if (width <= 0)
		return;
	for (; (length = next_character(text, &state, &character, &columns)) != 0 &&
	       used + columns <= room;
	     text += length) {
		(void)addnwstr(&character, 1);
		used += columns;
	}
	if (is_cut) {
		(void)addnwstr(MB_CUR_MAX > 1 ? L"…" : L"~", 1);
		used++;
	}
	for (; used < width; used++)
		(void)addch(' ');
}

static void put_right(const char *text, int width)
{
	for (int fill = width - columns_of(text); fill > 0; fill--, width--)
		(void)addch(' ');
	put(text, width);
}

/* A whole line of the screen. */
static void put_line(int line, attr_t attributes, const char *text)
{
	if (line < 0 || line >= LINES)
		return;
	(void)move(line, 0);
	(void)attrset((int)attributes);
	put(text, COLS);
	(void)attrset(A_NORMAL);
}

/* ------------------------------------------------------------------ the columns */

struct cell {
	char text[LULL_KEY_TEXT_BYTES_MAX];
};

static void dash(struct cell *ret)
{
	(void)strcpy(ret->text, "-");
}

static void state_cell(const struct view_row *row, struct cell *ret)
{
	(void)snprintf(ret->text, sizeof(ret->text), "%s", output_state_name(row->deciding.state));
}

static void left_cell(const struct view_row *row, struct cell *ret)
{
	const uint64_t left_ms = row->deciding.ready_in_ms;

	if (left_ms == 0 || left_ms == LULL_NEVER)
		dash(ret);
	else /* whole seconds: it counts down once a second */
		(void)snprintf(ret->text, sizeof(ret->text), "%" PRIu64 " s",
			       (left_ms + 999) / 1000);
}

static void cause_cell(const struct view_row *row, struct cell *ret)
{
	const char *const cause = output_cause_name(row->deciding.cause);

	if (cause == NULL)
		dash(ret);
	else if (row->deciding.kind == row->own->kind)
		(void)snprintf(ret->text, sizeof(ret->text), "%s", cause);
	else
		(void)snprintf(ret->text, sizeof(ret->text), "%s (%s)", cause,
			       lull_kind_name(row->deciding.kind));
}

static void http_cell(const struct view_row *row, struct cell *ret)
{
	if (row->deciding.http_status == 0)
		dash(ret);
	else
		(void)snprintf(ret->text, sizeof(ret->text), "%" PRIu32, row->deciding.http_status);
}

static void strikes_cell(const struct view_row *row, struct cell *ret)
{
	(void)snprintf(ret->text, sizeof(ret->text), "%" PRIu32, row->deciding.strikes);
}

static void rate_cell(uint64_t rate, struct cell *ret)
{
	(void)snprintf(ret->text, sizeof(ret->text), "%" PRIu64 ".%" PRIu64, (rate + 50) / 1000,
		       (rate + 50) % 1000 / 100);
}

static void attempts_cell(const struct view_row *row, struct cell *ret)
{
	rate_cell(row->attempts_rate, ret);
}

static void failures_cell(const struct view_row *row, struct cell *ret)
{
	rate_cell(row->failures_rate, ret);
}

static void skips_cell(const struct view_row *row, struct cell *ret)
{
	(void)snprintf(ret->text, sizeof(ret->text), "%" PRIu64, row->own->skips);
}

static void usual_cell(const struct view_row *row, struct cell *ret)
{
	const uint32_t usual_ms = row->own->usual_ms;

	if (usual_ms == 0)
		dash(ret);
	else if (usual_ms < 10000)
		(void)snprintf(ret->text, sizeof(ret->text), "%" PRIu32 " ms", usual_ms);
	else
		(void)snprintf(ret->text, sizeof(ret->text), "%s", duration_seconds(usual_ms).text);
}

static void at_once_cell(const struct view_row *row, struct cell *ret)
{
	if (row->own->limits.parallel == 0)
		dash(ret);
	else
		(void)snprintf(ret->text, sizeof(ret->text), "%" PRIu32 "/%" PRIu32,
			       row->own->parallel_used, row->own->limits.parallel);
}

/* Of the two rates, the one that has room later. */
static void room_cell(const struct view_row *row, struct cell *ret)
{
	const struct lull_key_state *const own = row->own;
	const uint64_t room_in_ms = own->rpm_room_in_ms > own->tpm_room_in_ms ? own->rpm_room_in_ms
									      : own->tpm_room_in_ms;

	if (own->limits.rpm == 0 && own->limits.tpm == 0)
		dash(ret);
	else if (room_in_ms == 0)
		(void)strcpy(ret->text, "now");
	else
		(void)snprintf(ret->text, sizeof(ret->text), "%" PRIu64 " s",
			       (room_in_ms + 999) / 1000);
}

static void key_cell(const struct view_row *row, struct cell *ret)
{
	(void)snprintf(ret->text, sizeof(ret->text), "%s",
		       key_text(row->own->kind, row->own->key).text);
}

static const struct column {
	const char *title;
	int width; /* 0: what the others leave */
	int rank;  /* the highest is left out first */
	bool is_number;
	bool is_optional; /* left out where no key has any */
	void (*cell)(const struct view_row *row, struct cell *ret);
} columns[] = {
	/* clang-format off */
	{"STATE",    7,  0, false, false, state_cell},
	{"LEFT",     7,  0, true,  false, left_cell},
	{"CAUSE",    18, 2, false, false, cause_cell},
	{"HTTP",     4,  4, true,  false, http_cell},
	{"STRIKES",  7,  6, true,  false, strikes_cell},
	{"TRIES/S",  7,  1, true,  false, attempts_cell},
	{"FAILS/S",  7,  3, true,  false, failures_cell},
	{"SKIPS",    7,  5, true,  false, skips_cell},
	{"USUAL",    8,  8, true,  true,  usual_cell},
	{"AT ONCE",  7,  7, true,  true,  at_once_cell},
	{"ROOM IN",  7,  9, true,  true,  room_cell},
	{"KEY",      0,  0, false, false, key_cell},
	/* clang-format on */
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* Which are shown; filled anew for each picture. */
static bool column_is_shown[COLUMNS];

static bool has_any(const struct view *view, const struct column *column)
{
	for (size_t i = 0; i < view->count; i++) {
		struct cell cell;

		column->cell(&view->rows[i], &cell);
		if (strcmp(cell.text, "-") != 0)
			return true;
	}
	return false;
}

static void choose_columns(const struct view *view)
{
	int width = KEY_COLUMNS;
	size_t last;

	for (size_t i = 0; i < COLUMNS; i++) {
		column_is_shown[i] = !columns[i].is_optional || has_any(view, &columns[i]);
		if (column_is_shown[i] && columns[i].width > 0)
			width += columns[i].width + 1;
	}
	for (;;) { /* without the one that matters least, until the key has room */
		last = 0;
		for (size_t i = 0; i < COLUMNS; i++)
			if (column_is_shown[i] && columns[i].rank > columns[last].rank)
				last = i;
		if (width <= COLS || columns[last].rank == 0)
			return;
		column_is_shown[last] = false;
		width -= columns[last].width + 1;
	}
}

/* @row: NULL: the titles */
static void put_row(int line, const struct view_row *row, attr_t attributes)
{
	int used = 0;

	(void)move(line, 0);
	(void)attrset((int)attributes);
	for (size_t i = 0; i < COLUMNS && used < COLS; i++) {
		const struct column *const column = &columns[i];
		const int room = COLS - used;
		const int width = column->width == 0 || column->width > room ? room : column->width;
		struct cell cell;

		if (!column_is_shown[i])
			continue;
		if (row == NULL)
			(void)snprintf(cell.text, sizeof(cell.text), "%s", column->title);
		else
			column->cell(row, &cell);
		if (column->is_number)
			put_right(cell.text, width);
		else
			put(cell.text, width);
		used += width;
		if (used < COLS) {
			(void)addch(' ');
			used++;
		}
	}
	(void)attrset(A_NORMAL);
}

static attr_t attributes_of(const struct view_row *row, bool is_selected)
{
	static const enum colour colours[] = {
		[LULL_STATE_COOLING] = COLOUR_YELLOW,
		[LULL_STATE_PROBING] = COLOUR_YELLOW,
		[LULL_STATE_HELD] = COLOUR_RED,
	};
	const uint32_t state = row->deciding.state;
	attr_t attributes = is_selected ? A_REVERSE : A_NORMAL;

	if (state < sizeof(colours) / sizeof(colours[0]) && colours[state] != COLOUR_NONE)
		/* a pair that was not made, without colour, shows as none */
		attributes |= (attr_t)COLOR_PAIR(colours[state]);
	return attributes;
}

/* ------------------------------------------------------------------ the parts of the picture */

static int event_lines(void)
{
	return LINES < EVENTS_LEAST ? 0 : LINES / 4;
}

size_t screen_page(void)
{
	const int lines = LINES - HEAD_LINES - 1 - (event_lines() > 0 ? event_lines() + 1 : 0);

	return lines > 0 ? (size_t)lines : 0;
}

static void draw_head(const struct view *view, const char *problem)
{
	const struct lull_table_info *const table = &view->snapshot.table;
	uint64_t attempts = 0, failures = 0, skips = 0;
	uint32_t routes = 0, shut = 0;
	char line[SCREEN_LINE_BYTES];
	struct cell rates[2];

	for (size_t i = 0; i < view->snapshot.count; i++) {
		const struct view_row *const row = &view->all[i];

		skips += row->own->skips;
		/* a command's attempt stands on its name alone */
		if (row->own->kind != LULL_KIND_ROUTE)
			continue;
		routes++;
		shut += row->deciding.state != LULL_STATE_READY;
		attempts += row->attempts_rate;
		failures += row->failures_rate;
	}
	if (problem != NULL)
		put_line(0, A_BOLD, problem);
	else if (table->shared == 0)
		put_line(0, A_BOLD, "there is no table yet: the first call makes it");
	else {
		(void)snprintf(line, sizeof(line), "lull  %s  %" PRIu32 " of %" PRIu32 " keys",
			       table->path, table->slots_used, table->slot_count);
		put_line(0, A_BOLD, line);
	}
	rate_cell(attempts, &rates[0]);
	rate_cell(failures, &rates[1]);
	(void)snprintf(line, sizeof(line),
		       "%" PRIu32 " of %" PRIu32 " routes shut  %s tries/s  %s failures/s  %" PRIu64
		       " attempts saved  by %s%s%s",
		       shut, routes, rates[0].text, rates[1].text, skips,
		       view_sort_name(view->sort), view->filter[0] != '\0' ? "  only: " : "",
		       view->filter);
	put_line(1, A_NORMAL, line);
	put_row(2, NULL, A_UNDERLINE);
}

static void draw_rows(struct screen *screen, const struct view *view)
{
	const size_t page = screen_page(), selected = view->selected;

	if (screen->first > selected)
		screen->first = selected;
	if (page > 0 && selected >= screen->first + page)
		screen->first = selected - page + 1;
	if (view->count <= page)
		screen->first = 0;
	for (size_t i = 0; i < page && screen->first + i < view->count; i++) {
		const struct view_row *const row = &view->rows[screen->first + i];

		put_row(HEAD_LINES + (int)i, row,
			attributes_of(row, screen->first + i == selected));
	}
	if (view->count == 0 && page > 0)
		put_line(HEAD_LINES, A_NORMAL,
			 view->filter[0] != '\0' ? "no key matches" : "no keys yet");
}

void screen_add_event(struct screen *screen, const struct lull_event *event)
{
	if (screen->event_count == SCREEN_EVENTS) {
		screen->event_count--;
		memmove(&screen->events[0], &screen->events[1],
			screen->event_count * sizeof(screen->events[0]));
	}
	screen->events[screen->event_count++] = *event;
}

static void event_text(const struct lull_event *event, const struct moment *now, char *ret,
		       size_t size)
{
	const struct duration_text at = moment_local(moment_unix_ms(now, event->at_ms), false);
	const char *const cause = output_cause_name(event->cause);
	char length[48] = "", http[24] = "";

	if (event->for_ms != 0)
		(void)snprintf(length, sizeof(length), " for %s",
			       duration_seconds(event->for_ms).text);
	if (event->http_status != 0)
		(void)snprintf(http, sizeof(http), " (HTTP %" PRIu32 ")", event->http_status);
	/* the time of day; the date is in `lull events` */
	(void)snprintf(ret, size, "%s  %-15s%s%s%s%s by %" PRIu32 "  %s",
		       at.text[0] != '\0' ? at.text + 11 : "", output_event_name(event->type),
		       length, cause != NULL ? " " : "", cause != NULL ? cause : "", http,
		       event->pid, key_text(event->kind, event->key).text);
}

static void draw_events(const struct screen *screen)
{
	const struct moment now = moment_now();
	const size_t lines = (size_t)event_lines();
	const int head = LINES - 2 - (int)lines;
	size_t first = screen->event_count > lines ? screen->event_count - lines : 0;

	if (lines == 0)
		return;
	put_line(head, A_UNDERLINE, "LAST EVENTS");
	for (int line = head + 1; first < screen->event_count; first++, line++) {
		char text[SCREEN_LINE_BYTES];

		event_text(&screen->events[first], &now, text, sizeof(text));
		put_line(line, A_NORMAL, text);
	}
}

static const char *const help_lines[] = {
	"up, down, j, k      choose a key; also PgUp, PgDn, Home, End",
	"h                   hold it: shut until it is cleared",
	"c                   cool it: shut for a while",
	"x                   clear it, and what keeps it shut; asks before",
	"s                   sort by state, key, time left, attempts, failures",
	"/                   show only keys with that in their name, state or cause",
	"a                   show credentials and endpoints too that are not shut",
	"?                   this text",
	"q                   quit",
	"",
	"TRIES/S, FAILS/S    attempts and failures a second over the last 10 s, of all processes",
	"SKIPS               attempts not made because the key was shut",
	"USUAL               mean time to 2xx headers",
	"AT ONCE, ROOM IN    requests under way of a limit; when there is room within a rate",
	"CAUSE               in brackets: what keeps a route shut that is well itself",
};

static void draw_help(void)
{
	for (size_t i = 0; i < sizeof(help_lines) / sizeof(help_lines[0]); i++)
		put_line(HEAD_LINES + (int)i, A_NORMAL, help_lines[i]);
}

static void draw_foot(const struct screen *screen)
{
	char line[SCREEN_LINE_BYTES];

	if (screen->question != NULL)
		(void)snprintf(line, sizeof(line), "%s%s_", screen->question, screen->answer);
	else if (screen->status[0] != '\0')
		(void)snprintf(line, sizeof(line), "%s", screen->status);
	else
		(void)snprintf(line, sizeof(line), "%s",
			       screen->help ? "any key goes back"
					    : "h hold  c cool  x clear  s sort  / filter  a all  "
					      "? help  q quit");
	put_line(LINES - 1, A_BOLD, line);
}

void screen_draw(struct screen *screen, struct view *view, const char *problem)
{
	(void)erase();
	choose_columns(view);
	draw_head(view, problem);
	if (screen->help) {
		draw_help();
	} else {
		draw_rows(screen, view);
		draw_events(screen);
	}
	draw_foot(screen);
	(void)refresh();
}
