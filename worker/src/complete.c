/* SPDX-License-Identifier: MIT */
/*
 * The public call: see <lull/http.h>. Configuration, table and transport in one handle; one
 * blocking call on top of the driver.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "trail.h"

#define PROBLEM_AGAIN_MS 60000u /* whether it is news again costs a look into a file */

/* ---- the handle */

void lull_http_options_init(struct lull_http_options *options)
{
	*options = (struct lull_http_options){.abi_version = LULL_ABI_VERSION};
}

static void tell(const char *line, bool is_error, void *userdata)
{
	const struct lull_http *http = userdata;

	if (http->message)
		http->message(line, is_error, http->userdata);
}

static int open_table(struct lull_http *http, const char *name)
{
	struct lull_table_options options;
	char line[CONFIG_MESSAGE_BYTES_MAX];
	int rc;

	lull_table_options_init(&options);
	options.name = name ? name : config_table(http->config);
	rc = lull_table_open(&options, &http->table);
	if (rc != 0) {
		(void)snprintf(line, sizeof(line),
			       "cannot open the table '%s': %s; expected a name of at most 200 "
			       "bytes without '/'",
			       options.name ? options.name : "", strerror(-rc));
		tell(line, true, http);
	}
	return rc;
}

int lull_http_open(const struct lull_http_options *options, struct lull_http **ret_http)
{
	struct lull_http_options defaults;
	struct lull_http *http;
	int rc;

	lull_http_options_init(&defaults);
	options = options ? options : &defaults;
	if (!ret_http || options->abi_version != LULL_ABI_VERSION)
		return -EINVAL;
	http = calloc(1, sizeof(*http));
	if (!http)
		return -ENOMEM;
	http->message = options->message;
	http->userdata = options->userdata;
	rc = config_load(options->config_path, tell, http, &http->config);
	if (rc == 0)
		rc = open_table(http, options->table_name);
	if (rc == 0)
		rc = transport_new(&http->transport);
	if (rc != 0) {
		lull_http_close(http);
		return rc;
	}
	*ret_http = http;
	return 0;
}

void lull_http_close(struct lull_http *http)
{
	if (!http || (http->transport && transport_is_foreign(http->transport)))
		return;
	transport_free(http->transport);
	lull_table_close(http->table);
	config_free(http->config);
	free(http);
}

/* The same as a moment ago. */
static bool is_seen(const struct lull_http *http, const char *problem)
{
	return strncmp(http->problem, problem, sizeof(http->problem) - 1) == 0 &&
	       (http->tells == HTTP_TELLS_ALL ||
		lull_clock_ms() - http->problem_at_ms < PROBLEM_AGAIN_MS);
}

bool http_tell_table(struct lull_http *http)
{
	const char *problem = lull_table_problem(http->table);

	if (!problem)
		http->problem[0] = '\0'; /* one that comes again is told again */
	if (!problem || !http->message || http->tells == HTTP_TELLS_NOTHING ||
	    is_seen(http, problem))
		return false;
	(void)snprintf(http->problem, sizeof(http->problem), "%s", problem);
	http->problem_at_ms = lull_clock_ms();
	if (http->tells == HTTP_TELLS_NEWS && !lull_table_problem_is_news(http->table))
		return false;
	http->message(problem, 0, http->userdata);
	return true;
}

void http_call_options(const struct lull_http *http, const struct request *request,
		       uint32_t default_when_cooling, uint32_t budget_ms, uint32_t when_cooling,
		       struct lull_call_options *ret_options)
{
	lull_call_options_init(ret_options);
	ret_options->connection_driver = 1;
	ret_options->when_cooling = default_when_cooling;
	ret_options->tokens = request_tokens_expected(request);
	config_call_options(http->config, ret_options);
	if (request->num_retries != LULL_UNSET)
		ret_options->num_retries = request->num_retries;
	if (budget_ms != 0)
		ret_options->budget_ms = budget_ms;
	if (when_cooling != LULL_UNSET)
		ret_options->when_cooling = when_cooling;
}

/* In the form of a request's list. NULL without memory. */
static struct listed_model *as_list(const char *const *names, size_t count)
{
	struct listed_model *list = calloc(count + 1, sizeof(*list));

	for (size_t i = 0; list && i < count; i++)
		list[i].name = names[i];
	return list;
}

/* What the caller says comes before what the configuration does, and holds for streams, too. */
static void limit_attempts(struct route_list *list, uint32_t timeout_ms)
{
	for (uint32_t i = 0; timeout_ms != LULL_UNSET && i < list->count; i++) {
		list->routes[i].call.timeout_ms = timeout_ms;
		list->routes[i].stream_timeout_ms = 0;
	}
}

/* The answers of other endpoints cannot be put together from streams. */
void http_ask_for(struct route_list *list, enum endpoint endpoint)
{
	for (uint32_t i = 0; i < list->count; i++) {
		list->routes[i].endpoint = endpoint;
		if (endpoint != ENDPOINT_CHAT)
			list->routes[i].stream_upstream = false;
	}
}

int http_routes(const struct lull_http *http, const struct request *request, const char *model,
		const char *const *fallbacks, size_t fallback_count, struct route_list *ret_list)
{
	struct listed_model *given = NULL;
	int rc;

	if (!model)
		model = request->model ? request->model : config_first_model(http->config);
	if (!model)
		return -EINVAL;
	if (fallback_count > 0)
		given = as_list(fallbacks, fallback_count);
	if (fallback_count > 0 && !given)
		return -ENOMEM;
	rc = config_routes(http->config, model, given ? given : request->fallbacks,
			   given ? fallback_count : request->fallback_count, ret_list);
	free(given);
	if (rc == 0)
		limit_attempts(ret_list, request->timeout_ms);
	return rc;
}

/* ---- the call */

void lull_complete_options_init(struct lull_complete_options *options)
{
	*options = (struct lull_complete_options){
		.abi_version = LULL_ABI_VERSION,
		.when_cooling = LULL_UNSET,
	};
}

static bool ask_caller(void *userdata)
{
	const struct lull_complete_options *options = userdata;

	return options->is_cancelled && options->is_cancelled(options->userdata) != 0;
}

/* Each text in memory of its own. A stream that could not be opened, or filled, gives NULL. */
struct text {
	char *bytes;
	size_t size;
	FILE *out;
};

static FILE *text_open(struct text *text)
{
	*text = (struct text){0};
	text->out = open_memstream(&text->bytes, &text->size);
	return text->out;
}

static char *text_close(struct text *text)
{
	const bool is_whole = ferror(text->out) == 0;

	if (fclose(text->out) == 0 && is_whole)
		return text->bytes;
	free(text->bytes);
	return NULL;
}

static int fill_texts(const struct driver_result *result, const struct route_list *routes,
		      struct lull_completion *completion)
{
	const bool answered = result->result == LULL_RESULT_ANSWERED;
	struct text text;

	if (!text_open(&text))
		return -ENOMEM;
	trail_print_text(result, routes, "", text.out);
	completion->trail_text = text_close(&text);
	if (!text_open(&text))
		return -ENOMEM;
	trail_print_json(result, routes, text.out);
	completion->trail_json = text_close(&text);
	if (!text_open(&text))
		return -ENOMEM;
	if (answered)
		(void)fputs(routes->routes[result->route].call.label, text.out);
	else
		trail_print_reason(result, text.out);
	*(answered ? &completion->route : &completion->message) = text_close(&text);
	return completion->trail_text && completion->trail_json &&
			       (completion->route || completion->message)
		       ? 0
		       : -ENOMEM;
}

/* The answer moves over; the result keeps the rest. */
static int fill_completion(struct driver_result *result, const struct route_list *routes,
			   struct lull_completion *completion)
{
	*completion = (struct lull_completion){
		.abi_version = LULL_ABI_VERSION,
		.result = result->result,
		.class_id = result->class_id,
		.exit_code = result->exit_code,
		.http_status = trail_http_status(result),
		.ready_in_ms = result->ready_in_ms,
		.json = result->answer.json,
		.json_bytes = result->answer.json_bytes,
		.text = result->answer.text,
	};
	result->answer = (struct answer){0};
	return fill_texts(result, routes, completion);
}

static int run(struct lull_http *http, const struct request *request,
	       const struct lull_complete_options *options, struct lull_completion *ret_completion)
{
	struct lull_call_options call_options;
	struct route_list routes = {0};
	struct driver_result result;
	struct driver_job job = {
		.transport = http->transport,
		.table = http->table,
		.routes = &routes,
		.options = &call_options,
		.request = request->bytes,
		.request_bytes = request->size,
		.is_cancelled = ask_caller,
		.userdata = (void *)options,
	};
	int rc;

	http_call_options(http, request, LULL_WHEN_COOLING_FAIL, options->budget_ms,
			  options->when_cooling, &call_options);
	rc = http_routes(http, request, options->model, options->fallbacks, options->fallback_count,
			 &routes);
	if (rc == 0)
		rc = driver_run(&job, &result);
	if (rc == 0) {
		rc = fill_completion(&result, &routes, ret_completion);
		driver_result_deinit(&result);
		if (rc != 0)
			lull_completion_clear(ret_completion);
	}
	route_list_deinit(&routes);
	return rc;
}

/* Return: 0; -EBADMSG, and why was told; -ENOMEM. */
static int read_request(struct lull_http *http, const char *bytes, size_t size,
			struct request *ret_request)
{
	char error[REQUEST_ERROR_BYTES], line[REQUEST_ERROR_BYTES + 32];
	int rc = request_read(bytes, size, ret_request, error);

	if (rc == 0 || rc == -ENOMEM)
		return rc;
	(void)snprintf(line, sizeof(line), "the request is refused: %s", error);
	tell(line, true, http);
	return -EBADMSG;
}

int lull_complete(struct lull_http *http, const char *request, size_t request_bytes,
		  const struct lull_complete_options *options,
		  struct lull_completion *ret_completion)
{
	struct lull_complete_options defaults;
	struct request read;
	bool told;
	int rc;

	lull_complete_options_init(&defaults);
	options = options ? options : &defaults;
	if (!http || !request || !ret_completion || options->abi_version != LULL_ABI_VERSION)
		return -EINVAL;
	if (request_bytes > LULL_REQUEST_BYTES_MAX)
		return -EMSGSIZE;
	told = http_tell_table(http);
	rc = read_request(http, request, request_bytes, &read);
	if (rc == 0)
		rc = run(http, &read, options, ret_completion);
	request_deinit(&read);
	if (!told)
		(void)http_tell_table(http);
	return rc;
}

void lull_completion_clear(struct lull_completion *completion)
{
	if (!completion)
		return;
	free(completion->json);
	free(completion->text);
	free(completion->route);
	free(completion->message);
	free(completion->trail_text);
	free(completion->trail_json);
	*completion = (struct lull_completion){.abi_version = LULL_ABI_VERSION};
}
