/* SPDX-License-Identifier: MIT */
/* memcached, over a unix socket to a server of our own. See rows.h. */
#include <libmemcached/memcached.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "rows.h"
#include "server.h"

static pid_t server = -1;
static memcached_st *client;

static bool answers(void)
{
	return memcached_set(client, BENCH_KEY, sizeof(BENCH_KEY) - 1, BENCH_VALUE,
			     sizeof(BENCH_VALUE), 0, 0) == MEMCACHED_SUCCESS;
}

static const char *begin(void)
{
	char path[SERVER_PATH_BYTES];
	const struct passwd *user = getpwuid(geteuid());
	char *const argv[] = {
		/* as root it wants to be told who to be */
		"memcached",
		"-u",
		user ? user->pw_name : "root",
		"-s",
		server_path("memcached", path),
		NULL,
	};

	client = memcached_create(NULL);
	if (!client || memcached_server_add_unix_socket(client, path) != MEMCACHED_SUCCESS)
		return "libmemcached could not begin";
	/* the server's socket is not there at once */
	(void)memcached_behavior_set(client, MEMCACHED_BEHAVIOR_RETRY_TIMEOUT, 0);
	server = server_start(argv);
	return server_wait(server, answers) ? NULL : "no memcached came up";
}

static void end(void)
{
	memcached_free(client);
	server_stop(server);
}

static void get(uint32_t operations)
{
	for (uint32_t i = 0; i < operations; i++) {
		memcached_return_t outcome;
		uint32_t flags;
		size_t size;
		char *value = memcached_get(client, BENCH_KEY, sizeof(BENCH_KEY) - 1, &size, &flags,
					    &outcome);

		if (!value)
			abort();
		row_keep(size);
		free(value);
	}
}

static const struct row rows[] = {{"get", 50, NULL, get}};

const struct group memcached_group = {begin, end, rows, 1, false};
