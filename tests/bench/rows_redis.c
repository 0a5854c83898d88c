/* SPDX-License-Identifier: MIT */
/* Redis, over a unix socket to a server of our own. See rows.h. */
#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "rows.h"
#include "server.h"

static pid_t server = -1;
static redisContext *connection;

/* true: it answered without an error. */
static bool ask(const char *command, const char *key, const char *value)
{
	redisReply *reply = redisCommand(connection, command, key, value);
	bool answered = reply && reply->type != REDIS_REPLY_ERROR;

	if (reply)
		row_keep((uint64_t)reply->len);
	freeReplyObject(reply);
	return answered;
}

static bool answers(void)
{
	char path[SERVER_PATH_BYTES];

	connection = redisConnectUnix(server_path("redis", path));
	if (connection && !connection->err && ask("SET %s %s", BENCH_KEY, BENCH_VALUE))
		return true;
	redisFree(connection);
	connection = NULL;
	return false;
}

static const char *begin(void)
{
	char path[SERVER_PATH_BYTES];
	char *const argv[] = {
		"redis-server", "--port", "0",  "--unixsocket", server_path("redis", path),
		"--save",       "",       NULL,
	};

	server = server_start(argv);
	return server_wait(server, answers) ? NULL : "no redis-server came up";
}

static void end(void)
{
	redisFree(connection);
	server_stop(server);
}

static void get(uint32_t operations)
{
	for (uint32_t i = 0; i < operations; i++)
		if (!ask("GET %s", BENCH_KEY, NULL))
			abort();
}

static const struct row rows[] = {{"GET", 50, NULL, get}};

const struct group redis_group = {begin, end, rows, 1, false};
