/* SPDX-License-Identifier: MIT */
/*
 * Hiding the caller's own words: see redact.h. Only a failure comes here, so the request may be
 * parsed anew.
 */
#include "redact.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define HIDDEN           "[hidden]"
#define TEXT_BYTES_MAX   256u
#define RUN_BYTES_MIN    16u /* shorter runs of any long prompt stand in any sentence by chance */
#define WORD_BYTES_MIN   6u  /* words are hidden from here on if they look like an identifier */
#define QUOTED_BYTES_MIN 3u
#define CAPITALS         "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* members of a message that hold what the caller wrote */
static const char *const members[] = {"content", "text", "arguments", "refusal"};

/* and of a request that has no messages: of text completions, of embeddings */
static const char *const texts[] = {"prompt", "suffix", "input"};

static void collect(struct json_object *value, struct buffer *words);

static void collect_member(struct json_object *value, const char *name, struct buffer *words)
{
	if (!json_object_is_type(value, json_type_string)) {
		collect(value, words);
		return;
	}
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (strcmp(members[i], name) == 0)
			(void)buffer_add(words, json_object_get_string(value),
					 (size_t)json_object_get_string_len(value) + 1);
	}
}

/* The strings of these members, however deep, each with its NUL. */
static void collect(struct json_object *value, struct buffer *words)
{
	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, name, member) collect_member(member, name, words);
	} else if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++)
			collect(json_object_array_get_idx(value, i), words);
	}
}

/* A text, or a list of them. */
static void collect_texts(struct json_object *value, struct buffer *words)
{
	if (json_object_is_type(value, json_type_string))
		collect_member(value, members[0], words);
	for (size_t i = 0;
	     json_object_is_type(value, json_type_array) && i < json_object_array_length(value);
	     i++)
		collect_texts(json_object_array_get_idx(value, i), words);
}

static bool continues_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t common_size(const char *a, const char *b)
{
	size_t size = 0;

	while (a[size] != '\0' && a[size] == b[size])
		size++;
	while (size > 0 && continues_character(a[size]))
		size--;
	return size;
}

/* Size of the longest run, from `at` on, that stands in one of the strings. */
static size_t run_size(const char *at, size_t size_min, const struct buffer *words)
{
	const char *end = words->bytes + words->size;
	const char *from = words->bytes;
	size_t longest = 0;

	while ((from = memmem(from, (size_t)(end - from), at, size_min)) != NULL) {
		size_t size = common_size(at, from);

		longest = size > longest ? size : longest;
		from++;
	}
	return longest;
}

/* Is a whole string, too short for a run, said again here? */
static size_t short_string_size(const char *at, const struct buffer *words)
{
	const char *end = words->bytes + words->size;

	for (const char *string = words->bytes; string < end; string += strlen(string) + 1) {
		size_t size = strlen(string);

		if (size >= 4 && size < RUN_BYTES_MIN && strncmp(at, string, size) == 0)
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
static size_t identifier_size(const char *at, char before)
{
	bool names = false;
	size_t size = 0;

	if (!separates_words(before))
		return 0;
	for (; !separates_words(at[size]); size++)
		names = names || (size > 0 && strchr(CAPITALS "0123456789-_@", at[size]));
	return names && size >= WORD_BYTES_MIN ? size : 0;
}

static bool stands_in(const struct buffer *words, const char *at, size_t size)
{
	return memmem(words->bytes, words->size, at, size) != NULL;
}

/* What a quotation begins with, and what it ends with; more than one may end what „ begins. */
static const struct {
	const char *open;
	const char *close;
} quotes[] = {
	{"\\\"", "\\\""}, {"&quot;", "&quot;"}, {"&#39;", "&#39;"}, {"'", "'"},
	{"\"", "\""},     {"`", "`"},           {"“", "”"},         {"‘", "’"},
	{"„", "“"},       {"„", "”"},           {"‚", "‘"},         {"«", "»"},
	{"»", "«"},       {"‹", "›"},           {"「", "」"},       {"『", "』"},
};

static bool ends_in(const char *text, size_t size, const char *end)
{
	size_t end_size = strlen(end);

	return size >= end_size && memcmp(text + size - end_size, end, end_size) == 0;
}

/* Without the dots that say there was more. */
static size_t without_ellipsis(const char *at, size_t size)
{
	if (ends_in(at, size, "…"))
		return size - strlen("…");
	while (size > 0 && strchr(". ", at[size - 1]))
		size--;
	return size;
}

/* What the provider puts in quotes, it has from somewhere; one without an end was cut. */
static size_t quoted_size(const char *text, size_t offset, const struct buffer *words)
{
	const char *at = text + offset;

	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
		const char *close;
		size_t size;

		if (!ends_in(text, offset, quotes[i].open))
			continue;
		close = strstr(at, quotes[i].close);
		size = close ? (size_t)(close - at) : strlen(at);
		if (size >= QUOTED_BYTES_MIN && stands_in(words, at, size))
			return size;
		size = without_ellipsis(at, size);
		if (size >= QUOTED_BYTES_MIN && stands_in(words, at, size))
			return size;
	}
	return 0;
}

static size_t hidden_size(const char *text, size_t offset, const struct buffer *words)
{
	const char *at = text + offset;
	size_t left = strlen(at);
	size_t size = left >= RUN_BYTES_MIN ? run_size(at, RUN_BYTES_MIN, words) : 0;

	if (size == 0)
		size = short_string_size(at, words);
	if (size == 0)
		size = quoted_size(text, offset, words);
	if (size == 0) {
		size = identifier_size(at, offset > 0 ? at[-1] : '\0');
		size = size && stands_in(words, at, size) ? size : 0;
	}
	return size;
}

static void hide(char *text, size_t text_size, const struct buffer *words)
{
	char out[TEXT_BYTES_MAX];
	const size_t room = text_size < sizeof(out) ? text_size - 1 : sizeof(out) - 1;
	size_t used = 0;

	for (const char *at = text; *at != '\0';) {
		size_t size = continues_character(*at)
				      ? 0
				      : hidden_size(text, (size_t)(at - text), words);
		const char *piece = size ? HIDDEN : at;
		size_t piece_size = size ? strlen(HIDDEN) : 1;

		if (used + piece_size > room)
			break;
		memcpy(out + used, piece, piece_size);
		used += piece_size;
		at += size ? size : 1;
	}
	memcpy(text, out, used);
	text[used] = '\0';
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
