/* SPDX-License-Identifier: MIT */
/*
 * A prompt and what a provider says to it, divided by the first NUL: of the prompt no run is left
 * in the text, and the text stays in its place.
 */
#include <string.h>

#include "fuzz.h"
#include "redact.h"
#include "squeeze.h"
#include "wire.h"

#define TEXT_BYTES 160 /* as verdict.detail */
#define RUN_BYTES  16  /* and up to three of a character that begins it */
#define HIDDEN     "[hidden]"

static struct json_object *request_with(const char *prompt, size_t size)
{
	struct json_object *request = json_object_new_object();
	struct json_object *message = json_object_new_object();
	struct json_object *messages = json_object_new_array();

	CHECK(request && message && messages);
	json_object_object_add(message, "content", json_object_new_string_len(prompt, (int)size));
	json_object_array_add(messages, message);
	json_object_object_add(request, "messages", messages);
	return request;
}

/* Between what is hidden. */
static void check_piece(const char *piece, size_t size, const char *said, size_t said_size)
{
	char squeezed[TEXT_BYTES];
	const size_t used = squeeze(piece, size, squeezed, NULL);

	for (size_t i = 0; i + RUN_BYTES <= used; i++)
		if (((unsigned char)squeezed[i] & 0xc0) != 0x80)
			CHECK(!memmem(said, said_size, squeezed + i, RUN_BYTES));
}

static void check(const char *text, const char *said, size_t said_size)
{
	const char *next;

	for (; (next = strstr(text, HIDDEN)) != NULL; text = next + strlen(HIDDEN))
		check_piece(text, (size_t)(next - text), said, said_size);
	check_piece(text, strlen(text), said, said_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *divider = size ? memchr(data, '\0', size) : NULL;
	const size_t prompt_size = divider ? (size_t)(divider - data) : size;
	const char *answer = divider ? (const char *)divider + 1 : "";
	const size_t answer_size = divider ? size - prompt_size - 1 : 0;
	struct json_object *request = request_with((const char *)data, prompt_size);
	const char *bytes = json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN);
	char text[TEXT_BYTES + 1], error[128];
	struct json_object *read = json_read(bytes, strlen(bytes), error);
	char *said = malloc(prompt_size + 1);

	CHECK(said);
	(void)snprintf(text, TEXT_BYTES, "%.*s",
		       (int)(answer_size < TEXT_BYTES ? answer_size : TEXT_BYTES), answer);
	text[TEXT_BYTES] = '!';
	redact(text, TEXT_BYTES, bytes, strlen(bytes));
	CHECK(text[TEXT_BYTES] == '!' && memchr(text, '\0', TEXT_BYTES));
	if (read) /* else the caller has said nothing */
		check(text, said, squeeze((const char *)data, prompt_size, said, NULL));
	free(said);
	json_object_put(read);
	json_object_put(request);
	return 0;
}
