/* SPDX-License-Identifier: MIT */
/* stderr: one sentence, one line, one write. stdout is for data only: see out.h. */
#ifndef LULL_COORDINATOR_SAY_H
#define LULL_COORDINATOR_SAY_H

/* "lull: " + the sentence + newline. For errors and warnings; the caller minds --quiet. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
