/* SPDX-License-Identifier: MIT */
/*
 * The custom_ids that a batch has met: eight bytes each, whatever their length, and at most 28 for
 * a moment while the set grows.
 *
 * An id is known by 63 bits of a keyed hash. Of a million different ids two have the same once in
 * twenty million files; the second would then be taken for the first: reported as given twice, or
 * where the first stands in the output already, as done.
 */
#ifndef LULL_WORKER_BATCH_IDS_H
#define LULL_WORKER_BATCH_IDS_H

#include <stddef.h>
#include <stdint.h>

struct id_set { /* zeroed = empty */
	uint64_t *slots;
	size_t room;
	size_t count;
};

/* How the input's next row stands to those before it. */
enum id_met {
	ID_NEW = 1,
	ID_DONE = 2, /* in the output, and not yet met in the input */
	ID_TWICE = 3
};

/* It stands in the output. Return: 0; -ENOMEM. */
int ids_add_done(struct id_set *ids, const char *id, size_t size);
/* It stands in the input. Return: enum id_met; -ENOMEM. */
int ids_meet(struct id_set *ids, const char *id, size_t size);
void ids_deinit(struct id_set *ids);

#endif
