/* SPDX-License-Identifier: MIT */
/*
 * The request of `lull complete`: a file as it is, or made from a prompt.
 */
#ifndef LULL_WORKER_PROMPT_H
#define LULL_WORKER_PROMPT_H

#include "../src/request.h"

struct prompt {
	const char *request_path; /* --request: "-" stdin; NULL: made from the rest */
	const char *system;       /* NULL: none */
	char **words;             /* the operands */
	int word_count;
};

/*
 * Reads what has to be read, to *bytes, which was made by buffer_init() and is to outlive the
 * request. ret_request was zeroed; request_deinit() is due in any case.
 * Return: 0, or the exit code of the program, a sentence having been printed.
 */
int prompt_read(const struct prompt *prompt, struct buffer *bytes, struct request *ret_request);

#endif
