/* SPDX-License-Identifier: MIT */
/* Small things about strings that several files need. */
#ifndef LULL_WORKER_TEXT_H
#define LULL_WORKER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* As asprintf(): new, owned by the caller; NULL without memory. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Texts one behind the other. As text_format(), in a tenth of its time. */
#define text_join(...) text_join_until_null(__VA_ARGS__, (char *)NULL)
char *text_join_until_null(const char *first, ...) __attribute__((sentinel));

/* As a segment of a URL's path (RFC 3986, 2.1): new, owned by the caller; NULL without memory. */
char *text_percent_encoded(const char *text);

/* text: NULL is nothing */
bool text_is(const char *text, const char *other);

/* Line breaks and the like: nothing that belongs into a name, a key or a header. */
bool text_has_control(const char *text);

/* Of ASCII, whatever the locale is. */
bool text_is_alnum(char c);

/* 0 to 15, in either case; -1: it is none */
int text_hex_digit(char c);

/*
 * Length of the UTF-8 character at `at`, 0 if it is none. The second byte's range excludes
 * overlong forms, surrogates and what lies beyond U+10FFFF.
 */
size_t text_utf8_length(const unsigned char *at, const unsigned char *end);

/* UTF-8 without control characters. */
bool text_is_plain(const char *text);
/* Control characters, and halves of characters where a text was cut, become '?'. */
void text_make_plain(char *text);

/* Wiped and freed; NULL is fine. For keys and whatever may hold one. */
void text_free_secret(char *text);

/*
 * The first of the environment variables (a list that NULL ends) that is set to something.
 * Return: its value, borrowed, and *ret_name; NULL none
 */
const char *environment_first(const char *const *names, const char **ret_name);

#endif
