/* SPDX-License-Identifier: MIT */
/*
 * A whole answer as the one chunk of a stream: for a provider that answers in one piece although a
 * stream was asked for.
 */
#ifndef LULL_WORKER_CHUNK_H
#define LULL_WORKER_CHUNK_H

#include "wire.h"

/*
 * @ret_json: the chat.completion.chunk on one line, NUL-terminated; owned by the caller, free()
 * Return: 0; -EINVAL the answer is no completion; -ENOMEM.
 */
int chunk_from_answer(const struct answer *answer, char **ret_json);

#endif
