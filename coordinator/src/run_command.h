/* SPDX-License-Identifier: MIT */
/* The command that `lull run` wraps, made for one model. */
#ifndef LULL_COORDINATOR_RUN_COMMAND_H
#define LULL_COORDINATOR_RUN_COMMAND_H

/*
 * The words with each {model} replaced.
 * Return: a new vector that ends with NULL, to be freed by command_free(); NULL without memory.
 */
char **command_new(char *const *words, const char *model);
/* NULL is fine. */
void command_free(char **command);

#endif
