/* SPDX-License-Identifier: MIT */
/*
 * What talks to models or reads configuration is a program of its own, so that `lull check` does
 * not pay for loading curl. It is looked for where this program itself is, never in $PATH: an old
 * copy elsewhere must not be met by chance.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "programs.h"
#include "say.h"

/* Beside this program (a build tree), else where it is installed: seen from bin the others are in
 * "../libexec/lull/", and seen from there lull is in "../../bin/". */
static const struct place {
	const char *path;
	bool of_others, of_lull;
} places[] = {
	{"", true, true},
	{LULL_LIBEXEC_FROM_BIN "/", true, false},
	{LULL_BIN_FROM_LIBEXEC "/", false, true},
};
#define PLACES (sizeof(places) / sizeof(places[0]))

/* The directory of this program, with its '/'. */
static int own_directory(char *ret)
{
	const ssize_t length = readlink("/proc/self/exe", ret, PROGRAM_PATH_BYTES_MAX - 1);
	char *slash;

	if (length < 0)
		return -errno;
	ret[length] = '\0';
	slash = strrchr(ret, '/');
	if (slash == NULL)
		return -ENOENT;
	slash[1] = '\0';
	return 0;
}

int program_find(const char *name, char *ret_path)
{
	const bool is_lull = strcmp(name, PROGRAM_LULL) == 0;
	char directory[PROGRAM_PATH_BYTES_MAX];
	const int error = own_directory(directory);

	if (error < 0)
		return error;
	for (size_t i = 0; i < PLACES; i++) {
		const int length = snprintf(ret_path, PROGRAM_PATH_BYTES_MAX, "%s%s%s", directory,
					    places[i].path, name);

		if ((is_lull ? places[i].of_lull : places[i].of_others) && length > 0 &&
		    (size_t)length < PROGRAM_PATH_BYTES_MAX && access(ret_path, F_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

void program_places(char *ret)
{
	char directory[PROGRAM_PATH_BYTES_MAX];

	if (own_directory(directory) < 0)
		(void)snprintf(ret, PROGRAM_PLACES_BYTES_MAX,
			       "the place of this program, as /proc/self/exe cannot be read");
	else
		(void)snprintf(ret, PROGRAM_PLACES_BYTES_MAX, "%s or its %s", directory,
			       places[1].path);
}

int program_missing(const char *verb, const char *name)
{
	char places_text[PROGRAM_PLACES_BYTES_MAX];

	program_places(places_text);
	say("'lull %s' is done by %s, which was not found in %s", verb, name, places_text);
	return EXIT_NOT_FOUND;
}

int program_become(const char *name, char **argv)
{
	char path[PROGRAM_PATH_BYTES_MAX];

	if (program_find(name, path) < 0)
		return program_missing(argv[1], name);
	argv[0] = path;
	(void)execv(path, argv);
	say("unable to start %s: %s", path, strerror(errno));
	return EXIT_CANNOT_START;
}
