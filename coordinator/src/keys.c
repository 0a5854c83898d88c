/* SPDX-License-Identifier: MIT */
/*
 * Collecting what a word means, first from the table alone: one walk over its keys. Only the
 * configuration knows all names and all routes of a model, but reading it takes as long as all the
 * rest, so it is done where that walk leaves a doubt: see is_doubtful(). A name key alone does not
 * answer the question: calls leave one for each name that they were made by, whatever model is
 * behind it.
 */
#include <stdlib.h>
#include <string.h>

#include "configuration.h"
#include "exits.h"
#include "keys.h"
#include "resolve.h"
#include "say.h"
#include "shared.h"

struct key_text key_text(uint32_t kind, const char *key)
{
	struct key_text ret = {""};

	(void)lull_key_format(kind, key, ret.text); /* keys come from the table, or were parsed */
	return ret;
}

/* ------------------------------------------------------------------ members */

static int add(struct meaning *meaning, uint32_t part, bool in_table,
	       const struct lull_key_state *state)
{
	if (meaning->count == meaning->capacity) {
		const size_t capacity = meaning->capacity == 0 ? 8 : 2 * meaning->capacity;
		struct member *const members =
			realloc(meaning->members, capacity * sizeof(*members));

		if (members == NULL) {
			say("out of memory");
			return EXIT_BUG;
		}
		meaning->members = members;
		meaning->capacity = capacity;
	}
	meaning->members[meaning->count++] =
		(struct member){.part = part, .in_table = in_table, .state = *state};
	return 0;
}

static bool has(const struct meaning *meaning, uint32_t part, uint32_t kind, const char *key)
{
	for (size_t i = 0; i < meaning->count; i++) {
		const struct member *const member = &meaning->members[i];

		if (member->part == part && member->state.kind == kind &&
		    strcmp(member->state.key, key) == 0)
			return true;
	}
	return false;
}

/* The credential and the endpoint that a route in the table stands on. */
static int add_links(struct meaning *meaning, struct lull_table *table, uint32_t part,
		     const struct lull_key_state *route, uint64_t now_ms)
{
	for (size_t i = 0; i < sizeof(route->links) / sizeof(route->links[0]); i++) {
		struct lull_key_state state = {.abi_version = LULL_ABI_VERSION};
		uint64_t cursor = route->links[i];
		int status;

		if (cursor == LULL_NEVER || lull_key_at(table, &cursor, now_ms, &state) != 0)
			continue;
		/* links are advisory: believe only what can be one */
		if (state.kind != LULL_KIND_CREDENTIAL && state.kind != LULL_KIND_ENDPOINT)
			continue;
		status = add(meaning, part, true, &state);
		if (status != 0)
			return status;
	}
	return 0;
}

static int add_route(struct meaning *meaning, struct lull_table *table, uint32_t part,
		     const struct lull_key_state *route, uint64_t now_ms)
{
	const int status = add(meaning, part, true, route);

	return status != 0 ? status : add_links(meaning, table, part, route, now_ms);
}

/* One key by its text, with what it stands on if it is a route. */
static int add_key(struct meaning *meaning, struct lull_table *table, uint32_t part, uint32_t kind,
		   const char *key, uint64_t now_ms)
{
	struct lull_key_state state = {.abi_version = LULL_ABI_VERSION};
	const int found = lull_key_read(table, kind, key, now_ms, &state);

	if (has(meaning, part, kind, key))
		return 0;
	if (found < 0) {
		say("unable to read %s: %s", key_text(kind, key).text, strerror(-found));
		return EXIT_BUG;
	}
	if (kind == LULL_KIND_ROUTE && found == 0)
		return add_route(meaning, table, part, &state, now_ms);
	return add(meaning, part, found == 0, &state);
}

/* ------------------------------------------------------------------ names */

/* What a walk over the table shows of a name. */
struct glance {
	uint32_t route_count;     /* of that model: a part each */
	bool anything_is_shut;    /* any key at all */
	bool foundation_is_shut;  /* a credential or an endpoint */
	bool longer_name_is_shut; /* "openai/gpt-4o", when the name is "gpt-4o" */
};

/* "gpt-4o" of "openai/gpt-4o". NULL: it has no provider */
static const char *without_provider(const char *name)
{
	const char *const slash = strchr(name, '/');

	return slash != NULL ? slash + 1 : NULL;
}

static bool is_longer_name(const char *longer, const char *name)
{
	const char *const shorter = without_provider(longer);

	return shorter != NULL && strcmp(shorter, name) == 0;
}

static void note_shut(struct glance *glance, const struct lull_key_state *state, const char *name)
{
	if (state->state == LULL_STATE_READY)
		return;
	glance->anything_is_shut = true;
	if (state->kind == LULL_KIND_CREDENTIAL || state->kind == LULL_KIND_ENDPOINT)
		glance->foundation_is_shut = true;
	else if (state->kind == LULL_KIND_NAME && is_longer_name(state->key, name))
		glance->longer_name_is_shut = true;
}

/* Adds every route of that model. */
static int walk(struct meaning *meaning, struct lull_table *table, const char *model,
		uint64_t now_ms, struct glance *ret_glance)
{
	struct lull_key_state state = {.abi_version = LULL_ABI_VERSION};
	struct glance glance = {.route_count = 0};
	uint64_t cursor = 0;
	int status = 0;

	while (status == 0 && lull_key_at(table, &cursor, now_ms, &state) == 0) {
		note_shut(&glance, &state, model);
		if (state.kind == LULL_KIND_ROUTE && strcmp(state.model, model) == 0)
			status = add_route(meaning, table, ++glance.route_count, &state, now_ms);
	}
	*ret_glance = glance;
	return status;
}

/*
 * Whether the configuration may know better. Where nothing is shut, everything is ready. It may
 * give the name to any model, and any name to the model; one that says its provider stands for the
 * plain one too. Else a plain name is its own model.
 */
static bool is_doubtful(const struct glance *glance, const char *name, enum meaning_purpose purpose)
{
	char path[PROGRAM_PATH_BYTES_MAX];

	if (purpose == MEANING_VERDICT && !glance->anything_is_shut)
		return false;
	if (glance->longer_name_is_shut || strchr(name, '/') != NULL || configuration_find(path))
		return true;
	return glance->route_count == 0 && glance->foundation_is_shut;
}

struct resolving {
	struct meaning *meaning;
	struct lull_table *table;
	uint64_t now_ms;
	uint32_t known_parts; /* those of the table */
	uint32_t part;        /* of the route met last */
};

static int add_resolved(uint32_t kind, const char *key, void *userdata)
{
	struct resolving *const r = userdata;

	if (kind == LULL_KIND_ROUTE)
		r->part++;
	if (r->part == r->known_parts) /* no route yet: nothing that it could belong to */
		return 0;
	r->meaning->deciding_part = r->known_parts + 1;
	if (kind == LULL_KIND_NAME && strcmp(key, r->meaning->text) == 0)
		return 0; /* what was asked for is part 0: it closes all of its routes */
	return add_key(r->meaning, r->table, r->part, kind, key, r->now_ms);
}

static int add_name(struct meaning *meaning, const struct invocation *invocation,
		    struct lull_table *table, const char *name, enum meaning_purpose purpose,
		    uint64_t now_ms)
{
	struct resolving resolving = {.meaning = meaning, .table = table, .now_ms = now_ms};
	const char *const model = without_provider(name);
	struct glance glance;
	int status;

	status = add_key(meaning, table, 0, LULL_KIND_NAME, name, now_ms);
	if (status == 0)
		status = walk(meaning, table, name, now_ms, &glance);
	if (status != 0 || !is_doubtful(&glance, name, purpose))
		return status;
	resolving.part = resolving.known_parts = glance.route_count;
	status = resolve_name(name, invocation->set.quiet, add_resolved, &resolving);
	/* here there is no key for it, say; there are those that others have called it with */
	if (status == 0 && resolving.part == 0 && model != NULL)
		status = walk(meaning, table, model, now_ms, &glance);
	return status;
}

int meaning_init(struct meaning *meaning, const struct invocation *invocation,
		 struct lull_table *table, const char *text, enum meaning_purpose purpose,
		 uint64_t now_ms)
{
	uint32_t kind;
	const char *key;
	int status;

	*meaning = (struct meaning){.text = text, .deciding_part = 1};
	status = shared_parse_key(invocation, text, &kind, &key);
	if (status != 0)
		return status;
	if (kind == LULL_KIND_NAME && key == text)
		return add_name(meaning, invocation, table, key, purpose, now_ms);
	return add_key(meaning, table, 0, kind, key, now_ms);
}

void meaning_reread(struct meaning *meaning, struct lull_table *table, uint64_t now_ms)
{
	for (size_t i = 0; i < meaning->count; i++) {
		struct member *const member = &meaning->members[i];
		const struct key_text text = key_text(member->state.kind, member->state.key);
		uint32_t kind;
		const char *key;

		if (lull_key_parse(text.text, &kind, &key) == 0)
			member->in_table =
				lull_key_read(table, kind, key, now_ms, &member->state) == 0;
	}
}

void meaning_deinit(struct meaning *meaning)
{
	free(meaning->members);
	*meaning = (struct meaning){.text = NULL};
}

/* ------------------------------------------------------------------ verdict */

/* The one that is ready later; either may be NULL. */
static const struct lull_key_state *later(const struct lull_key_state *a,
					  const struct lull_key_state *b)
{
	if (a == NULL || b == NULL)
		return a == NULL ? b : a;
	return b->ready_in_ms > a->ready_in_ms ? b : a;
}

/* The member of a part that is ready last; NULL if there is no such part. */
static const struct lull_key_state *deciding_of(const struct meaning *meaning, uint32_t part)
{
	const struct lull_key_state *last = NULL;

	for (size_t i = 0; i < meaning->count; i++)
		if (meaning->members[i].part == part)
			last = later(last, &meaning->members[i].state);
	return last;
}

const struct lull_key_state *meaning_deciding(const struct meaning *meaning)
{
	const struct lull_key_state *soonest = NULL;
	const struct lull_key_state *of_part;

	for (uint32_t part = meaning->deciding_part; (of_part = deciding_of(meaning, part)) != NULL;
	     part++)
		if (soonest == NULL || of_part->ready_in_ms < soonest->ready_in_ms)
			soonest = of_part;
	return later(soonest, deciding_of(meaning, 0));
}

bool meaning_is_in_table(const struct meaning *meaning)
{
	for (size_t i = 0; i < meaning->count; i++)
		if (meaning->members[i].in_table)
			return true;
	return false;
}

static int clear_if_shut(struct lull_table *table, uint64_t cursor, uint64_t now_ms)
{
	struct lull_key_state state = {.abi_version = LULL_ABI_VERSION};

	if (cursor == LULL_NEVER || lull_key_at(table, &cursor, now_ms, &state) != 0 ||
	    state.state == LULL_STATE_READY)
		return 0;
	return lull_key_clear(table, state.kind, state.key, now_ms);
}

int key_clear_with_links(struct lull_table *table, const struct lull_key_state *state,
			 uint64_t now_ms)
{
	const size_t links = sizeof(state->links) / sizeof(state->links[0]);
	int error = lull_key_clear(table, state->kind, state->key, now_ms);

	for (size_t i = 0; error >= 0 && state->kind == LULL_KIND_ROUTE && i < links; i++)
		error = clear_if_shut(table, state->links[i], now_ms);
	return error;
}
