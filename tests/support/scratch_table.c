/* SPDX-License-Identifier: MIT */
/* See scratch_table.h. */
#include "scratch_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const lull_variables[] = {"LULL_SHM_NAME", "LULL_SHM_GROUP", "LULL_DISABLE"};

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

void scratch_make(struct scratch *scratch)
{
	static const char *const parents[] = {"/dev/shm", "/tmp"};
	bool made = false;

	for (size_t i = 0; !made && i < sizeof(parents) / sizeof(parents[0]); i++) {
		(void)snprintf(scratch->dir, sizeof(scratch->dir), "%s/lull-test-XXXXXX",
			       parents[i]);
		made = mkdtemp(scratch->dir) != NULL;
	}
	if (!made)
		die("scratch_make: mkdtemp");
	for (size_t i = 0; i < sizeof(lull_variables) / sizeof(lull_variables[0]); i++)
		(void)unsetenv(lull_variables[i]);
	if (setenv("LULL_SHM_DIR", scratch->dir, 1) != 0 ||
	    setenv("XDG_RUNTIME_DIR", scratch->dir, 1) != 0)
		die("scratch_make: setenv");
}

void scratch_remove(struct scratch *scratch)
{
	DIR *dir = opendir(scratch->dir);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			(void)unlinkat(dirfd(dir), entry->d_name,
				       entry->d_type == DT_DIR ? AT_REMOVEDIR : 0);
	(void)closedir(dir);
	(void)rmdir(scratch->dir);
}

const char *scratch_path(const struct scratch *scratch, const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", scratch->dir, name);
	return path;
}

struct lull_table *scratch_table(uint32_t slot_count)
{
	struct lull_table_options options;
	struct lull_table *table;

	lull_table_options_init(&options);
	options.name = "test";
	options.slot_count = slot_count;
	if (lull_table_open(&options, &table) != 0)
		die("scratch_table: lull_table_open");
	return table;
}
