/* SPDX-License-Identifier: MIT */
/*
 * From what a person wrote to the keys of the table that it means.
 *
 * People write the name of a model, or paste a key ("route:…"). A name means its name key and every
 * route of that model; a route stands on its credential and its endpoint. So a meaning is a list of
 * members, in parts: part 0 is what closes everything (the name), each further part is one way to
 * reach the model (a route, what it stands on, and the other names that it is called by).
 *
 *     ready  =  all of part 0  and  (no further part  or  all of any further part)
 *
 * The parts that the table shows come first. What lull-worker says of the name, where it is asked,
 * comes behind them and alone decides: a route in the table may be that of another configuration,
 * or of a key since rotated.
 *
 * Nothing here inserts a key into the table.
 */
#ifndef LULL_COORDINATOR_KEYS_H
#define LULL_COORDINATOR_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include <lull/table.h>

#include "verb.h"

struct member {
	uint32_t part;
	bool in_table; /* false: nothing is known of it, so it is ready */
	struct lull_key_state state;
};

struct meaning {
	const char *text; /* as written; borrowed */
	struct member *members;
	size_t count, capacity;
	uint32_t deciding_part; /* the first further part that decides */
};

enum meaning_purpose {
	MEANING_VERDICT, /* only whether it is ready: a table without a shut key says so at once */
	MEANING_WHOLE    /* all that it means */
};

/*
 * Finds what `text` means. The meaning is to be ended by meaning_deinit(), whatever is returned.
 * Return: 0; an exit status after saying on stderr why not.
 */
int meaning_init(struct meaning *meaning, const struct invocation *invocation,
		 struct lull_table *table, const char *text, enum meaning_purpose purpose,
		 uint64_t now_ms);
void meaning_deinit(struct meaning *meaning);

/* Reads the states of its members again, as they are now. */
void meaning_reread(struct meaning *meaning, struct lull_table *table, uint64_t now_ms);

/* The key that decides: of part 0 and the part that is ready soonest, the one ready last. */
const struct lull_key_state *meaning_deciding(const struct meaning *meaning);

/* Whether the table knows any of it. */
bool meaning_is_in_table(const struct meaning *meaning);

/* "route:gpt-4o@https://…#…": what can be pasted where a KEY is expected. */
struct key_text {
	char text[LULL_KEY_TEXT_BYTES_MAX];
};
struct key_text key_text(uint32_t kind, const char *key);

/* Clears that key; of a route also what keeps it shut, as whoever clears it wants it to be called.
 * Return: as lull_key_clear(). */
int key_clear_with_links(struct lull_table *table, const struct lull_key_state *state,
			 uint64_t now_ms);

#endif
