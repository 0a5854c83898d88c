/* SPDX-License-Identifier: MIT */
/*
 * lull-top: the table on a terminal, and the keys to change it. `lull top` becomes this program, so
 * that no other verb pays for ncurses.
 *
 * It is asleep but for one look a second, since counters wake nobody; a picture that would be the same
 * is not drawn. It needs nothing but the table.
 */
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curses.h>

#include <lull/lull.h>

#include "configuration.h"
#include "duration.h"
#include "exits.h"
#include "follow.h"
#include "keys.h"
#include "options.h"
#include "out.h"
#include "output.h"
#include "say.h"
#include "screen.h"
#include "shared.h"

#define TICK_MS      1000
#define COOL_DEFAULT "10m"
#define ANSWER_BYTES VIEW_FILTER_BYTES

static const struct verb verb_top;

struct top;
typedef void (*answered_fn)(struct top *top);

struct top {
	struct lull_table *table;
	struct follower follower;
	struct view view;
	struct screen screen;
	char question[SCREEN_LINE_BYTES];
	char answer[ANSWER_BYTES];
	answered_fn answered; /* NULL: nothing is asked */
	struct lull_key_state asked_about;
	bool over;
	bool is_still; /* what was drawn last needs no further drawing */
};

static volatile sig_atomic_t ended_by;

static void on_signal(int number)
{
	ended_by = number;
}

/* ------------------------------------------------------------------ changing keys */

static void tell(struct top *top, const char *what, uint32_t kind, const char *key, int error)
{
	const struct key_text text = key_text(kind, key);

	if (error == 0)
		(void)snprintf(top->screen.status, sizeof(top->screen.status), "%s %s", what,
			       text.text);
	else if (error == -EBUSY)
		(void)snprintf(top->screen.status, sizeof(top->screen.status),
			       "%s is held: clear it first", text.text);
	else
		(void)snprintf(top->screen.status, sizeof(top->screen.status),
			       "unable to change %s: %s", text.text, strerror(-error));
}

static void cool(struct top *top)
{
	const struct lull_key_state *const key = &top->asked_about;
	uint64_t for_ms;

	if (duration_parse_ms(top->answer, &for_ms) < 0 || for_ms == 0 ||
	    for_ms > LULL_COOL_FOR_MS_MAX) {
		(void)snprintf(top->screen.status, sizeof(top->screen.status),
			       "'%s' is no length of a cooldown: expected 1ms to 23h, such as 45s, "
			       "10m or 1h",
			       top->answer);
		return;
	}
	tell(top, "cooled", key->kind, key->key,
	     lull_key_cool(top->table, key->kind, key->key, for_ms, lull_clock_ms()));
}

static void clear_key(struct top *top)
{
	const struct lull_key_state *const key = &top->asked_about;
	const int error = key_clear_with_links(top->table, key, lull_clock_ms());

	tell(top, "cleared", key->kind, key->key, error < 0 ? error : 0);
}

static void confirm_clear(struct top *top)
{
	if (strcmp(top->answer, "y") == 0 || strcmp(top->answer, "yes") == 0)
		clear_key(top);
}

static void set_filter(struct top *top)
{
	(void)snprintf(top->view.filter, sizeof(top->view.filter), "%s", top->answer);
	view_arrange(&top->view);
}

/* ------------------------------------------------------------------ one line of typing */

static void ask(struct top *top, answered_fn answered, const char *suggestion)
{
	top->answered = answered;
	(void)snprintf(top->answer, sizeof(top->answer), "%s", suggestion);
	top->screen.question = top->question;
	top->screen.answer = top->answer;
}

static void end_question(struct top *top)
{
	top->answered = NULL;
	top->screen.question = NULL;
}

/* Without the last character, of however many bytes. */
static void drop_character(char *text)
{
	size_t length = strlen(text);

	while (length > 0 && ((unsigned char)text[--length] & 0xc0) == 0x80)
		;
	text[length] = '\0';
}

static void on_answer_key(struct top *top, int key)
{
	const size_t length = strlen(top->answer);
	const answered_fn answered = top->answered;

	if (key == '\n' || key == '\r' || key == KEY_ENTER) {
		end_question(top);
		answered(top);
	} else if (key == 27) {
		end_question(top);
	} else if (key == KEY_BACKSPACE || key == 127 || key == '\b') {
		drop_character(top->answer);
	} else if (key == 21) { /* Ctrl-U, as in a shell */
		top->answer[0] = '\0';
	} else if (key >= ' ' && key <= 0xff && length + 1 < sizeof(top->answer)) {
		top->answer[length] = (char)key;
		top->answer[length + 1] = '\0';
	}
}

/* ------------------------------------------------------------------ keys */

/* The key of the selected row, or a word why there is none that could be changed. */
static const struct lull_key_state *selected(struct top *top)
{
	const struct view *const view = &top->view;

	if (view->count > 0 && view->snapshot.table.shared != 0)
		return view->rows[view->selected].own;
	(void)snprintf(top->screen.status, sizeof(top->screen.status), "there is no key to change");
	return NULL;
}

static void key_hold(struct top *top)
{
	const struct lull_key_state *const key = selected(top);

	if (key != NULL)
		tell(top, "held", key->kind, key->key,
		     lull_key_hold(top->table, key->kind, key->key, lull_clock_ms()));
}

static void key_cool(struct top *top)
{
	const struct lull_key_state *const key = selected(top);

	if (key == NULL)
		return;
	top->asked_about = *key;
	(void)snprintf(top->question, sizeof(top->question),
		       "cool %s for: ", key_text(key->kind, key->key).text);
	ask(top, cool, COOL_DEFAULT);
}

static void key_clear(struct top *top)
{
	const struct lull_key_state *const key = selected(top);
	const struct lull_key_state *deciding;

	if (key == NULL)
		return;
	top->asked_about = *key;
	deciding = &top->view.rows[top->view.selected].deciding;
	(void)snprintf(
		top->question, sizeof(top->question), "clear %s%s%s (y/n)? ",
		key_text(key->kind, key->key).text, deciding->kind != key->kind ? " and " : "",
		deciding->kind != key->kind ? key_text(deciding->kind, deciding->key).text : "");
	ask(top, confirm_clear, "");
}

static void key_sort(struct top *top)
{
	top->view.sort = (enum view_sort)((top->view.sort + 1) % VIEW_SORTS);
	view_arrange(&top->view);
}

static void key_filter(struct top *top)
{
	(void)snprintf(top->question, sizeof(top->question), "only keys with: ");
	ask(top, set_filter, top->view.filter);
}

static void key_all(struct top *top)
{
	top->view.all_kinds = !top->view.all_kinds;
	view_arrange(&top->view);
}

static void key_help(struct top *top)
{
	top->screen.help = true;
}

static void key_quit(struct top *top)
{
	top->over = true;
}

static void move_by(struct top *top, long rows)
{
	const long at = (long)top->view.selected + rows;

	view_select(&top->view, at < 0 ? 0 : (size_t)at);
}

static void key_up(struct top *top)
{
	move_by(top, -1);
}

static void key_down(struct top *top)
{
	move_by(top, 1);
}

static void key_page_up(struct top *top)
{
	move_by(top, -(long)screen_page());
}

static void key_page_down(struct top *top)
{
	move_by(top, (long)screen_page());
}

static void key_home(struct top *top)
{
	view_select(&top->view, 0);
}

static void key_end(struct top *top)
{
	view_select(&top->view, SIZE_MAX);
}

static const struct {
	int key;
	void (*pressed)(struct top *top);
} keys[] = {
	{'h', key_hold},
	{'c', key_cool},
	{'x', key_clear},
	{'s', key_sort},
	{'/', key_filter},
	{'a', key_all},
	{'?', key_help},
	{KEY_F(1), key_help},
	{'q', key_quit},
	{KEY_UP, key_up},
	{'k', key_up},
	{KEY_DOWN, key_down},
	{'j', key_down},
	{KEY_PPAGE, key_page_up},
	{KEY_NPAGE, key_page_down},
	{KEY_HOME, key_home},
	{'g', key_home},
	{KEY_END, key_end},
	{'G', key_end},
};

static void on_key(struct top *top, int key)
{
	top->screen.status[0] = '\0';
	if (key == KEY_RESIZE)
		return;
	if (top->answered != NULL) {
		on_answer_key(top, key);
		return;
	}
	if (top->screen.help) {
		top->screen.help = false;
		return;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].key == key)
			keys[i].pressed(top);
}

/* ------------------------------------------------------------------ the loop */

/* True: there was some. */
static bool read_events(struct top *top)
{
	struct news news;
	bool any = false;

	while (follower_read(&top->follower, &news) == 0) {
		any = true;
		if (news.type == NEWS_EVENT)
			screen_add_event(&top->screen, &news.event);
		else if (news.type == NEWS_REPLACED)
			(void)snprintf(top->screen.status, sizeof(top->screen.status),
				       news.is_there ? "the table was replaced"
						     : "the table was deleted");
	}
	return any;
}

static void look(struct top *top)
{
	const bool has_events = read_events(top);
	const bool was_still = top->is_still;

	if (view_sample(&top->view, top->table) < 0)
		(void)snprintf(top->screen.status, sizeof(top->screen.status), "out of memory");
	/* once more when it has come to rest: what was running is still on the screen */
	top->is_still = view_is_as_before(&top->view) && !has_events;
	if (!top->is_still || !was_still)
		screen_draw(&top->screen, &top->view, lull_table_problem(top->table));
}

/* False: the terminal is gone. */
static bool read_keys(struct top *top)
{
	bool any = false;
	int key;

	while ((key = getch()) != ERR) {
		any = true;
		on_key(top, key);
	}
	if (any)
		screen_draw(&top->screen, &top->view, lull_table_problem(top->table));
	return any;
}

static void run_loop(struct top *top)
{
	uint64_t tick_at_ms = lull_clock_ms();

	while (!top->over && ended_by == 0) {
		const uint64_t now_ms = lull_clock_ms();
		struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
		int ready;

		if (now_ms >= tick_at_ms) {
			look(top);
			tick_at_ms = now_ms + TICK_MS;
		}
		ready = poll(&input, 1,
			     (int)(tick_at_ms - now_ms > TICK_MS ? 0 : tick_at_ms - now_ms));
		/* a resize comes as a signal, and then as a key */
		if (ready != 0 && !read_keys(top) && ready > 0 &&
		    (input.revents & (POLLHUP | POLLERR)) != 0)
			ended_by = SIGHUP;
	}
}

static void catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	const struct sigaction action = {.sa_handler = on_signal};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)sigaction(numbers[i], &action, NULL);
}

/* The events of before, so that the first picture shows what led to it. */
static void begin_events(struct top *top)
{
	follower_init(&top->follower, top->table);
	top->follower.number -=
		top->follower.number < SCREEN_EVENTS ? top->follower.number : SCREEN_EVENTS;
}

static int show(struct top *top)
{
	const char *const type = getenv("TERM");

	(void)setlocale(LC_CTYPE, "");
	if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) {
		say("'lull top' needs a terminal; 'lull status' prints the same once");
		return EXIT_USAGE;
	}
	if (screen_open() < 0) {
		say("the terminal type '%s' is not known here", type != NULL ? type : "");
		return EXIT_USAGE;
	}
	catch_signals(); /* after ncurses, which has its own */
	begin_events(top);
	run_loop(top);
	screen_close();
	return EXIT_DONE;
}

static int run_top(const struct invocation *invocation)
{
	struct top *const top = calloc(1, sizeof(*top));
	int status;

	if (top == NULL) {
		say("out of memory");
		return EXIT_BUG;
	}
	status = shared_open_silently(invocation, LULL_TABLE_NO_CREATE, &top->table);
	if (status == 0)
		status = show(top);
	view_deinit(&top->view);
	lull_table_close(top->table);
	free(top);
	if (ended_by != 0) { /* as any program, now that the terminal is as it was */
		(void)signal(ended_by, SIG_DFL);
		(void)raise(ended_by);
	}
	return status;
}

static const struct verb verb_top = {
	.name = "top",
	.summary = "watch and change the table on a terminal",
	.details =
		"Shows every route with its state, the time that is left and why, how often it is\n"
		"tried and fails, and the last events. Keys hold, cool and clear the selected\n"
		"one; '?' says which. Needs no daemon: only the table.\n",
	.examples = "  lull top\n"
		    "      on any terminal, at least 40 columns wide\n"
		    "  NO_COLOR=1 lull top\n"
		    "      without colours\n",
	.run = run_top,
};

int main(int argc, char **argv)
{
	struct configuration configuration;
	struct invocation invocation;
	int status = EXIT_DONE, error;

	if (argc > 1 && strcmp(argv[1], verb_top.name) == 0) { /* `lull top …` */
		argc--;
		argv++;
	}
	(void)lull_table_guard();
	if (options_parse(&verb_top, argc, argv, &invocation) < 0)
		return options_usage_error(&verb_top);
	if (invocation.set.help) {
		options_help(&verb_top);
	} else if (invocation.set.version) {
		out("lull %s\n", lull_version());
	} else {
		configuration_settle_table(&invocation.set, &configuration);
		status = run_top(&invocation);
	}
	error = out_finish();
	if (error < 0) {
		say("unable to write to stdout: %s", strerror(-error));
		return EXIT_OUTPUT;
	}
	return status;
}
