/* SPDX-License-Identifier: MIT */
/* Internal: requests in Mistral's form. Its answers are in OpenAI's. See mistral_request.c. */
#ifndef LULL_WORKER_MISTRAL_H
#define LULL_WORKER_MISTRAL_H

#include "wire.h"

extern const struct chat_form mistral_form;

#endif
