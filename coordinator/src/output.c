/* SPDX-License-Identifier: MIT */
/* Words that both forms of output share. */
#include <stdio.h>

#include "duration.h"
#include "out.h"
#include "output.h"

#define NAME_OF(names, index) ((index) < sizeof(names) / sizeof((names)[0]) ? (names)[index] : "?")

const char *output_state_name(uint32_t state)
{
	static const char *const names[] = {
		[LULL_STATE_READY] = "ready",     [LULL_STATE_COOLING] = "cooling",
		[LULL_STATE_PROBING] = "probing", [LULL_STATE_HELD] = "held",
		[LULL_STATE_LIMITED] = "limited",
	};

	return NAME_OF(names, state);
}

const char *output_event_name(uint32_t type)
{
	static const char *const names[] = {
		[0] = "?",
		[LULL_EVENT_COOLED] = "cooled",
		[LULL_EVENT_SOFT] = "soft_failure",
		[LULL_EVENT_PROBE] = "probe",
		[LULL_EVENT_OPENED] = "opened",
		[LULL_EVENT_RETURNED] = "returned",
		[LULL_EVENT_OPERATOR_COOLED] = "operator_cooled",
		[LULL_EVENT_HELD] = "held",
		[LULL_EVENT_CLEARED] = "cleared",
	};

	return NAME_OF(names, type);
}

const char *output_level_name(enum finding_level level)
{
	static const char *const names[] = {
		[FINDING_OK] = "ok",
		[FINDING_NOTE] = "note",
		[FINDING_PROBLEM] = "problem",
	};

	return NAME_OF(names, (size_t)level);
}

const char *output_cause_name(uint32_t cause)
{
	const struct lull_class_info *const info = lull_class_info(cause);

	return cause == LULL_CLASS_ANSWERED || info == NULL ? NULL : info->name;
}

const char *output_class_name(uint32_t class_id)
{
	const struct lull_class_info *const info = lull_class_info(class_id);

	return info == NULL ? "?" : info->name;
}

const char *output_result_name(uint32_t result)
{
	static const char *const names[] = {
		[LULL_RESULT_ANSWERED] = "answered", [LULL_RESULT_FAILED] = "failed",
		[LULL_RESULT_DEADLINE] = "deadline", [LULL_RESULT_COOLING] = "cooling",
		[LULL_RESULT_REFUSED] = "refused",   [LULL_RESULT_AUTH] = "auth",
		[LULL_RESULT_CONFIG] = "config",     [LULL_RESULT_CANCELLED] = "cancelled",
	};

	return NAME_OF(names, result);
}

struct moment moment_now(void)
{
	return (struct moment){.table_ms = lull_clock_ms(), .unix_ms = unix_now_ms()};
}

uint64_t moment_unix_ms(const struct moment *now, uint64_t at_ms)
{
	if (at_ms == 0)
		return 0;
	if (at_ms > now->table_ms) /* written by somebody while we looked */
		return now->unix_ms;
	return now->unix_ms - (now->table_ms - at_ms);
}

struct state_text output_state_text(const struct lull_key_state *state)
{
	const char *const cause = output_cause_name(state->cause);
	struct state_text ret = {""};
	char http[20] = "";

	if (state->http_status != 0)
		(void)snprintf(http, sizeof(http), " (HTTP %u)", (unsigned int)state->http_status);
	if (state->state == LULL_STATE_HELD)
		(void)snprintf(ret.text, sizeof(ret.text), "held until cleared");
	else if (state->state == LULL_STATE_READY)
		(void)snprintf(ret.text, sizeof(ret.text), "ready");
	else
		(void)snprintf(ret.text, sizeof(ret.text), "%s for %s%s%s%s",
			       output_state_name(state->state),
			       duration_seconds(state->ready_in_ms).text, cause != NULL ? ", " : "",
			       cause != NULL ? cause : "", http);
	return ret;
}

void output_state(const struct lull_key_state *state)
{
	out_string(output_state_text(state).text);
}
