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

char *text_join_until_null(const char *first, ...)
{
	va_list arguments, again;
	size_t size = 0;
	char *text, *end;

	va_start(arguments, first);
	va_copy(again, arguments);
	for (const char *part = first; part; part = va_arg(arguments, const char *))
		size += strlen(part);
	va_end(arguments);
	text = end = malloc(size + 1);
	for (const char *part = first; text && part; part = va_arg(again, const char *))
		end = stpcpy(end, part);
	va_end(again);
	return text;
}

bool text_is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char *text_percent_encoded(const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	char *encoded = malloc(3 * strlen(text) + 1);
	char *at = encoded;

	if (!encoded)
		return NULL;
	for (; *text; text++) {
		const unsigned char byte = (unsigned char)*text;

		if (text_is_alnum(*text) || strchr("-._~", *text)) {
			*at++ = *text;
			continue;
		}
		*at++ = '%';
		*at++ = digits[byte >> 4];
		*at++ = digits[byte & 0xf];
	}
	*at = '\0';
	return encoded;
}

bool text_is(const char *text, const char *other)
{
	return text && strcmp(text, other) == 0;
}

int text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool text_has_control(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return true;
	return false;
}

size_t text_utf8_length(const unsigned char *at, const unsigned char *end)
{
	/* clang-format off */
	static const struct {
		unsigned char first_min, first_max, second_min, second_max;
		size_t length;
	} forms[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	/* clang-format on */

	if (*at < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (*at < forms[i].first_min || *at > forms[i].first_max)
			continue;
		if ((size_t)(end - at) < forms[i].length || at[1] < forms[i].second_min ||
		    at[1] > forms[i].second_max)
			return 0;
		for (size_t k = 2; k < forms[i].length; k++)
			if ((at[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

bool text_is_plain(const char *text)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + strlen(text);
	size_t length = 1;

	for (; at < end && length > 0; at += length)
		length = iscntrl(*at) ? 0 : text_utf8_length(at, end);
	return length > 0;
}

void text_make_plain(char *text)
{
	const unsigned char *end = (const unsigned char *)text + strlen(text);

	while (*text) {
		size_t length = text_utf8_length((const unsigned char *)text, end);

		if (length == 0 || iscntrl((unsigned char)*text))
			*text = '?';
		text += length ? length : 1;
	}
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
