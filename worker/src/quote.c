/* SPDX-License-Identifier: MIT */
/*
 * Providers quote what was sent to them: a prompt that says "try again in an hour" comes back in the error about it. What
 * also stands in the request is no word of theirs. Compared are letters and digits (squeeze.h), for they quote in other
 * spellings, escapes and line breaks.
 */
#include "quote.h"

#include <stdlib.h>
#include <string.h>

#include "json_scan.h"
#include "squeeze.h"

#define SENTENCE_BYTES_MAX 128u

static bool is_string(const struct json_token *token, const char *text)
{
	return token->type == JSON_TOKEN_STRING &&
	       json_name_is(token->start + 1, token->size - 2, text);
}

/* Of a request the texts that somebody wrote, one behind the other: a sentence may stand in two parts
 * of a message, and what lies between them is the form's. What is no JSON is one text. */
static size_t squeeze_request(const char *request, size_t size, char *ret)
{
	struct json_scanner scanner;
	struct json_token token, text = {0};
	bool is_forms_word = false;
	size_t used = 0;
	int rc;

	json_scan_init(&scanner, request, size);
	while ((rc = json_scan(&scanner, &token)) == 1) {
		if (json_token_is(&token, ':')) { /* it was a key */
			is_forms_word = is_string(&text, "type") || is_string(&text, "role");
			text = (struct json_token){0};
			continue;
		}
		used += squeeze(text.start, text.size, ret + used, NULL);
		text = token.type == JSON_TOKEN_STRING && !is_forms_word ? token
									 : (struct json_token){0};
		is_forms_word = false;
	}
	used += squeeze(text.start, text.size, ret + used, NULL);
	return rc == 0 ? used : squeeze(request, size, ret, NULL);
}

char *quote_source(const struct wire_response *response, size_t *ret_size)
{
	const char *request = response->request ? response->request : "";
	char *source = malloc(response->request_bytes + 1);

	if (source)
		*ret_size = squeeze_request(request, response->request_bytes, source);
	return source;
}

bool quote_is_of(const char *source, size_t source_size, const char *text, size_t size)
{
	char said[SENTENCE_BYTES_MAX];

	return size > sizeof(said) ||
	       memmem(source, source_size, said, squeeze(text, size, said, NULL)) != NULL;
}
