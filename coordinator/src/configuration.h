/* SPDX-License-Identifier: MIT */
/*
 * The configuration file, as far as lull's own verbs need to know of it: where it is, and which
 * table it leads to. Reading it is lull-worker's, and costs that program's start; so a look at its
 * bytes comes first, and a file that cannot name a table costs nothing more.
 */
#ifndef LULL_COORDINATOR_CONFIGURATION_H
#define LULL_COORDINATOR_CONFIGURATION_H

#include <stdbool.h>

#include "programs.h"
#include "verb.h"

#define TABLE_NAME_BYTES_MAX 201u /* 200 and a NUL */

struct configuration {
	char path[PROGRAM_PATH_BYTES_MAX]; /* "": there is none */
	char table[TABLE_NAME_BYTES_MAX];  /* "": it names none */
	bool is_broken; /* it may name a table, but lull-worker did not say which */
};

/* Whether lull-worker would find a configuration, and where: $LULL_CONFIG, else
 * $XDG_CONFIG_HOME/lull/config.{yaml,yml,json}, else the same in ~/.config, else in /etc. */
bool configuration_find(char *ret_path);

/*
 * Finds the configuration and the table that it names.
 * @thorough: ask lull-worker whatever the file's bytes say
 * @quiet:    leave out what lull-worker has to say on stderr
 */
void configuration_init(struct configuration *configuration, bool thorough, bool quiet);

/* The verbs look where the calls do: --table, else what the configuration names, else liblull's
 * default. @configuration: what the name may stand in */
void configuration_settle_table(struct settings *set, struct configuration *configuration);

#endif
