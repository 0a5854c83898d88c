/* SPDX-License-Identifier: MIT */
/* Internal: where the segment lies and whose it must be. See place.c. */
#ifndef LULL_PLACE_H
#define LULL_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#include <lull/table.h>

/* A sentence for people: what is wrong with what, and what was expected. "" = nothing. */
struct problem {
	char text[512];
};
void problem_set(struct problem *problem, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

struct place {
	char path[256];
	uint32_t slot_count; /* of a segment made here */
	uid_t uid;           /* the owner, and who makes it */
	gid_t gid;           /* grouped: the segment's group */
	bool grouped;        /* mode 0660 and gid, else 0600 */
	bool name_is_ours;   /* the default name: whatever lies there was meant to be a table */
	bool may_create, read_only;
};

enum place_outcome {
	PLACE_USABLE = 0,
	PLACE_NONE = 1 /* there shall be no shared table here; the problem says why */
};

/* `preferred_dir`: used for the default name where it is a directory we may write into.
 * enum place_outcome; -EINVAL bad option. */
int place_resolve(const struct lull_table_options *options, const char *preferred_dir,
		  struct place *ret_place, struct problem *ret_problem);

#endif
