/* SPDX-License-Identifier: MIT */
/*
 * Durations as people write them: "100ms", "45s", "1.5s", "10m", "1h", and LiteLLM's bare number of
 * seconds. Integer arithmetic only, so that 0.1 s is 100 ms and the locale's decimal comma does not
 * matter.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

static const struct unit {
	const char *name;
	uint32_t ms;
} units[] = {
	/* the largest first: duration_format() takes the first that divides */
	{"h", 3600000},
	{"m", 60000},
	{"s", 1000},
	{"ms", 1},
};
#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

/* Digits that can matter: more whole ones overflow anyway, further decimals only round up. */
#define WHOLE_DIGITS_MAX    10
#define FRACTION_DIGITS_MAX 9

static int unit_ms(const char *name, uint32_t *ret_ms)
{
	if (name[0] == '\0')
		name = "s";
	for (size_t i = 0; i < UNIT_COUNT; i++) {
		if (strcmp(name, units[i].name) == 0) {
			*ret_ms = units[i].ms;
			return 0;
		}
	}
	return -EINVAL;
}

/* Reads digits from *text on. Those beyond the limit are counted, not kept. */
static uint64_t read_digits(const char **text, unsigned keep, unsigned *ret_count)
{
	uint64_t value = 0;
	unsigned count = 0;

	for (; isdigit((unsigned char)**text); (*text)++, count++)
		if (count < keep)
			value = value * 10 + (uint64_t)(**text - '0');
	*ret_count = count;
	return value;
}

/* A part of a millisecond rounds up: what was not nothing stays more than nothing. */
static uint64_t scale_fraction(uint64_t fraction, unsigned digits, uint32_t ms)
{
	uint64_t divisor = 1;

	for (unsigned i = 0; i < digits && i < FRACTION_DIGITS_MAX; i++)
		divisor *= 10;
	return (fraction * ms + divisor - 1) / divisor;
}

int duration_parse(const char *text, uint32_t *ret_ms)
{
	uint64_t whole, fraction = 0, total;
	unsigned whole_digits, fraction_digits = 0;
	uint32_t ms;

	if (!text)
		return -EINVAL;
	whole = read_digits(&text, WHOLE_DIGITS_MAX, &whole_digits);
	if (*text == '.') {
		text++;
		fraction = read_digits(&text, FRACTION_DIGITS_MAX, &fraction_digits);
		if (fraction_digits == 0)
			return -EINVAL;
	}
	if (whole_digits == 0 || unit_ms(text, &ms) != 0)
		return -EINVAL;
	if (whole_digits > WHOLE_DIGITS_MAX)
		return -ERANGE;
	total = whole * ms + scale_fraction(fraction, fraction_digits, ms);
	if (total > UINT32_MAX)
		return -ERANGE;
	*ret_ms = (uint32_t)total;
	return 0;
}

void duration_format(uint32_t ms, char *ret)
{
	size_t i = 0;

	while (ms % units[i].ms != 0)
		i++;
	if (ms == 0)
		i = 2;
	(void)snprintf(ret, DURATION_BYTES_MAX, "%" PRIu32 "%s", ms / units[i].ms, units[i].name);
}
