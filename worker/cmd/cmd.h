/* SPDX-License-Identifier: MIT */
/*
 * The verbs of lull-worker. Each takes its own arguments, argv[0] being the verb, and returns the
 * exit code of the process.
 */
#ifndef LULL_WORKER_CMD_H
#define LULL_WORKER_CMD_H

int cmd_batch(int argc, char **argv);
int cmd_complete(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_explain_error(int argc, char **argv);
int cmd_gateway(int argc, char **argv);
int cmd_resolve(int argc, char **argv);

#endif
