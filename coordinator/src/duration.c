/* SPDX-License-Identifier: MIT */
/*
 * Reading and printing times, in whole numbers: no floating point, so no locale's decimal comma.
 */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "duration.h"

static const struct {
	const char *name;
	uint64_t ms;
} units[] = {
	{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"", 1000},
};

/* Three digits behind the point are all that can matter: below them are microseconds. */
static const char *parse_thousandths(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	int digits = 0;

	for (; isdigit((unsigned char)*text); text++) {
		if (digits < 3) {
			value = value * 10 + (uint64_t)(*text - '0');
			digits++;
		}
	}
	for (; digits < 3; digits++)
		value *= 10;
	*ret = value;
	return text;
}

int duration_parse_ms(const char *text, uint64_t *ret_ms)
{
	uint64_t whole = 0, thousandths = 0;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	for (; isdigit((unsigned char)*text); text++) {
		if (whole > UINT32_MAX)
			return -ERANGE;
		whole = whole * 10 + (uint64_t)(*text - '0');
	}
	if (text[0] == '.' && isdigit((unsigned char)text[1]))
		text = parse_thousandths(text + 1, &thousandths);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text, units[i].name) == 0) {
			*ret_ms = whole * units[i].ms + thousandths * units[i].ms / 1000;
			return 0;
		}
	}
	return -EINVAL;
}

struct duration_text duration_seconds(uint64_t ms)
{
	const uint64_t tenths = ms / 100 + (ms % 100 != 0);
	struct duration_text ret;

	(void)snprintf(ret.text, sizeof(ret.text), "%llu.%llu s", (unsigned long long)(tenths / 10),
		       (unsigned long long)(tenths % 10));
	return ret;
}

struct duration_text duration_json(uint64_t ms)
{
	struct duration_text ret;

	(void)snprintf(ret.text, sizeof(ret.text), "%llu.%03llu", (unsigned long long)(ms / 1000),
		       (unsigned long long)(ms % 1000));
	return ret;
}

struct duration_text moment_local(uint64_t unix_ms, bool milliseconds)
{
	const time_t seconds = (time_t)(unix_ms / 1000);
	struct duration_text ret = {""};
	struct tm parts;
	size_t length;

	if (localtime_r(&seconds, &parts) == NULL)
		return ret;
	length = strftime(ret.text, sizeof(ret.text), "%Y-%m-%d %H:%M:%S", &parts);
	if (milliseconds)
		(void)snprintf(ret.text + length, sizeof(ret.text) - length, ".%03u",
			       (unsigned int)(unix_ms % 1000));
	return ret;
}

struct duration_text moment_json(uint64_t unix_ms)
{
	const time_t seconds = (time_t)(unix_ms / 1000);
	struct duration_text ret = {""};
	struct tm parts;
	size_t length;

	if (gmtime_r(&seconds, &parts) == NULL)
		return ret;
	length = strftime(ret.text, sizeof(ret.text), "%Y-%m-%dT%H:%M:%S", &parts);
	(void)snprintf(ret.text + length, sizeof(ret.text) - length, ".%03uZ",
		       (unsigned int)(unix_ms % 1000));
	return ret;
}

uint64_t unix_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
