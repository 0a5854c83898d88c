/* SPDX-License-Identifier: MIT */
/*
 * The table of adapters: one row for each form in which models are spoken to. What differs between
 * vendors of one form is data in their rows of provider.c. Below it, what all forms share.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "openai.h"

static const struct adapter adapters[] = {
	{
         .name = "openai",
         .write_request = openai_write_request,
         .read_answer = openai_read_answer,
         .stream_new = openai_stream_new,
         .stream_feed = openai_stream_feed,
         .stream_end = openai_stream_end,
         .stream_answer = openai_stream_answer,
         .stream_free = openai_stream_free,
	 },
};

const struct adapter *adapter_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(adapters) / sizeof(adapters[0]); i++)
		if (strcmp(adapters[i].name, name) == 0)
			return &adapters[i];
	return NULL;
}

const char *wire_header_get(const struct wire_response *response, const char *name)
{
	for (size_t i = 0; i < response->header_count; i++)
		if (strcasecmp(response->headers[i].name, name) == 0)
			return response->headers[i].value;
	return NULL;
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

void answer_deinit(struct answer *answer)
{
	free(answer->json);
	free(answer->text);
	*answer = (struct answer){0};
}
