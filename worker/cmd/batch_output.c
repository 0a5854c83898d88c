/* SPDX-License-Identifier: MIT */
/* Where results go: see batch_output.h. */
#include "batch_output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "batch_rows.h"
#include "log.h"

#define PENDING_BYTES_FULL (1u << 20)
#define LINE_HEAD          "{\"id\":\"batch_req_"

/* ---- opening */

/* A file of another kind, taken for ours by mistake, must not lose its end. After a loss of power there
 * may be nothing but NULs where something was written last. */
static bool could_be_cut_line(const struct line *line)
{
	const size_t head = strlen(LINE_HEAD), size = strnlen(line->bytes, line->size);

	for (size_t i = size; i < line->size; i++)
		if (line->bytes[i] != '\0')
			return false;
	return memcmp(line->bytes, LINE_HEAD, size < head ? size : head) == 0;
}

static int not_an_output(const struct output *output, const struct line *line)
{
	log_error("batch: %s:%llu is no line of a batch's results; is it the right file?",
		  output->path, (unsigned long long)line->number);
	return EX_DATAERR;
}

static int take_up_line(struct output *output, const struct line *line, struct id_set *ids)
{
	struct row_text id;
	int rc;

	if (line->unfinished)
		return could_be_cut_line(line) ? 0 : not_an_output(output, line);
	rc = row_output_id(line, &id);
	if (rc == 0) {
		rc = ids_add_done(ids, id.bytes, id.size);
		row_text_deinit(&id);
	}
	if (rc == -EINVAL)
		return not_an_output(output, line);
	output->done_count++;
	return rc == 0 ? 0 : EX_SOFTWARE;
}

/* Its ids, and where its last whole line ends. */
static int take_up(struct output *output, struct id_set *ids)
{
	struct line_reader reader;
	struct line line;
	int rc, code = 0;

	lines_init(&reader, output->fd, false);
	while (code == 0 && (rc = lines_next(&reader, &line)) == 0) {
		code = take_up_line(output, &line, ids);
		if (!line.unfinished)
			output->end = (int64_t)lines_used_bytes(&reader);
	}
	lines_deinit(&reader);
	if (code == 0 && rc != LINES_END) {
		log_error("batch: cannot read %s: %s", output->path, strerror(-rc));
		code = EX_IOERR;
	}
	return code;
}

static int cut(struct output *output)
{
	if (ftruncate(output->fd, output->end) == 0)
		return 0;
	log_error("batch: cannot shorten %s: %s", output->path, strerror(errno));
	return EX_IOERR;
}

static int lock(const struct output *output)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fcntl(output->fd, F_SETLK, &whole) == 0 || (errno != EACCES && errno != EAGAIN))
		return 0; /* or there are no locks here */
	log_error("batch: another process is writing to %s", output->path);
	return EX_USAGE;
}

/* A file: what stands in it, and what becomes of that. */
static int settle(struct output *output, int64_t size, enum output_mode mode, struct id_set *ids)
{
	int code = lock(output);

	if (code != 0)
		return code;
	if (mode == OUTPUT_FRESH && size > 0) {
		log_error("batch: %s exists; --resume goes on with it, else choose another name",
			  output->path);
		return EX_USAGE;
	}
	if (mode == OUTPUT_GO_ON)
		code = take_up(output, ids);
	return code == 0 && size > output->end ? cut(output) : code;
}

static int cannot_open(const char *path)
{
	log_error("batch: cannot open %s: %s", path, strerror(errno));
	return EX_CANTCREAT;
}

int output_open(struct output *output, const char *path, enum output_mode mode, struct id_set *ids)
{
	const bool is_stdout = strcmp(path, "-") == 0;
	struct stat status;

	*output = (struct output){.fd = -1, .path = is_stdout ? "stdout" : path};
	buffer_init(&output->pending, SIZE_MAX / 4);
	if (is_stdout || (stat(path, &status) == 0 && !S_ISREG(status.st_mode)))
		output->fd = is_stdout ? STDOUT_FILENO : open(path, O_WRONLY | O_CLOEXEC);
	else
		output->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (output->fd < 0 || fstat(output->fd, &status) != 0)
		return cannot_open(path);
	output->is_file = !is_stdout && S_ISREG(status.st_mode);
	output->is_terminal = isatty(output->fd) == 1;
	if (output->is_file)
		return settle(output, status.st_size, mode, ids);
	if (mode == OUTPUT_GO_ON) {
		log_error("batch: --resume needs a file to go on with, and %s is none",
			  output->path);
		return EX_USAGE;
	}
	return 0;
}

void output_close(struct output *output)
{
	if (output->fd >= 0 && output->fd != STDOUT_FILENO)
		(void)close(output->fd);
	buffer_deinit(&output->pending);
	output->fd = -1;
}

/* ---- writing */

int output_add(struct output *output, const char *bytes, size_t size)
{
	return buffer_add(&output->pending, bytes, size);
}

bool output_is_waiting(const struct output *output)
{
	return output->pending.size > 0;
}

bool output_is_full(const struct output *output)
{
	return output->pending.size > PENDING_BYTES_FULL;
}

/* How much may be written now without having to wait. */
static size_t writable(const struct output *output, size_t size)
{
	struct pollfd fd = {.fd = output->fd, .events = POLLOUT};

	if (output->is_file)
		return size;
	if (poll(&fd, 1, 0) != 1)
		return 0;
	return size < PIPE_BUF ? size : PIPE_BUF;
}

static int write_pending(struct output *output, size_t *ret_written)
{
	const struct buffer *pending = &output->pending;
	size_t size;

	*ret_written = 0;
	while ((size = writable(output, pending->size - *ret_written)) > 0) {
		ssize_t n = write(output->fd, pending->bytes + *ret_written, size);

		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		*ret_written += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static uint64_t lines_in(const char *bytes, size_t size)
{
	uint64_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += bytes[i] == '\n';
	return count;
}

/* After a write that has failed halfway. */
static void cut_to_whole_lines(struct output *output, size_t written)
{
	struct buffer *pending = &output->pending;
	const char *newline = written > 0 ? memrchr(pending->bytes, '\n', written) : NULL;
	const size_t whole = newline ? (size_t)(newline + 1 - pending->bytes) : 0;

	output->end += (int64_t)whole;
	if (output->is_file)
		(void)ftruncate(output->fd, output->end);
	output->lost_count += lines_in(pending->bytes + whole, pending->size - whole);
	pending->size = 0;
}

int output_flush(struct output *output)
{
	size_t written, left;
	int rc;

	if (output->pending.size == 0)
		return 0;
	rc = write_pending(output, &written);
	if (rc != 0) {
		cut_to_whole_lines(output, written);
		return rc;
	}
	output->end += (int64_t)written;
	left = output->pending.size - written;
	memmove(output->pending.bytes, output->pending.bytes + written, left);
	output->pending.size = left;
	return 0;
}
