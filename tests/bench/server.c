/* SPDX-License-Identifier: MIT */
/* See server.h. */
#include "server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define START_TRIES    500u
#define START_APART_NS 10000000

char *server_path(const char *name, char path[SERVER_PATH_BYTES])
{
	(void)snprintf(path, SERVER_PATH_BYTES, "%s/%s", getenv("LULL_SHM_DIR"), name);
	return path;
}

static void server_become(char *const argv[])
{
	int nowhere = open("/dev/null", O_RDWR);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	bench_pin(1);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)dup2(nowhere, fd);
	(void)execvp(argv[0], argv);
	_exit(127);
}

pid_t server_start(char *const argv[])
{
	pid_t server = fork();

	if (server == 0)
		server_become(argv);
	return server;
}

bool server_wait(pid_t server, bool (*answers)(void))
{
	const struct timespec apart = {.tv_nsec = START_APART_NS};

	for (uint32_t i = 0; server > 0 && i < START_TRIES; i++) {
		if (answers())
			return true;
		if (waitpid(server, NULL, WNOHANG) != 0)
			return false;
		(void)nanosleep(&apart, NULL);
	}
	return false;
}

void server_stop(pid_t server)
{
	if (server <= 0)
		return;
	(void)kill(server, SIGKILL);
	(void)waitpid(server, NULL, 0);
}
