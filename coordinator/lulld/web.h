/* SPDX-License-Identifier: MIT */
/* The files of web/, as they were built in by web/embed.cmake. */
#ifndef LULL_LULLD_WEB_H
#define LULL_LULLD_WEB_H

#include <stddef.h>

struct web_file {
	const char *path; /* "/dashboard.js"; NULL ends the list */
	const char *type;
	const char *bytes;
	size_t size;
};
extern const struct web_file web_files[];

#endif
