/* SPDX-License-Identifier: MIT */
/* Command lines: parsed by a verb's row, and explained from it. */
#ifndef LULL_COORDINATOR_OPTIONS_H
#define LULL_COORDINATOR_OPTIONS_H

#include "verb.h"

/*
 * Reads what stands after the verb's name.
 * @argc, @argv: argv[0] is the verb's name; operands are moved to the end, and borrowed
 *
 * Return: 0; -EINVAL after saying on stderr what is wrong.
 */
int options_parse(const struct verb *verb, int argc, char **argv, struct invocation *ret);

/* The whole text of `lull VERB --help`, on stdout. */
void options_help(const struct verb *verb);

/* "try 'lull VERB --help'" on stderr, after a sentence of the caller's; returns EXIT_USAGE */
int options_usage_error(const struct verb *verb);

#endif
