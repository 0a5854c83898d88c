/* SPDX-License-Identifier: MIT */
/*
 * One row a metric. Counters are the table's own: sums over all processes of the host, kept in the
 * key's slot for as long as the table lives. Nothing that ends a cooldown touches them, and no key
 * is ever dropped; a table that was reset starts again from 0, which Prometheus takes for what it is.
 *
 * Numbers are printed whole or in thousandths, never by "%f": its point is the locale's.
 */
#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lull/lull.h>

#include "output.h"
#include "snapshot.h"
#include "utf8.h"

#define MS_PER_S 1000u

enum unit {
	UNIT_ONE,
	UNIT_MS /* printed as seconds; LULL_NEVER as +Inf */
};

/* What one sample is about: the table (key NULL), a key, or one variant of it. */
struct subject {
	const struct snapshot *snapshot;
	const struct lull_key_state *key;
	uint32_t variant;
};

struct family {
	const char *name, *type, *help;
	enum unit unit;
	bool of_keys; /* a sample for each key; else one for the table */
	size_t sum;   /* of_keys, without a value(): where in struct lull_key_state the sum is */
	/* false: no such sample */
	bool (*value)(const struct subject *subject, uint64_t *ret);
	const char *label; /* further samples, one a variant; NULL: none */
	const char *(*variant_name)(uint32_t variant);
	uint32_t variant_count;
};

/* ------------------------------------------------------------------ values of the table */

static bool one(const struct subject *subject, uint64_t *ret)
{
	(void)subject;
	*ret = 1;
	return true;
}

static bool table_shared(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->snapshot->table.shared;
	return true;
}

static bool table_created(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->snapshot->table.created_unix_s;
	return subject->snapshot->table.shared != 0;
}

static bool table_size(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->snapshot->table.size_bytes;
	return true;
}

static bool table_slots(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->snapshot->table.slot_count;
	return true;
}

static bool table_slots_used(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->snapshot->table.slots_used;
	return true;
}

static bool table_rejects(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->snapshot->table.full_rejects;
	return true;
}

static bool table_events(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->snapshot->table.event_count;
	return true;
}

/* A skip is counted on one key, the one that was shut for longest. */
static bool attempts_saved(const struct subject *subject, uint64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < subject->snapshot->count; i++)
		*ret += subject->snapshot->keys[i].skips;
	return true;
}

/* ------------------------------------------------------------------ values of a key */

static bool key_is_in_state(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->key->state == subject->variant;
	return true;
}

static bool key_ready_in(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->key->ready_in_ms;
	return true;
}

static bool key_strikes(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->key->strikes;
	return true;
}

static bool key_usual(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->key->usual_ms;
	return *ret != 0;
}

static bool limit_rpm(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->key->limits.rpm;
	return *ret != 0;
}

static bool limit_tpm(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->key->limits.tpm;
	return *ret != 0;
}

static bool limit_parallel(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->key->limits.parallel;
	return *ret != 0;
}

static bool parallel_used(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->key->parallel_used;
	return subject->key->limits.parallel != 0;
}

static bool limit_room_in(const struct subject *subject, uint64_t *ret)
{
	const bool is_rpm = subject->variant + 1 == LULL_LIMIT_RPM;

	*ret = is_rpm ? subject->key->rpm_room_in_ms : subject->key->tpm_room_in_ms;
	return (is_rpm ? subject->key->limits.rpm : subject->key->limits.tpm) != 0;
}

/* A class that was not met has no sample: most never are, and there are many. */
static bool key_outcomes(const struct subject *subject, uint64_t *ret)
{
	*ret = subject->key->outcomes[subject->variant];
	return *ret != 0;
}

static bool key_sum(const struct subject *subject, size_t offset, uint64_t *ret)
{
	if (subject->key == NULL)
		return false;
	memcpy(ret, (const char *)subject->key + offset, sizeof(*ret));
	return true;
}

static const char *rate_name(uint32_t variant)
{
	return lull_limit_name(variant + 1);
}

/* ------------------------------------------------------------------ the metrics */

#define KEY_SUM(sum_name, text)                                                         \
	{                                                                               \
		.name = "lull_" #sum_name "_total", .type = "counter", .of_keys = true, \
		.sum = offsetof(struct lull_key_state, sum_name), .help = (text)        \
	}

/* clang-format off */
static const struct family families[] = {
	{.name = "lull_table_info", .type = "gauge", .value = one,
	 .help = "Always 1: which table this is about, and the version of Lull that read it."},
	{.name = "lull_table_shared", .type = "gauge", .value = table_shared,
	 .help = "1 if there is a table that processes share; 0 if not, and all else is empty."},
	{.name = "lull_table_created_timestamp_seconds", .type = "gauge", .value = table_created,
	 .help = "When the table was made; all counters began then."},
	{.name = "lull_table_size_bytes", .type = "gauge", .value = table_size,
	 .help = "Memory of the table."},
	{.name = "lull_table_slots", .type = "gauge", .value = table_slots,
	 .help = "Keys that the table has room for."},
	{.name = "lull_table_slots_used", .type = "gauge", .value = table_slots_used,
	 .help = "Keys in the table."},
	{.name = "lull_table_rejects_total", .type = "counter", .value = table_rejects,
	 .help = "Times that a key found no room in a full table and was kept by one process alone."},
	{.name = "lull_events_total", .type = "counter", .value = table_events,
	 .help = "Changes of state of all keys, as lull watch shows them."},
	{.name = "lull_attempts_saved_total", .type = "counter", .value = attempts_saved,
	 .help = "Attempts that no process made because the table said that a key was shut: all skips."},
	KEY_SUM(attempts, "Attempts begun. One is counted on its route, credential, endpoint and names: "
		"sum over one kind."),
	KEY_SUM(answers, "Attempts that got an answer."),
	KEY_SUM(failures, "Failures that were charged to the key: those that cool it, at once or in a row."),
	{.name = "lull_outcomes_total", .type = "counter", .of_keys = true, .value = key_outcomes,
	 .label = "class", .variant_name = output_class_name, .variant_count = LULL_CLASS_COUNT,
	 .help = "What became of attempts on a route, or of runs by a name, by class; answered is one."},
	KEY_SUM(skips, "Attempts not made because the key was shut."),
	KEY_SUM(cooldowns, "Cooldowns that failures have begun."),
	KEY_SUM(probes, "Probes: the one attempt after a cooldown."),
	KEY_SUM(limited, "Attempts put off, or passed over, for want of room within a limit."),
	{.name = "lull_key_state", .type = "gauge", .of_keys = true, .value = key_is_in_state,
	 .label = "state", .variant_name = output_state_name, .variant_count = LULL_STATE_HELD + 1,
	 .help = "1 for the state that the key is in, 0 for the others."},
	{.name = "lull_key_ready_in_seconds", .type = "gauge", .of_keys = true, .value = key_ready_in,
	 .unit = UNIT_MS, .help = "Time until the key is ready: 0 now, +Inf held until cleared."},
	{.name = "lull_key_strikes", .type = "gauge", .of_keys = true, .value = key_strikes,
	 .help = "Probes failed in a row; of a key that is ready, soft failures in a row."},
	{.name = "lull_key_usual_seconds", .type = "gauge", .of_keys = true, .value = key_usual,
	 .unit = UNIT_MS, .help = "Moving mean of the time from an attempt's begin to 2xx headers."},
	{.name = "lull_key_limit_requests_per_minute", .type = "gauge", .of_keys = true, .value = limit_rpm,
	 .help = "Limit of requests a minute of all processes together."},
	{.name = "lull_key_limit_tokens_per_minute", .type = "gauge", .of_keys = true, .value = limit_tpm,
	 .help = "Limit of tokens a minute of all processes together."},
	{.name = "lull_key_limit_parallel_requests", .type = "gauge", .of_keys = true, .value = limit_parallel,
	 .help = "Limit of requests at once of all processes together."},
	{.name = "lull_key_parallel_requests", .type = "gauge", .of_keys = true, .value = parallel_used,
	 .help = "Requests under way, of a key with a limit of requests at once."},
	{.name = "lull_key_limit_room_in_seconds", .type = "gauge", .of_keys = true, .value = limit_room_in,
	 .unit = UNIT_MS, .label = "limit", .variant_name = rate_name, .variant_count = 2,
	 .help = "Time until there is room within the limit: 0 now."},
};
/* clang-format on */

/* ------------------------------------------------------------------ the text */

static void print_label(FILE *to, const char *before, const char *name, const char *value)
{
	const unsigned char *at = (const unsigned char *)value;

	(void)fprintf(to, "%s%s=\"", before, name);
	while (*at != '\0') {
		const size_t length = utf8_length(at);

		if (*at == '\\' || *at == '"' || *at == '\n')
			(void)fprintf(to, "\\%c", *at == '\n' ? 'n' : *at);
		else if (length == 0)
			(void)fprintf(to, "\\\\x%02x", *at); /* two keys stay two */
		else
			(void)fwrite(at, 1, length, to);
		at += length == 0 ? 1 : length;
	}
	(void)fputs("\"", to);
}

static void print_labels(FILE *to, const struct family *family, const struct subject *subject)
{
	if (subject->key != NULL) {
		print_label(to, "{", "kind", lull_kind_name(subject->key->kind));
		print_label(to, ",", "key", subject->key->key);
		if (subject->key->model[0] != '\0')
			print_label(to, ",", "model", subject->key->model);
		if (family->label != NULL)
			print_label(to, ",", family->label, family->variant_name(subject->variant));
		(void)fputs("}", to);
	} else if (family->value == one) {
		print_label(to, "{", "path", subject->snapshot->table.path);
		print_label(to, ",", "version", lull_version());
		(void)fputs("}", to);
	}
}

static void print_value(FILE *to, enum unit unit, uint64_t value)
{
	if (unit == UNIT_ONE)
		(void)fprintf(to, " %" PRIu64 "\n", value);
	else if (value == LULL_NEVER)
		(void)fputs(" +Inf\n", to);
	else
		(void)fprintf(to, " %" PRIu64 ".%03u\n", value / MS_PER_S,
			      (unsigned int)(value % MS_PER_S));
}

static void print_sample(FILE *to, const struct family *family, const struct subject *subject)
{
	uint64_t value;

	if (family->value != NULL ? !family->value(subject, &value)
				  : !key_sum(subject, family->sum, &value))
		return;
	(void)fputs(family->name, to);
	print_labels(to, family, subject);
	print_value(to, family->unit, value);
}

static void print_key(FILE *to, const struct family *family, struct subject *subject)
{
	const uint32_t count = family->label != NULL ? family->variant_count : 1;

	for (subject->variant = 0; subject->variant < count; subject->variant++)
		print_sample(to, family, subject);
}

static void print_family(FILE *to, const struct family *family, const struct snapshot *snapshot)
{
	struct subject subject = {.snapshot = snapshot};

	(void)fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
		      family->type);
	if (!family->of_keys)
		print_sample(to, family, &subject);
	for (size_t i = 0; family->of_keys && i < snapshot->count; i++) {
		subject.key = &snapshot->keys[i];
		print_key(to, family, &subject);
	}
}

char *metrics_text(struct lull_table *table, size_t *ret_size)
{
	struct snapshot snapshot = {.keys = NULL};
	char *text = NULL;
	FILE *to;
	bool is_whole = false;

	if (snapshot_take(&snapshot, table) < 0)
		return NULL;
	to = open_memstream(&text, ret_size);
	if (to != NULL) {
		for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
			print_family(to, &families[i], &snapshot);
		is_whole = ferror(to) == 0;
		is_whole = fclose(to) == 0 && is_whole;
	}
	snapshot_deinit(&snapshot);
	if (!is_whole) {
		free(text);
		text = NULL;
	}
	return text;
}
