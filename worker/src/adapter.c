/* SPDX-License-Identifier: MIT */
/*
 * The table of adapters: one row for each form in which models are spoken to. What differs between
 * vendors of one form is data in their rows of provider.c. Below it, what all forms share.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anthropic.h"
#include "bedrock.h"
#include "chat.h"
#include "cohere.h"
#include "gemini.h"
#include "mistral.h"
#include "ollama.h"
#include "openai.h"
#include "request.h"
#include "responses.h"

/* clang-format off */
static const struct adapter adapters[] = {
	{"openai", NULL, NULL, NULL, NULL, FRAMING_SSE},
	{"anthropic", &anthropic_form, anthropic_translate_answer, anthropic_translate_event, NULL, FRAMING_SSE},
	{"bedrock", &bedrock_form, bedrock_translate_answer, bedrock_translate_event, "x-amzn-requestid", FRAMING_BINARY},
	{"cohere", &cohere_form, cohere_translate_answer, cohere_translate_event, NULL, FRAMING_SSE},
	{"gemini", &gemini_form, gemini_translate_answer, gemini_translate_event, NULL, FRAMING_SSE},
	{"mistral", &mistral_form, NULL, NULL, NULL, FRAMING_SSE},
	{"ollama", &ollama_form, ollama_translate_answer, ollama_translate_event, NULL, FRAMING_OBJECTS},
	{"responses", &responses_form, responses_translate_answer, responses_translate_event, NULL, FRAMING_SSE},
};
/* clang-format on */

const struct adapter *adapter_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(adapters) / sizeof(adapters[0]); i++)
		if (strcmp(adapters[i].name, name) == 0)
			return &adapters[i];
	return NULL;
}

const struct adapter *adapter_of(const struct http_route *route)
{
	return adapter_by_name(route->provider->adapter);
}

/* In the route's own form, or in OpenAI's where that is the only one. */
static int write_in_form(const struct http_route *route, const char *request, size_t request_bytes,
			 bool stream, struct http_request *ret, char *error)
{
	static const char *const names[] = {
		[ENDPOINT_COMPLETIONS] = "text completions",
		[ENDPOINT_EMBEDDINGS] = "embeddings",
	};
	const struct adapter *adapter = adapter_of(route);

	if (adapter->form && route->endpoint == ENDPOINT_CHAT)
		return chat_write(adapter->form, route, request, request_bytes, stream, ret, error);
	if (!adapter->translate_answer)
		return openai_write_request(route, request, request_bytes, stream, ret, error);
	(void)snprintf(error, REQUEST_ERROR_BYTES, "the form of %s has no %s",
		       route->provider->name, names[route->endpoint]);
	return -EINVAL;
}

int request_write(const struct http_route *route, const char *request, size_t request_bytes,
		  bool stream, struct http_request *ret, char *error)
{
	struct buffer changed;
	int rc;

	*ret = (struct http_request){0};
	buffer_init(&ret->body, WIRE_BODY_BYTES_MAX);
	buffer_init(&changed, WIRE_BODY_BYTES_MAX);
	(void)snprintf(error, REQUEST_ERROR_BYTES, "out of memory");
	rc = request_for_route(route, &request, &request_bytes, &changed, error);
	if (rc == 0)
		rc = write_in_form(route, request, request_bytes, stream, ret, error);
	buffer_deinit(&changed);
	if (rc == 0)
		error[0] = '\0';
	else
		http_request_deinit(ret);
	return rc;
}

void http_request_deinit(struct http_request *request)
{
	for (char **header = request->headers; header && *header; header++) {
		explicit_bzero(*header, strlen(*header));
		free(*header);
	}
	free(request->headers);
	free(request->url);
	buffer_deinit(&request->body);
	*request = (struct http_request){0};
}
