/* SPDX-License-Identifier: MIT */
/*
 * The journal: what was seen on the wire. Tests count requests here and nowhere else, since a
 * program's own account of what it sent is what they want to check.
 *
 * A request counts once its last byte has been read. It is in flight from then until the last byte
 * of its answer was sent or its connection ended; it is aborted if the client left first.
 */
#include <stdlib.h>
#include <string.h>

#include "mock.h"

#define ENTRIES_MAX    1024u /* kept; older ones are still counted */
#define BODY_BYTES_MAX (64u << 10)
#define STATUSES       600u

struct model {
	struct model *next;
	uint64_t requests;
	unsigned in_flight, max_in_flight;
	char name[];
};

struct journal_entry {
	struct request request;
	struct model *model;
	uint64_t number, at_ms, connection;
	uint32_t status;
	bool is_open; /* still being answered */
	bool is_kept; /* in the ring */
	bool aborted;
};

static struct {
	struct model *models;
	struct journal_entry *ring[ENTRIES_MAX];
	uint64_t requests, connections, aborted;
	uint64_t statuses[STATUSES]; /* of whole answers */
	uint64_t numbers; /* given out; not zeroed by a reset, so that ring places stay distinct */
	uint64_t started_ms;
} journal;

static struct model *model_of(const char *name)
{
	struct model *model = journal.models;

	while (model && strcmp(model->name, name) != 0)
		model = model->next;
	if (!model) {
		model = mock_alloc(sizeof(*model) + strlen(name) + 1);
		memcpy(model->name, name, strlen(name) + 1);
		model->next = journal.models;
		journal.models = model;
	}
	return model;
}

static void entry_free(struct journal_entry *entry)
{
	if (entry)
		request_deinit(&entry->request);
	free(entry);
}

static void ring_drop(size_t place)
{
	struct journal_entry *entry = journal.ring[place];

	journal.ring[place] = NULL;
	if (entry && entry->is_open)
		entry->is_kept = false; /* journal_end() frees it */
	else
		entry_free(entry);
}

void journal_connection(void)
{
	journal.connections++;
}

struct journal_entry *journal_begin(struct request *request, uint64_t connection, uint32_t status)
{
	struct journal_entry *entry = mock_alloc(sizeof(*entry));
	uint64_t now_ms = mock_now_ms();

	if (request->body_bytes > BODY_BYTES_MAX) {
		char *kept = mock_copy(request->body, BODY_BYTES_MAX);

		free(request->body);
		request->body = kept;
	}
	if (journal.started_ms == 0)
		journal.started_ms = now_ms;
	*entry = (struct journal_entry){
		.request = *request,
		.model = model_of(request->model ? request->model : ""),
		.number = journal.numbers++,
		.at_ms = now_ms - journal.started_ms,
		.connection = connection,
		.status = status,
		.is_open = true,
		.is_kept = true,
	};
	*request = (struct request){0};
	ring_drop(entry->number % ENTRIES_MAX);
	journal.ring[entry->number % ENTRIES_MAX] = entry;

	struct model *model = entry->model;

	journal.requests++;
	model->requests++;
	if (++model->in_flight > model->max_in_flight)
		model->max_in_flight = model->in_flight;
	return entry;
}

void journal_end(struct journal_entry *entry, bool aborted)
{
	if (!entry)
		return;
	entry->is_open = false;
	entry->aborted = aborted;
	entry->model->in_flight--;
	journal.aborted += aborted;
	if (!aborted && entry->status < STATUSES)
		journal.statuses[entry->status]++;
	if (!entry->is_kept)
		entry_free(entry);
}

/* What is in flight stays in flight. */
void journal_reset(void)
{
	for (size_t i = 0; i < ENTRIES_MAX; i++)
		ring_drop(i);
	for (struct model *model = journal.models; model; model = model->next) {
		model->requests = 0;
		model->max_in_flight = model->in_flight;
	}
	journal.requests = journal.connections = journal.aborted = 0;
	memset(journal.statuses, 0, sizeof(journal.statuses));
}

void journal_free(void)
{
	struct model *model;

	journal_reset();
	while ((model = journal.models)) {
		journal.models = model->next;
		free(model);
	}
}

/* 0: none was sent */
static struct json_object *journal_statuses(void)
{
	struct json_object *statuses = json_object_new_object();

	for (unsigned status = 0; status < STATUSES; status++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "%u", status);
		if (journal.statuses[status] > 0)
			json_object_object_add(
				statuses, name,
				json_object_new_int64((int64_t)journal.statuses[status]));
	}
	return statuses;
}

struct json_object *journal_counts(void)
{
	struct json_object *json = json_object_new_object();
	struct json_object *models = json_object_new_object();
	struct json_object *in_flight = json_object_new_object();
	struct json_object *max_in_flight = json_object_new_object();

	for (const struct model *model = journal.models; model; model = model->next) {
		json_object_object_add(models, model->name,
				       json_object_new_int64((int64_t)model->requests));
		json_object_object_add(in_flight, model->name,
				       json_object_new_int64(model->in_flight));
		json_object_object_add(max_in_flight, model->name,
				       json_object_new_int64(model->max_in_flight));
	}
	json_object_object_add(json, "total", json_object_new_int64((int64_t)journal.requests));
	json_object_object_add(json, "connections",
			       json_object_new_int64((int64_t)journal.connections));
	json_object_object_add(json, "aborted", json_object_new_int64((int64_t)journal.aborted));
	json_object_object_add(json, "models", models);
	json_object_object_add(json, "in_flight", in_flight);
	json_object_object_add(json, "max_in_flight", max_in_flight);
	json_object_object_add(json, "statuses", journal_statuses());
	return json;
}

static bool is_secret(const char *name, size_t size)
{
	static const char *const secrets[] = {"authorization", "x-api-key", "api-key",
					      "x-goog-api-key"};

	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (strlen(secrets[i]) == size && memcmp(secrets[i], name, size) == 0)
			return true;
	return false;
}

/* Names in lower case; a secret as its length and last four characters, unless asked for. */
static struct json_object *headers_of(const char *head, bool full)
{
	struct json_object *json = json_object_new_object();

	for (const char *line = strstr(head, "\r\n"); line && line[2];
	     line = strstr(line + 2, "\r\n")) {
		char name[128];
		size_t size = 0;
		const char *value = line + 2;

		for (; *value != ':' && *value != '\r' && size < sizeof(name) - 1; value++)
			name[size++] =
				(char)(*value >= 'A' && *value <= 'Z' ? *value + 32 : *value);
		name[size] = '\0';
		value += *value == ':';
		value += strspn(value, " \t");

		size_t value_size = strcspn(value, "\r");
		struct bytes shown = {0};

		if (!full && is_secret(name, size))
			bytes_print(&shown, "(%zu bytes, ends in %.*s)", value_size,
				    value_size > 8 ? 4 : 0,
				    value + (value_size > 8 ? value_size - 4 : 0));
		else
			bytes_add(&shown, value, value_size);
		json_object_object_add(json, name,
				       json_object_new_string_len(shown.at, (int)shown.size));
		bytes_free(&shown);
	}
	return json;
}

static struct json_object *entry_json(const struct journal_entry *entry, bool full)
{
	const struct request *request = &entry->request;
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "number", json_object_new_int64((int64_t)entry->number));
	json_object_object_add(json, "at_ms", json_object_new_int64((int64_t)entry->at_ms));
	json_object_object_add(json, "connection",
			       json_object_new_int64((int64_t)entry->connection));
	json_object_object_add(json, "method", json_object_new_string(request->method));
	json_object_object_add(json, "path", json_object_new_string(request->path));
	json_object_object_add(json, "query", json_object_new_string(request->query));
	json_object_object_add(json, "model",
			       request->model ? json_object_new_string(request->model) : NULL);
	json_object_object_add(json, "stream", json_object_new_boolean(request->stream));
	json_object_object_add(json, "status", json_object_new_int64(entry->status));
	json_object_object_add(json, "in_flight", json_object_new_boolean(entry->is_open));
	json_object_object_add(json, "aborted", json_object_new_boolean(entry->aborted));
	json_object_object_add(json, "headers", headers_of(request->head, full));
	json_object_object_add(json, "body_bytes",
			       json_object_new_int64((int64_t)request->body_bytes));
	if (full)
		json_object_object_add(json, "body", json_object_new_string(request->body));
	return json;
}

struct json_object *journal_requests(bool full)
{
	struct json_object *json = json_object_new_object(), *list = json_object_new_array();
	uint64_t first = journal.numbers > ENTRIES_MAX ? journal.numbers - ENTRIES_MAX : 0;

	for (uint64_t number = first; number < journal.numbers; number++) {
		const struct journal_entry *entry = journal.ring[number % ENTRIES_MAX];

		if (entry)
			json_object_array_add(list, entry_json(entry, full));
	}
	json_object_object_add(json, "requests", list);
	return json;
}
