/* SPDX-License-Identifier: MIT */
/*
 * Finding the configuration in the order in which lull-worker does, and a look at its bytes: only a
 * file with the word "table", or with the policy that makes a table of its own, can lead elsewhere
 * than to the default.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configuration.h"
#include "resolve.h"
#include "say.h"

#define SCANNED_BYTES_MAX (1u << 20) /* a larger file is lull-worker's to read */

static const char *environment(const char *name)
{
	const char *const value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* ------------------------------------------------------------------ where it is */

static bool find_in(const char *directory, const char *below, char *ret_path)
{
	static const char *const endings[] = {"yaml", "yml", "json"};

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		const int length = snprintf(ret_path, PROGRAM_PATH_BYTES_MAX, "%s%s/lull/config.%s",
					    directory, below, endings[i]);

		if (length > 0 && (size_t)length < PROGRAM_PATH_BYTES_MAX &&
		    access(ret_path, F_OK) == 0)
			return true;
	}
	return false;
}

bool configuration_find(char *ret_path)
{
	const char *const named = environment("LULL_CONFIG");
	const char *const xdg = environment("XDG_CONFIG_HOME"), *const home = environment("HOME");

	if (named != NULL)
		return snprintf(ret_path, PROGRAM_PATH_BYTES_MAX, "%s", named) > 0;
	if (xdg != NULL && xdg[0] == '/') {
		if (find_in(xdg, "", ret_path))
			return true;
	} else if (home != NULL && home[0] == '/') {
		if (find_in(home, "/.config", ret_path))
			return true;
	}
	return find_in("/etc", "", ret_path);
}

/* ------------------------------------------------------------------ what its bytes say */

static bool has_word(const char *bytes, size_t size, const char *word)
{
	return memmem(bytes, size, word, strlen(word)) != NULL;
}

static bool bytes_may_name_table(int fd, size_t size)
{
	char *const bytes = malloc(size);
	size_t used = 0;
	ssize_t n;
	bool may;

	if (bytes == NULL)
		return true;
	while (used < size && (n = read(fd, bytes + used, size - used)) > 0)
		used += (size_t)n;
	may = has_word(bytes, used, "table") || has_word(bytes, used, "tutorial");
	free(bytes);
	return may;
}

/* False also for a file that cannot be read: nothing in it leads anywhere. */
static bool may_name_table(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat facts;
	bool may = false;

	if (fd < 0)
		return false;
	if (fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size > 0)
		may = facts.st_size > (off_t)SCANNED_BYTES_MAX ||
		      bytes_may_name_table(fd, (size_t)facts.st_size);
	(void)close(fd);
	return may;
}

/* ------------------------------------------------------------------ the table it leads to */

void configuration_init(struct configuration *configuration, bool thorough, bool quiet)
{
	*configuration = (struct configuration){.is_broken = false};
	if (!configuration_find(configuration->path))
		configuration->path[0] = '\0';
	else if (thorough || may_name_table(configuration->path))
		configuration->is_broken =
			resolve_table(quiet, configuration->table, TABLE_NAME_BYTES_MAX) != 0;
}

void configuration_settle_table(struct settings *set, struct configuration *configuration)
{
	if (set->table != NULL)
		return;
	configuration_init(configuration, false, set->quiet);
	if (configuration->table[0] != '\0')
		set->table = configuration->table;
	else if (configuration->is_broken && !set->quiet)
		say("%s was not understood, so which table it names is not known; going by "
		    "$LULL_SHM_NAME or the default",
		    configuration->path);
}
