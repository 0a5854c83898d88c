/* SPDX-License-Identifier: MIT */
/* Internal clock access: see clock.c. */
#ifndef LULL_CLOCK_H
#define LULL_CLOCK_H

#include <stdint.h>

uint64_t clock_boottime_ns(void); /* of the host: corrected by this process's time namespace */
uint64_t clock_boot_hash(void);   /* of the boot id; never 0 */

#endif
