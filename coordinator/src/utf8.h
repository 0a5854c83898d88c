/* SPDX-License-Identifier: MIT */
/* A key may be any bytes; JSON and Prometheus take UTF-8 only. */
#ifndef LULL_COORDINATOR_UTF8_H
#define LULL_COORDINATOR_UTF8_H

#include <stddef.h>

/* Length of the UTF-8 character at `text`; 0 if there is none (also overlong forms, surrogates). */
size_t utf8_length(const unsigned char *text);

#endif
