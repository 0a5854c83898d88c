/* SPDX-License-Identifier: MIT */
/*
 * What somebody wrote, by its letters and digits alone. Who quotes may write blanks, line breaks,
 * escapes and capitals in another way than the one who is quoted.
 */
#ifndef LULL_WORKER_SQUEEZE_H
#define LULL_WORKER_SQUEEZE_H

#include <stddef.h>

/* Where in the text the character stands that a byte of the result is from. */
struct squeeze_place {
	size_t begin, end;
};

/*
 * @ret: room for @size bytes; no NUL is added. Letters are in lower case; those beyond ASCII stay
 * as they are, in UTF-8. The escapes of JSON, URLs and HTML count as what they stand for.
 * @ret_places: one for each byte of *ret; NULL if nobody wants to know
 * Return: how many bytes
 */
size_t squeeze(const char *text, size_t size, char *ret, struct squeeze_place *ret_places);

#endif
