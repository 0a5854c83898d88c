/* SPDX-License-Identifier: MIT */
/* This process or others: see batch_crew.h. */
#include "batch_crew.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "batch_channel.h"
#include "log.h"

#define DEATHS_MAX  10u /* in a row, of one that has not brought a single result */
#define LEAVE_TRIES 50u /* times LEAVE_NS, for a worker to leave by itself */
#define LEAVE_NS    10000000L

struct worker {
	pid_t pid;
	struct channel channel;
	uint32_t jobs;          /* its share of them */
	uint32_t row_count;     /* that it has */
	uint32_t running_count; /* while it pauses; else it has its hands full */
	bool is_paused;
	uint32_t deaths; /* since its last result */
};

struct crew {
	struct crew_settings settings;
	struct engine *engine; /* without workers */
	struct worker *workers;
	struct worker **owners; /* by slot; NULL: it is free */
	uint64_t *numbers;      /* by slot: of its row, in the order in which they were given out */
	uint64_t row_number;
	uint32_t row_count;
	bool stopping;
};

/* What FRAME_PAUSED begins with. */
struct pause {
	uint64_t until_ms;
	uint64_t running_count;
};

/* ---- in a worker */

struct desk {
	struct channel channel;
	struct engine *engine;
	char **bodies; /* by slot */
	bool stopping;
	bool is_alone; /* the parent has gone */
};

static void leave(struct desk *desk, int code)
{
	engine_stop(desk->engine, true); /* hands back what the calls hold */
	_exit(code);
}

/* It is the engine that calls, so there is no leaving yet. */
static void check_sent(struct desk *desk, int rc)
{
	desk->is_alone |= rc != 0;
}

static void send_ended(const char *bytes, size_t size, void *userdata)
{
	const struct row_result *result = (const void *)bytes;
	const struct frame frame = {.type = FRAME_ENDED, .slot = result->slot, .size = size};
	struct desk *desk = userdata;

	free(desk->bodies[result->slot]);
	desk->bodies[result->slot] = NULL;
	check_sent(desk, channel_send(&desk->channel, &frame, bytes, size, NULL));
}

static void send_paused(const char *model, uint64_t until_ms, void *userdata)
{
	const struct desk *from = userdata;
	const struct pause pause = {.until_ms = until_ms,
				    .running_count = engine_running_count(from->engine)};
	const struct frame frame = {.type = FRAME_PAUSED,
				    .size = sizeof(pause) + strlen(model) + 1};
	struct desk *desk = userdata;

	check_sent(desk, channel_send(&desk->channel, &frame, &pause, sizeof(pause), model));
}

static int take_row(struct desk *desk, const struct frame *frame, const char *bytes)
{
	char **body = &desk->bodies[frame->slot];

	*body = malloc(frame->size + 1);
	if (!*body)
		return -ENOMEM;
	memcpy(*body, bytes, frame->size);
	(*body)[frame->size] = '\0';
	return engine_submit(desk->engine, frame->slot, *body, frame->size);
}

static int take_orders(struct desk *desk)
{
	const struct frame *frame;
	const char *bytes;
	int rc = channel_receive(&desk->channel);

	if (rc == -EPIPE || rc == -ECONNRESET)
		leave(desk, EX_OK);
	while (rc == 0 && (frame = channel_next(&desk->channel, &bytes)) != NULL) {
		if (frame->type == FRAME_ROW)
			rc = take_row(desk, frame, bytes);
		else if (frame->type == FRAME_STOP)
			desk->stopping = true;
	}
	if (desk->stopping)
		engine_stop(desk->engine, false);
	return rc;
}

static int work_on(struct desk *desk)
{
	struct pollfd fd = {.fd = desk->channel.fd, .events = POLLIN};
	int rc = engine_advance(desk->engine);

	if (rc != 0)
		return rc;
	if (desk->is_alone)
		leave(desk, EX_OK);
	if (channel_has_more(&desk->channel))
		fd.events |= POLLOUT;
	else if (desk->stopping && engine_count(desk->engine) == 0)
		leave(desk, EX_OK);
	rc = engine_wait(desk->engine, LULL_NEVER, &fd, 1);
	if (rc == 0 && (fd.revents & POLLOUT))
		check_sent(desk, channel_flush(&desk->channel));
	if (rc == 0 && (fd.revents & ~POLLOUT))
		rc = take_orders(desk);
	return rc;
}

static void work(const struct crew *crew, const struct worker *worker, int fd)
{
	struct engine_settings settings = crew->settings.engine;
	struct desk desk = {.bodies = calloc(crew_capacity(crew), sizeof(*desk.bodies))};
	int rc = desk.bodies ? 0 : -ENOMEM;

	channel_init(&desk.channel, fd);
	settings.jobs = worker->jobs;
	settings.ended = send_ended;
	settings.paused = send_paused;
	settings.userdata = &desk;
	if (rc == 0)
		rc = engine_new(&settings, &desk.engine);
	while (rc == 0)
		rc = work_on(&desk);
	log_error("batch: a worker process cannot go on: %s", strerror(-rc));
	_exit(EX_SOFTWARE);
}

/* ---- workers, seen from the parent */

static int hire(struct crew *crew, struct worker *worker)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return -errno;
	(void)fflush(NULL);
	worker->pid = fork();
	if (worker->pid < 0) {
		const int err = errno;

		(void)close(fds[0]);
		(void)close(fds[1]);
		return -err;
	}
	if (worker->pid == 0) {
		(void)close(fds[0]);
		for (uint32_t i = 0; i < crew->settings.worker_count; i++)
			if (crew->workers[i].channel.fd >= 0)
				(void)close(crew->workers[i].channel.fd);
		crew->settings.in_child(crew->settings.engine.userdata);
		work(crew, worker, fds[1]);
	}
	(void)close(fds[1]);
	channel_init(&worker->channel, fds[0]);
	return 0;
}

static void tell_death(const struct worker *worker, int status)
{
	char how[32];

	if (WIFSIGNALED(status))
		(void)snprintf(how, sizeof(how), "signal %d", WTERMSIG(status));
	else
		(void)snprintf(how, sizeof(how), "exit status %d", WEXITSTATUS(status));
	log_warn("batch: worker process %d has ended by %s; its %" PRIu32 " rows go to another one",
		 (int)worker->pid, how, worker->row_count);
}

/* All workers' together are at least the crew's capacity. */
static uint32_t most_rows(const struct crew *crew, const struct worker *worker)
{
	const uint32_t workers = crew->settings.worker_count;

	return worker->jobs * ENGINE_ROWS_PER_JOB + (ENGINE_ROWS_WAITING + workers - 1) / workers;
}

/* Rows begin in the order in which they came: how many of the worker's came before that one? */
static uint32_t rows_before(const struct crew *crew, const struct worker *worker, uint32_t slot)
{
	uint32_t count = 0;

	for (uint32_t other = 0; other < crew_capacity(crew); other++)
		count +=
			crew->owners[other] == worker && crew->numbers[other] < crew->numbers[slot];
	return count;
}

/* The number of the last of the worker's rows that may have been under way when it died; those
 * behind it only waited, and are not to blame. 0: none was. */
static uint64_t last_under_way(const struct crew *crew, const struct worker *worker)
{
	const uint32_t most = worker->jobs * ENGINE_ROWS_PER_JOB;

	if (worker->is_paused && worker->running_count == 0)
		return 0;
	for (uint32_t slot = 0; slot < crew_capacity(crew); slot++)
		if (crew->owners[slot] == worker && rows_before(crew, worker, slot) == most - 1)
			return crew->numbers[slot];
	return UINT64_MAX;
}

static void tell_lost(struct crew *crew, struct worker *worker)
{
	const uint64_t last = last_under_way(crew, worker);

	for (uint32_t slot = 0; slot < crew_capacity(crew); slot++) {
		if (crew->owners[slot] != worker)
			continue;
		crew->owners[slot] = NULL;
		crew->settings.lost(slot, crew->numbers[slot] <= last,
				    crew->settings.engine.userdata);
	}
	crew->row_count -= worker->row_count;
	worker->row_count = worker->running_count = 0;
	worker->is_paused = false;
}

/* Its end of the socket is closed. Return: 0; negative errno: there is no replacing it. */
static int bury(struct crew *crew, struct worker *worker)
{
	int status = 0;

	channel_close(&worker->channel);
	(void)kill(worker->pid, SIGKILL);
	(void)waitpid(worker->pid, &status, 0);
	if (!crew->stopping)
		tell_death(worker, status);
	tell_lost(crew, worker);
	if (crew->stopping)
		return 0;
	if (++worker->deaths >= DEATHS_MAX) {
		log_error("batch: worker processes end before they bring any result");
		return -ECHILD;
	}
	return hire(crew, worker);
}

/* It may be about to die; then its socket will say so. */
static int send_to(struct worker *worker, const struct frame *frame, const char *bytes)
{
	int rc = channel_send(&worker->channel, frame, bytes, (size_t)frame->size, NULL);

	return rc == -ENOMEM ? rc : 0;
}

static int take_ended(struct crew *crew, struct worker *worker, const struct frame *frame,
		      const char *bytes)
{
	struct row_report report;

	if (row_report_read(bytes, (size_t)frame->size, &report) != 0 ||
	    frame->slot >= crew_capacity(crew) || crew->owners[frame->slot] != worker)
		return -EBADMSG;
	crew->owners[frame->slot] = NULL;
	crew->row_count--;
	worker->row_count--;
	worker->is_paused = false;
	worker->deaths = 0;
	crew->settings.engine.ended(bytes, (size_t)frame->size, crew->settings.engine.userdata);
	return 0;
}

static int take_frame(struct crew *crew, struct worker *worker, const struct frame *frame,
		      const char *bytes)
{
	const struct pause *pause = (const void *)bytes;

	if (frame->type == FRAME_ENDED)
		return take_ended(crew, worker, frame, bytes);
	if (frame->type != FRAME_PAUSED || frame->size <= sizeof(*pause) ||
	    bytes[frame->size - 1] != '\0')
		return -EBADMSG;
	worker->is_paused = pause->until_ms != 0;
	worker->running_count = (uint32_t)pause->running_count;
	crew->settings.engine.paused((const char *)(pause + 1), pause->until_ms,
				     crew->settings.engine.userdata);
	return 0;
}

static int hear(struct crew *crew, struct worker *worker, short events)
{
	const struct frame *frame;
	const char *bytes;
	int rc = 0;

	if (events & POLLOUT)
		(void)channel_flush(&worker->channel);
	if (!(events & ~POLLOUT))
		return 0;
	rc = channel_receive(&worker->channel);
	if (rc == -ENOMEM)
		return rc;
	if (rc != 0)
		return bury(crew, worker);
	while (rc == 0 && (frame = channel_next(&worker->channel, &bytes)) != NULL)
		rc = take_frame(crew, worker, frame, bytes);
	return rc;
}

static int wait_for_workers(struct crew *crew, uint64_t until_ms, struct pollfd *fds, size_t count)
{
	const uint32_t workers = crew->settings.worker_count;
	struct pollfd all[CREW_WORKERS_MAX + TRANSPORT_FDS_MAX];
	const uint64_t now_ms = lull_clock_ms();
	uint64_t left_ms = until_ms > now_ms ? until_ms - now_ms : 0;
	int rc = 0;

	for (uint32_t i = 0; i < workers; i++) {
		const struct channel *channel = &crew->workers[i].channel;

		all[i] = (struct pollfd){.fd = channel->fd, .events = POLLIN};
		if (channel_has_more(channel))
			all[i].events |= POLLOUT;
	}
	memcpy(&all[workers], fds, count * sizeof(*fds));
	if (poll(all, workers + count, (int)(left_ms < 60000 ? left_ms : 60000)) < 0)
		return errno == EINTR ? 0 : -errno;
	memcpy(fds, &all[workers], count * sizeof(*fds));
	for (uint32_t i = 0; rc == 0 && i < workers; i++)
		if (all[i].revents)
			rc = hear(crew, &crew->workers[i], all[i].revents);
	return rc;
}

/* The one with the most room for its share. */
static struct worker *choose(const struct crew *crew)
{
	struct worker *best = NULL;
	uint32_t best_room = 0;

	for (uint32_t i = 0; i < crew->settings.worker_count; i++) {
		struct worker *worker = &crew->workers[i];
		const uint32_t most = most_rows(crew, worker);

		if (worker->channel.fd >= 0 && most - worker->row_count > best_room) {
			best_room = most - worker->row_count;
			best = worker;
		}
	}
	return best;
}

static int submit_to_worker(struct crew *crew, const struct frame *frame, const char *body)
{
	struct worker *worker = choose(crew);

	if (!worker)
		return -EBUSY;
	crew->owners[frame->slot] = worker;
	crew->numbers[frame->slot] = ++crew->row_number;
	crew->row_count++;
	worker->row_count++;
	return send_to(worker, frame, body);
}

static int stop_workers(struct crew *crew)
{
	static const struct frame frame = {.type = FRAME_STOP};
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < crew->settings.worker_count; i++)
		if (crew->workers[i].channel.fd >= 0)
			rc = send_to(&crew->workers[i], &frame, NULL);
	return rc;
}

/* A closed socket is the word to leave. */
static void dismiss(struct worker *worker)
{
	const struct timespec a_moment = {.tv_nsec = LEAVE_NS};

	for (uint32_t i = 0; i < LEAVE_TRIES && waitpid(worker->pid, NULL, WNOHANG) == 0; i++)
		(void)nanosleep(&a_moment, NULL);
	(void)kill(worker->pid, SIGKILL);
	(void)waitpid(worker->pid, NULL, 0);
}

static int hire_all(struct crew *crew)
{
	const uint32_t count = crew->settings.worker_count, jobs = crew->settings.engine.jobs;
	int rc = 0;

	crew->workers = calloc(count, sizeof(*crew->workers));
	crew->owners = calloc(crew_capacity(crew), sizeof(struct worker *));
	crew->numbers = calloc(crew_capacity(crew), sizeof(*crew->numbers));
	if (!crew->workers || !crew->owners || !crew->numbers)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		channel_init(&crew->workers[i].channel, -1);
	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		crew->workers[i].jobs = jobs / count + (i < jobs % count);
		rc = hire(crew, &crew->workers[i]);
	}
	return rc;
}

/* ---- either way */

int crew_new(const struct crew_settings *settings, struct crew **ret_crew)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	int rc;

	if (!crew)
		return -ENOMEM;
	crew->settings = *settings;
	rc = settings->worker_count > 0 ? hire_all(crew)
					: engine_new(&settings->engine, &crew->engine);
	if (rc == 0)
		*ret_crew = crew;
	else
		crew_free(crew);
	return rc;
}

struct crew *crew_free(struct crew *crew)
{
	if (!crew)
		return NULL;
	engine_free(crew->engine);
	for (uint32_t i = 0; crew->workers && i < crew->settings.worker_count; i++)
		if (crew->workers[i].channel.fd >= 0)
			(void)shutdown(crew->workers[i].channel.fd, SHUT_RDWR);
	for (uint32_t i = 0; crew->workers && i < crew->settings.worker_count; i++) {
		if (crew->workers[i].channel.fd >= 0)
			dismiss(&crew->workers[i]);
		channel_close(&crew->workers[i].channel);
	}
	free(crew->workers);
	free(crew->owners);
	free(crew->numbers);
	free(crew);
	return NULL;
}

uint32_t crew_capacity(const struct crew *crew)
{
	return crew->settings.engine.jobs * ENGINE_ROWS_PER_JOB + ENGINE_ROWS_WAITING;
}

int crew_submit(struct crew *crew, uint32_t slot, const char *body, size_t body_bytes)
{
	const struct frame frame = {.type = FRAME_ROW, .slot = slot, .size = body_bytes};

	return crew->engine ? engine_submit(crew->engine, slot, body, body_bytes)
			    : submit_to_worker(crew, &frame, body);
}

int crew_stop(struct crew *crew)
{
	crew->stopping = true;
	if (!crew->engine)
		return stop_workers(crew);
	engine_stop(crew->engine, false);
	return 0;
}

bool crew_is_busy(const struct crew *crew)
{
	if (crew->engine)
		return engine_count(crew->engine) > 0;
	if (!crew->stopping)
		return crew->row_count > 0;
	for (uint32_t i = 0; i < crew->settings.worker_count; i++)
		if (crew->workers[i].channel.fd >= 0)
			return true;
	return false;
}

static uint32_t running_count_of(const struct worker *worker)
{
	if (worker->is_paused)
		return worker->running_count;
	return worker->row_count < worker->jobs ? worker->row_count : worker->jobs;
}

uint32_t crew_running_count(const struct crew *crew)
{
	uint32_t sum = 0;

	if (crew->engine)
		return engine_running_count(crew->engine);
	for (uint32_t i = 0; i < crew->settings.worker_count; i++)
		sum += running_count_of(&crew->workers[i]);
	return sum;
}

int crew_advance(struct crew *crew)
{
	return crew->engine ? engine_advance(crew->engine) : 0;
}

int crew_wait(struct crew *crew, uint64_t until_ms, struct pollfd *fds, size_t count)
{
	return crew->engine ? engine_wait(crew->engine, until_ms, fds, count)
			    : wait_for_workers(crew, until_ms, fds, count);
}
