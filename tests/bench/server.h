/* SPDX-License-Identifier: MIT */
/* A server of the benchmark's own: on the other CPU, gone when the benchmark is. */
#ifndef LULL_BENCH_SERVER_H
#define LULL_BENCH_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#define SERVER_PATH_BYTES 104u /* sun_path has 108 */

/* `name` in the scratch directory of this run. */
char *server_path(const char *name, char path[SERVER_PATH_BYTES]);

/* Runs argv, silent. Its pid, or -1. */
pid_t server_start(char *const argv[]);
/* Asks until it answers, at most 5 s; false: it has ended, or never did. */
bool server_wait(pid_t server, bool (*answers)(void));
/* Ends it; -1 is fine. */
void server_stop(pid_t server);

#endif
