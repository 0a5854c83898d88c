/* SPDX-License-Identifier: MIT */
/* Which library is loaded: asked by bindings before anything else. */
#include <lull/lull.h>

uint32_t lull_abi_version(void)
{
	return LULL_ABI_VERSION;
}

const char *lull_version(void)
{
	return LULL_VERSION;
}
