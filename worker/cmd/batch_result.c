/* SPDX-License-Identifier: MIT */
/* Lines of output in OpenAI's form, and notes for the summary: see batch_result.h. */
#include "batch_result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../src/json_build.h"
#include "../src/trail.h"

/* ---- text */

static int add(struct buffer *out, const char *text)
{
	return buffer_add(out, text, strlen(text));
}

static int add_json(struct buffer *out, struct json_object *json)
{
	const char *text = json_object_to_json_string_ext(
		json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	return text ? add(out, text) : -ENOMEM;
}

static int add_string(struct buffer *out, const char *text)
{
	struct json_object *json = json_object_new_string(text);
	int rc = json ? add_json(out, json) : -ENOMEM;

	json_object_put(json);
	return rc;
}

/* What a provider writes over several lines becomes one: in JSON a line break is a blank. */
static int add_one_line(struct buffer *out, const char *json, size_t size)
{
	const size_t from = out->size;
	int rc = buffer_add(out, json, size);
	char *end = out->bytes + out->size;

	if (rc != 0 || (!memchr(json, '\n', size) && !memchr(json, '\r', size)))
		return rc;
	for (char *at = out->bytes + from; at < end; at++)
		if (*at == '\n' || *at == '\r')
			*at = ' ';
	return 0;
}

static int add_head(struct buffer *out, int status, const char *request_id)
{
	char head[64];
	int rc;

	(void)snprintf(head, sizeof(head),
		       ",\"response\":{\"status_code\":%d,\"request_id\":", status);
	rc = add(out, head);
	if (rc == 0)
		rc = add_string(out, request_id);
	return rc == 0 ? add(out, ",\"body\":") : rc;
}

/* An error as the provider's own endpoint would have answered. */
static int add_error_body(struct buffer *out, const char *type, const char *code, const char *why)
{
	struct json_object *body = json_object_new_object();
	struct json_object *error = json_child(body, "error");
	int rc = json_set_string(error, "message", why);

	if (rc == 0)
		rc = json_set_string(error, "type", type);
	if (rc == 0)
		rc = json_set(error, "param", NULL);
	if (rc == 0)
		rc = json_set_string(error, "code", code);
	if (rc == 0)
		rc = add_json(out, body);
	json_object_put(body);
	return rc;
}

static int add_answer(struct buffer *out, const struct driver_result *call)
{
	int rc = add_head(out, 200, call->request_id);

	if (rc == 0)
		rc = add_one_line(out, call->answer.json, call->answer.json_bytes);
	return rc == 0 ? add(out, "},\"error\":null}\n") : rc;
}

static int add_failure(struct buffer *out, int status, const char *request_id, const char *code,
		       const char *why)
{
	const bool is_callers = status >= 400 && status < 500 && status != 429;
	int rc = add_head(out, status, request_id);

	if (rc == 0)
		rc = add_error_body(out, is_callers ? "invalid_request_error" : "server_error",
				    code, why);
	return rc == 0 ? add(out, "},\"error\":null}\n") : rc;
}

int row_text_not_run(struct buffer *out, const char *code, const char *message)
{
	struct json_object *error = json_object_new_object();
	int rc = json_set_string(error, "code", code);

	if (rc == 0)
		rc = json_set_string(error, "message", message);
	if (rc == 0)
		rc = add(out, ",\"response\":null,\"error\":");
	if (rc == 0)
		rc = add_json(out, error);
	json_object_put(error);
	return rc == 0 ? add(out, "}\n") : rc;
}

/* The reason, and a line for each route. NULL without memory; the caller's. */
static char *explain(const struct driver_result *call, const struct route_list *routes)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	trail_print_reason(call, out);
	(void)fputc('\n', out);
	trail_print_routes(call, routes, "  ", out);
	if (fclose(out) != 0 || !text)
		return NULL;
	if (size > 0 && text[size - 1] == '\n')
		text[size - 1] = '\0';
	return text;
}

/* ---- notes */

static struct route_note *note_of(struct route_note *notes, uint32_t *count,
				  const struct http_route *route)
{
	const char *key = route->call.route_key ? route->call.route_key : "";
	struct route_note *note;

	for (uint32_t i = 0; i < *count; i++)
		if (strcmp(notes[i].key, key) == 0 &&
		    strncmp(notes[i].label, route->call.label, sizeof(notes[i].label) - 1) == 0)
			return &notes[i];
	note = &notes[(*count)++];
	(void)snprintf(note->label, sizeof(note->label), "%s", route->call.label);
	(void)snprintf(note->key, sizeof(note->key), "%s", key);
	return note;
}

static bool is_saving(const struct lull_trail_entry *entry)
{
	return entry->type == LULL_TRAIL_SKIP && entry->state != LULL_STATE_LIMITED;
}

static uint32_t take_notes(const struct driver_result *call, const struct route_list *routes,
			   struct route_note *notes)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < call->trail_count; i++) {
		const struct lull_trail_entry *entry = &call->trail[i];
		struct route_note *note;

		if (entry->type == LULL_TRAIL_SLEEP || entry->route >= routes->count)
			continue;
		note = note_of(notes, &count, &routes->routes[entry->route]);
		note->saved += is_saving(entry);
		note->cooled += entry->type == LULL_TRAIL_ATTEMPT && entry->cooled_first;
		if (entry->type == LULL_TRAIL_ATTEMPT && entry->class_id == LULL_CLASS_ANSWERED) {
			note->answered = true;
			note->is_fallback = entry->route > 0;
		}
	}
	return count;
}

/* ---- the whole */

static int put_together(struct buffer *out, struct row_result *result,
			const struct route_note *notes, const struct buffer *text, const char *why)
{
	int rc;

	result->text_bytes = text->size;
	result->why_bytes = why ? strlen(why) + 1 : 0;
	rc = buffer_add(out, result, sizeof(*result));
	if (rc == 0)
		rc = buffer_add(out, notes, result->note_count * sizeof(*notes));
	if (rc == 0)
		rc = buffer_add(out, text->bytes, text->size);
	return rc == 0 ? buffer_add(out, why, result->why_bytes) : rc;
}

int row_report_write(struct buffer *out, struct row_result *result,
		     const struct driver_result *call, const struct route_list *routes)
{
	const bool answered = call->result == LULL_RESULT_ANSWERED;
	struct route_note *notes = calloc(routes->count, sizeof(*notes));
	char *why = answered ? NULL : explain(call, routes);
	struct buffer text;
	int rc = notes && (answered || why) ? 0 : -ENOMEM;

	buffer_init(&text, SIZE_MAX / 4);
	result->result = call->result;
	result->exit_code = call->exit_code;
	result->tokens = call->tokens;
	if (rc == 0)
		result->note_count = take_notes(call, routes, notes);
	if (rc == 0)
		rc = answered ? add_answer(&text, call)
			      : add_failure(&text, trail_http_status(call), call->request_id,
					    lull_class_info(call->class_id)->name, why);
	if (rc == 0)
		rc = put_together(out, result, notes, &text, why);
	buffer_deinit(&text);
	free(why);
	free(notes);
	return rc;
}

int row_report_refusal(struct buffer *out, struct row_result *result, const char *why)
{
	struct buffer text;
	int rc;

	buffer_init(&text, SIZE_MAX / 4);
	result->result = LULL_RESULT_REFUSED;
	result->exit_code = 65;
	result->tokens = LULL_UNSET;
	rc = add_failure(&text, 400, "", "invalid_request", why);
	if (rc == 0)
		rc = put_together(out, result, NULL, &text, why);
	buffer_deinit(&text);
	return rc;
}

int row_report_read(const char *bytes, size_t size, struct row_report *ret)
{
	const struct row_result *result = (const void *)bytes;
	size_t notes_bytes;

	if (size < sizeof(*result))
		return -EINVAL;
	notes_bytes = (size_t)result->note_count * sizeof(struct route_note);
	size -= sizeof(*result);
	if (notes_bytes > size || result->text_bytes > size - notes_bytes ||
	    result->why_bytes != size - notes_bytes - result->text_bytes)
		return -EINVAL;
	ret->result = result;
	ret->notes = (const void *)(bytes + sizeof(*result));
	ret->text = (const char *)ret->notes + notes_bytes;
	ret->why = result->why_bytes ? ret->text + result->text_bytes : "";
	return 0;
}
