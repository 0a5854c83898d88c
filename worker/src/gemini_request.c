/* SPDX-License-Identifier: MIT */
/*
 * Gemini's generateContent, written. The model and whether it streams stand in the URL; a message
 * is a list of parts; the result of a tool names the tool and is an object; most parameters live in
 * generationConfig.
 */
#include "gemini.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chat.h"
#include "json_build.h"
#include "text.h"

/* ---- models */

/* A model is one of a collection; people may write that, too. Return: the size of "models/" before
 * its name. */
static size_t collection_bytes(const char *model)
{
	static const char *const collections[] = {"models/", "tunedModels/"};

	for (size_t i = 0; i < sizeof(collections) / sizeof(collections[0]); i++) {
		const size_t size = strlen(collections[i]);

		if (strncmp(model, collections[i], size) == 0 && model[size])
			return size;
	}
	return 0;
}

static const char *name_of(const struct chat *chat)
{
	return chat->route->model + collection_bytes(chat->route->model);
}

/* Gemini 3 or later; "gemini-flash-latest" is one, too. */
static bool is_gemini_3(const char *model)
{
	static const char family[] = "gemini-";

	if (strncmp(model, family, strlen(family)) != 0)
		return false;
	model += strlen(family);
	return isdigit((unsigned char)*model) ? strtol(model, NULL, 10) >= 3
					      : strstr(model, "-latest") != NULL;
}

/* ---- parts */

static struct json_object *text_part(struct chat *chat, const struct chat_part *part)
{
	struct json_object *object = json_object_new_object();

	(void)chat;
	return json_or_null(object, json_set_string(object, "text", part->text));
}

static struct json_object *data_part(struct chat *chat, const struct chat_part *part)
{
	struct json_object *object = json_object_new_object();
	struct json_object *data = json_child(object, "inlineData");
	int rc = json_set_string(data, "mimeType", part->media_type);

	(void)chat;
	if (rc == 0)
		rc = json_set_string(data, "data", part->data);
	return json_or_null(object, rc);
}

/* By the end of its path; NULL unknown. */
static const char *image_type(const char *url)
{
	static const struct {
		const char *end;
		const char *type;
	} types[] = {
		{".png", "image/png"},   {".jpg", "image/jpeg"},  {".jpeg", "image/jpeg"},
		{".webp", "image/webp"}, {".heic", "image/heic"}, {".heif", "image/heif"},
	};
	const size_t size = strcspn(url, "?#");

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const size_t end_size = strlen(types[i].end);

		if (size > end_size &&
		    strncasecmp(url + size - end_size, types[i].end, end_size) == 0)
			return types[i].type;
	}
	return NULL;
}

/* Vertex AI wants to be told what type it is; Gemini's own API finds out. */
static struct json_object *url_part(const char *url)
{
	struct json_object *object = json_object_new_object();
	struct json_object *file = json_child(object, "fileData");
	const char *type = image_type(url);
	int rc = json_set_string(file, "fileUri", url);

	if (rc == 0 && type)
		rc = json_set_string(file, "mimeType", type);
	return json_or_null(object, rc);
}

static struct json_object *image_part(struct chat *chat, const struct chat_part *part)
{
	return part->url ? url_part(part->url) : data_part(chat, part);
}

static struct json_object *last_of(struct json_object *list)
{
	const size_t count = list ? json_object_array_length(list) : 0;

	return count > 0 ? json_object_array_get_idx(list, count - 1) : NULL;
}

/* Of its turn, where calls follow one another. */
static bool is_first_call(const struct chat *chat)
{
	struct json_object *turn = last_of(wire_member(chat->body, "contents"));

	return !wire_member(last_of(wire_member(turn, "parts")), "functionCall");
}

/*
 * What the model has thought before its call, sealed, where Google's OpenAI-compatible face has it
 * and our answers do. Gemini 3 refuses a turn whose first call has none; for calls that are not its
 * own, Google documents a text in its place.
 */
static const char *signature_of(const struct chat *chat, const struct chat_part *part)
{
	struct json_object *extra = wire_member(part->from, "extra_content");
	const char *signature = wire_text(wire_member(extra, "google"), "thought_signature");

	if (!signature && is_gemini_3(name_of(chat)) && is_first_call(chat))
		signature = "skip_thought_signature_validator";
	return signature;
}

static struct json_object *call_part(struct chat *chat, const struct chat_part *part)
{
	struct json_object *object = json_object_new_object();
	struct json_object *call = json_child(object, "functionCall");
	const char *signature = signature_of(chat, part);
	int rc = json_set_string(call, "name", part->name);

	if (rc == 0)
		rc = json_set(call, "args", json_object_get(part->arguments));
	if (rc == 0 && signature)
		rc = json_set_string(object, "thoughtSignature", signature);
	return json_or_null(object, rc);
}

static struct json_object *result_part(struct chat *chat, const struct chat_part *part)
{
	struct json_object *object = json_object_new_object();
	struct json_object *into = json_child(object, "functionResponse");
	char problem[128];
	struct json_object *result = json_read(part->text, strlen(part->text), problem);
	int rc;

	(void)chat;
	if (json_object_is_type(result, json_type_object))
		rc = json_set(into, "response", json_object_get(result));
	else
		rc = json_set_string(json_child(into, "response"), "output", part->text);
	if (rc == 0)
		rc = json_set_string(into, "name", part->name);
	json_object_put(result);
	return json_or_null(object, rc);
}

/* ---- parameters */

/* Models that cannot do a thing refuse even to be told not to. */
static int write_unless_zero(struct chat *chat, const struct chat_param *param,
			     struct json_object *value)
{
	return json_object_get_double(value) == 0
		       ? 0
		       : chat_set(chat, param->path, json_object_get(value));
}

static int write_format(struct chat *chat, const struct chat_param *param,
			struct json_object *value)
{
	struct json_object *schema = wire_member(wire_member(value, "json_schema"), "schema");
	const char *type = wire_text(value, "type");
	int rc;

	if (text_is(type, "text"))
		return 0;
	if (!text_is(type, "json_object") && !text_is(type, "json_schema")) {
		chat_omit(chat, param->name);
		return 0;
	}
	rc = chat_set(chat, "generationConfig.responseMimeType",
		      json_object_new_string("application/json"));
	if (rc == 0 && schema)
		rc = chat_set(chat, "generationConfig.responseJsonSchema", json_object_get(schema));
	return rc;
}

/* As Google's OpenAI-compatible face does it, where all models of a generation know the level. */
static int write_effort(struct chat *chat, const struct chat_param *param,
			struct json_object *value)
{
	static const struct {
		const char *effort;
		const char *level; /* of Gemini 3; NULL: not of each model */
		int budget;        /* of Gemini 2.5, in tokens */
	} efforts[] = {
		{"minimal", NULL, 1024},
		{"low", "low", 1024},
		{"medium", NULL, 8192},
		{"high", "high", 24576},
	};
	const char *model = name_of(chat), *effort = json_object_get_string(value);

	for (size_t i = 0; i < sizeof(efforts) / sizeof(efforts[0]); i++) {
		if (!text_is(effort, efforts[i].effort))
			continue;
		if (strncmp(model, "gemini-2.5-", 11) == 0)
			return chat_set(chat, "generationConfig.thinkingConfig.thinkingBudget",
					json_object_new_int(efforts[i].budget));
		if (is_gemini_3(model) && efforts[i].level)
			return chat_set(chat, "generationConfig.thinkingConfig.thinkingLevel",
					json_object_new_string(efforts[i].level));
	}
	chat_omit(chat, param->name);
	return 0;
}

/* clang-format off */
static const struct chat_param params[] = {
	{"max_tokens",            "generationConfig.maxOutputTokens",  chat_write_max_tokens},
	{"max_completion_tokens", "generationConfig.maxOutputTokens",  NULL},
	{"temperature",           "generationConfig.temperature",      NULL},
	{"top_p",                 "generationConfig.topP",             NULL},
	{"top_k",                 "generationConfig.topK",             NULL},
	{"stop",                  "generationConfig.stopSequences",    chat_write_five},
	{"n",                     "generationConfig.candidateCount",   NULL},
	{"seed",                  "generationConfig.seed",             NULL},
	{"presence_penalty",      "generationConfig.presencePenalty",  write_unless_zero},
	{"frequency_penalty",     "generationConfig.frequencyPenalty", write_unless_zero},
	{"logprobs",              "generationConfig.responseLogprobs", write_unless_zero},
	{"top_logprobs",          "generationConfig.logprobs",         write_unless_zero},
	{"response_format",       NULL,                                write_format},
	{"reasoning_effort",      NULL,                                write_effort},
	{NULL,                    NULL,                                NULL},
};
/* clang-format on */

/* ---- tools */

static struct json_object *write_tool(struct chat *chat, struct json_object *function)
{
	static const char *const names[][2] = {
		{"name", "name"},
		{"description", "description"},
		{"parameters", "parametersJsonSchema"},
	};
	struct json_object *tool = json_object_new_object();
	int rc = 0;

	(void)chat;
	for (size_t i = 0; rc == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
		struct json_object *value = wire_member(function, names[i][0]);

		if (value)
			rc = json_set(tool, names[i][1], json_object_get(value));
	}
	return json_or_null(tool, rc);
}

static int allow_only(struct chat *chat, const char *name)
{
	struct json_object *names = json_object_new_array(), *only = json_object_new_string(name);
	int rc = chat_set(chat, "toolConfig.functionCallingConfig.allowedFunctionNames", names);

	if (rc == 0 && only)
		return json_append(names, only);
	json_object_put(only);
	return -ENOMEM;
}

static int write_choice(struct chat *chat, enum chat_choice choice, const char *name)
{
	static const char *const modes[] = {
		[CHAT_CHOICE_AUTO] = "AUTO",
		[CHAT_CHOICE_REQUIRED] = "ANY",
		[CHAT_CHOICE_NONE] = "NONE",
		[CHAT_CHOICE_NAMED] = "ANY",
	};
	int rc;

	if (choice == CHAT_CHOICE_UNSAID)
		return 0;
	rc = chat_set(chat, "toolConfig.functionCallingConfig.mode",
		      json_object_new_string(modes[choice]));
	return rc == 0 && name ? allow_only(chat, name) : rc;
}

static int place_tools(struct chat *chat, struct json_object *functions, enum chat_choice choice,
		       const char *name)
{
	struct json_object *tools = json_object_new_array(), *tool = json_object_new_object();
	int rc = chat_set(chat, "tools", tools);

	if (rc == 0)
		rc = json_append(tools, json_object_get(tool));
	if (rc == 0)
		rc = json_set(tool, "functionDeclarations", json_object_get(functions));
	json_object_put(tool);
	json_object_put(functions);
	return rc == 0 ? write_choice(chat, choice, name) : rc;
}

/* ---- the whole */

static char *make_path(const struct chat *chat)
{
	const int size = (int)collection_bytes(chat->route->model);
	char *name = text_percent_encoded(name_of(chat)), *path = NULL;

	if (name)
		path = text_format("/%.*s%s:%s", size > 0 ? size : (int)strlen("models/"),
				   size > 0 ? chat->route->model : "models/", name,
				   chat->stream ? "streamGenerateContent?alt=sse"
						: "generateContent");
	free(name);
	return path;
}

const struct chat_form gemini_form = {
	.name = "gemini",
	.messages = "contents",
	.assistant = "model",
	.parts = "parts",
	.system = "systemInstruction.parts",
	.write = {[CHAT_TEXT] = text_part,
		  [CHAT_IMAGE] = image_part,
		  [CHAT_FILE] = data_part,
		  [CHAT_AUDIO] = data_part,
		  [CHAT_CALL] = call_part,
		  [CHAT_RESULT] = result_part},
	.params = params,
	.write_tool = write_tool,
	.place_tools = place_tools,
	.make_path = make_path,
};
