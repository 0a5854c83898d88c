/* SPDX-License-Identifier: MIT */
/*
 * Asking the host. All of it is read from where the system's own programs keep it: logind's
 * configuration files, /proc/self/mountinfo, the marks that container engines leave.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "host.h"

#define SYSTEM_UID_MAX 999 /* what Debian's and Fedora's logind were built with */
#define LINE_BYTES_MAX 4096

static struct host_name with_number(const char *name, unsigned int number)
{
	struct host_name ret;

	if (name != NULL)
		(void)snprintf(ret.text, sizeof(ret.text), "%.40s (%u)", name, number);
	else
		(void)snprintf(ret.text, sizeof(ret.text), "%u", number);
	return ret;
}

struct host_name host_user(uid_t uid)
{
	const struct passwd *const user = getpwuid(uid);

	return with_number(user != NULL ? user->pw_name : NULL, uid);
}

struct host_name host_group(gid_t gid)
{
	const struct group *const group = getgrgid(gid);

	return with_number(group != NULL ? group->gr_name : NULL, gid);
}

/* ------------------------------------------------------------------ logind */

static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

static bool is_true(const char *value)
{
	static const char *const words[] = {"yes", "y", "true", "t", "on", "1"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

/* A later assignment wins, in a file and among files. */
static void read_remove_ipc(const char *path, bool *removes)
{
	static const char key[] = "RemoveIPC";
	char line[LINE_BYTES_MAX];
	FILE *const file = fopen(path, "re");

	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL) {
		char *const text = trim(line);
		char *const equals = strchr(text, '=');

		if (equals == NULL)
			continue;
		*equals = '\0';
		if (strcmp(trim(text), key) == 0)
			*removes = is_true(trim(equals + 1));
	}
	(void)fclose(file);
}

/* Drop-ins count in the order of their names, whatever directory they are in; one in a directory
 * named earlier hides those of the same name in later ones. */
static const char *const drop_in_directories[] = {
	"/etc/systemd/logind.conf.d",
	"/run/systemd/logind.conf.d",
	"/usr/local/lib/systemd/logind.conf.d",
	"/usr/lib/systemd/logind.conf.d",
};
#define DROP_IN_DIRECTORIES (sizeof(drop_in_directories) / sizeof(drop_in_directories[0]))

static bool is_drop_in(const char *name)
{
	const char *const ending = strrchr(name, '.');

	return name[0] != '.' && ending != NULL && strcmp(ending, ".conf") == 0;
}

/* The smallest name above `after` in any of the directories, and the first directory that has it.
 */
static bool next_drop_in(const char *after, char *ret_name, char *ret_path)
{
	bool found = false;

	for (size_t i = 0; i < DROP_IN_DIRECTORIES; i++) {
		DIR *const directory = opendir(drop_in_directories[i]);
		const struct dirent *entry;

		if (directory == NULL)
			continue;
		while ((entry = readdir(directory)) != NULL) {
			if (!is_drop_in(entry->d_name) || strcmp(entry->d_name, after) <= 0 ||
			    (found && strcmp(entry->d_name, ret_name) >= 0))
				continue;
			found = true;
			(void)snprintf(ret_name, NAME_MAX + 1, "%s", entry->d_name);
			(void)snprintf(ret_path, PATH_MAX, "%s/%s", drop_in_directories[i],
				       entry->d_name);
		}
		(void)closedir(directory);
	}
	return found;
}

bool host_logind_removes_ipc(void)
{
	char name[NAME_MAX + 1] = "", next[NAME_MAX + 1], path[PATH_MAX];
	bool removes = true; /* logind's default */

	if (access("/run/systemd/users", F_OK) < 0) /* logind makes it when it starts */
		return false;
	read_remove_ipc("/etc/systemd/logind.conf", &removes);
	while (next_drop_in(name, next, path)) {
		read_remove_ipc(path, &removes);
		memcpy(name, next, sizeof(name));
	}
	return removes;
}

bool host_user_is_spared_by_logind(uid_t uid)
{
	const struct passwd *const user = getpwuid(uid);
	char path[PATH_MAX];

	if (uid <= SYSTEM_UID_MAX)
		return true;
	if (user == NULL)
		return false;
	(void)snprintf(path, sizeof(path), "/var/lib/systemd/linger/%s", user->pw_name);
	return access(path, F_OK) == 0;
}

/* ------------------------------------------------------------------ containers, /dev/shm */

bool host_is_container(const char **ret_sign)
{
	static const char *const signs[] = {"/run/.containerenv", "/.dockerenv",
					    "/run/systemd/container"};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (access(signs[i], F_OK) == 0) {
			*ret_sign = signs[i];
			return true;
		}
	}
	return false;
}

/* mountinfo: id parent major:minor root MOUNT-POINT options [tags] - type SOURCE super-options */
static bool find_mount(const char *point, char *ret_source, size_t source_size)
{
	char line[LINE_BYTES_MAX], at[256], source[64];
	FILE *const file = fopen("/proc/self/mountinfo", "re");
	bool found = false;

	if (file == NULL)
		return false;
	while (fgets(line, sizeof(line), file) != NULL) {
		const char *const dash = strstr(line, " - ");

		if (dash == NULL || sscanf(line, "%*d %*d %*s %*s %255s", at) != 1 ||
		    strcmp(at, point) != 0 || sscanf(dash + 3, "%*s %63s", source) != 1)
			continue;
		(void)snprintf(ret_source, source_size, "%s", source);
		found = true; /* go on: a later mount covers an earlier one */
	}
	(void)fclose(file);
	return found;
}

int host_shm(struct host_shm *ret)
{
	struct statvfs sizes;

	*ret = (struct host_shm){.is_mounted = false};
	if (statvfs("/dev/shm", &sizes) < 0)
		return -errno;
	ret->is_mounted = find_mount("/dev/shm", ret->source, sizeof(ret->source));
	ret->is_read_only = (sizes.f_flag & ST_RDONLY) != 0;
	ret->size_bytes = (uint64_t)sizes.f_blocks * sizes.f_frsize;
	ret->free_bytes = (uint64_t)sizes.f_bavail * sizes.f_frsize;
	return 0;
}
