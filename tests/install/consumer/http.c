/* SPDX-License-Identifier: MIT */
/* The HTTP library links, and brings liblull along. */
#include <lull/http.h>
#include <lull/lull.h>

int main(void)
{
	struct lull_complete_options options;

	lull_complete_options_init(&options);
	return lull_abi_version() == options.abi_version ? 0 : 1;
}
