/* SPDX-License-Identifier: MIT */
/*
 * What every public header needs: the export mark, the ABI number, and the way functions answer.
 *
 * Return values, everywhere in <lull/...>:
 *   0         done
 *   < 0       unexpected: a negative errno value
 *   > 0       a documented outcome of the function (LULL_...), for the caller to decide on
 *
 * Structs that may grow begin with `abi_version`. Fill them with the matching lull_..._init() and
 * then set members; a library that is older or newer than the caller reads only the members that
 * both know.
 *
 * Times are milliseconds of lull_clock_ms(): boottime of the host, never the wall clock.
 */
#ifndef LULL_EXPORT_H
#define LULL_EXPORT_H

#include <stddef.h>
#include <stdint.h>

#define LULL_ABI_VERSION 1u

#if defined(__GNUC__)
#define LULL_API __attribute__((visibility("default")))
#else
#define LULL_API
#endif

/* "not set" of every unsigned 32-bit setting where 0 has a meaning of its own */
#define LULL_UNSET UINT32_MAX
/* "never" of every absolute time */
#define LULL_NEVER UINT64_MAX

#endif
