/* SPDX-License-Identifier: MIT */
/*
 * From what a person typed to a request in OpenAI's form: see prompt.h. Words and stdin are joined,
 * so that `lull complete "Summarise this:" <file` does what it says. A terminal is never waited
 * for: it would look like a model that takes its time.
 */
#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <lull/http.h>

#include "../src/json_build.h"
#include "log.h"

#define READ_BYTES 65536

static int read_all(int fd, struct buffer *to)
{
	char bytes[READ_BYTES];

	for (;;) {
		ssize_t size = read(fd, bytes, sizeof(bytes));
		int rc;

		if (size == 0)
			return 0;
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return -errno;
		rc = buffer_add(to, bytes, (size_t)size);
		if (rc != 0)
			return rc;
	}
}

static int read_error(const char *what, int rc)
{
	if (rc == -EMSGSIZE)
		log_error("complete: %s is larger than %u MiB", what, LULL_REQUEST_BYTES_MAX >> 20);
	else
		log_error("complete: cannot read %s: %s", what, strerror(-rc));
	return rc == -ENOMEM ? EX_SOFTWARE : EX_DATAERR;
}

static int read_stdin(struct buffer *to)
{
	int rc = read_all(STDIN_FILENO, to);

	return rc == 0 ? 0 : read_error("stdin", rc);
}

static int read_file(const char *path, struct buffer *to)
{
	int fd, rc;

	if (strcmp(path, "-") == 0)
		return read_stdin(to);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return read_error(path, -errno);
	rc = read_all(fd, to);
	(void)close(fd);
	return rc == 0 ? 0 : read_error(path, rc);
}

/* ---- made from a prompt */

static int join_words(const struct prompt *prompt, struct buffer *text)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < prompt->word_count; i++) {
		if (i > 0)
			rc = buffer_add(text, " ", 1);
		if (rc == 0)
			rc = buffer_add(text, prompt->words[i], strlen(prompt->words[i]));
	}
	return rc == 0 ? 0 : read_error("the prompt", rc);
}

static void drop_last_newline(struct buffer *text)
{
	if (text->size > 0 && text->bytes[text->size - 1] == '\n')
		text->size--;
}

/* Words, then stdin on a line of its own. */
static int read_text(const struct prompt *prompt, struct buffer *text)
{
	const bool has_words = prompt->word_count > 0;
	size_t words_size;
	int code;

	if (isatty(STDIN_FILENO)) {
		if (has_words)
			return join_words(prompt, text);
		log_error("complete: there is no prompt; give it as an argument or on stdin");
		return EX_USAGE;
	}
	code = join_words(prompt, text);
	words_size = text->size;
	if (code == 0 && has_words)
		code = buffer_add(text, "\n", 1) == 0 ? 0 : EX_SOFTWARE;
	if (code == 0)
		code = read_stdin(text);
	if (code != 0)
		return code;
	drop_last_newline(text);
	if (text->size == 0) {
		log_error("complete: there is no prompt; stdin is empty");
		return EX_USAGE;
	}
	if (text->size == words_size + 1 && has_words)
		text->size = words_size;
	return 0;
}

static int add_message(struct json_object *messages, const char *role, const char *text,
		       size_t size)
{
	struct json_object *message = json_object_new_object();

	if (!message || json_object_array_add(messages, message) != 0)
		return -ENOMEM;
	if (json_object_object_add(message, "role", json_object_new_string(role)) != 0 ||
	    json_object_object_add(message, "content",
				   json_object_new_string_len(text, (int)size)) != 0)
		return -ENOMEM;
	return 0;
}

static int write_request(const struct prompt *prompt, const struct buffer *text,
			 struct buffer *request)
{
	struct json_object *object = json_object_new_object();
	struct json_object *messages = json_object_new_array();
	const char *json = NULL;
	int rc = json_object_object_add(object, "messages", messages);

	if (rc == 0 && prompt->system)
		rc = add_message(messages, "system", prompt->system, strlen(prompt->system));
	if (rc == 0)
		rc = add_message(messages, "user", text->bytes, text->size);
	if (rc == 0)
		json = json_line(object, NULL);
	rc = json ? buffer_add(request, json, strlen(json)) : -ENOMEM;
	json_object_put(object);
	return rc == 0 ? 0 : read_error("the prompt", rc);
}

static int make_request(const struct prompt *prompt, struct buffer *request)
{
	struct buffer text;
	int code;

	buffer_init(&text, LULL_REQUEST_BYTES_MAX);
	code = read_text(prompt, &text);
	if (code == 0)
		code = write_request(prompt, &text, request);
	if (text.bytes)
		explicit_bzero(text.bytes, text.room);
	buffer_deinit(&text);
	return code;
}

/* ---- either way */

static int read_request(const struct prompt *prompt, const struct buffer *bytes,
			struct request *ret_request)
{
	char error[REQUEST_ERROR_BYTES];
	int rc = request_read(bytes->bytes ? bytes->bytes : "", bytes->size, ret_request, error);
	const char *path = prompt->request_path;

	if (rc == 0)
		return 0;
	if (rc == -ENOMEM)
		return read_error("the request", rc);
	if (path && strcmp(path, "-") == 0)
		path = "stdin";
	if (!path)
		log_error("complete: the prompt is not UTF-8 text: %s", error);
	else if (rc == -EBADMSG)
		log_error("complete: %s is not a request, which is a JSON object: %s", path, error);
	else
		log_error("complete: %s: %s", path, error);
	return EX_DATAERR;
}

int prompt_read(const struct prompt *prompt, struct buffer *bytes, struct request *ret_request)
{
	int code;

	if (prompt->request_path && (prompt->word_count > 0 || prompt->system)) {
		log_error("complete: --request holds the whole request; leave out %s",
			  prompt->system ? "--system" : "the prompt");
		return EX_USAGE;
	}
	code = prompt->request_path ? read_file(prompt->request_path, bytes)
				    : make_request(prompt, bytes);
	return code == 0 ? read_request(prompt, bytes, ret_request) : code;
}
