/* SPDX-License-Identifier: MIT */
/*
 * Lull: LLM fallbacks whose cooldowns are shared by every process of a host. This header brings in
 * all of liblull. Start reading at <lull/call.h> for the loop and <lull/table.h> for the table.
 */
#ifndef LULL_LULL_H
#define LULL_LULL_H

#include <lull/call.h>
#include <lull/class.h>
#include <lull/limit.h>
#include <lull/table.h>

#ifdef __cplusplus
extern "C" {
#endif

/** lull_abi_version() - LULL_ABI_VERSION of the library that is loaded */
LULL_API uint32_t lull_abi_version(void);
/** lull_version() - "0.1.0" */
LULL_API const char *lull_version(void);

#ifdef __cplusplus
}
#endif
#endif
