/* SPDX-License-Identifier: MIT */
/*
 * `lull complete`: one answer on stdout, from whichever model of the list gives it first. A thin
 * driver of the driver: options, prompt, output, exit code.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "../src/host.h"
#include "../src/text.h"
#include "../src/trail.h"
#include "call_options.h"
#include "cmd.h"
#include "log.h"
#include "options.h"
#include "prompt.h"

struct settings {
	struct call_settings call;
	const char *request_path;
	const char *system;
	uint32_t stream; /* LULL_UNSET: on a terminal */
	uint32_t json;
	uint32_t explain;
};

/* clang-format off */
#define AT(member) offsetof(struct settings, member)
static const struct option_row options[] = {
	{"model", 'm', OPTION_TEXT, 0, AT(call.model), "MODEL", NULL,
	 "the model to ask first; default: the first one configured"},
	CALL_OPTIONS_WHOM,
	{"budget", 0, OPTION_DURATION, BUDGET_MS_MAX, AT(call.budget_ms), "TIME", NULL,
	 "for the whole call; default: the configured one, else 45s"},
	CALL_OPTIONS_HOW,
	{"request", 0, OPTION_TEXT, 0, AT(request_path), "FILE", NULL,
	 "a whole chat completion request, in place of a prompt; - is stdin"},
	{"system", 0, OPTION_TEXT, 0, AT(system), "TEXT", NULL, "a system message before the prompt"},
	{"stream", 0, OPTION_FLAG, 1, AT(stream), NULL, NULL,
	 "print the answer as it comes; default on a terminal"},
	{"no-stream", 0, OPTION_FLAG, 0, AT(stream), NULL, NULL, "print it when it is whole"},
	{"json", 0, OPTION_FLAG, 1, AT(json), NULL, NULL,
	 "print the chat.completion object; with --stream its chunks, a line each"},
	{"explain", 0, OPTION_FLAG, 1, AT(explain), NULL, NULL,
	 "say on stderr what was tried or skipped, and why; with --json as JSON lines"},
	CALL_OPTIONS_WHERE,
	{0},
};
#undef AT
/* clang-format on */

static const struct command command = {
	.name = "complete",
	.summary = "Ask a model for one answer, falling back to others. Models that are cooling "
		   "are skipped.",
	.operands = "[PROMPT...]",
	.options = options,
	.description = "The prompt comes from the arguments, from stdin, or from both, joined by "
		       "a newline.\n"
		       "exit codes: 0 answered, 64 usage, 65 the request itself was refused or is "
		       "no good,\n"
		       "69 every model failed, 74 stdout cannot be written, 75 every model is "
		       "cooling or at its limit,\n"
		       "77 only auth errors, 78 configuration, 124 out of time, 130 and 143 "
		       "interrupted\n",
	.examples = "  lull complete -m gpt-4o-mini \"Say hello\"\n"
		    "  lull complete -m gpt-4o -f anthropic/claude-sonnet-4-5 \"Summarise:\" "
		    "<report.txt\n"
		    "  lull complete -m gpt-4o --budget 10s --json --explain --request "
		    "request.json\n"
		    "  lull complete -m gpt-4o --limit gpt-4o:rpm=500,parallel=4 \"Say hello\"\n",
};

/* ---- signals: the call ends as cancelled, then the process ends by the same signal */

static volatile sig_atomic_t caught_signal;

/*
 * A signal between the question "was there one?" and the wait that it should have interrupted would
 * be slept over. The alarm comes again each second until the wait has ended.
 */
static void on_signal(int signal_number)
{
	if (signal_number != SIGALRM)
		caught_signal = signal_number;
	(void)alarm(1);
}

static void catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM};
	struct sigaction before, action = {.sa_handler = on_signal}; /* no SA_RESTART */

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &action, NULL);
	}
}

static bool is_cancelled(void *userdata)
{
	(void)userdata;
	return caught_signal != 0;
}

/* ---- stdout */

struct output {
	bool json;
	char last; /* character of the text */
	int error; /* errno of a write that failed */
};

static void output_put(struct output *output, const char *bytes, size_t size)
{
	if (size == 0 || output->error)
		return;
	if (fwrite(bytes, 1, size, stdout) != size)
		output->error = errno;
	output->last = bytes[size - 1];
}

/* A line leaves in one piece: others may be writing to the same pipe. */
static int output_flush(struct output *output)
{
	if (!output->error && fflush(stdout) != 0)
		output->error = errno;
	return output->error ? -1 : 0;
}

/* Text alone does not show whether it is all that the model had to say. */
static void warn_of_finish(const char *finish)
{
	static const struct {
		const char *finish;
		const char *warning;
	} rows[] = {
		{"length", "the answer is cut: its limit of tokens was reached; max_tokens of the "
			   "request, or in litellm_params, sets it"},
		{"content_filter", "a content filter has ended the answer"},
		{"tool_calls", "the model calls a tool; --json shows the call"},
		{"function_call", "the model calls a tool; --json shows the call"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (text_is(finish, rows[i].finish))
			log_warn("%s", rows[i].warning);
}

static int output_chunk(const struct stream_event *event, void *userdata)
{
	struct output *output = userdata;

	if (output->json) {
		output_put(output, event->json, event->json_bytes);
		output_put(output, "\n", 1);
	} else if (event->text) {
		output_put(output, event->text, event->text_bytes);
	}
	return output_flush(output);
}

static void output_answer(struct output *output, const struct answer *answer)
{
	if (output->json) {
		output_put(output, answer->json, answer->json_bytes);
		return;
	}
	output_put(output, answer->text, answer->text_bytes);
}

static void output_end(struct output *output)
{
	if (output->last && output->last != '\n')
		output_put(output, "\n", 1);
	(void)output_flush(output);
}

/* ---- stderr */

/* As JSON, all of it stands in the trail's last line. */
static void print_failure(const struct settings *settings, const struct driver_result *result,
			  const struct route_list *routes)
{
	if (settings->explain && settings->json)
		return;
	(void)fputs("lull: ", stderr);
	trail_print_reason(result, stderr);
	(void)fputc('\n', stderr);
	if (!settings->explain)
		trail_print_routes(result, routes, "lull:   ", stderr);
	if (trail_advice(result))
		log_error("%s", trail_advice(result));
}

static void print_end(const struct settings *settings, const struct driver_result *result,
		      const struct route_list *routes)
{
	if (settings->explain && settings->json)
		trail_print_json(result, routes, stderr);
	else if (settings->explain)
		trail_print_text(result, routes, "lull: ", stderr);
	if (result->result != LULL_RESULT_ANSWERED) {
		print_failure(settings, result, routes);
		return;
	}
	if (!settings->explain && settings->call.log_level >= LOG_LEVEL_NORMAL)
		trail_print_warnings(result, routes, "lull: warning: ", stderr);
	log_info("answered by %s in %.3f s", routes->routes[result->route].call.label,
		 (double)result->for_ms / 1000.0);
}

/* ---- the call */

static int exit_code(const struct driver_result *result, const struct output *output)
{
	if (output->error == EPIPE) /* nobody reads any more: end as quietly as cat would */
		return end_by_signal(SIGPIPE);
	if (output->error) {
		log_error("complete: cannot write the answer: %s", strerror(output->error));
		return EX_IOERR;
	}
	if (result->result == LULL_RESULT_CANCELLED && caught_signal)
		return end_by_signal(caught_signal);
	return result->exit_code;
}

static int run(const struct settings *settings, struct lull_http *http,
	       const struct route_list *routes, const struct request *request)
{
	const bool stream = settings->stream == LULL_UNSET
				    ? !settings->json && isatty(STDOUT_FILENO)
				    : settings->stream;
	struct output output = {.json = settings->json};
	const struct sink sink = {.chunk = output_chunk, .userdata = &output};
	struct lull_call_options call_options;
	struct driver_result result;
	const struct driver_job job = {
		.transport = http->transport,
		.table = http->table,
		.routes = routes,
		.options = &call_options,
		.request = request->bytes,
		.request_bytes = request->size,
		.sink = stream ? &sink : NULL,
		.is_cancelled = is_cancelled,
	};
	int rc;

	http_call_options(http, request, LULL_WHEN_COOLING_WAIT, settings->call.budget_ms,
			  settings->call.when_cooling, &call_options);
	catch_signals();
	rc = driver_run(&job, &result);
	if (rc != 0) {
		log_error("complete: the call cannot begin: %s", strerror(-rc));
		return rc == -ENOMEM ? EX_SOFTWARE : EX_CONFIG;
	}
	if (!stream && result.result == LULL_RESULT_ANSWERED)
		output_answer(&output, &result.answer);
	output_end(&output);
	if (output.error != EPIPE)
		print_end(settings, &result, routes);
	if (result.result == LULL_RESULT_ANSWERED && !settings->json)
		warn_of_finish(result.answer.finish);
	rc = exit_code(&result, &output);
	driver_result_deinit(&result);
	return rc;
}

static int find_routes(const struct settings *settings, const struct lull_http *http,
		       const struct request *request, struct route_list *ret_routes)
{
	int rc = http_routes(http, request, settings->call.model, settings->call.fallbacks.texts,
			     settings->call.fallbacks.count, ret_routes);

	if (rc == 0)
		return 0;
	if (rc == -EINVAL)
		log_error("complete: no model is named; say -m MODEL, or list models in "
			  "~/.config/lull/config.yaml");
	else
		log_error("complete: cannot list the routes: %s", strerror(-rc));
	return rc == -EINVAL ? EX_USAGE : EX_CONFIG;
}

static int limit_routes(const struct settings *settings, struct route_list *routes)
{
	char error[CONFIG_MESSAGE_BYTES_MAX];

	for (size_t i = 0; i < settings->call.limits.count; i++)
		if (route_list_limit(routes, settings->call.limits.texts[i], error) != 0) {
			log_error("complete: --limit %s; see lull complete --help", error);
			return EX_USAGE;
		}
	return 0;
}

static int complete(const struct settings *settings, const struct request *request)
{
	struct route_list routes = {0};
	struct lull_http *http = NULL;
	int code = call_open(&settings->call, &http);
	bool told = false;

	if (code == 0) {
		told = http_tell_table(http);
		code = find_routes(settings, http, request, &routes);
	}
	if (code == 0)
		code = limit_routes(settings, &routes);
	if (code == 0) {
		code = run(settings, http, &routes, request);
		if (!told)
			(void)http_tell_table(http);
	}
	route_list_deinit(&routes);
	lull_http_close(http);
	return code;
}

/* What was typed is no longer needed, and `ps` need not show it. */
static void wipe_arguments(const struct settings *settings, char **words)
{
	for (; *words; words++)
		explicit_bzero(*words, strlen(*words));
	if (settings->system)
		explicit_bzero((char *)settings->system, strlen(settings->system));
}

int cmd_complete(int argc, char **argv)
{
	struct settings settings = {.stream = LULL_UNSET};
	struct buffer bytes;
	struct request request = {0};
	struct prompt prompt;
	int first = 0;
	int code;

	call_settings_init(&settings.call);
	buffer_init(&bytes, LULL_REQUEST_BYTES_MAX);
	code = options_read(&command, argc, argv, &settings, &first);
	if (code != 0) {
		call_settings_deinit(&settings.call);
		return code == OPTIONS_HELP ? EX_OK : EX_USAGE;
	}
	log_set_level((enum log_level)settings.call.log_level);
	log_set_writer(settings.json && settings.explain ? log_write_json : NULL);
	prompt = (struct prompt){
		.request_path = settings.request_path,
		.system = settings.system,
		.words = argv + first,
		.word_count = argc - first,
	};
	code = prompt_read(&prompt, &bytes, &request);
	wipe_arguments(&settings, argv + first);
	if (code == 0)
		code = complete(&settings, &request);
	request_deinit(&request);
	buffer_deinit(&bytes);
	call_settings_deinit(&settings.call);
	return code;
}
