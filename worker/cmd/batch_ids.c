/* SPDX-License-Identifier: MIT */
/* Open addressing over hashes: see batch_ids.h. The lowest bit says that the id is only known from
 * the output. */
#include "batch_ids.h"

#include <errno.h>
#include <stdlib.h>

#include <lull/table.h>

#define ROOM_MIN  1024u
#define ONLY_DONE UINT64_C(1)

/* Never 0, and even. */
static uint64_t hash_of(const char *id, size_t size)
{
	char digits[17];
	uint64_t hash;

	(void)lull_fingerprint(id, size, digits);
	hash = strtoull(digits, NULL, 16) & ~ONLY_DONE;
	return hash ? hash : 2;
}

/* Its place, or the empty one that it would take. */
static uint64_t *find(uint64_t *slots, size_t room, uint64_t hash)
{
	size_t at = (size_t)(hash >> 1) & (room - 1);

	while (slots[at] && (slots[at] & ~ONLY_DONE) != hash)
		at = (at + 1) & (room - 1);
	return &slots[at];
}

/* Up to seven eighths are used: with neighbours side by side in memory that is still quick. */
static int make_room(struct id_set *ids)
{
	const size_t room = ids->room ? 2 * ids->room : ROOM_MIN;
	uint64_t *slots;

	if (ids->count + 1 <= ids->room / 8 * 7)
		return 0;
	slots = calloc(room, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < ids->room; i++)
		if (ids->slots[i])
			*find(slots, room, ids->slots[i] & ~ONLY_DONE) = ids->slots[i];
	free(ids->slots);
	ids->slots = slots;
	ids->room = room;
	return 0;
}

int ids_add_done(struct id_set *ids, const char *id, size_t size)
{
	const uint64_t hash = hash_of(id, size);
	uint64_t *slot;

	if (make_room(ids) != 0)
		return -ENOMEM;
	slot = find(ids->slots, ids->room, hash);
	ids->count += *slot == 0;
	*slot = hash | ONLY_DONE;
	return 0;
}

int ids_meet(struct id_set *ids, const char *id, size_t size)
{
	const uint64_t hash = hash_of(id, size);
	uint64_t *slot, before;

	if (make_room(ids) != 0)
		return -ENOMEM;
	slot = find(ids->slots, ids->room, hash);
	before = *slot;
	ids->count += before == 0;
	*slot = hash;
	if (before == 0)
		return ID_NEW;
	return before & ONLY_DONE ? ID_DONE : ID_TWICE;
}

void ids_deinit(struct id_set *ids)
{
	free(ids->slots);
	*ids = (struct id_set){0};
}
