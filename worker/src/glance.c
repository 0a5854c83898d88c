/* SPDX-License-Identifier: MIT */
/* See glance.h. */
#include "glance.h"

#include <string.h>

#include "json_scan.h"
#include "openai.h"

#define COUNT_DIGITS_MAX 9u /* fits 32 bits */

/* What stands at a place is ... */
enum kind {
	ANY,     /* no matter what */
	OBJECT,  /* as it has to be, or it is not sure */
	ARRAY,   /* likewise */
	FINISH,  /* a usual reason to end */
	CONTENT, /* a text that says something */
	NOTHING, /* null or an empty array */
	CHAT,    /* "chat.completion" */
};

struct member {
	const char *name;
	enum kind kind;
};

/* Vendors' own members are here where they are as frequent as OpenAI's. */
static const struct member answer_members[] = {
	{"id", ANY},
	{"object", CHAT},
	{"created", ANY},
	{"model", ANY},
	{"choices", ARRAY},
	{"usage", OBJECT},
	{"system_fingerprint", ANY},
	{"service_tier", ANY},
	{"prompt_filter_results", ANY}, /* Azure */
	{"x_groq", ANY},
	{"provider", ANY},           /* OpenRouter */
	{"prompt_logprobs", ANY},    /* vLLM */
	{"prompt_token_ids", ANY},   /* likewise */
	{"kv_transfer_params", ANY}, /* likewise */
	{"timings", ANY},            /* llama.cpp */
	{NULL, ANY},
};

static const struct member choice_members[] = {
	{"index", ANY},
	{"message", OBJECT},
	{"finish_reason", FINISH},
	{"logprobs", ANY},
	{"content_filter_results", ANY}, /* Azure */
	{"native_finish_reason", ANY},   /* OpenRouter */
	{"stop_reason", ANY},            /* vLLM */
	{"token_ids", ANY},              /* likewise */
	{"matched_stop", ANY},           /* SGLang */
	{"seed", ANY},                   /* Together */
	{NULL, ANY},
};

static const struct member message_members[] = {
	{"role", ANY},
	{"content", CONTENT},
	{"refusal", ANY},
	{"annotations", ANY},
	{"audio", NOTHING},
	{"tool_calls", NOTHING},
	{"function_call", NOTHING},
	{"reasoning", ANY},
	{"reasoning_content", ANY},
	{"reasoning_details", ANY},
	{NULL, ANY},
};

struct state {
	struct glance *glance;
	unsigned choices, finishes, contents;
};

static bool is_text(const struct json_token *value, const char *text)
{
	return value->type == JSON_TOKEN_STRING && value->size == strlen(text) + 2 &&
	       memcmp(value->start + 1, text, strlen(text)) == 0;
}

static bool take_finish(struct state *state, const struct json_token *value)
{
	char reason[16];
	const char *finish;

	if (value->type != JSON_TOKEN_STRING || value->size > sizeof(reason))
		return false;
	memcpy(reason, value->start + 1, value->size - 2);
	reason[value->size - 2] = '\0';
	finish = openai_finish(reason);
	if (state->choices == 1)
		state->glance->finish = finish;
	state->finishes++;
	return finish != NULL;
}

static bool take_content(struct state *state, const struct json_token *value)
{
	struct glance *glance = state->glance;

	if (value->type != JSON_TOKEN_STRING || value->size == 2 || value->has_nul)
		return false;
	if (state->choices == 1) {
		glance->text = value->start + 1;
		glance->text_bytes = value->size - 2;
		glance->text_is_escaped = memchr(glance->text, '\\', glance->text_bytes);
	}
	state->contents++;
	return true;
}

static bool take_count(struct state *state, const struct json_token *value)
{
	uint32_t tokens = 0;

	if (value->type != JSON_TOKEN_NUMBER || value->size > COUNT_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < value->size; i++) {
		if (value->start[i] < '0' || value->start[i] > '9')
			return false;
		tokens = 10 * tokens + (uint32_t)(value->start[i] - '0');
	}
	state->glance->tokens = tokens;
	return tokens > 0;
}

static bool take(struct state *state, enum kind kind, const struct json_token *value)
{
	switch (kind) {
	case ANY:
		return true;
	case OBJECT:
		return json_token_is(value, '{');
	case ARRAY:
		return json_token_is(value, '[');
	case FINISH:
		return take_finish(state, value);
	case CONTENT:
		return take_content(state, value);
	case NOTHING:
		return json_token_is(value, '[') || *value->start == 'n';
	case CHAT:
		return is_text(value, "chat.completion");
	}
	return false;
}

static bool take_member(struct state *state, const struct json_place *place,
			const struct member *members, const struct json_token *value)
{
	size_t size;
	const char *name = json_place_name(place, json_place_depth(place) - 1, &size);

	for (; name && members->name; members++)
		if (json_name_is(name, size, members->name))
			return take(state, members->kind, value);
	return false;
}

/* Deeper than a message is only what does not matter, or must not be there. */
static bool see_in_choice(struct state *state, const struct json_place *place,
			  const struct json_token *value)
{
	switch (json_place_depth(place)) {
	case 2:
		state->choices++;
		return json_token_is(value, '{');
	case 3:
		return take_member(state, place, choice_members, value);
	case 4:
		return !json_place_is(place, 2, "message") ||
		       take_member(state, place, message_members, value);
	default:
		return !json_place_is(place, 2, "message") ||
		       !(json_place_is(place, 3, "tool_calls") ||
			 json_place_is(place, 3, "audio") ||
			 json_place_is(place, 3, "function_call"));
	}
}

static bool see(const struct json_place *place, const struct json_token *value, void *userdata)
{
	struct state *state = userdata;

	if (json_place_depth(place) == 1)
		return take_member(state, place, answer_members, value);
	if (json_place_is(place, 0, "choices"))
		return see_in_choice(state, place, value);
	if (json_place_depth(place) == 2 && json_place_is(place, 0, "usage") &&
	    json_place_is(place, 1, "total_tokens"))
		return take_count(state, value);
	return true;
}

bool glance_at(const char *body, size_t size, struct glance *ret)
{
	struct state state = {.glance = ret};

	*ret = (struct glance){0};
	return json_see_plain_object(body, size, see, &state) && ret->tokens > 0 &&
	       state.choices > 0 && state.finishes == state.choices &&
	       state.contents == state.choices;
}
