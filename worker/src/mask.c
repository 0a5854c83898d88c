/* SPDX-License-Identifier: MIT */
/*
 * Providers quote in their messages what they were sent: keys ("Incorrect API key provided:
 * sk-..."), and pieces of prompts ("Invalid value: got 'please explain ...'"). The trail is shown,
 * logged and pasted into bug reports, so both are hidden here, in the one place where a message
 * becomes a line:
 *
 *   - the route's own key, wherever it stands, in capitals or not, and any long piece of it;
 *   - words that look like a key: a vendor's prefix, or a long run of letters and digits;
 *   - whatever is quoted and holds a blank: names of parameters and models do not, prose does.
 *
 * Control characters become blanks: a message cannot move the cursor of a terminal.
 */
#include "mask.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "text.h"

#define CUT              "\u2026"
#define SECRET_BYTES_MIN 6     /* shorter "keys" of local servers are words like "none" */
#define SECRET_BYTES_MAX 65536 /* more is no key */
#define PIECE_BYTES_MIN  8     /* of a key: what is shorter is a word, or the four last letters */
#define PREFIX_BYTES_MIN 4     /* what has to follow a vendor's prefix */
#define LOOKED_AT_MAX    4096  /* of a message: only blanks and what is hidden make lines longer */
#define QUOTED_BYTES_MAX 65536 /* looked through for the closing quote */
#define RUN_BYTES_MIN    24    /* keys are longer, parts of model names are not */

/* how vendors' keys begin */
static const char *const prefixes[] = {
	"sk-", "sk_", "gsk_", "xai-", "csk-", "pplx-", "nvapi-",
	"hf_", "fw_", "r8_",  "tgp_", "AIza", "AKIA",
};

struct line {
	char *out;
	size_t size; /* of out, without the NUL */
	size_t used;
	bool full;
};

static void put(struct line *line, const char *bytes, size_t size)
{
	if (line->full || size > line->size - line->used) {
		line->full = true;
		return;
	}
	memcpy(line->out + line->used, bytes, size);
	line->used += size;
}

static bool is_key_char(char c)
{
	return text_is_alnum(c) || c == '_' || c == '-' || c == '*';
}

static size_t word_size(const char *text)
{
	size_t size = 0;

	while (is_key_char(text[size]))
		size++;
	return size;
}

static bool has_prefix(const char *word, size_t size)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t prefix_size = strlen(prefixes[i]);

		if (size >= prefix_size + PREFIX_BYTES_MIN &&
		    memcmp(word, prefixes[i], prefix_size) == 0)
			return true;
	}
	return false;
}

/* letters and digits, mixed, without a dash for long */
static bool has_long_run(const char *word, size_t size)
{
	size_t run = 0, digits = 0;

	for (size_t i = 0; i < size; i++) {
		if (word[i] == '-') {
			run = digits = 0;
			continue;
		}
		run++;
		digits += word[i] >= '0' && word[i] <= '9';
		if (run >= RUN_BYTES_MIN && digits > 0 && digits < run)
			return true;
	}
	return false;
}

struct reader {
	const char *at;
	char before;         /* the character before `at` */
	const char *closing; /* the quote that ends a span which was looked at */
	const char *secret;
	size_t secret_size;
};

/*
 * Size of the quoted span that begins here if it has to be hidden, else 0. An apostrophe stands
 * between letters and neither opens nor closes. What nothing closes is hidden to its end.
 */
static size_t hidden_quote_size(struct reader *reader)
{
	const char *text = reader->at;
	bool has_blank = false;
	size_t size = 1;

	if ((*text != '\'' && *text != '"' && *text != '`') || text_is_alnum(reader->before) ||
	    text == reader->closing)
		return 0;
	for (; size < QUOTED_BYTES_MAX && text[size] != '\0'; size++) {
		if (text[size] == *text && !text_is_alnum(text[size + 1])) {
			reader->closing = text + size;
			return has_blank ? size + 1 : 0;
		}
		has_blank = has_blank || text[size] == ' ' || text[size] == '\n';
	}
	return has_blank ? strlen(text) : 0;
}

/*
 * Size of the piece of the route's key that begins here: all of a short one, a few characters of a
 * long one ("...ends in 3f9c0b7d21"). 0 if it is none.
 */
static size_t secret_piece_size(const struct reader *reader)
{
	const size_t size_min =
		reader->secret_size < PIECE_BYTES_MIN ? reader->secret_size : PIECE_BYTES_MIN;
	size_t longest = 0;

	if (reader->secret_size < SECRET_BYTES_MIN || reader->secret_size > SECRET_BYTES_MAX)
		return 0;
	for (const char *from = reader->secret; *from; from++) {
		size_t size = 0;

		while (from[size] && tolower((unsigned char)from[size]) ==
					     tolower((unsigned char)reader->at[size]))
			size++;
		longest = size > longest ? size : longest;
	}
	return longest >= size_min ? longest : 0;
}

/* Size of what has to be hidden from here on, 0 if nothing has. */
static size_t hidden_size(struct reader *reader)
{
	const char *at = reader->at;
	size_t size;

	size = secret_piece_size(reader);
	if (size > 0)
		return size;
	size = hidden_quote_size(reader);
	if (size > 0 || is_key_char(reader->before))
		return size;
	size = word_size(at);
	return has_prefix(at, size) || has_long_run(at, size) ? size : 0;
}

/* bytes of the character at `at`; the text is UTF-8, and where it is not, nothing breaks */
static size_t character_size(const char *at)
{
	size_t size = 1;

	while (size < 4 && ((unsigned char)at[size] & 0xc0) == 0x80)
		size++;
	return size;
}

/* Also what turns the direction of writing: a line must not read otherwise than it is. */
static bool is_control(const char *at)
{
	static const char *const marks[] = {"\u061c", "\u200e", "\u200f", "\u202a",
					    "\u202b", "\u202c", "\u202d", "\u202e",
					    "\u2066", "\u2067", "\u2068", "\u2069"};
	unsigned char first = (unsigned char)at[0];

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strncmp(at, marks[i], strlen(marks[i])) == 0)
			return true;
	return first < 0x20 || first == 0x7f || (first == 0xc2 && (unsigned char)at[1] < 0xa0);
}

/* one character; blanks and control characters become one blank */
static size_t put_character(struct line *line, const char *at)
{
	size_t size = character_size(at);

	if (!is_control(at) && *at != ' ')
		put(line, at, size);
	else if (line->used > 0 && line->out[line->used - 1] != ' ')
		put(line, " ", 1);
	return size;
}

void mask_write(char *out, size_t size, const char *message, const char *secret)
{
	const char *end = message + strnlen(message, LOOKED_AT_MAX);
	struct line line = {.out = out, .size = size - 1 - strlen(CUT)};
	struct reader reader = {
		.at = message,
		.before = ' ',
		.secret = secret,
		.secret_size = secret ? strlen(secret) : 0,
	};
	size_t used;

	while (reader.at < end && !line.full) {
		used = hidden_size(&reader);
		if (used > 0)
			put(&line, MASK_HIDDEN, strlen(MASK_HIDDEN));
		else
			used = put_character(&line, reader.at);
		reader.at += used;
		reader.before = reader.at[-1];
	}
	line.full = line.full || *reader.at != '\0';
	while (line.used > 0 && out[line.used - 1] == ' ')
		line.used--;
	if (line.full) {
		memcpy(out + line.used, CUT, strlen(CUT));
		line.used += strlen(CUT);
	}
	out[line.used] = '\0';
}
