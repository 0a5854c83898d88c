/* SPDX-License-Identifier: MIT */
/* Internal: the clock, the boot and the process. See clock.c. */
#ifndef LULL_CLOCK_H
#define LULL_CLOCK_H

#include <stdint.h>

uint64_t clock_boottime_ns(void); /* of the host: corrected by this process's time namespace */
uint32_t clock_pid(void);         /* getpid() without the system call; for people only */

#define CLOCK_BOOT_UNKNOWN UINT64_C(1)
/* of the boot id; never 0; CLOCK_BOOT_UNKNOWN where /proc does not say */
uint64_t clock_boot_hash(void);
/* a key that is the same for every process of this boot, and for none of the next */
void clock_boot_key(uint64_t ret_key[2]);

#endif
