/* SPDX-License-Identifier: MIT */
/* See text.h. */
#include "text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *text_format(const char *format, ...)
{
	va_list arguments;
	char *text;
	int r;

	va_start(arguments, format);
	r = vasprintf(&text, format, arguments);
	va_end(arguments);
	return r < 0 ? NULL : text;
}

bool text_is(const char *text, const char *other)
{
	return text && strcmp(text, other) == 0;
}

bool text_has_control(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return true;
	return false;
}

void text_free_secret(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

const char *environment_first(const char *const *names, const char **ret_name)
{
	for (; *names; names++) {
		const char *value = getenv(*names);

		if (value && value[0]) {
			*ret_name = *names;
			return value;
		}
	}
	return NULL;
}
