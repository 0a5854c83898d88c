/* SPDX-License-Identifier: MIT */
/* See adapter_fixture.h. */
#include "adapter_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lull/lull.h>

#include "cunit_main.h"

static struct http_route used;

struct http_route adapter_route(const char *provider, const char *model)
{
	return (struct http_route){
		.provider = provider_by_name(provider),
		.model = (char *)model,
		.base_url = (char *)"https://host/v1",
		.api_key = (char *)"secret-key",
	};
}

void adapter_use(const struct http_route *route)
{
	used = *route;
}

/* ---- requests */

static struct json_object *parse(const char *text)
{
	char error[128];
	struct json_object *json = json_read(text, strlen(text), error);

	if (!json)
		(void)printf("    %s: %s\n", text, error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	return json;
}

static bool holds_all(struct json_object *expected, struct json_object *actual)
{
	struct json_object *member;

	json_object_object_foreach(expected, name, value)
	{
		if (!json_object_object_get_ex(actual, name, &member) ||
		    !json_object_equal(value, member))
			return false;
	}
	return true;
}

void adapter_check_request(const struct request_case *c)
{
	struct json_object *expected, *actual;
	char error[REQUEST_ERROR_BYTES];
	struct http_request request;

	CU_ASSERT_EQUAL(
		request_write(&used, c->request, strlen(c->request), false, &request, error), 0);
	if (*error) {
		(void)printf("    %s: %s\n", c->request, error);
		return;
	}
	expected = parse(c->expected);
	actual = parse(request.body.bytes);
	if (!holds_all(expected, actual))
		(void)printf("    got %s\n    not %s\n", request.body.bytes, c->expected);
	CU_ASSERT_TRUE(holds_all(expected, actual));
	CU_ASSERT_STRING_EQUAL(request.omitted, c->omitted ? c->omitted : "");
	json_object_put(expected);
	json_object_put(actual);
	http_request_deinit(&request);
}

void adapter_check_refusal(const struct refusal_case *c)
{
	char error[REQUEST_ERROR_BYTES];
	struct http_request request;

	CU_ASSERT_EQUAL(
		request_write(&used, c->request, strlen(c->request), false, &request, error),
		-EINVAL);
	if (strcmp(error, c->error) != 0)
		(void)printf("    %s: %s\n", c->request, error);
	CU_ASSERT_STRING_EQUAL(error, c->error);
	CU_ASSERT_PTR_NULL(request.url);
}

bool adapter_has_header(const struct http_request *request, const char *line)
{
	for (char **header = request->headers; *header; header++)
		if (strcmp(*header, line) == 0)
			return true;
	return false;
}

/* ---- answers */

static void check_read(const struct answer_case *c, const struct verdict *verdict,
		       const struct answer *answer)
{
	if (verdict->outcome.class_id != c->class_id)
		(void)printf("    %s: %s\n", c->body,
			     lull_class_info(verdict->outcome.class_id)->name);
	CU_ASSERT_EQUAL(verdict->outcome.class_id, c->class_id);
	if (!c->expected)
		return;
	CU_ASSERT_PTR_NOT_NULL_FATAL(answer->json);
	if (!strstr(answer->json, c->expected))
		(void)printf("    %s\n    not in %s\n", c->expected, answer->json);
	CU_ASSERT_PTR_NOT_NULL(strstr(answer->json, c->expected));
}

void adapter_check_answer(const struct answer_case *c)
{
	const struct wire_response response = {
		.status = 200, .body = c->body, .body_bytes = strlen(c->body)};
	struct answer answer = {0};
	struct verdict verdict;

	(void)answer_read(&used, &response, &answer, &verdict);
	check_read(c, &verdict, &answer);
	answer_deinit(&answer);
}

static int ignore(const struct stream_event *event, void *userdata)
{
	(void)event;
	(void)userdata;
	return 0;
}

void adapter_check_stream(const struct answer_case *c)
{
	const struct wire_response head = {.status = 200};
	struct stream_reader *reader = stream_new(&used, &head);
	struct answer answer = {0};
	struct verdict verdict;

	CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
	(void)stream_feed(reader, c->body, strlen(c->body), ignore, NULL);
	stream_end(reader, &head, false, &verdict);
	if (verdict.outcome.class_id == LULL_CLASS_ANSWERED)
		CU_ASSERT_EQUAL(stream_answer(reader, &answer), 0);
	check_read(c, &verdict, &answer);
	answer_deinit(&answer);
	stream_free(reader);
}
