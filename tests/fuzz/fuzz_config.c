/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a configuration, in YAML and in JSON.
 *
 *   - errors are told exactly when it is refused, each message one line with the file's name;
 *   - what is accepted can be shown, as one JSON object, and asked for: by every name in it, and by
 *     some that need not be there;
 *   - read again it says the same.
 *
 * And as a request: what is for Lull is gone from what goes upstream, and nothing else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "fuzz.h"
#include "request.h"
#include "settings.h"

struct messages {
	struct buffer text;
	unsigned error_count;
};

static void collect(const char *line, bool is_error, void *userdata)
{
	struct messages *messages = userdata;

	CHECK(strncmp(line, "f:", 2) == 0);
	CHECK(strlen(line) < CONFIG_MESSAGE_BYTES_MAX);
	for (const char *c = line; *c; c++)
		CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
	CHECK(buffer_add(&messages->text, line, strlen(line) + 1) == 0);
	messages->error_count += is_error;
}

static int read_config(const uint8_t *data, size_t size, bool is_json, struct messages *messages,
		       struct config **ret_config)
{
	*messages = (struct messages){0};
	buffer_init(&messages->text, 1u << 30);
	*ret_config = NULL;
	return config_read_bytes("f", (const char *)data, size, is_json, collect, messages,
				 ret_config);
}

static char *show(const struct config *config, bool json, size_t *ret_size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);

	CHECK(out && config_show(config, json, out) == 0);
	CHECK(fclose(out) == 0);
	return text;
}

static void check_shown(const struct config *config)
{
	char problem[128];
	size_t size;
	char *text = show(config, true, &size);
	struct json_object *object = json_read(text, size, problem);

	CHECK(json_object_is_type(object, json_type_object));
	json_object_put(object);
	free(text);
	free(show(config, false, &size));
}

static void check_routes(const struct route_list *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct http_route *route = &list->routes[i];

		CHECK(route->call.label && route->name);
		CHECK(!route->problem == !(route->call.flags & LULL_ROUTE_UNUSABLE));
		CHECK(route->problem || (route->provider && route->model && route->base_url &&
					 route->call.route_key));
	}
}

static void ask_for(const struct config *config, const char *name)
{
	const struct listed_model listed = {name, "{\"a\":1}"};
	struct route_list list = {0};
	int rc = config_routes(config, name, NULL, 0, &list);

	CHECK(rc == 0 || rc == -E2BIG);
	check_routes(&list);
	route_list_deinit(&list);
	rc = config_routes(config, name, &listed, 1, &list);
	CHECK(rc == 0 || rc == -E2BIG);
	check_routes(&list);
	route_list_deinit(&list);
	CHECK(config_named_routes(config, name, &list) == 0);
	check_routes(&list);
	route_list_deinit(&list);
}

static void ask_for_all(const struct config *config)
{
	static const char *const others[] = {"gpt-4o", "bad-model"};
	const struct settings *settings = &config->settings;
	struct lull_call_options options;

	for (size_t i = 0; i < settings->entry_count && i < 4; i++)
		ask_for(config, settings->entries[i].model_name);
	for (size_t i = 0; i < settings->aliases.count && i < 4; i++)
		ask_for(config, settings->aliases.items[i].name);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ask_for(config, others[i]);
	lull_call_options_init(&options);
	config_call_options(config, &options);
	CHECK(options.soft_failures >= 1 && options.soft_failures <= 31);
}

static void check_config(const uint8_t *data, size_t size, bool is_json)
{
	struct messages messages, again;
	struct config *config, *copy;
	int rc = read_config(data, size, is_json, &messages, &config);

	CHECK(rc == 0 || rc == -EINVAL);
	CHECK((rc == 0) == (messages.error_count == 0) && (rc == 0) == (config != NULL));
	CHECK(read_config(data, size, is_json, &again, &copy) == rc);
	CHECK(messages.text.size == again.text.size);
	CHECK(messages.text.size == 0 ||
	      memcmp(messages.text.bytes, again.text.bytes, again.text.size) == 0);
	if (config) {
		check_shown(config);
		ask_for_all(config);
	}
	config_free(config);
	config_free(copy);
	buffer_deinit(&messages.text);
	buffer_deinit(&again.text);
}

/* ---- requests */

static bool is_lulls(const char *name)
{
	static const char *const names[] = {"models", "fallbacks", "disable_fallbacks",
					    "num_retries", "timeout"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void compare(struct json_object *before, struct json_object *after)
{
	struct json_object *member;
	int kept = 0;

	json_object_object_foreach(before, name, value)
	{
		CHECK(json_object_object_get_ex(after, name, &member) == !is_lulls(name));
		if (is_lulls(name))
			continue;
		CHECK(json_object_equal(value, member));
		kept++;
	}
	CHECK(json_object_object_length(after) == kept);
}

static void check_request(const char *bytes, size_t size)
{
	char error[REQUEST_ERROR_BYTES] = "";
	struct request request;
	struct json_object *before, *after;
	int rc = request_read(bytes, size, &request, error);

	CHECK(rc == 0 || rc == -EBADMSG || rc == -EINVAL);
	CHECK((rc == 0) == (error[0] == '\0'));
	if (rc == 0) {
		before = json_read(bytes, size, error);
		after = json_read(request.bytes, request.size, error);
		CHECK(json_object_is_type(before, json_type_object));
		CHECK(json_object_is_type(after, json_type_object));
		compare(before, after);
		json_object_put(before);
		json_object_put(after);
	}
	request_deinit(&request);
}

/* What begins with a brace is YAML, too; the last byte, where it means nothing, chooses. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool is_json = size > 0 && data[0] == '{' && data[size - 1] != ' ';

	check_config(data, size, is_json);
	if (is_json)
		check_request((const char *)data, size);
	return 0;
}
