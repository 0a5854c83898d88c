/* SPDX-License-Identifier: MIT */
/*
 * The request of `lull complete`: a file as it is, or made from a prompt.
 */
#ifndef LULL_WORKER_PROMPT_H
#define LULL_WORKER_PROMPT_H

#include "../src/wire.h"

struct prompt {
	const char *request_path; /* --request: "-" stdin; NULL: made from the rest */
	const char *system;       /* NULL: none */
	char **words;             /* the operands */
	int word_count;
};

/*
 * Reads what has to be read and checks that it is a JSON object. ret_request was made by
 * buffer_init(). ret_model: the request's `model` (owned by the caller), NULL if it has none.
 * Return: 0, or the exit code of the program, a sentence having been printed.
 */
int prompt_read(const struct prompt *prompt, struct buffer *ret_request, char **ret_model);

#endif
