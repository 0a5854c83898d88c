/* SPDX-License-Identifier: MIT */
/* The other programs of Lull: where they are, and how a verb is handed over. */
#ifndef LULL_COORDINATOR_PROGRAMS_H
#define LULL_COORDINATOR_PROGRAMS_H

#define PROGRAM_PATH_BYTES_MAX 4096u

#define PROGRAM_WORKER "lull-worker"
#define PROGRAM_LULL   "lull"
#define PROGRAM_TOP    "lull-top"
#define PROGRAM_DAEMON "lulld"

/*
 * Finds a program: beside this one (a build tree), else in libexec (installed); `lull` from there.
 * @ret_path: PROGRAM_PATH_BYTES_MAX bytes
 *
 * Return: 0; -ENOENT; another negative errno if this program cannot find itself.
 */
int program_find(const char *name, char *ret_path);

/* Becomes that program, with `argv` after its name. Returns only on failure: an exit status. */
int program_become(const char *name, char **argv);

/* Says that a program is not where it is looked for. Returns an exit status. */
int program_missing(const char *verb, const char *name);

/* Where program_find() looks, for people. @ret: PROGRAM_PLACES_BYTES_MAX bytes */
#define PROGRAM_PLACES_BYTES_MAX (PROGRAM_PATH_BYTES_MAX + 512u)
void program_places(char *ret);

#endif
