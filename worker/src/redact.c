/* SPDX-License-Identifier: MIT */
/*
 * Hiding the caller's own words: see redact.h. Only a failure comes here, so the request may be
 * parsed anew.
 */
#include "redact.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "json_build.h"
#include "mask.h"
#include "squeeze.h"
#include "text.h"
#include "wire.h"

#define TEXT_BYTES_MAX   256u
#define RUN_BYTES_MIN    14u /* shorter runs of any long prompt stand in any sentence by chance */
#define CUT_BYTES_MIN    4u  /* of a run that is cut off with the text ... */
#define BROKEN_BYTES_MIN 8u  /* ... or next to what mask.h has hidden */
#define SHORT_BYTES_MIN  4u  /* of a whole string */
#define WORD_BYTES_MIN   6u  /* words are hidden from here on if they look like an identifier */
#define QUOTED_BYTES_MIN 3u
#define UTF8_BYTES_MAX   4u
#define CAPITALS         "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* What is to be cleaned, as it stands and squeezed (squeeze.h). */
struct text {
	const char *raw;
	size_t raw_size;
	bool is_cut; /* there was more */
	size_t size;
	char bytes[TEXT_BYTES_MAX];
	struct squeeze_place places[TEXT_BYTES_MAX];
};

/* members of a message that hold what the caller wrote */
static const char *const members[] = {"content", "text", "arguments", "refusal"};

/* and of a request that has no messages: of text completions, of embeddings */
static const char *const texts[] = {"prompt", "suffix", "input"};

static void collect(struct json_object *value, struct buffer *words);

/* Squeezed, with a NUL. */
static void add_words(struct buffer *words, const char *said, size_t size)
{
	char *squeezed = malloc(size + 1);
	size_t used;

	if (!squeezed)
		return;
	used = squeeze(said, size, squeezed, NULL);
	squeezed[used] = '\0';
	if (used > 0)
		(void)buffer_add(words, squeezed, used + 1);
	free(squeezed);
}

/* A line of several words may be said again without the others. */
static void add_lines(struct buffer *words, const char *said)
{
	while (*said) {
		const size_t size = strcspn(said, "\r\n");

		if (memchr(said, ' ', size))
			add_words(words, said, size);
		said += size;
		said += strspn(said, "\r\n");
	}
}

static void add_string(struct buffer *words, struct json_object *string)
{
	const char *said = json_object_get_string(string);

	add_words(words, said, (size_t)json_object_get_string_len(string));
	if (strpbrk(said, "\r\n"))
		add_lines(words, said);
}

static void collect_member(struct json_object *value, const char *name, struct buffer *words)
{
	if (!json_object_is_type(value, json_type_string)) {
		collect(value, words);
		return;
	}
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (strcmp(members[i], name) == 0)
			add_string(words, value);
}

/* The strings of these members, however deep. */
static void collect(struct json_object *value, struct buffer *words)
{
	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, name, member) collect_member(member, name, words);
	}
	for (size_t i = 0; i < json_length(value); i++)
		collect(json_object_array_get_idx(value, i), words);
}

/* A text, or a list of them. */
static void collect_texts(struct json_object *value, struct buffer *words)
{
	if (json_object_is_type(value, json_type_string))
		add_string(words, value);
	for (size_t i = 0; i < json_length(value); i++)
		collect_texts(json_object_array_get_idx(value, i), words);
}

/* ---- what is said again: how many of its bytes from `at` on, squeezed; 0: none */

static bool continues_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static bool is_ascii(char c)
{
	return (unsigned char)c < 0x80;
}

/* A letter of no alphabet begins a word each. */
static bool begins_word(const struct text *text, size_t at)
{
	return at == 0 || text->places[at - 1].end < text->places[at].begin ||
	       !is_ascii(text->bytes[at]) || !is_ascii(text->bytes[at - 1]);
}

static bool is_said(const struct text *text, size_t at, size_t size, const struct buffer *words)
{
	return memmem(words->bytes, words->size, text->bytes + at, size) != NULL;
}

/* Whoever has said a run, has said each part of it. */
static size_t longest_run(const struct text *text, size_t at, size_t size_min,
			  const struct buffer *words)
{
	size_t low = size_min, high = text->size - at;

	if (high < low || !is_said(text, at, low, words))
		return 0;
	while (low < high) {
		const size_t middle = (low + high + 1) / 2;

		if (is_said(text, at, middle, words))
			low = middle;
		else
			high = middle - 1;
	}
	while (low > 0 && at + low < text->size && continues_character(text->bytes[at + low]))
		low--;
	return low;
}

static bool is_letter(char c)
{
	return !is_ascii(c) || text_is_alnum(c);
}

static bool ends_in(const char *text, size_t size, const char *end)
{
	size_t end_size = strlen(end);

	return size >= end_size && memcmp(text + size - end_size, end, end_size) == 0;
}

/* Bytes of those from `at` on that stand before there. */
static size_t size_until(const struct text *text, size_t at, size_t raw_end)
{
	size_t size = 0;

	while (at + size < text->size && text->places[at + size].end <= raw_end)
		size++;
	return size;
}

static bool follows_hidden(const struct text *text, size_t at)
{
	size_t before = text->places[at].begin;

	while (before > 0 && !is_letter(text->raw[before - 1]) &&
	       !ends_in(text->raw, before, MASK_HIDDEN))
		before--;
	return ends_in(text->raw, before, MASK_HIDDEN);
}

/* What a run is left of that was cut off with the text, or that mask.h has hidden a part of. */
static size_t broken_size(const struct text *text, size_t at, const struct buffer *words)
{
	const char *hidden = strstr(text->raw + text->places[at].begin, MASK_HIDDEN);
	size_t size = hidden ? size_until(text, at, (size_t)(hidden - text->raw)) : text->size - at;

	if (!begins_word(text, at))
		return 0;
	if ((hidden || text->is_cut) && size >= (hidden ? BROKEN_BYTES_MIN : CUT_BYTES_MIN) &&
	    is_said(text, at, size, words))
		return size;
	return follows_hidden(text, at) ? longest_run(text, at, BROKEN_BYTES_MIN, words) : 0;
}

static size_t run_size(const struct text *text, size_t at, const struct buffer *words)
{
	const size_t size = longest_run(text, at, RUN_BYTES_MIN, words);

	return size > 0 ? size : broken_size(text, at, words);
}

/* A string that is too short for a run, or a line. */
static size_t short_size(const struct text *text, size_t at, const struct buffer *words)
{
	const char *end = words->bytes + words->size;
	size_t size;

	if (!begins_word(text, at))
		return 0;
	for (const char *string = words->bytes; string < end; string += size + 1) {
		size = strlen(string);
		if (size >= SHORT_BYTES_MIN && size <= text->size - at &&
		    memcmp(text->bytes + at, string, size) == 0)
			return size;
	}
	return 0;
}

static bool separates_words(char c)
{
	return c == '\0' || strchr(" \t\n\"'`()[]{},;:!?", c) != NULL;
}

/* A word that names something, rather than one of the language: a capital, or what is no letter,
 * stands behind its first byte. */
static size_t identifier_size(const struct text *text, size_t at, const struct buffer *words)
{
	const size_t begin = text->places[at].begin;
	bool names = false;
	size_t end, size;

	if (begin > 0 && !separates_words(text->raw[begin - 1]))
		return 0;
	for (end = begin; !separates_words(text->raw[end]); end++)
		names = names || (end > begin && strchr(CAPITALS "0123456789-_@", text->raw[end]));
	size = size_until(text, at, end);
	return names && end - begin >= WORD_BYTES_MIN && is_said(text, at, size, words) ? size : 0;
}

/* What a quotation begins with, and what it ends with; more than one may end what „ begins. */
static const struct quotes {
	const char *open;
	const char *close;
} quotes[] = {
	{"\\\"", "\\\""}, {"&quot;", "&quot;"}, {"&#39;", "&#39;"}, {"'", "'"},
	{"\"", "\""},     {"`", "`"},           {"“", "”"},         {"‘", "’"},
	{"„", "“"},       {"„", "”"},           {"‚", "‘"},         {"«", "»"},
	{"»", "«"},       {"‹", "›"},           {"「", "」"},       {"『", "』"},
};

/* Does such a mark stand between the letter before and this one? */
static bool is_opened(const struct text *text, size_t at, const char *open)
{
	const size_t from = at > 0 ? text->places[at - 1].end : 0;

	for (size_t end = text->places[at].begin; end >= from; end--) {
		if (ends_in(text->raw, end, open))
			return true;
		if (end == 0)
			break;
	}
	return false;
}

/* What the provider puts in quotes, it has from somewhere; one without an end was cut. */
static size_t quoted_size(const struct text *text, size_t at, const struct buffer *words)
{
	const char *raw = text->raw + text->places[at].begin;

	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
		const char *close;
		size_t size;

		if (!is_opened(text, at, quotes[i].open))
			continue;
		close = strstr(raw, quotes[i].close);
		size = size_until(text, at, close ? (size_t)(close - text->raw) : text->raw_size);
		if (size >= QUOTED_BYTES_MIN && is_said(text, at, size, words))
			return size;
	}
	return 0;
}

static size_t said_size(const struct text *text, size_t at, const struct buffer *words)
{
	static size_t (*const ways[])(const struct text *text, size_t at,
				      const struct buffer *words) = {run_size, short_size,
								     quoted_size, identifier_size};
	size_t size = 0;

	for (size_t i = 0; size == 0 && i < sizeof(ways) / sizeof(ways[0]); i++)
		size = ways[i](text, at, words);
	return size;
}

/* ---- the whole text */

static void hide(char *raw, size_t raw_room, const struct buffer *words)
{
	char out[TEXT_BYTES_MAX];
	const size_t room = raw_room < sizeof(out) ? raw_room - 1 : sizeof(out) - 1;
	struct text text = {.raw = raw, .raw_size = strnlen(raw, sizeof(out) - 1)};
	size_t used = 0, at = 0;

	text.is_cut = text.raw_size + UTF8_BYTES_MAX >= raw_room;
	text.size = squeeze(raw, text.raw_size, text.bytes, text.places);
	for (size_t from = 0, to; from < text.raw_size; from = to) {
		const bool is_letter = at < text.size && text.places[at].begin == from;
		const size_t size = is_letter ? said_size(&text, at, words) : 0;
		const char *piece = size ? MASK_HIDDEN : raw + from;
		const size_t piece_size = size ? strlen(MASK_HIDDEN) : 1;

		if (used + piece_size > room)
			break;
		memcpy(out + used, piece, piece_size);
		used += piece_size;
		to = size ? text.places[at + size - 1].end : from + 1;
		while (at < text.size && text.places[at].begin < to)
			at++;
	}
	memcpy(raw, out, used);
	raw[used] = '\0';
}

void redact(char *text, size_t text_size, const char *request, size_t request_bytes)
{
	char error[128];
	struct json_object *object, *said = NULL;
	struct buffer words;

	if (text[0] == '\0')
		return;
	buffer_init(&words, 2 * request_bytes + 1);
	object = json_read(request, request_bytes, error);
	if (json_object_object_get_ex(object, "messages", &said))
		collect(said, &words);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (json_object_object_get_ex(object, texts[i], &said))
			collect_texts(said, &words);
	if (words.size > 0)
		hide(text, text_size, &words);
	buffer_deinit(&words);
	json_object_put(object);
}
