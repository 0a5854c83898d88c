/* SPDX-License-Identifier: MIT */
/*
 * How long the server asks to wait. Vendors say it in seven places and in as many notations; the
 * first place that holds a readable wait of 0 or more wins. What is read is reported as the number
 * it is, rounded up to a millisecond: whether a day is to be believed is for the loop to decide.
 *
 * Numbers are read as exact decimals, because 18.642 s must not become 18643 ms, and because strtod
 * listens to the locale of a host program.
 */
#include "wire.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "quote.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)
#define MS_PER_S  1000

/* ---- numbers: digits x 10^exponent */

#define DIGITS_MAX   UINT64_C(100000000000000000) /* 18 digits; more say nothing about a wait */
#define EXPONENT_MAX 400                          /* beyond every double */

__extension__ typedef unsigned __int128 uint128;

struct decimal {
	uint64_t digits;
	int exponent;
	bool negative;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void add_digit(struct decimal *number, char digit, bool after_point)
{
	if (number->digits < DIGITS_MAX) {
		number->digits = number->digits * 10 + (uint64_t)(digit - '0');
		if (after_point && number->exponent > -EXPONENT_MAX)
			number->exponent--;
	} else if (!after_point && number->exponent < EXPONENT_MAX) {
		number->exponent++;
	}
}

/* [+-]digits[.digits], also .digits; moves *text behind it */
static bool read_number(const char **text, struct decimal *ret_number)
{
	struct decimal number = {.negative = **text == '-'};
	const char *at = *text + (**text == '-' || **text == '+');

	if (!is_digit(at[0]) && !(at[0] == '.' && is_digit(at[1])))
		return false;
	for (; is_digit(*at); at++)
		add_digit(&number, *at, false);
	if (at[0] == '.' && is_digit(at[1]))
		for (at++; is_digit(*at); at++)
			add_digit(&number, *at, true);
	*ret_number = number;
	*text = at;
	return true;
}

/* e[+-]digits, if there is one */
static void read_exponent(const char **text, struct decimal *number)
{
	const char *at = *text + 1;
	int sign = 1;
	int exponent = 0;

	if (**text != 'e' && **text != 'E')
		return;
	if (*at == '-' || *at == '+')
		sign = *at++ == '-' ? -1 : 1;
	if (!is_digit(*at))
		return;
	for (; is_digit(*at); at++)
		if (exponent < EXPONENT_MAX)
			exponent = exponent * 10 + (*at - '0');
	number->exponent += sign * exponent;
	*text = at;
}

/* number x unit, rounded up; UINT64_MAX (584 years) stands for all that is longer */
static uint64_t to_ns(const struct decimal *number, uint64_t unit_ns)
{
	uint128 ns = (uint128)number->digits * unit_ns;
	bool rest = false;

	for (int exponent = number->exponent; exponent < 0 && ns > 0; exponent++) {
		rest = rest || ns % 10 != 0;
		ns /= 10;
	}
	for (int exponent = number->exponent; exponent > 0 && ns > 0 && ns < UINT64_MAX; exponent--)
		ns *= 10;
	ns += rest;
	return ns < UINT64_MAX ? (uint64_t)ns : UINT64_MAX;
}

static int64_t ms_from_ns(uint64_t ns)
{
	return ns == UINT64_MAX ? INT64_MAX : (int64_t)(ns / NS_PER_MS + (ns % NS_PER_MS != 0));
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* The whole text is one number of that unit. Milliseconds; -1 if it is not, or negative. */
static int64_t number_ms(const char *text, uint64_t unit_ns)
{
	struct decimal number;

	text = skip_blanks(text);
	if (!read_number(&text, &number))
		return -1;
	read_exponent(&text, &number);
	if (*skip_blanks(text) != '\0' || (number.negative && number.digits > 0))
		return -1;
	return ms_from_ns(to_ns(&number, unit_ns));
}

/* ---- durations */

struct unit {
	const char *name;
	uint64_t ns;
};

/* As Go prints them, and "d" of some vendors. "ms" before "m": the longest name comes first. */
static const struct unit go_units[] = {
	{"ns", 1},
	{"us", 1000},
	{"\u00b5s", 1000},
	{"\u03bcs", 1000},
	{"ms", NS_PER_MS},
	{"s", NS_PER_S},
	{"m", NS_PER_S * 60},
	{"h", NS_PER_S * 3600},
	{"d", NS_PER_S * 86400},
};

/* As sentences spell them: "20 seconds" */
static const struct unit word_units[] = {
	{"milliseconds", NS_PER_MS}, {"seconds", NS_PER_S},      {"second", NS_PER_S},
	{"minutes", NS_PER_S * 60},  {"minute", NS_PER_S * 60},  {"hours", NS_PER_S * 3600},
	{"hour", NS_PER_S * 3600},   {"days", NS_PER_S * 86400}, {"day", NS_PER_S * 86400},
};

static const struct unit *read_unit(const char **text, const struct unit *units, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t size = strlen(units[i].name);

		if (strncmp(*text, units[i].name, size) == 0) {
			*text += size;
			return &units[i];
		}
	}
	return NULL;
}

/* (number unit)+, as "1m30s"; moves *text behind it */
static bool read_go_duration(const char **text, uint64_t *ret_ns)
{
	const size_t unit_count = sizeof(go_units) / sizeof(go_units[0]);
	const struct unit *unit;
	const char *at = *text;
	struct decimal number;
	uint64_t ns = 0;

	while (*at != '-' && *at != '+' && read_number(&at, &number)) {
		unit = read_unit(&at, go_units, unit_count);
		if (!unit)
			return false;
		if (__builtin_add_overflow(ns, to_ns(&number, unit->ns), &ns))
			ns = UINT64_MAX;
	}
	if (at == *text || is_letter(*at))
		return false;
	*text = at;
	*ret_ns = ns;
	return true;
}

/* "20 seconds"; moves *text behind it */
static bool read_worded_duration(const char **text, uint64_t *ret_ns)
{
	const size_t unit_count = sizeof(word_units) / sizeof(word_units[0]);
	const struct unit *unit;
	const char *at = *text;
	struct decimal number;

	if (!read_number(&at, &number) || number.negative || *at++ != ' ')
		return false;
	unit = read_unit(&at, word_units, unit_count);
	if (!unit || is_letter(*at))
		return false;
	*text = at;
	*ret_ns = to_ns(&number, unit->ns);
	return true;
}

/* The whole text is a Go duration. Milliseconds, or -1. */
static int64_t go_duration_ms(const char *text)
{
	uint64_t ns;

	text = skip_blanks(text);
	if (!read_go_duration(&text, &ns) || *skip_blanks(text) != '\0')
		return -1;
	return ms_from_ns(ns);
}

/* ---- points in time */

/* what the server's clock showed: differences to it are right even where our clock is wrong */
static int64_t answered_at_unix_ms(const struct wire_response *response)
{
	const char *date = wire_header_get(response, "date");
	time_t at = date ? curl_getdate(date, NULL) : -1;
	int64_t at_ms;

	if (at < 0 || __builtin_mul_overflow((int64_t)at, MS_PER_S, &at_ms))
		return response->now_unix_ms;
	return at_ms;
}

/* milliseconds from the answer until then; -1 when that has passed */
static int64_t until(const struct wire_response *response, int64_t at_unix_ms)
{
	int64_t wait_ms;

	if (__builtin_sub_overflow(at_unix_ms, answered_at_unix_ms(response), &wait_ms))
		return -1;
	return wait_ms >= 0 ? wait_ms : -1;
}

static int64_t until_epoch(const struct wire_response *response, const char *text, uint64_t unit_ns)
{
	int64_t at_unix_ms = number_ms(text, unit_ns);

	return at_unix_ms < 0 ? -1 : until(response, at_unix_ms);
}

static int64_t until_http_date(const struct wire_response *response, const char *text)
{
	time_t at = curl_getdate(text, NULL);
	int64_t at_unix_ms;

	if (at < 0 || __builtin_mul_overflow((int64_t)at, MS_PER_S, &at_unix_ms))
		return -1;
	return until(response, at_unix_ms);
}

/* RFC 3339, as "2026-01-15T12:00:07.5Z" or with "+01:00" */
static int64_t until_rfc3339(const struct wire_response *response, const char *text)
{
	struct tm tm = {0};
	struct decimal fraction = {0};
	int hours = 0, minutes = 0, used = 0;
	char sign = 'Z';
	int64_t at_unix_ms;

	text = skip_blanks(text);
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) < 6)
		return -1;
	text += used;
	if (*text == '.' && !read_number(&text, &fraction))
		return -1;
	if (strcmp(text, "Z") != 0 && sscanf(text, "%c%2d:%2d", &sign, &hours, &minutes) < 3)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	at_unix_ms = (int64_t)timegm(&tm) * MS_PER_S + ms_from_ns(to_ns(&fraction, NS_PER_S));
	at_unix_ms -= (sign == '-' ? -1 : 1) * (hours * INT64_C(60) + minutes) * 60000;
	return until(response, at_unix_ms);
}

/* ---- the places, in the order they are asked */

struct places {
	const struct provider *provider;
	const struct wire_response *response;
	struct json_object *error; /* NULL none */
	const char *message;       /* NULL none */
};

/* milliseconds, or -1; *from names the header where it differs from the row's */
typedef int64_t (*place_fn)(const struct places *places, const char **from);

static int64_t retry_after_ms(const struct places *places, const char **from)
{
	const char *value = wire_header_get(places->response, "retry-after-ms");

	(void)from;
	return value ? number_ms(value, NS_PER_MS) : -1;
}

static int64_t retry_after(const struct places *places, const char **from)
{
	const char *value = wire_header_get(places->response, "retry-after");
	int64_t wait_ms = value ? number_ms(value, NS_PER_S) : -1;

	if (!value || wait_ms >= 0)
		return wait_ms;
	*from = "retry-after (HTTP date)";
	return until_http_date(places->response, value);
}

/* Google: details[] of type …google.rpc.RetryInfo */
static int64_t retry_info(const struct places *places, const char **from)
{
	struct json_object *details, *delay;

	(void)from;
	if (!json_object_object_get_ex(places->error, "details", &details) ||
	    !json_object_is_type(details, json_type_array))
		return -1;
	for (size_t i = 0; i < json_object_array_length(details); i++)
		if (json_object_object_get_ex(json_object_array_get_idx(details, i), "retryDelay",
					      &delay) &&
		    json_object_is_type(delay, json_type_string))
			return go_duration_ms(json_object_get_string(delay));
	return -1;
}

/* OpenRouter */
static int64_t availability(const struct places *places, const char **from)
{
	struct json_object *said, *wait;

	(void)from;
	if (!json_object_object_get_ex(places->error, "availability", &said) ||
	    !json_object_object_get_ex(said, "retry_after", &wait) || !wait)
		return -1;
	return number_ms(json_object_get_string(wait), NS_PER_S);
}

/* One header, three meanings. Limits speak for refused requests only. */
static int64_t rate_limit_reset(const struct places *places, const char **from)
{
	const char *value = wire_header_get(places->response, "x-ratelimit-reset");

	(void)from;
	if (!value || places->response->status != 429)
		return -1;
	switch (places->provider ? places->provider->reset : PROVIDER_RESET_UNKNOWN) {
	case PROVIDER_RESET_IN_S:
		return number_ms(value, NS_PER_S);
	case PROVIDER_RESET_AT_S:
		return until_epoch(places->response, value, NS_PER_S);
	case PROVIDER_RESET_AT_MS:
		return until_epoch(places->response, value, NS_PER_MS);
	case PROVIDER_RESET_UNKNOWN:
		break;
	}
	return -1;
}

enum notation { GO_DURATION, RFC3339 };

#define OPENAI_BUCKET(what, limit)                                        \
	{                                                                 \
		"x-ratelimit-remaining-" what, "x-ratelimit-reset-" what, \
			"x-ratelimit-limit-" what, GO_DURATION, limit     \
	}
#define ANTHROPIC_BUCKET(what, limit)                                       \
	{                                                                   \
		"anthropic-" what "-remaining", "anthropic-" what "-reset", \
			"anthropic-" what "-limit", RFC3339, limit          \
	}

static const struct bucket {
	const char *remaining;
	const char *reset; /* when it is full again */
	const char *size;
	enum notation notation;
	enum lull_limit limit; /* what it holds */
} buckets[] = {
	OPENAI_BUCKET("requests", LULL_LIMIT_RPM),
	OPENAI_BUCKET("tokens", LULL_LIMIT_TPM),
	ANTHROPIC_BUCKET("ratelimit-requests", LULL_LIMIT_RPM),
	ANTHROPIC_BUCKET("ratelimit-tokens", LULL_LIMIT_TPM),
	ANTHROPIC_BUCKET("ratelimit-input-tokens", LULL_LIMIT_TPM),
	ANTHROPIC_BUCKET("ratelimit-output-tokens", LULL_LIMIT_TPM),
	ANTHROPIC_BUCKET("priority-input-tokens", LULL_LIMIT_TPM),
	ANTHROPIC_BUCKET("priority-output-tokens", LULL_LIMIT_TPM),
};
#define BUCKET_COUNT (sizeof(buckets) / sizeof(buckets[0]))
#define QUOTED_MAX   8u

static int64_t bucket_ms(const struct places *places, const struct bucket *bucket)
{
	const char *remaining = wire_header_get(places->response, bucket->remaining);
	const char *reset = wire_header_get(places->response, bucket->reset);
	int64_t wait_ms;

	if (!remaining || !reset || number_ms(remaining, NS_PER_MS) != 0)
		return -1;
	if (bucket->notation == RFC3339)
		return until_rfc3339(places->response, reset);
	wait_ms = go_duration_ms(reset);
	if (wait_ms < 0 && places->provider && places->provider->buckets_in_s)
		return number_ms(reset, NS_PER_S);
	return wait_ms;
}

/* the empty bucket that fills last */
static int64_t empty_bucket(const struct places *places, const char **from)
{
	int64_t wait_ms, longest_ms = -1;

	if (places->response->status != 429)
		return -1;
	for (size_t i = 0; i < BUCKET_COUNT; i++) {
		wait_ms = bucket_ms(places, &buckets[i]);
		if (wait_ms > longest_ms) {
			longest_ms = wait_ms;
			*from = buckets[i].reset;
		}
	}
	return longest_ms;
}

/* ---- sentences, and who says them */

/* "Please try again in 18.642s." Who quotes that often says nothing of his own. */
static int64_t own_sentence(const char *message, const char *request, size_t request_size)
{
	static const char *const phrases[] = {"try again in ", "retry in ", "retry after "};
	const char *phrase, *at;
	unsigned quoted = 0;
	uint64_t ns;

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		at = message;
		while ((phrase = strcasestr(at, phrases[i]))) {
			at = phrase + strlen(phrases[i]);
			if (!read_go_duration(&at, &ns) && !read_worded_duration(&at, &ns))
				continue;
			if (!quote_is_of(request, request_size, phrase, (size_t)(at - phrase)))
				return ms_from_ns(ns);
			if (++quoted == QUOTED_MAX)
				return -1;
		}
	}
	return -1;
}

static int64_t sentence(const struct places *places, const char **from)
{
	size_t request_size;
	char *request;
	int64_t wait_ms;

	(void)from;
	if (!places->message || !strcasestr(places->message, "try"))
		return -1;
	request = quote_source(places->response, &request_size);
	if (!request) /* nobody knows who says it */
		return -1;
	wait_ms = own_sentence(places->message, request, request_size);
	free(request);
	return wait_ms;
}

int64_t hint_read(const struct provider *provider, const struct wire_response *response,
		  struct json_object *error, const char *message, const char **ret_from)
{
	static const struct {
		place_fn read;
		const char *from;
	} order[] = {
		{retry_after_ms, "retry-after-ms"},
		{retry_after, "retry-after"},
		{retry_info, "RetryInfo"},
		{availability, "availability.retry_after"},
		{rate_limit_reset, "x-ratelimit-reset"},
		{empty_bucket, NULL},
		{sentence, "message"},
	};
	const struct places places = {provider, response, error, message};
	int64_t wait_ms;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const char *from = order[i].from;

		wait_ms = order[i].read(&places, &from);
		if (wait_ms >= 0) {
			*ret_from = from;
			return wait_ms;
		}
	}
	*ret_from = NULL;
	return -1;
}

/* ---- limits */

/* Of the time until a bucket is full, that until it holds so many; all of it, if nobody says how
 * many it may hold. */
static int64_t part_ms(const struct places *places, const struct bucket *bucket, int64_t full_ms,
		       uint32_t units)
{
	const char *text = wire_header_get(places->response, bucket->size);
	int64_t size = text ? number_ms(text, NS_PER_MS) : -1;

	if (size <= 0 || units >= (uint64_t)size)
		return full_ms;
	return (int64_t)(((uint128)full_ms * units + (uint64_t)size - 1) / (uint64_t)size);
}

int64_t hint_emptied(const struct provider *provider, const struct wire_response *response,
		     uint32_t limit, uint32_t units)
{
	const struct places places = {.provider = provider, .response = response};
	int64_t longest_ms = -1;

	for (size_t i = 0; i < BUCKET_COUNT; i++) {
		int64_t wait_ms = buckets[i].limit == limit ? bucket_ms(&places, &buckets[i]) : -1;

		if (wait_ms > 0)
			wait_ms = part_ms(&places, &buckets[i], wait_ms, units);
		if (wait_ms > longest_ms)
			longest_ms = wait_ms;
	}
	return longest_ms;
}
