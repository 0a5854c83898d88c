/* SPDX-License-Identifier: MIT */
/*
 * lull run: the fallback loop around any program. A thin driver of <lull/call.h>: an attempt is a
 * child process, a route is a name, and what the child's end means stands in judge().
 *
 * What the attempts write is kept, and that of the last one is passed on: of the one that
 * succeeded, or else of the one whose exit status lull ends with.
 */
#include <errno.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lull/call.h>

#include "duration.h"
#include "exits.h"
#include "options.h"
#include "out.h"
#include "output.h"
#include "run_attempt.h"
#include "run_command.h"
#include "say.h"
#include "shared.h"

#define COOL_ALWAYS   75 /* EX_TEMPFAIL: "try again later", and what lull itself ends with */
#define EXIT_CODES    256
#define SEARCH_BYTES  ((size_t)1 << 20) /* the end of an output, which --cool-on-output looks at */
#define DETAIL_BYTES  160u              /* as much as the trail keeps */
#define BUDGET_MS_MAX 86400000u

struct run {
	const struct invocation *invocation;
	struct lull_table *table;

	size_t count;              /* of names */
	struct meaning *meanings;  /* one a name */
	struct lull_route *routes; /* one a name */
	struct lull_way_key *ways; /* of all names */

	bool cools[EXIT_CODES];
	bool has_regex;
	regex_t regex;

	struct spool input;
	struct spool kept[2];
	struct run_guard guard;
	struct lull_call *call;
	uint64_t begin_ms;
	struct attempt_end last;
	uint32_t last_route;
};

/* ------------------------------------------------------------------ options */

static int parse_codes(struct run *run)
{
	const char *at = run->invocation->set.cool_on;

	run->cools[COOL_ALWAYS] = true;
	while (at != NULL) {
		char *end;
		const unsigned long code = strtoul(at, &end, 10);

		if (end == at || *at < '0' || *at > '9' || (*end != ',' && *end != '\0') ||
		    code < 1 || code >= EXIT_CODES) {
			say("'%s' is no list of exit codes: expected numbers from 1 to 255, such "
			    "as 4,75",
			    run->invocation->set.cool_on);
			return options_usage_error(run->invocation->verb);
		}
		run->cools[code] = true;
		at = *end == ',' ? end + 1 : NULL;
	}
	return 0;
}

static int parse_regex(struct run *run)
{
	const char *const text = run->invocation->set.cool_on_output;
	char error[128];
	int code;

	if (text == NULL)
		return 0;
	code = regcomp(&run->regex, text, REG_EXTENDED | REG_NOSUB | REG_NEWLINE);
	if (code != 0) {
		(void)regerror(code, &run->regex, error, sizeof(error));
		say("'%s' is no regular expression: %s", text, error);
		return options_usage_error(run->invocation->verb);
	}
	run->has_regex = true;
	return 0;
}

/* ------------------------------------------------------------------ names */

static int find_name(struct run *run, size_t i, const char *text)
{
	const struct settings *const set = &run->invocation->set;
	struct lull_route *const route = &run->routes[i];
	struct invocation asking = *run->invocation;
	const char *key;
	uint32_t kind;
	int status = shared_parse_key(run->invocation, text, &kind, &key);

	if (status == 0 && kind != LULL_KIND_NAME) {
		say("'%s' is no name: a command is run by the name of a model", text);
		status = options_usage_error(run->invocation->verb);
	}
	asking.set.quiet = true; /* a name that the configuration does not know is no mistake */
	if (status == 0)
		status = meaning_init(&run->meanings[i], &asking, run->table, text, MEANING_WHOLE,
				      lull_clock_ms());
	if (status != 0)
		return status;
	lull_route_init(route);
	route->label = route->names[0] = key;
	route->timeout_ms = (uint32_t)set->timeout_ms;
	if (set->cooldown_ms > 0)
		route->cooldown_ms = (uint32_t)set->cooldown_ms;
	return 0;
}

/* Return: how many were added. */
static uint32_t add_ways(const struct meaning *meaning, struct lull_way_key *ways)
{
	uint32_t count = 0;

	for (size_t i = 0; i < meaning->count; i++) {
		const struct member *const member = &meaning->members[i];

		if (member->part >= meaning->deciding_part)
			ways[count++] = (struct lull_way_key){
				.way = member->part,
				.kind = member->state.kind,
				.key = member->state.key,
			};
	}
	return count;
}

/* What stands behind each name, as `lull check` sees it: a name is shut while all of that is. */
static int find_ways(struct run *run)
{
	size_t total = 1; /* one too many: an allocation of nothing may fail */
	uint32_t count = 0;

	for (size_t i = 0; i < run->count; i++)
		total += run->meanings[i].count;
	run->ways = calloc(total, sizeof(*run->ways));
	if (run->ways == NULL) {
		say("out of memory");
		return EXIT_NO_RUN;
	}
	for (size_t i = 0; i < run->count; i++) {
		struct lull_route *const route = &run->routes[i];

		route->ways = &run->ways[count];
		route->way_key_count = add_ways(&run->meanings[i], &run->ways[count]);
		count += route->way_key_count;
	}
	return 0;
}

static const char *name_at(const struct settings *set, size_t i)
{
	return i == 0 ? set->model : set->fallbacks.texts[i - 1];
}

/* Has it been said before? */
static bool is_listed(const struct settings *set, size_t i)
{
	for (size_t before = 0; before < i; before++)
		if (strcmp(name_at(set, before), name_at(set, i)) == 0)
			return true;
	return false;
}

/* A name that is said twice is tried once. */
static int find_names(struct run *run)
{
	const struct settings *const set = &run->invocation->set;
	const size_t count = 1 + set->fallbacks.count;
	int status = 0;

	run->meanings = calloc(count, sizeof(*run->meanings));
	run->routes = calloc(count, sizeof(*run->routes));
	if (run->meanings == NULL || run->routes == NULL) {
		say("out of memory");
		return EXIT_NO_RUN;
	}
	for (size_t i = 0; status == 0 && i < count; i++)
		if (!is_listed(set, i))
			status = find_name(run, run->count++, name_at(set, i));
	return status != 0 ? status : find_ways(run);
}

/* What is wrong with a --limit; NULL: nothing, and it was set. */
static const char *set_limit(struct run *run, const char *text, char *error, size_t size)
{
	struct lull_limits limits = {0};
	const char *problem = "no model of this command has that name";
	size_t name_bytes;

	if (lull_limits_parse(text, &name_bytes, &limits, error, size) < 0)
		return error;
	if (limits.tpm != 0)
		return "nobody tells how many tokens a command uses";
	for (size_t i = 0; i < run->count; i++) {
		struct lull_route *const route = &run->routes[i];
		const char *const name = route->names[0];

		if (strlen(name) != name_bytes || memcmp(name, text, name_bytes) != 0)
			continue;
		(void)lull_limits_parse(text, &name_bytes, &route->limits, error, size);
		problem = NULL;
	}
	return problem;
}

static int set_limits(struct run *run)
{
	const struct text_list *const limits = &run->invocation->set.limits;
	char error[128];

	for (size_t i = 0; i < limits->count; i++) {
		const char *const problem = set_limit(run, limits->texts[i], error, sizeof(error));

		if (problem != NULL) {
			say("'%s' is no limit: %s", limits->texts[i], problem);
			return options_usage_error(run->invocation->verb);
		}
	}
	return 0;
}

static void forget_names(struct run *run)
{
	for (size_t i = 0; run->meanings != NULL && i < run->count; i++)
		meaning_deinit(&run->meanings[i]);
	free(run->meanings);
	free(run->ways);
	free(run->routes);
}

static int dry_run(const struct run *run)
{
	char ***const commands = calloc(run->count + 1, sizeof(*commands));
	const struct lull_table_info info = shared_info(run->table);
	const struct dry_run_report report = {
		.table = &info,
		.meanings = run->meanings,
		.commands = commands,
		.count = run->count,
	};
	bool complete = commands != NULL;

	for (size_t i = 0; complete && i < run->count; i++) {
		commands[i] = command_new(run->invocation->operands, run->routes[i].names[0]);
		complete = commands[i] != NULL;
	}
	if (complete)
		run->invocation->output->dry_run(&report);
	else
		say("out of memory");
	for (size_t i = 0; commands != NULL && i < run->count; i++)
		command_free(commands[i]);
	free(commands);
	return complete ? EXIT_DONE : EXIT_NO_RUN;
}

/* ------------------------------------------------------------------ what an attempt came to */

static bool output_matches(const struct run *run, const struct spool *kept)
{
	char *const text = malloc(SEARCH_BYTES + 1);
	size_t size;
	bool matches;

	if (text == NULL)
		return false;
	size = spool_tail(kept, text, SEARCH_BYTES);
	for (size_t i = 0; i < size; i++)
		if (text[i] == '\0') /* it would end the search */
			text[i] = '\n';
	text[size] = '\0';
	matches = regexec(&run->regex, text, 0, NULL, 0) == 0;
	free(text);
	return matches;
}

static bool says_to_cool(const struct run *run)
{
	if (run->cools[run->last.code % EXIT_CODES])
		return true;
	return run->has_regex &&
	       (output_matches(run, &run->kept[0]) || output_matches(run, &run->kept[1]));
}

/* "exit status 22: the last line on stderr" */
static void describe_failure(const struct run *run, char *ret)
{
	char tail[128];
	size_t size = spool_tail(&run->kept[1], tail, sizeof(tail) - 1);
	const char *line;

	while (size > 0 && (tail[size - 1] == '\n' || tail[size - 1] == '\0'))
		size--;
	tail[size] = '\0';
	line = strrchr(tail, '\n');
	line = line == NULL ? tail : line + 1;
	(void)snprintf(ret, DETAIL_BYTES, "exit status %d%s%s", run->last.code,
		       *line == '\0' ? "" : ": ", line);
}

/* One row for each way in which an attempt can end. */
static void judge(const struct run *run, struct lull_outcome *ret, char *detail)
{
	lull_outcome_init(ret);
	detail[0] = '\0';
	switch (run->last.how) {
	case ATTEMPT_ENDED:
		ret->class_id = run->last.code == 0 ? LULL_CLASS_ANSWERED : LULL_CLASS_COMMAND;
		if (run->last.code == 0)
			break;
		ret->proof = says_to_cool(run) ? LULL_PROOF_HARD : LULL_PROOF_NONE;
		describe_failure(run, detail);
		break;
	case ATTEMPT_NOT_STARTED:
		ret->class_id = LULL_CLASS_LOCAL;
		(void)snprintf(detail, DETAIL_BYTES, "unable to start it: %s",
			       strerror(run->last.code));
		break;
	case ATTEMPT_TIMED_OUT: /* our impatience proves nothing */
		ret->class_id = LULL_CLASS_TIMEOUT;
		ret->proof = LULL_PROOF_NONE;
		ret->ours = 1;
		ret->once = 1;
		break;
	case ATTEMPT_INTERRUPTED:
		ret->class_id = LULL_CLASS_CANCELLED;
		break;
	}
	ret->detail = detail;
}

/* ------------------------------------------------------------------ the loop */

static void renew(void *userdata)
{
	const struct run *const run = userdata;

	(void)lull_call_progress(run->call, lull_clock_ms(), LULL_PROGRESS_RUNNING);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Return: 0; negative errno. */
static int run_attempt(struct run *run, const struct lull_step *step)
{
	const struct settings *const set = &run->invocation->set;
	const char *const model = run->routes[step->route].names[0];
	const bool keep = !set->live || run->has_regex;
	const uint64_t now_ms = lull_clock_ms();
	char **const command = command_new(run->invocation->operands, model);
	struct lull_outcome outcome;
	char detail[DETAIL_BYTES];
	const struct attempt_job job = {
		.argv = command,
		.model = model,
		.budget_ms = step->budget_by_ms > now_ms ? step->budget_by_ms - now_ms : 0,
		.by_ms = earlier(step->headers_by_ms, step->budget_by_ms),
		.input = &run->input,
		.kept = {keep ? &run->kept[0] : NULL, keep ? &run->kept[1] : NULL},
		.live = set->live,
		.renew_ms = step->renew_ms,
		.renew = renew,
		.userdata = run,
		.guard = &run->guard,
	};
	int error;

	if (command == NULL)
		return -ENOMEM;
	spool_deinit(&run->kept[0]);
	spool_deinit(&run->kept[1]);
	run->last_route = step->route;
	error = attempt_run(&job, &run->last);
	command_free(command);
	if (error < 0)
		return error;
	judge(run, &outcome, detail);
	return lull_call_report(run->call, lull_clock_ms(), &outcome);
}

static int loop(struct run *run, struct lull_step *step)
{
	int error;

	while ((error = lull_call_next(run->call, lull_clock_ms(), step)) == 0 &&
	       step->action != LULL_ACTION_DONE) {
		if (step->action == LULL_ACTION_SLEEP)
			(void)lull_table_wait(run->table, step->serial, step->until_ms);
		else
			error = run_attempt(run, step);
		if (error < 0)
			break;
	}
	return error;
}

/* ------------------------------------------------------------------ the end */

static int status_of(const struct run *run, const struct lull_step *step)
{
	if (step->result == LULL_RESULT_ANSWERED || step->result == LULL_RESULT_DEADLINE ||
	    step->result == LULL_RESULT_COOLING)
		return step->exit_code;
	switch (run->last.how) {
	case ATTEMPT_ENDED:
		return run->last.code;
	case ATTEMPT_NOT_STARTED:
		return run->last.code == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_START;
	case ATTEMPT_TIMED_OUT:
		return EXIT_TIMED_OUT;
	case ATTEMPT_INTERRUPTED:
		return 128 + run->last.code;
	}
	return EXIT_BUG;
}

/* What kept all of them back, and until when. */
static void describe_shut(const struct run *run, uint64_t ready_in_ms, char *text, size_t size)
{
	const struct duration_text left = duration_seconds(ready_in_ms);
	bool cooling = false;
	bool limited = false;
	bool parallel = false; /* when those end, nobody knows */
	struct lull_trail_entry step;

	for (uint32_t i = 0; lull_call_trail_at(run->call, i, &step) == 0; i++) {
		if (step.type != LULL_TRAIL_SKIP)
			continue;
		cooling |= step.state != LULL_STATE_LIMITED;
		limited |= step.state == LULL_STATE_LIMITED;
		parallel |= step.limit == LULL_LIMIT_PARALLEL;
	}
	(void)snprintf(text, size, "nothing was run: every model is %s%s%s; %s%s",
		       cooling || !limited ? "cooling" : "", cooling && limited ? " or " : "",
		       limited ? "at its limit" : "",
		       parallel ? "a run may end, and make room, at any moment"
				: "the soonest is ready in ",
		       parallel ? "" : left.text);
}

/* One sentence on why the command has succeeded with no model; NULL: it has, or somebody left. */
static const char *reason_of(const struct run *run, const struct lull_step *step, char *text,
			     size_t size)
{
	const uint64_t budget_ms = run->invocation->set.budget_ms;

	switch (step->result) {
	case LULL_RESULT_ANSWERED:
	case LULL_RESULT_CANCELLED:
		return NULL;
	case LULL_RESULT_DEADLINE:
		(void)snprintf(text, size, "time ran out: the budget of %s is spent",
			       duration_seconds(budget_ms).text);
		break;
	case LULL_RESULT_COOLING:
		if (step->ready_in_ms == LULL_NEVER)
			(void)snprintf(text, size,
				       "nothing was run: every model is held until cleared");
		else
			describe_shut(run, step->ready_in_ms, text, size);
		break;
	default:
		(void)snprintf(text, size, "models ran out: the command succeeded with none");
		break;
	}
	return text;
}

/* Where nobody asked for the trail, what did not start or came to its limit says nothing itself. */
static void tell_silent_end(const struct run *run)
{
	const char *const command = run->invocation->operands[0];

	if (run->last.how == ATTEMPT_NOT_STARTED)
		say("unable to start %s: %s", command, strerror(run->last.code));
	else if (run->last.how == ATTEMPT_TIMED_OUT)
		say("%s was ended at its limit", command);
}

static void tell(const struct run *run, const struct lull_step *step, int status)
{
	const struct settings *const set = &run->invocation->set;
	const uint32_t count = lull_call_trail_count(run->call);
	struct lull_trail_entry *const steps = calloc(count + 1, sizeof(*steps));
	char text[192];
	struct run_report report = {
		.steps = steps,
		.routes = run->routes,
		.result = step->result,
		.exit_code = status,
		.name = step->result == LULL_RESULT_ANSWERED ? run->routes[run->last_route].label
							     : NULL,
		.reason = reason_of(run, step, text, sizeof(text)),
		.for_ms = lull_clock_ms() - run->begin_ms,
		.ready_in_ms = step->ready_in_ms,
	};

	if (set->explain && steps != NULL) {
		for (; report.count < count; report.count++)
			(void)lull_call_trail_at(run->call, (uint32_t)report.count,
						 &steps[report.count]);
		out_to(STDERR_FILENO);
		run->invocation->output->run(&report);
	} else if (report.reason != NULL) {
		tell_silent_end(run);
		say("%s", report.reason);
	}
	free(steps);
}

/* Return: 0; an exit status after saying on stderr why not. */
static int pass_output_on(const struct run *run)
{
	const int fds[2] = {STDOUT_FILENO, STDERR_FILENO};
	int error = run->last.show_error;

	for (int i = 0; i < 2 && !run->invocation->set.live && error == 0; i++) {
		if (run->kept[i].error < 0) {
			say("unable to keep what the command wrote: %s",
			    strerror(-run->kept[i].error));
			return EXIT_NO_RUN;
		}
		error = spool_write_all(&run->kept[i], fds[i]);
		if (i == 1) /* there is nowhere left to say so */
			error = 0;
	}
	if (error == 0)
		return 0;
	say("unable to write to stdout: %s", strerror(-error));
	return EXIT_OUTPUT;
}

/* Lets a parent see what ended us; returns only where that is blocked. */
static void end_by_signal(int number)
{
	(void)out_finish();
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

static int finish(const struct run *run, const struct lull_step *step)
{
	const int status = status_of(run, step);
	const int error = pass_output_on(run);

	if (error != 0)
		return error;
	tell(run, step, status);
	if (run->last.how == ATTEMPT_INTERRUPTED)
		end_by_signal(run->last.code);
	return status;
}

/* ------------------------------------------------------------------ from the beginning */

/* Everything but a terminal is read to its end, before the budget begins. */
static int read_input(struct run *run)
{
	int error = 0;

	if (isatty(STDIN_FILENO) == 0)
		error = spool_read_all(&run->input, STDIN_FILENO);
	if (error == 0 || error == -EBADF) /* none at all, as from some daemons */
		return 0;
	say("unable to read stdin: %s", strerror(-error));
	return EXIT_NO_RUN;
}

static int call(struct run *run)
{
	const struct settings *const set = &run->invocation->set;
	struct lull_step step = {.abi_version = LULL_ABI_VERSION};
	struct lull_call_options options;
	int error;

	lull_call_options_init(&options);
	options.budget_ms = (uint32_t)set->budget_ms;
	options.connection_driver = 0;
	if (set->cooldown_ms > options.max_cooldown_ms)
		options.max_cooldown_ms = (uint32_t)set->cooldown_ms;
	run->begin_ms = lull_clock_ms();
	error = lull_call_begin(&run->call, run->table, run->routes, (uint32_t)run->count, &options,
				run->begin_ms);
	if (error == 0)
		error = loop(run, &step);
	if (error == 0)
		error = finish(run, &step);
	lull_call_end(run->call, lull_clock_ms());
	if (error >= 0)
		return error;
	say("unable to run the command: %s", strerror(-error));
	return EXIT_NO_RUN;
}

static int call_guarded(struct run *run)
{
	int status = read_input(run);
	int error;

	if (status != 0)
		return status;
	(void)signal(SIGCHLD, SIG_DFL); /* ignored by a parent, children would leave no status */
	error = run_guard_start(&run->guard);
	if (error < 0) {
		say("unable to run the command: %s", strerror(-error));
		return EXIT_NO_RUN;
	}
	status = call(run);
	run_guard_stop(&run->guard);
	return status;
}

static int run_with(struct run *run)
{
	int status = parse_codes(run);

	if (status == 0)
		status = parse_regex(run);
	if (status == 0 && run->invocation->set.dry_run)
		status = shared_open(run->invocation, false, &run->table);
	else if (status == 0)
		status = shared_open_to_call(run->invocation, &run->table);
	if (status == 0)
		status = find_names(run);
	if (status == 0)
		status = set_limits(run);
	if (status == 0)
		status = run->invocation->set.dry_run ? dry_run(run) : call_guarded(run);
	return status;
}

static int run_command(const struct invocation *invocation)
{
	struct invocation settled = *invocation;
	struct run run = {.invocation = &settled};
	int status;

	if (settled.set.budget_ms == 0)
		settled.set.budget_ms = LULL_BUDGET_MS;
	spool_init(&run.input);
	spool_init(&run.kept[0]);
	spool_init(&run.kept[1]);
	status = run_with(&run);
	spool_deinit(&run.input);
	spool_deinit(&run.kept[0]);
	spool_deinit(&run.kept[1]);
	if (run.has_regex)
		regfree(&run.regex);
	forget_names(&run);
	lull_table_close(run.table);
	return status;
}

/* clang-format off */
static const struct option_row run_options[] = {
	{.name = "model", .letter = 'm', .member = OPTION_SETS(model), .type = OPTION_TEXT,
	 .argument = "NAME", .is_required = true, .help = "the model to begin with"},
	{.name = "fallback", .letter = 'f', .member = OPTION_SETS(fallbacks),
	 .type = OPTION_TEXT_LIST, .argument = "NAME",
	 .help = "the next one, should it fail; may be repeated"},
	{.name = "budget", .member = OPTION_SETS(budget_ms), .type = OPTION_DURATION,
	 .argument = "TIME", .min = 1, .max = BUDGET_MS_MAX, .help = "for all of it; default: 45s"},
	{.name = "timeout", .member = OPTION_SETS(timeout_ms), .type = OPTION_DURATION,
	 .argument = "TIME", .min = 1, .max = BUDGET_MS_MAX,
	 .help = "for one attempt; default: what leaves time for the others"},
	{.name = "limit", .member = OPTION_SETS(limits), .type = OPTION_TEXT_LIST,
	 .argument = "NAME:LIMITS",
	 .help = "rpm=N,parallel=N: runs a minute and at once, on the whole host"},
	{.name = "cool-on", .member = OPTION_SETS(cool_on), .type = OPTION_TEXT,
	 .argument = "CODE[,CODE...]", .help = "exit codes that cool the name, besides 75"},
	{.name = "cool-on-output", .member = OPTION_SETS(cool_on_output), .type = OPTION_TEXT,
	 .argument = "REGEX", .help = "cool it where a failed command wrote this"},
	{.name = "cooldown", .member = OPTION_SETS(cooldown_ms), .type = OPTION_DURATION,
	 .argument = "TIME", .min = 50, .max = LULL_COOL_FOR_MS_MAX,
	 .help = "for how long; default: 60s"},
	{.name = "live", .member = OPTION_SETS(live),
	 .help = "show what every attempt writes, at once"},
	{.name = "dry-run", .member = OPTION_SETS(dry_run),
	 .help = "print what would be run, and what cools"},
	{.name = "explain", .member = OPTION_SETS(explain),
	 .help = "say on stderr what was run or skipped, and why"},
	{.name = "json", .member = OPTION_SETS(json),
	 .help = "with --dry-run or --explain: print JSON"},
	OPTION_END,
};
/* clang-format on */

const struct verb verb_run = {
	.name = "run",
	.operands = "-- COMMAND [ARG...]",
	.operands_min = 1,
	.operands_max = INT32_MAX,
	.operands_are_a_command = true,
	.summary = "run a command with a model, and with its fallbacks if it fails",
	.details =
		"{model} in the words of the command, and LULL_MODEL in its environment, is the\n"
		"model's name; LULL_BUDGET_MS is what is left of the time. A model that cools is\n"
		"skipped. Exit status 0 is success; 75 and those of --cool-on cool the model for\n"
		"every process of this host; with any other the next model is tried. Only what "
		"the\n"
		"last attempt wrote is shown. stdin is read once, and given to each attempt.\n"
		"Exit status: the command's own; 75 every model cools or is at its limit, 124 out "
		"of time,\n"
		"125 lull failed, 126 the command cannot be started, 127 there is no such "
		"command.\n",
	.options = run_options,
	.examples =
		"  git diff | lull run -m gpt-4o -f claude-sonnet-4 -- llm -m {model} 'Review'\n"
		"      one review, from whichever answers\n"
		"  lull run -m gpt-4o --limit gpt-4o:parallel=4 -- ./ask.py\n"
		"      never more than four at once, however many are started\n"
		"  lull run -m gpt-4o --cool-on-output '[Rr]ate limit' -- ./ask.py\n"
		"      ask.py reads LULL_MODEL; what it prints when it fails cools gpt-4o\n",
	.run = run_command,
};
