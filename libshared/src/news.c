/* SPDX-License-Identifier: MIT */
/*
 * Whether a table's problem is news. A cron job that runs every minute must not mail the same
 * sentence every minute, and has no memory but the filesystem's: an empty file per user, table and
 * problem, whose time of change is when the problem was told last.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hash.h"
#include "place.h"

#define NEWS_EVERY_S 3600 /* "once an hour" */

static void marker_path(const char *dir, const char *table_path, const char *problem, char *ret,
			size_t size)
{
	static const uint64_t no_secret[2] = {0, 0};
	const uint64_t table = siphash24(no_secret, table_path, strlen(table_path));
	char name[17];

	hash_hex(table ^ siphash24(no_secret, problem, strlen(problem)), name);
	(void)snprintf(ret, size, "%s/lull-told-u%lu-%s", dir, (unsigned long)geteuid(), name);
}

/* Opens the marker, made now if need be: never through a link, never another user's. */
static int marker_open(const char *path, bool *ret_made)
{
	const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	const int fd = open(path, flags | O_CREAT | O_EXCL, 0600);

	*ret_made = fd >= 0;
	return fd < 0 && errno == EEXIST ? open(path, flags) : fd;
}

/* Of several processes that look at the same moment one tells it: the one that has the lock. */
static bool marker_is_recent(int fd)
{
	struct timespec now;
	struct stat st;

	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return true;
	/* not time(): it may be a tick behind the stamp of a file that was touched just now */
	(void)clock_gettime(CLOCK_REALTIME, &now);
	return fstat(fd, &st) == 0 && st.st_mtime <= now.tv_sec &&
	       now.tv_sec - st.st_mtime < NEWS_EVERY_S;
}

/* Was it told within the hour? If not, it is now. -1: the marker cannot be used. */
static int marker_check(const char *path)
{
	struct stat st;
	bool made;
	int fd = marker_open(path, &made), told = -1;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid()) {
		told = !made && marker_is_recent(fd);
		if (!told && futimens(fd, NULL) != 0)
			told = -1;
	}
	(void)close(fd);
	return told;
}

int lull_table_problem_is_news(const struct lull_table *table)
{
	const char *const dirs[] = {secure_getenv("XDG_RUNTIME_DIR"), "/tmp"};
	const char *const problem = table ? lull_table_problem(table) : NULL;
	struct lull_table_info info;

	if (!problem || lull_table_info(table, &info) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		char path[512];
		int told = -1;

		if (dirs[i] && dirs[i][0] == '/') {
			marker_path(dirs[i], info.path, problem, path, sizeof(path));
			told = marker_check(path);
		}
		if (told >= 0)
			return !told;
	}
	return 1;
}
