/* SPDX-License-Identifier: MIT */
/*
 * A whole answer. One in OpenAI's form passes through byte for byte; another form is translated
 * into chunks, and these are put together. What looks like an answer at first sight and is none
 * gets a verdict: an error under a 200, a `stop` with nothing in it, JSON that breaks off.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "assembly.h"
#include "chunk_writer.h"
#include "classify.h"
#include "glance.h"
#include "json_build.h"
#include "json_scan.h"
#include "openai.h"
#include "wire_error.h"

/* ---- in OpenAI's form */

static bool message_says_something(struct json_object *choice)
{
	return openai_says_something(wire_member(choice, "message"));
}

/* How the choices of a parsed body are to be taken: an answer if one of them is. */
static void judge_choices(struct json_object *choices, bool (*says_something)(struct json_object *),
			  struct verdict *ret)
{
	bool says = false;
	const char *explained = NULL;

	for (size_t i = 0; openai_is_list(choices) && i < json_object_array_length(choices); i++) {
		struct json_object *choice = json_object_array_get_idx(choices, i);
		const char *finish = wire_text(choice, "finish_reason");

		says = says || says_something(choice);
		explained = openai_finish_explains(finish) ? finish : explained;
	}
	openai_judge(openai_is_list(choices), says, explained, ret);
}

static int copy_text(struct json_object *choice, struct answer *ret)
{
	struct json_object *message = wire_member(choice, "message");
	struct json_object *content = wire_member(message, "content");
	struct json_object *refusal = wire_member(message, "refusal");
	struct buffer text;
	int rc;

	buffer_init(&text, WIRE_BODY_BYTES_MAX);
	rc = openai_add_text(content, &text);
	if (rc == 0 && text.size == 0)
		rc = openai_add_text(refusal, &text);
	if (rc != 0 || text.size == 0)
		buffer_deinit(&text);
	ret->text = text.bytes;
	ret->text_bytes = text.size;
	return rc;
}

/* The JSON text of the body, without the empty lines by which some servers show that they live. */
static int copy_json(const struct wire_response *response, struct answer *ret)
{
	const char *from = response->body;
	const char *to = response->body + response->body_bytes;

	while (from < to && strchr(" \t\r\n", *from))
		from++;
	while (from < to && strchr(" \t\r\n", to[-1]))
		to--;
	ret->json_bytes = (size_t)(to - from);
	ret->json = strndup(from, ret->json_bytes);
	return ret->json ? 0 : -ENOMEM;
}

static int write_json(struct json_object *root, struct answer *ret)
{
	const char *json = json_line(root, &ret->json_bytes);

	ret->json = json ? strdup(json) : NULL;
	return ret->json ? 0 : -ENOMEM;
}

static int fill_answer(struct json_object *root, bool as_it_came,
		       const struct wire_response *response, struct answer *ret)
{
	struct json_object *choice = json_object_array_get_idx(wire_member(root, "choices"), 0);
	int rc;

	*ret = (struct answer){.finish = openai_finish(wire_text(choice, "finish_reason"))};
	rc = as_it_came ? copy_json(response, ret) : write_json(root, ret);
	if (rc == 0)
		rc = copy_text(choice, ret);
	if (rc != 0)
		answer_deinit(ret);
	return rc;
}

static void judge_failure(int rc, struct verdict *ret)
{
	if (rc == -ENOMEM)
		verdict_set(ret, LULL_CLASS_LOCAL, "memory", "out of memory");
	else
		verdict_set(ret, LULL_CLASS_MALFORMED_RESPONSE, "not of this form",
			    "JSON that is no answer of this provider's form");
}

static void read_as_it_is(struct json_object *root, const struct wire_response *response,
			  struct answer *ret_answer, struct verdict *ret_verdict)
{
	struct json_object *choices = wire_member(root, "choices");
	int rc = openai_straighten(choices);

	judge_choices(choices, message_says_something, ret_verdict);
	if (ret_verdict->outcome.class_id != LULL_CLASS_ANSWERED)
		return;
	ret_verdict->outcome.tokens = openai_tokens_used(wire_member(root, "usage"));
	if (rc >= 0)
		rc = fill_answer(root, rc == 0, response, ret_answer);
	if (rc < 0)
		judge_failure(rc, ret_verdict);
}

/* ---- of OpenAI's other endpoints: as it came, if it holds what was asked for */

static bool text_says_something(struct json_object *choice)
{
	return openai_is_text(wire_member(choice, "text"));
}

static void judge_embeddings(struct json_object *data, struct verdict *ret)
{
	if (openai_is_list(data))
		verdict_set(ret, LULL_CLASS_ANSWERED, "answer", NULL);
	else
		verdict_set(ret, LULL_CLASS_MALFORMED_RESPONSE, "no embeddings",
			    "no embeddings in it");
}

static void read_other(const struct http_route *route, struct json_object *root,
		       const struct wire_response *response, struct answer *ret_answer,
		       struct verdict *ret_verdict)
{
	*ret_answer = (struct answer){0};
	if (route->endpoint == ENDPOINT_EMBEDDINGS)
		judge_embeddings(wire_member(root, "data"), ret_verdict);
	else
		judge_choices(wire_member(root, "choices"), text_says_something, ret_verdict);
	if (ret_verdict->outcome.class_id != LULL_CLASS_ANSWERED)
		return;
	ret_verdict->outcome.tokens = openai_tokens_used(wire_member(root, "usage"));
	if (copy_json(response, ret_answer) != 0)
		judge_failure(-ENOMEM, ret_verdict);
}

/* ---- in another form */

static int add_chunk(struct json_object *chunk, void *userdata)
{
	return assembly_add(userdata, chunk);
}

static void judge_assembly(const struct assembly *assembly, struct verdict *ret)
{
	if (assembly_is_whole(assembly))
		openai_judge(true, assembly_says_something(assembly), assembly_explained(assembly),
			     ret);
	else
		openai_judge(false, false, NULL, ret);
}

static int translate(const struct http_route *route, const struct wire_response *response,
		     struct json_object *root, struct assembly *assembly)
{
	const struct adapter *adapter = adapter_of(route);
	struct chunk_writer writer;
	int rc;

	chunk_writer_init(&writer, route->model, add_chunk, assembly);
	writer.is_answer = true;
	assembly_keep_empty(assembly);
	rc = chunk_identify_by(&writer, response, adapter->id_header);
	if (rc == 0)
		rc = adapter->translate_answer(&writer, root);
	chunk_writer_deinit(&writer);
	return rc;
}

static void read_translated(const struct http_route *route, struct json_object *root,
			    const struct wire_response *response, struct answer *ret_answer,
			    struct verdict *ret_verdict)
{
	struct assembly *assembly = assembly_new();
	int rc = assembly ? translate(route, response, root, assembly) : -ENOMEM;

	if (rc == 0)
		judge_assembly(assembly, ret_verdict);
	if (rc == 0)
		ret_verdict->outcome.tokens = assembly_tokens_used(assembly);
	if (rc == 0 && ret_verdict->outcome.class_id == LULL_CLASS_ANSWERED)
		rc = assembly_write(assembly, response->now_unix_ms / 1000, ret_answer);
	if (rc != 0)
		judge_failure(rc, ret_verdict);
	assembly_free(assembly);
}

int answer_read_in_full(const struct http_route *route, const struct wire_response *response,
			struct answer *ret_answer, struct verdict *ret_verdict)
{
	struct wire_response known = *response;
	struct json_object *root;
	char error[128];

	known.secret = route->api_key;
	known.body = known.body ? known.body : "";
	root = json_read(known.body, known.body_bytes, error);
	if (!root || classify_is_failure(root))
		classify_response(route->provider, &known, ret_verdict);
	else if (route->endpoint != ENDPOINT_CHAT)
		read_other(route, root, &known, ret_answer, ret_verdict);
	else if (adapter_of(route)->translate_answer)
		read_translated(route, root, &known, ret_answer, ret_verdict);
	else
		read_as_it_is(root, &known, ret_answer, ret_verdict);
	ret_verdict->outcome.http_status = (uint32_t)response->status;
	json_object_put(root);
	return ret_verdict->outcome.class_id != LULL_CLASS_ANSWERED;
}

/* ---- what is seen at a glance */

static int copy_seen_text(const struct glance *glance, struct answer *ret)
{
	const struct json_token token = {.type = JSON_TOKEN_STRING,
					 .start = glance->text - 1,
					 .size = glance->text_bytes + 2};
	struct json_object *text = glance->text_is_escaped ? json_token_string(&token) : NULL;
	const char *bytes = text ? json_object_get_string(text) : glance->text;

	if (glance->text_is_escaped && !text)
		return -ENOMEM;
	ret->text_bytes = text ? (size_t)json_object_get_string_len(text) : glance->text_bytes;
	ret->text = strndup(bytes, ret->text_bytes);
	json_object_put(text);
	return ret->text ? 0 : -ENOMEM;
}

static int fill_seen(const struct glance *glance, const struct wire_response *response,
		     struct answer *ret_answer, struct verdict *ret_verdict)
{
	int rc;

	*ret_answer = (struct answer){.finish = glance->finish};
	rc = copy_json(response, ret_answer);
	if (rc == 0)
		rc = copy_seen_text(glance, ret_answer);
	if (rc != 0) {
		answer_deinit(ret_answer);
		judge_failure(rc, ret_verdict);
	} else {
		verdict_set(ret_verdict, LULL_CLASS_ANSWERED, "answer", NULL);
		ret_verdict->outcome.tokens = glance->tokens;
	}
	ret_verdict->outcome.http_status = (uint32_t)response->status;
	return rc != 0;
}

int answer_read(const struct http_route *route, const struct wire_response *response,
		struct answer *ret_answer, struct verdict *ret_verdict)
{
	struct glance glance;

	if (response->body && route->endpoint == ENDPOINT_CHAT &&
	    !adapter_of(route)->translate_answer &&
	    glance_at(response->body, response->body_bytes, &glance))
		return fill_seen(&glance, response, ret_answer, ret_verdict);
	return answer_read_in_full(route, response, ret_answer, ret_verdict);
}

void answer_deinit(struct answer *answer)
{
	free(answer->json);
	free(answer->text);
	*answer = (struct answer){0};
}
