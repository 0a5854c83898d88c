/* SPDX-License-Identifier: MIT */
/*
 * `lull batch`: a file of requests in OpenAI's Batch form, answered here. This process alone reads
 * rows and writes results; who makes the calls is the crew (batch_crew.h).
 *
 * What stands in the output is done. So nothing has to be remembered anywhere else, and a run that
 * was ended by anything, at any moment, is taken up by reading the output once.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "batch_crew.h"
#include "batch_ids.h"
#include "batch_output.h"
#include "batch_progress.h"
#include "batch_rows.h"
#include "call_options.h"
#include "cmd.h"

#define JOBS_DEFAULT     16u
#define JOBS_MAX         4096u /* arbitrary; beyond it more processes do more */
#define DEATHS_MAX       5u    /* of workers that had the same row */
#define COMPLAINTS_MAX   100u  /* lines of the input that are told about one by one */
#define BODY_BYTES_FULL  ((size_t)64 << 20)
#define DESCRIPTORS_MIN  64u /* besides one for each call */
#define EXIT_SOME_FAILED 1

struct settings {
	struct call_settings call;
	const char *output_path, *errors_path;
	uint32_t jobs, workers, max_rows; /* 0: not said */
	uint32_t resume;
	uint32_t progress;
};

/* A row that is under way, or about to be. */
struct row {
	struct row *next;
	uint64_t line;
	uint32_t deaths;
	size_t id_bytes; /* as it is written, with its quotes; then the body */
	size_t body_bytes;
	char bytes[];
};

struct batch {
	const struct settings *settings;
	const char *input_name;
	struct line_reader input;
	int64_t input_size; /* at the start; -1: no file */
	struct id_set ids;
	struct output out, err;
	struct crew *crew;
	struct progress progress;
	int signal_fd;
	sigset_t signals, signals_before;
	struct row **rows; /* by slot; NULL: it is free */
	uint32_t *free_slots, free_count, slot_count;
	size_t body_bytes; /* of all rows that are under way */
	struct row *again; /* rows that a worker has died with */
	uint64_t sent_count, complaint_count, result_count;
	uint32_t run_id;
	bool input_waits;
	bool input_is_done; /* no more of it is wanted, or there is none */
	bool was_cut;       /* by --max-rows */
	bool stopping, crew_is_told;
	int caught_signal;
	int code; /* of the program, once something has gone wrong with the whole */
};

static const struct option_choice progress_modes[] = {
	{"auto", PROGRESS_AUTO}, {"none", PROGRESS_NONE}, {"plain", PROGRESS_PLAIN},
	{"tty", PROGRESS_TTY},   {"json", PROGRESS_JSON}, {NULL, 0},
};

/* clang-format off */
#define AT(member) offsetof(struct settings, member)
static const struct option_row options[] = {
	{"output", 'o', OPTION_TEXT, 0, AT(output_path), "FILE", NULL,
	 "the results, a line each, in the order in which they come; default: stdout"},
	{"errors", 0, OPTION_TEXT, 0, AT(errors_path), "FILE", NULL,
	 "those of rows that failed; default: with the others"},
	{"resume", 0, OPTION_FLAG, 1, AT(resume), NULL, NULL,
	 "go on with the output of a run that was ended"},
	{"jobs", 'j', OPTION_NUMBER, JOBS_MAX, AT(jobs), "N", NULL, "calls at once, at most; default: 16"},
	{"workers", 0, OPTION_NUMBER, CREW_WORKERS_MAX, AT(workers), "N", NULL,
	 "processes that share the calls; default: this one makes them"},
	{"max-rows", 0, OPTION_NUMBER, UINT32_MAX - 1, AT(max_rows), "N", NULL,
	 "send so many rows at most; --resume goes on with the rest"},
	{"model", 'm', OPTION_TEXT, 0, AT(call.model), "MODEL", NULL,
	 "the model to ask first, in place of each row's own"},
	CALL_OPTIONS_WHOM,
	{"budget", 0, OPTION_DURATION, BUDGET_MS_MAX, AT(call.budget_ms), "TIME", NULL,
	 "for each row, from when it is sent; default: the configured one, else 45s"},
	CALL_OPTIONS_HOW,
	{"progress", 0, OPTION_CHOICE, 0, AT(progress), "HOW", progress_modes,
	 "on stderr: auto (default), none, plain, tty or json"},
	CALL_OPTIONS_WHERE,
	{0},
};
#undef AT
/* clang-format on */

static const struct command command = {
	.name = "batch",
	.summary =
		"Answer a file of requests in OpenAI's Batch form. While every model is cooling, "
		"it pauses.",
	.operands = "INPUT",
	.options = options,
	.description =
		"INPUT has a row a line: {\"custom_id\": ..., \"method\": \"POST\", \"url\": "
		"\"/v1/chat/completions\",\n"
		"\"body\": {...}}; - is stdin. Rows that are found in the output by --resume are "
		"not sent again.\n"
		"exit codes: 0 all rows answered, 1 some failed, 64 usage, 65 no line of the input "
		"is "
		"a row, or it\n"
		"cannot be read, 74 a result cannot be written, 77 no provider accepts its key, 78 "
		"configuration,\n"
		"130 and 143 interrupted\n",
	.examples =
		"  lull batch requests.jsonl -o results.jsonl\n"
		"  lull batch requests.jsonl -o results.jsonl --errors failed.jsonl --resume -j "
		"64\n"
		"  lull batch -m gpt-4o-mini -f groq/llama-3.3-70b-versatile --workers 4 - "
		"<requests.jsonl >results.jsonl\n",
};

/* ---- saying it */

static void say_message(const char *line, int is_error, void *userdata)
{
	(void)userdata;
	log_line(is_error ? LOG_LEVEL_QUIET : LOG_LEVEL_NORMAL, "%s", line);
}

/* A line of the input. After many of them the rest is only counted. */
static void complain(struct batch *batch, uint64_t line, const char *what)
{
	if (batch->complaint_count++ < COMPLAINTS_MAX)
		log_error("%s:%" PRIu64 ": %s", batch->input_name, line, what);
	else if (batch->complaint_count == COMPLAINTS_MAX + 1)
		log_error("%s: and further lines, which are only counted", batch->input_name);
}

/* The run ends: no more rows, and those under way come to their end. The crew hears of it when it
 * is not in the middle of telling something. */
static void stop(struct batch *batch, int code)
{
	if (batch->code == 0)
		batch->code = code;
	batch->input_is_done = true;
	batch->stopping = true;
}

static void fail(struct batch *batch, const char *what, int err)
{
	log_error("batch: %s: %s", what, strerror(err));
	stop(batch, err == ENOMEM ? EX_SOFTWARE : EX_IOERR);
}

/* ---- results */

static struct output *output_for(struct batch *batch, bool answered)
{
	return !answered && batch->err.fd >= 0 ? &batch->err : &batch->out;
}

static int write_line(struct batch *batch, struct output *output, const char *id, size_t id_bytes,
		      const char *text, size_t size)
{
	char head[64];
	int rc;

	(void)snprintf(head, sizeof(head),
		       "{\"id\":\"batch_req_%08" PRIx32 "%08" PRIx64 "\",\"custom_id\":",
		       batch->run_id, ++batch->result_count);
	rc = output_add(output, head, strlen(head));
	if (rc == 0)
		rc = output_add(output, id, id_bytes);
	return rc == 0 ? output_add(output, text, size) : rc;
}

static void free_slot(struct batch *batch, uint32_t slot)
{
	batch->body_bytes -= batch->rows[slot]->body_bytes;
	free(batch->rows[slot]);
	batch->rows[slot] = NULL;
	batch->free_slots[batch->free_count++] = slot;
}

/* Nothing works until somebody has looked after the keys: the row stays undone. */
static void stop_for_auth(struct batch *batch, const struct row_report *report)
{
	if (batch->code == 0)
		log_error("batch: it stops: %s", report->why);
	stop(batch, report->result->exit_code);
}

static void on_ended(const char *bytes, size_t size, void *userdata)
{
	struct batch *batch = userdata;
	struct row_report report;
	const struct row *row;
	bool answered;

	if (row_report_read(bytes, size, &report) != 0)
		return;
	row = batch->rows[report.result->slot];
	answered = report.result->result == LULL_RESULT_ANSWERED;
	if (report.result->result == LULL_RESULT_AUTH) {
		stop_for_auth(batch, &report);
		free_slot(batch, report.result->slot);
		return;
	}
	if (!answered && batch->settings->call.log_level == LOG_LEVEL_VERBOSE)
		log_info("%s:%" PRIu64 ": %s", batch->input_name, row->line, report.why);
	if (progress_note(&batch->progress, &report) != 0 ||
	    write_line(batch, output_for(batch, answered), row->bytes, row->id_bytes, report.text,
		       report.result->text_bytes) != 0)
		fail(batch, "cannot keep a result", ENOMEM);
	free_slot(batch, report.result->slot);
}

static void on_paused(const char *model, uint64_t until_ms, void *userdata)
{
	struct batch *batch = userdata;

	progress_paused(&batch->progress, model, until_ms);
}

static int refuse(struct batch *batch, const char *id, size_t id_bytes, const char *code,
		  const char *why)
{
	struct buffer text;
	int rc;

	buffer_init(&text, SIZE_MAX / 4);
	rc = row_text_not_run(&text, code, why);
	if (rc == 0)
		rc = write_line(batch, output_for(batch, false), id, id_bytes, text.bytes,
				text.size);
	buffer_deinit(&text);
	batch->progress.failed_count++;
	return rc;
}

static void on_lost(uint32_t slot, bool may_be_at_fault, void *userdata)
{
	struct batch *batch = userdata;
	struct row *row = batch->rows[slot];

	batch->body_bytes -= row->body_bytes;
	batch->rows[slot] = NULL;
	batch->free_slots[batch->free_count++] = slot;
	row->deaths += may_be_at_fault;
	if (row->deaths < DEATHS_MAX) {
		row->next = batch->again;
		batch->again = row;
		return;
	}
	complain(batch, row->line, "given up: each worker process that had it has died");
	if (refuse(batch, row->bytes, row->id_bytes, "worker_died",
		   "each worker process that had this row has died") != 0)
		fail(batch, "cannot keep a result", ENOMEM);
	free(row);
}

/* In a worker process. */
static void on_child(void *userdata)
{
	struct batch *batch = userdata;

	(void)close(batch->input.fd);
	output_close(&batch->out);
	output_close(&batch->err);
	(void)close(batch->signal_fd);
}

/* ---- rows */

enum { ROW_NONE = 1 }; /* none now */

static int make_row(const struct row_view *view, uint64_t line, struct row **ret_row)
{
	struct row *row = malloc(sizeof(*row) + view->id_bytes + view->body_bytes);

	if (!row)
		return -ENOMEM;
	*row = (struct row){
		.line = line, .id_bytes = view->id_bytes, .body_bytes = view->body_bytes};
	memcpy(row->bytes, view->id, view->id_bytes);
	memcpy(row->bytes + view->id_bytes, view->body, view->body_bytes);
	*ret_row = row;
	return 0;
}

/* Return: enum id_met; -ENOMEM */
static int meet(struct batch *batch, const struct row_view *view)
{
	struct row_text id;
	int rc = row_text(view->id, view->id_bytes, &id);

	if (rc == 0) {
		rc = ids_meet(&batch->ids, id.bytes, id.size);
		row_text_deinit(&id);
	}
	return rc;
}

static int bad_line(struct batch *batch, const struct line *line, const char *what)
{
	complain(batch, line->number, what);
	batch->progress.bad_count++;
	return ROW_NONE;
}

static int reject(struct batch *batch, const struct line *line, const struct row_view *view,
		  const char *why)
{
	int rc;

	complain(batch, line->number, why);
	rc = refuse(batch, view->id, view->id_bytes, view->code, why);
	return rc == 0 ? ROW_NONE : rc;
}

/* A line as a row to be sent. Return: 0; ROW_NONE: it is none; negative errno */
static int take_line(struct batch *batch, const struct line *line, struct row **ret_row)
{
	char error[ROW_ERROR_BYTES];
	struct row_view view;
	int outcome = row_read(line, &view, error), met;

	if (outcome < 0)
		return outcome;
	if (outcome == ROW_NAMELESS)
		return bad_line(batch, line, error);
	met = meet(batch, &view);
	if (met < 0)
		return met;
	if (met == ID_TWICE)
		return bad_line(batch, line, "its 'custom_id' has been given before");
	batch->progress.read_count++;
	if (met == ID_DONE) {
		batch->progress.before_count++;
		return ROW_NONE;
	}
	if (outcome == ROW_REFUSED)
		return reject(batch, line, &view, error);
	return make_row(&view, line->number, ret_row);
}

/* It was cut while it was read: what follows may be any part of a line. */
static bool has_shrunk(const struct batch *batch)
{
	return batch->input_size >= 0 && batch->input.read_bytes < (uint64_t)batch->input_size;
}

static void end_of_input(struct batch *batch)
{
	batch->input_is_done = true;
	batch->progress.input_ended = true;
	if (has_shrunk(batch)) {
		log_error("batch: %s has become shorter while it was read", batch->input_name);
		stop(batch, EX_DATAERR);
	}
}

static bool is_enough(struct batch *batch)
{
	const uint32_t most = batch->settings->max_rows;

	batch->was_cut = most > 0 && batch->sent_count >= most;
	batch->input_is_done |= batch->was_cut;
	return batch->was_cut;
}

/* Return: 0; ROW_NONE; negative errno */
static int next_row(struct batch *batch, struct row **ret_row)
{
	struct line line;
	int rc;

	if (batch->again) {
		*ret_row = batch->again;
		batch->again = batch->again->next;
		return 0;
	}
	while (!batch->input_is_done && !is_enough(batch) && !output_is_full(&batch->out)) {
		rc = lines_next(&batch->input, &line);
		batch->progress.used_bytes = lines_used_bytes(&batch->input);
		batch->input_waits = rc == LINES_WAIT;
		if (rc == LINES_WAIT)
			return ROW_NONE;
		if (rc == LINES_END) {
			end_of_input(batch);
			return ROW_NONE;
		}
		if (rc == 0)
			rc = take_line(batch, &line, ret_row);
		if (rc == 0)
			batch->sent_count++;
		if (rc != ROW_NONE)
			return rc;
	}
	return ROW_NONE;
}

static int submit(struct batch *batch, struct row *row)
{
	const uint32_t slot = batch->free_slots[--batch->free_count];

	batch->rows[slot] = row;
	batch->body_bytes += row->body_bytes;
	return crew_submit(batch->crew, slot, row->bytes + row->id_bytes, row->body_bytes);
}

/* Of large rows no more are at hand than are needed. */
static bool has_room(const struct batch *batch)
{
	const uint32_t count = batch->slot_count - batch->free_count;

	return batch->free_count > 0 && (batch->body_bytes < BODY_BYTES_FULL ||
					 count < batch->settings->jobs * ENGINE_ROWS_PER_JOB);
}

static void feed(struct batch *batch)
{
	struct row *row;
	int rc = 0;

	while (rc == 0 && !batch->stopping && has_room(batch)) {
		rc = next_row(batch, &row);
		if (rc == 0)
			rc = submit(batch, row);
	}
	if (rc == -ENOMEM) {
		fail(batch, "cannot go on", ENOMEM);
	} else if (rc < 0) {
		log_error("batch: cannot read %s: %s", batch->input_name, strerror(-rc));
		stop(batch, EX_DATAERR);
	}
}

/* ---- the loop */

static void write_out(struct batch *batch, struct output *output)
{
	int rc;

	if (output->fd < 0)
		return;
	if (output->is_terminal && output_is_waiting(output))
		progress_hide(&batch->progress);
	rc = output_flush(output);

	if (rc == 0)
		return;
	batch->progress.lost_count = batch->out.lost_count + batch->err.lost_count;
	if (batch->code != EX_IOERR)
		log_error("batch: cannot write %s: %s", output->path, strerror(-rc));
	batch->code = 0;
	stop(batch, EX_IOERR);
}

static void add_fd(struct pollfd *fds, size_t *count, int fd, short events)
{
	fds[(*count)++] = (struct pollfd){.fd = fd, .events = events};
}

static void take_signal(struct batch *batch)
{
	struct signalfd_siginfo info;

	if (read(batch->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (batch->caught_signal == 0)
		log_error("batch: interrupted; calls under way (%" PRIu32
			  ") come to their end, again to "
			  "drop them",
			  crew_running_count(batch->crew));
	batch->caught_signal = (int)info.ssi_signo;
	stop(batch, EX_TEMPFAIL);
}

static int wait_for_something(struct batch *batch, uint64_t until_ms, bool *ret_signal)
{
	struct pollfd fds[4];
	size_t count = 0;
	int rc;

	add_fd(fds, &count, batch->signal_fd, POLLIN);
	if (batch->input_waits && has_room(batch) && !batch->input_is_done)
		add_fd(fds, &count, batch->input.fd, POLLIN);
	if (output_is_waiting(&batch->out))
		add_fd(fds, &count, batch->out.fd, POLLOUT);
	if (output_is_waiting(&batch->err))
		add_fd(fds, &count, batch->err.fd, POLLOUT);
	rc = crew_wait(batch->crew, until_ms, fds, count);
	*ret_signal = rc == 0 && fds[0].revents != 0;
	return rc;
}

static bool is_done(const struct batch *batch)
{
	return batch->input_is_done && !batch->again && !crew_is_busy(batch->crew) &&
	       !output_is_waiting(&batch->out) && !output_is_waiting(&batch->err);
}

/* After a write that failed, or a second signal, what is under way has lost its use. */
static bool is_over(const struct batch *batch, unsigned signal_count)
{
	return is_done(batch) || (batch->stopping && !crew_is_busy(batch->crew)) ||
	       signal_count > 1 || batch->code == EX_IOERR;
}

static void give_up(struct batch *batch, int rc)
{
	log_error("batch: it cannot go on: %s", strerror(-rc));
	batch->code = EX_SOFTWARE;
}

static int tell_crew(struct batch *batch)
{
	if (!batch->stopping || batch->crew_is_told)
		return 0;
	batch->crew_is_told = true;
	return crew_stop(batch->crew);
}

/* Where rows end there is room for further ones. Return: 0; negative errno */
static int go_as_far_as_it_goes(struct batch *batch)
{
	uint32_t free_count;
	int rc;

	do {
		feed(batch);
		free_count = batch->free_count;
		rc = tell_crew(batch);
		if (rc == 0)
			rc = crew_advance(batch->crew);
	} while (rc == 0 && batch->free_count > free_count);
	return rc == 0 ? tell_crew(batch) : rc;
}

static void run_loop(struct batch *batch)
{
	unsigned signal_count = 0;
	bool signal = false;

	for (;;) {
		int rc = go_as_far_as_it_goes(batch);

		write_out(batch, &batch->out);
		write_out(batch, &batch->err);
		if (rc == 0 && is_over(batch, signal_count))
			return;
		batch->progress.running_count = crew_running_count(batch->crew);
		if (rc == 0)
			rc = wait_for_something(batch, progress_tick(&batch->progress), &signal);
		if (rc != 0) {
			give_up(batch, rc);
			return;
		}
		if (signal) {
			signal_count++;
			take_signal(batch);
		}
	}
}

/* ---- beginning */

/* Only those that are not ignored, as under nohup(1). */
static int catch_signals(struct batch *batch)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action;

	(void)sigemptyset(&batch->signals);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			(void)sigaddset(&batch->signals, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &batch->signals, &batch->signals_before);
	batch->signal_fd = signalfd(-1, &batch->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return batch->signal_fd >= 0 ? 0 : -errno;
}

static void raise_descriptor_limit(uint32_t jobs)
{
	struct rlimit limit;
	const rlim_t wanted = (rlim_t)jobs + DESCRIPTORS_MIN;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_input(struct batch *batch, const char *path)
{
	const bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	batch->input_name = is_stdin ? "stdin" : path;
	if (fd < 0 || fstat(fd, &status) != 0 || S_ISDIR(status.st_mode)) {
		log_error("batch: cannot read %s: %s", batch->input_name,
			  strerror(fd >= 0 ? EISDIR : errno));
		return EX_DATAERR;
	}
	batch->input_size = -1;
	if (S_ISREG(status.st_mode) && lseek(fd, 0, SEEK_CUR) == 0) {
		batch->input_size = status.st_size;
		batch->progress.input_bytes = (uint64_t)status.st_size;
	}
	lines_init(&batch->input, fd, !S_ISREG(status.st_mode));
	return 0;
}

static bool are_one_file(const struct stat *a, const struct stat *b)
{
	return S_ISREG(a->st_mode) && a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int overwritten(const char *what)
{
	log_error("batch: %s would be overwritten", what);
	return EX_USAGE;
}

/* Before any is opened, or made: a mistake leaves nothing behind. */
static int compare_files(const struct batch *batch)
{
	const struct settings *settings = batch->settings;
	const char *paths[] = {settings->output_path, settings->errors_path};
	struct stat in = {0}, files[2] = {{0}, {0}};

	(void)fstat(batch->input.fd, &in);
	for (int i = 0; i < 2; i++)
		if (paths[i] && stat(paths[i], &files[i]) == 0 && are_one_file(&files[i], &in))
			return overwritten("the input");
	if (paths[0] && paths[1] &&
	    (strcmp(paths[0], paths[1]) == 0 || are_one_file(&files[0], &files[1])))
		return overwritten("the output");
	return 0;
}

static int open_outputs(struct batch *batch)
{
	const struct settings *settings = batch->settings;
	int code = compare_files(batch);

	if (code == 0)
		code = output_open(&batch->out, settings->output_path ? settings->output_path : "-",
				   settings->resume ? OUTPUT_GO_ON : OUTPUT_FRESH, &batch->ids);
	if (code == 0 && settings->errors_path)
		code = output_open(&batch->err, settings->errors_path,
				   settings->resume ? OUTPUT_AGAIN : OUTPUT_FRESH, NULL);
	return code;
}

static int make_slots(struct batch *batch)
{
	const uint32_t count = crew_capacity(batch->crew);

	batch->slot_count = count;
	batch->rows = calloc(count, sizeof(struct row *));
	batch->free_slots = calloc(count, sizeof(*batch->free_slots));
	if (!batch->rows || !batch->free_slots)
		return -ENOMEM;
	while (batch->free_count < count) {
		batch->free_slots[batch->free_count] = count - 1 - batch->free_count;
		batch->free_count++;
	}
	return 0;
}

static int make_crew(struct batch *batch, struct lull_http *http)
{
	const struct settings *settings = batch->settings;
	const struct crew_settings crew_settings = {
		.engine =
			{
				.http = http,
				.call = &settings->call,
				.jobs = settings->jobs,
				.ended = on_ended,
				.paused = on_paused,
				.userdata = batch,
			},
		.worker_count = settings->workers,
		.lost = on_lost,
		.in_child = on_child,
	};
	int rc = crew_new(&crew_settings, &batch->crew);

	if (rc == 0)
		rc = make_slots(batch);
	if (rc != 0)
		log_error("batch: it cannot begin: %s", strerror(-rc));
	return rc == 0 ? 0 : EX_SOFTWARE;
}

static int check_limits(const struct settings *settings, struct route_list *routes)
{
	char error[CONFIG_MESSAGE_BYTES_MAX];

	for (size_t i = 0; i < settings->call.limits.count; i++) {
		const char *text = settings->call.limits.texts[i];
		struct lull_limits limits = {0};
		size_t name_bytes;
		int rc = routes ? route_list_limit(routes, text, error)
				: lull_limits_parse(text, &name_bytes, &limits, error,
						    sizeof(error));

		if (rc != 0) {
			if (routes)
				log_error("batch: --limit %s; see lull batch --help", error);
			else
				log_error("batch: --limit '%s': %s; see lull batch --help", text,
					  error);
			return EX_USAGE;
		}
	}
	return 0;
}

/* With -m all rows go the same way: better said once than for each of a million. */
static int check_model(const struct settings *settings, struct lull_http *http)
{
	struct request request = {.num_retries = LULL_UNSET, .timeout_ms = LULL_UNSET};
	struct route_list routes = {0};
	uint32_t usable = 0;
	int code = 0;

	if (!settings->call.model)
		return check_limits(settings, NULL);
	if (http_routes(http, &request, settings->call.model, settings->call.fallbacks.texts,
			settings->call.fallbacks.count, &routes) != 0)
		return EX_CONFIG;
	for (uint32_t i = 0; i < routes.count; i++) {
		if (routes.routes[i].problem)
			log_warn("batch: %s: left out: %s", routes.routes[i].call.label,
				 routes.routes[i].problem);
		usable += !routes.routes[i].problem;
	}
	if (usable == 0) {
		log_error("batch: no model of the list can be used as set up");
		code = EX_CONFIG;
	}
	if (code == 0)
		code = check_limits(settings, &routes);
	route_list_deinit(&routes);
	return code;
}

/* ---- the end */

static void free_rows(struct batch *batch)
{
	for (uint32_t i = 0; batch->rows && i < batch->slot_count; i++)
		free(batch->rows[i]);
	for (struct row *next, *row = batch->again; row; row = next) {
		next = row->next;
		free(row);
	}
	free(batch->rows);
	free(batch->free_slots);
}

static void batch_deinit(struct batch *batch)
{
	crew_free(batch->crew);
	free_rows(batch);
	output_close(&batch->out);
	output_close(&batch->err);
	if (batch->input.fd > STDIN_FILENO)
		(void)close(batch->input.fd);
	lines_deinit(&batch->input);
	ids_deinit(&batch->ids);
	progress_deinit(&batch->progress);
	if (batch->signal_fd >= 0)
		(void)close(batch->signal_fd);
	(void)sigprocmask(SIG_SETMASK, &batch->signals_before, NULL);
}

static void check_deleted(struct batch *batch, struct output *output)
{
	struct stat status;

	if (!output->is_file || output->fd < 0 || fstat(output->fd, &status) != 0 ||
	    status.st_nlink > 0)
		return;
	log_error("batch: %s was deleted meanwhile, and its results with it", output->path);
	output->is_file = false; /* nothing stands in it */
	batch->code = EX_IOERR;
}

static void say_how_to_go_on(struct batch *batch)
{
	const enum log_level level = batch->code != 0 ? LOG_LEVEL_QUIET : LOG_LEVEL_NORMAL;

	if (batch->code == 0 && !batch->was_cut)
		return;
	if (batch->out.is_file)
		log_line(level,
			 "batch: what stands in %s is done; the same command with --resume goes on",
			 batch->out.path);
	else
		log_line(level, "batch: not all rows are done; with -o FILE, --resume could go on");
}

/* The one word of a quiet run: cron mails nothing else. */
static void say_what_failed(struct batch *batch)
{
	const uint64_t failed_count = batch->progress.failed_count;
	const struct output *output = output_for(batch, false);

	if (batch->settings->call.log_level == LOG_LEVEL_QUIET && failed_count > 0)
		log_error("batch: rows that failed: %" PRIu64 "; %s says why", failed_count,
			  output->path);
}

static int exit_code(const struct batch *batch)
{
	const struct progress *progress = &batch->progress;

	if (batch->code != 0)
		return batch->code;
	if (progress->read_count == 0 && progress->bad_count > 0)
		return EX_DATAERR;
	return progress->failed_count > 0 || progress->bad_count > 0 ? EXIT_SOME_FAILED : EX_OK;
}

static int run(struct batch *batch, struct lull_http *http, const char *input_path)
{
	int code = open_input(batch, input_path);

	if (code == 0)
		code = open_outputs(batch);
	if (code == 0)
		code = make_crew(batch, http);
	if (code != 0)
		return code;
	run_loop(batch);
	if (batch->settings->call.log_level > LOG_LEVEL_QUIET)
		progress_summary(&batch->progress);
	say_what_failed(batch);
	check_deleted(batch, &batch->out);
	check_deleted(batch, &batch->err);
	say_how_to_go_on(batch);
	return exit_code(batch);
}

static int batch(const struct settings *settings, const char *input_path)
{
	struct batch batch = {.settings = settings, .out.fd = -1, .err.fd = -1, .signal_fd = -1};
	struct lull_http *http = NULL;
	int caught_signal, code = call_open(&settings->call, &http);

	if (code == 0)
		code = check_model(settings, http);
	if (code != 0) {
		lull_http_close(http);
		return code;
	}
	http->message = say_message;
	http->userdata = &batch;
	(void)http_tell_table(http);
	batch.input.fd = -1;
	(void)getrandom(&batch.run_id, sizeof(batch.run_id), GRND_NONBLOCK);
	progress_init(&batch.progress, (enum progress_mode)settings->progress, http->table);
	batch.progress.rows_max = settings->max_rows;
	raise_descriptor_limit(settings->jobs);
	code = catch_signals(&batch) == 0 ? run(&batch, http, input_path) : EX_OSERR;
	caught_signal = batch.caught_signal;
	batch_deinit(&batch);
	lull_http_close(http);
	return caught_signal ? end_by_signal(caught_signal) : code;
}

static int check_usage(const struct settings *settings, int argc, int first)
{
	if (argc - first != 1) {
		log_error("batch: %s; see lull batch --help",
			  first == argc ? "no input is named: say FILE, or - for stdin"
					: "one input is expected");
		return EX_USAGE;
	}
	if (settings->workers > settings->jobs) {
		log_error("batch: --workers %u is more than the %u calls of --jobs",
			  settings->workers, settings->jobs);
		return EX_USAGE;
	}
	return 0;
}

int cmd_batch(int argc, char **argv)
{
	struct settings settings = {.jobs = JOBS_DEFAULT};
	int first = 0;
	int code;

	call_settings_init(&settings.call);
	code = options_read(&command, argc, argv, &settings, &first);
	if (code != 0) {
		call_settings_deinit(&settings.call);
		return code == OPTIONS_HELP ? EX_OK : EX_USAGE;
	}
	log_set_level((enum log_level)settings.call.log_level);
	log_set_writer(settings.progress == PROGRESS_JSON ? log_write_json : NULL);
	if (settings.call.log_level == LOG_LEVEL_QUIET && settings.progress == PROGRESS_AUTO)
		settings.progress = PROGRESS_NONE;
	code = check_usage(&settings, argc, first);
	if (code == 0)
		code = batch(&settings, argv[first]);
	call_settings_deinit(&settings.call);
	return code;
}
