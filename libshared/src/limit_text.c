/* SPDX-License-Identifier: MIT */
/*
 * Limits in words: what they are called, and how people write them on a command line. One row a
 * limit.
 */
#include <lull/limit.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct limit_row {
	const char *name;
	const char *unit;
	uint32_t max;
	size_t member;
} rows[] = {
	[LULL_LIMIT_NONE] = {"none", "", 0, 0},
	[LULL_LIMIT_RPM] = {"rpm", "requests a minute", LULL_RATE_MAX,
			    offsetof(struct lull_limits, rpm)},
	[LULL_LIMIT_TPM] = {"tpm", "tokens a minute", LULL_RATE_MAX,
			    offsetof(struct lull_limits, tpm)},
	[LULL_LIMIT_PARALLEL] = {"parallel", "requests at once", LULL_PARALLEL_MAX,
				 offsetof(struct lull_limits, parallel)},
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

const char *lull_limit_name(uint32_t limit)
{
	return rows[limit < ROW_COUNT ? limit : LULL_LIMIT_NONE].name;
}

const char *lull_limit_unit(uint32_t limit)
{
	return rows[limit < ROW_COUNT ? limit : LULL_LIMIT_NONE].unit;
}

uint32_t lull_limits_get(const struct lull_limits *limits, uint32_t limit)
{
	if (limit == LULL_LIMIT_NONE || limit >= ROW_COUNT)
		return 0;
	return *(const uint32_t *)(const void *)((const char *)limits + rows[limit].member);
}

static const struct limit_row *row_named(const char *name, size_t size)
{
	for (size_t i = LULL_LIMIT_RPM; i < ROW_COUNT; i++)
		if (strlen(rows[i].name) == size && memcmp(rows[i].name, name, size) == 0)
			return &rows[i];
	return NULL;
}

/* Nothing but digits, from 1 to the row's largest. 0: it is not. */
static uint32_t number_of(const char *text, size_t size, uint32_t max)
{
	uint64_t number = 0;

	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		number = number * 10 + (uint64_t)(text[i] - '0');
		if (number > max)
			return 0;
	}
	return (uint32_t)number;
}

/* "rpm=60" */
static int parse_one(const char *text, size_t size, struct lull_limits *limits, char *error,
		     size_t error_size)
{
	const char *equals = memchr(text, '=', size);
	size_t name_size = equals ? (size_t)(equals - text) : size;
	const struct limit_row *row = row_named(text, name_size);
	uint32_t number = 0;

	if (row && equals)
		number = number_of(equals + 1, size - name_size - 1, row->max);
	if (!row)
		(void)snprintf(error, error_size,
			       "'%.*s' is no limit, expected rpm, tpm or parallel",
			       (int)(name_size < 32 ? name_size : 32), text);
	else if (number == 0)
		(void)snprintf(error, error_size, "expected %s=N, a whole number from 1 to %u",
			       row->name, row->max);
	else
		*(uint32_t *)(void *)((char *)limits + row->member) = number;
	return number ? 0 : -EINVAL;
}

int lull_limits_parse(const char *text, size_t *ret_name_bytes, struct lull_limits *limits,
		      char *error, size_t error_size)
{
	const char *colon = strrchr(text, ':'); /* names may have some: llama3.1:8b */
	struct lull_limits parsed = *limits;
	const char *at = colon ? colon + 1 : text;
	int err = 0;

	if (!colon || colon == text || !*at) {
		(void)snprintf(error, error_size, "expected NAME:rpm=N,tpm=N,parallel=N");
		return -EINVAL;
	}
	for (size_t size; !err; at += size + 1) {
		size = strcspn(at, ",");
		err = parse_one(at, size, &parsed, error, error_size);
		if (!at[size])
			break;
	}
	if (err)
		return err;
	*limits = parsed;
	*ret_name_bytes = (size_t)(colon - text);
	return 0;
}
