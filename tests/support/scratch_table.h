/* SPDX-License-Identifier: MIT */
/*
 * A place of its own for the tables of one test: a fresh directory on /dev/shm (or /tmp) that
 * $LULL_SHM_DIR and $XDG_RUNTIME_DIR point to, so that tests meet neither each other nor the user's
 * real table. All other LULL_ variables are unset.
 */
#ifndef LULL_TESTS_SCRATCH_TABLE_H
#define LULL_TESTS_SCRATCH_TABLE_H

#include <lull/table.h>

struct scratch {
	char dir[64];
};

/* Makes the directory and points the environment there; ends the program if it cannot. */
void scratch_make(struct scratch *scratch);
/* Removes the directory and all files in it. */
void scratch_remove(struct scratch *scratch);
/* Path of the file `name` in the directory; static buffer, valid until the next call. */
const char *scratch_path(const struct scratch *scratch, const char *name);
/* The table "test" of that directory, opened; ends the program if that fails. */
struct lull_table *scratch_table(uint32_t slot_count);

#endif
