/* SPDX-License-Identifier: MIT */
/*
 * The parts of `lull batch` that need no network: lines, rows, ids, lines of output, messages.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <lull/lull.h>

#include "../../worker/cmd/batch_channel.h"
#include "../../worker/cmd/batch_ids.h"
#include "../../worker/cmd/batch_output.h"
#include "../../worker/cmd/batch_result.h"
#include "../../worker/cmd/batch_rows.h"
#include "../../worker/cmd/log.h"
#include "cunit_main.h"
#include "scratch_table.h"

#define URL  "\"url\":\"/v1/chat/completions\""
#define BODY "{\"model\":\"m\",\"messages\":[]}"

static struct line line_of(const char *text)
{
	return (struct line){.bytes = text, .size = strlen(text), .number = 1};
}

/* ---- lines */

static int make_pipe(int fds[2])
{
	return pipe2(fds, O_CLOEXEC | O_NONBLOCK);
}

static void test_lines_come_whole_whatever_the_reads(void)
{
	static const char *const pieces[] = {"one\ntw", "o\n", "\n \t\r\nfi", "ve"};
	struct line_reader reader;
	struct line line;
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(make_pipe(fds), 0);
	lines_init(&reader, fds[0], true);
	CU_ASSERT_EQUAL(lines_next(&reader, &line), LINES_WAIT);
	CU_ASSERT_EQUAL(write(fds[1], pieces[0], 6), 6);
	CU_ASSERT_EQUAL_FATAL(lines_next(&reader, &line), 0);
	CU_ASSERT_TRUE(line.size == 3 && memcmp(line.bytes, "one", 3) == 0 && line.number == 1);
	CU_ASSERT_EQUAL(lines_next(&reader, &line), LINES_WAIT);
	CU_ASSERT_EQUAL(lines_used_bytes(&reader), 4);
	CU_ASSERT_EQUAL(write(fds[1], pieces[1], 2), 2);
	CU_ASSERT_EQUAL_FATAL(lines_next(&reader, &line), 0);
	CU_ASSERT_TRUE(line.size == 3 && memcmp(line.bytes, "two", 3) == 0 && line.number == 2);
	CU_ASSERT_EQUAL(write(fds[1], pieces[2], 7), 7);
	CU_ASSERT_EQUAL(lines_next(&reader, &line), LINES_WAIT);
	CU_ASSERT_EQUAL(write(fds[1], pieces[3], 2), 2);
	(void)close(fds[1]);
	CU_ASSERT_EQUAL_FATAL(lines_next(&reader, &line), 0);
	CU_ASSERT_TRUE(line.size == 4 && memcmp(line.bytes, "five", 4) == 0);
	CU_ASSERT_TRUE(line.number == 5 && line.unfinished);
	CU_ASSERT_EQUAL(lines_next(&reader, &line), LINES_END);
	CU_ASSERT_EQUAL(lines_used_bytes(&reader), 17);
	lines_deinit(&reader);
	(void)close(fds[0]);
}

/* A file of a first line of that size, and "next". Return: its descriptor, at its start. */
static int long_line_file(const struct scratch *scratch, size_t size)
{
	int fd = open(scratch_path(scratch, "lines"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *bytes = malloc(size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	memset(bytes, 'x', size);
	CU_ASSERT_EQUAL_FATAL(write(fd, bytes, size), (ssize_t)size);
	CU_ASSERT_EQUAL(write(fd, "\nnext\n", 6), 6);
	CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_SET), 0);
	free(bytes);
	return fd;
}

static void test_a_line_that_is_too_long_is_passed_over(void)
{
	static const struct {
		size_t size;
		bool too_long;
	} cases[] = {{LINE_BYTES_MAX - 1, false}, {LINE_BYTES_MAX + (1u << 20), true}};
	struct line_reader reader;
	struct scratch scratch;
	struct line line;

	scratch_make(&scratch);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = long_line_file(&scratch, cases[i].size);

		lines_init(&reader, fd, false);
		CU_ASSERT_EQUAL_FATAL(lines_next(&reader, &line), 0);
		CU_ASSERT_EQUAL(line.too_long, cases[i].too_long);
		CU_ASSERT_EQUAL_FATAL(lines_next(&reader, &line), 0);
		CU_ASSERT_TRUE(line.size == 4 && memcmp(line.bytes, "next", 4) == 0);
		CU_ASSERT_TRUE(line.number == 2 && !line.too_long);
		CU_ASSERT_EQUAL(lines_next(&reader, &line), LINES_END);
		lines_deinit(&reader);
		(void)close(fd);
	}
	scratch_remove(&scratch);
}

/* ---- rows */

static void test_rows(void)
{
	static const struct {
		const char *text;
		int outcome;
		const char *code;
		const char *error; /* the beginning of it */
	} cases[] = {
		{"{\"custom_id\":\"a\",\"method\":\"POST\"," URL ",\"body\":" BODY "}", 0, NULL,
		 ""},
		{" { \"body\" :" BODY ", " URL " , \"custom_id\" : \"a\" } ", 0, NULL, ""},
		{"{\"custom\\u005fid\":\"a\",\"url\":\"\\/v1\\/chat\\/completions\",\"body\":" BODY
		 ",\"more\":[1,{\"custom_id\":2}]}",
		 0, NULL, ""},
		{"{\"custom_id\":\"a\",\"method\":\"GET\"," URL ",\"body\":" BODY "}", ROW_REFUSED,
		 "invalid_method", "'method' is not POST"},
		{"{\"custom_id\":\"a\",\"method\":null," URL ",\"body\":" BODY "}", ROW_REFUSED,
		 "invalid_method", ""},
		{"{\"custom_id\":\"a\",\"url\":\"/v1/embeddings\",\"body\":" BODY "}", ROW_REFUSED,
		 "unsupported_url", "requests to this url are not made by lull"},
		{"{\"custom_id\":\"a\",\"url\":\"/v1/chat/completion\",\"body\":" BODY "}",
		 ROW_REFUSED, "invalid_url", "'url' is not"},
		{"{\"custom_id\":\"a\",\"url\":7,\"body\":" BODY "}", ROW_REFUSED, "invalid_url",
		 ""},
		{"{\"custom_id\":\"a\",\"body\":" BODY "}", ROW_REFUSED, "invalid_url", ""},
		{"{\"custom_id\":\"a\"," URL "}", ROW_REFUSED, "invalid_body",
		 "'body' is no object"},
		{"{\"custom_id\":\"a\"," URL ",\"body\":\"{}\"}", ROW_REFUSED, "invalid_body", ""},
		{"{" URL ",\"body\":" BODY "}", ROW_NAMELESS, NULL, "it has no 'custom_id'"},
		{"{\"custom_id\":7," URL ",\"body\":" BODY "}", ROW_NAMELESS, NULL,
		 "'custom_id' is no text"},
		{"{\"custom_id\":\"\"," URL ",\"body\":" BODY "}", ROW_NAMELESS, NULL,
		 "'custom_id' is no text"},
		{"{\"custom_id\":\"a\"," URL ",\"body\":" BODY ",\"custom_id\":\"a\"}",
		 ROW_NAMELESS, NULL, "it has 'custom_id' more than once"},
		{"{\"custom_id\":\"a\"," URL ",\"body\":" BODY ",\"body\":{}}", ROW_REFUSED,
		 "duplicate_member", "it has 'body' more than once"},
		{"{\"custom_id\":\"a\"," URL ",\"body\":" BODY "," URL "}", ROW_REFUSED,
		 "duplicate_member", "it has 'url' more than once"},
		{"{\"custom_id\":\"a\"", ROW_NAMELESS, NULL, "no JSON object: "},
		{"{\"custom_id\":\"a\"} {}", ROW_NAMELESS, NULL, "no JSON object"},
		{"[1]", ROW_NAMELESS, NULL, "no JSON object"},
		{"hello", ROW_NAMELESS, NULL, "no JSON object: "},
		{"{\"custom_id\":\"\xff\"}", ROW_NAMELESS, NULL, "no JSON object: "},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct line line = line_of(cases[i].text);
		char error[ROW_ERROR_BYTES] = "";
		struct row_view row;

		CU_ASSERT_EQUAL(row_read(&line, &row, error), cases[i].outcome);
		CU_ASSERT_EQUAL(strncmp(error, cases[i].error, strlen(cases[i].error)), 0);
		if (cases[i].code)
			CU_ASSERT_STRING_EQUAL(row.code, cases[i].code);
		if (cases[i].outcome == ROW_NAMELESS)
			continue;
		CU_ASSERT_TRUE(row.id_bytes == 3 && memcmp(row.id, "\"a\"", 3) == 0);
		if (cases[i].outcome == 0)
			CU_ASSERT_TRUE(row.body_bytes == strlen(BODY) &&
				       memcmp(row.body, BODY, row.body_bytes) == 0);
	}
}

static void test_an_id_is_what_it_means_not_how_it_is_written(void)
{
	static const struct {
		const char *token, *text;
	} cases[] = {{"\"a\"", "a"}, {"\"\\u0061\"", "a"}, {"\"a\\/b\\\"\"", "a/b\""}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct row_text text;

		CU_ASSERT_EQUAL_FATAL(row_text(cases[i].token, strlen(cases[i].token), &text), 0);
		CU_ASSERT_TRUE(text.size == strlen(cases[i].text) &&
			       memcmp(text.bytes, cases[i].text, text.size) == 0);
		row_text_deinit(&text);
	}
}

/* ---- ids */

static void test_ids_are_new_done_or_given_twice(void)
{
	struct id_set ids = {0};

	CU_ASSERT_EQUAL(ids_add_done(&ids, "done", 4), 0);
	CU_ASSERT_EQUAL(ids_add_done(&ids, "done", 4), 0);
	CU_ASSERT_EQUAL(ids_meet(&ids, "new", 3), ID_NEW);
	CU_ASSERT_EQUAL(ids_meet(&ids, "new", 3), ID_TWICE);
	CU_ASSERT_EQUAL(ids_meet(&ids, "done", 4), ID_DONE);
	CU_ASSERT_EQUAL(ids_meet(&ids, "done", 4), ID_TWICE);
	CU_ASSERT_EQUAL(ids.count, 2);
	ids_deinit(&ids);
}

/* Also while it grows, and never at more than 28 bytes an id: the old table and one of twice its
 * size. */
static void test_many_ids(void)
{
	struct id_set ids = {0};
	unsigned wrong = 0;
	size_t room = 0;

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 100000; i++) {
			char id[32];
			int n = snprintf(id, sizeof(id), "request-%u", i);

			if (round == 0 && i % 3 == 0)
				wrong += ids_add_done(&ids, id, (size_t)n) != 0;
			else if (round == 0)
				wrong += ids_meet(&ids, id, (size_t)n) != ID_NEW;
			else
				wrong += ids_meet(&ids, id, (size_t)n) !=
					 (i % 3 == 0 ? ID_DONE : ID_TWICE);
			if (ids.room != room && room > 0)
				wrong += (room + ids.room) * sizeof(uint64_t) > 28 * ids.count;
			room = ids.room;
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(ids.count, 100000);
	ids_deinit(&ids);
}

/* ---- output */

struct output_test {
	struct scratch scratch;
	struct id_set ids;
	struct output output;
	char path[128];
	char said[512];
};

/* Opens it, with `before` in it (NULL: it does not exist). */
static int open_with(struct output_test *t, const char *before, enum output_mode mode)
{
	FILE *stderr_before = stderr, *file;
	int code;

	memset(t, 0, sizeof(*t));
	scratch_make(&t->scratch);
	(void)snprintf(t->path, sizeof(t->path), "%s", scratch_path(&t->scratch, "out"));
	file = before ? fopen(t->path, "w") : NULL;
	if (file) {
		(void)fputs(before, file);
		(void)fclose(file);
	}
	stderr = fmemopen(t->said, sizeof(t->said) - 1, "w");
	code = output_open(&t->output, t->path, mode, &t->ids);
	(void)fclose(stderr);
	stderr = stderr_before;
	return code;
}

/* What is in it in the end. */
static const char *close_and_read(struct output_test *t)
{
	static char text[1024];
	FILE *file = fopen(t->path, "r");
	size_t size = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[size] = '\0';
	if (file)
		(void)fclose(file);
	output_close(&t->output);
	ids_deinit(&t->ids);
	scratch_remove(&t->scratch);
	return text;
}

#define LINE_A "{\"id\":\"batch_req_1\",\"custom_id\":\"a\",\"response\":null}\n"
#define LINE_B "{\"custom_id\":\"\\u0062\",\"response\":{}}\n"
#define ROW \
	"{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{}}\n"

static void test_an_output_is_opened(void)
{
	static const struct {
		const char *before;
		enum output_mode mode;
		int code;
		const char *after; /* when "new\n" was added */
	} cases[] = {
		{NULL, OUTPUT_FRESH, 0, "new\n"},
		{"", OUTPUT_FRESH, 0, "new\n"},
		{LINE_A, OUTPUT_FRESH, 64, LINE_A},
		{NULL, OUTPUT_GO_ON, 0, "new\n"},
		{LINE_A, OUTPUT_GO_ON, 0, LINE_A "new\n"},
		{LINE_A LINE_B "{\"id\":\"batch_req_2\",\"cus", OUTPUT_GO_ON, 0,
		 LINE_A LINE_B "new\n"},
		{LINE_A "{\"id\":\"bat", OUTPUT_GO_ON, 0, LINE_A "new\n"},
		{LINE_A "{", OUTPUT_GO_ON, 0, LINE_A "new\n"},
		{"{\"id\":\"bat", OUTPUT_GO_ON, 0, "new\n"},
		{"my diary", OUTPUT_GO_ON, 65, "my diary"},
		{"my diary\n" LINE_A, OUTPUT_GO_ON, 65, "my diary\n" LINE_A},
		{LINE_A "{}\n", OUTPUT_GO_ON, 65, LINE_A "{}\n"},
		{ROW, OUTPUT_GO_ON, 65, ROW},
		{LINE_A "not this\n{\"id", OUTPUT_GO_ON, 65, LINE_A "not this\n{\"id"},
		{LINE_A LINE_B "{\"id", OUTPUT_AGAIN, 0, "new\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct output_test t;
		int code = open_with(&t, cases[i].before, cases[i].mode);

		CU_ASSERT_EQUAL(code, cases[i].code);
		CU_ASSERT_EQUAL(t.said[0] != '\0', code != 0);
		if (code == 0) {
			CU_ASSERT_EQUAL(output_add(&t.output, "new\n", 4), 0);
			CU_ASSERT_EQUAL(output_flush(&t.output), 0);
			CU_ASSERT_FALSE(output_is_waiting(&t.output));
		}
		CU_ASSERT_STRING_EQUAL(close_and_read(&t), cases[i].after);
	}
}

static void test_ids_of_an_output_are_done(void)
{
	struct output_test t;

	CU_ASSERT_EQUAL_FATAL(open_with(&t,
					LINE_A LINE_B "{\"id\":\"batch_req_2\",\"custom_id\":\"c\"",
					OUTPUT_GO_ON),
			      0);
	CU_ASSERT_EQUAL(t.output.done_count, 2);
	CU_ASSERT_EQUAL(ids_meet(&t.ids, "a", 1), ID_DONE);
	CU_ASSERT_EQUAL(ids_meet(&t.ids, "b", 1), ID_DONE);
	CU_ASSERT_EQUAL(ids_meet(&t.ids, "c", 1), ID_NEW);
	(void)close_and_read(&t);
}

static void test_a_pipe_takes_what_it_has_room_for(void)
{
	struct output output = {0};
	size_t left = 1u << 20, size = left;
	char bytes[65536] = "";
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	output.fd = fds[1];
	buffer_init(&output.pending, 2u << 20);
	while (output.pending.size < size)
		CU_ASSERT_EQUAL_FATAL(output_add(&output, bytes, sizeof(bytes)), 0);
	while (left > 0) { /* would hang if a flush waited */
		CU_ASSERT_EQUAL_FATAL(output_flush(&output), 0);
		CU_ASSERT_TRUE_FATAL(output.pending.size < left);
		while (left > output.pending.size)
			left -= (size_t)read(fds[0], bytes,
					     left - output.pending.size < sizeof(bytes)
						     ? left - output.pending.size
						     : sizeof(bytes));
	}
	(void)close(fds[0]);
	output_close(&output);
}

/* ---- results */

static struct driver_result answer_of(char *json)
{
	return (struct driver_result){
		.result = LULL_RESULT_ANSWERED,
		.route = 1,
		.answer = {.json = json, .json_bytes = strlen(json)},
		.request_id = "req_1",
		.tokens = 7,
	};
}

static void test_a_result_is_one_line_and_notes(void)
{
	struct http_route two[] = {{.call = {.label = "first", .route_key = "k1"}},
				   {.call = {.label = "second", .route_key = "k2"}}};
	const struct route_list routes = {two, 2};
	struct lull_trail_entry trail[] = {
		{.type = LULL_TRAIL_SKIP, .route = 0, .state = LULL_STATE_COOLING},
		{.type = LULL_TRAIL_SKIP, .route = 0, .state = LULL_STATE_LIMITED},
		{.type = LULL_TRAIL_ATTEMPT,
		 .route = 0,
		 .class_id = LULL_CLASS_RATE_LIMITED,
		 .cooled_kind = LULL_KIND_ROUTE,
		 .cooled_first = 1},
		{.type = LULL_TRAIL_SLEEP},
		{.type = LULL_TRAIL_ATTEMPT, .route = 1, .class_id = LULL_CLASS_ANSWERED},
	};
	char json[] = "{\r\n \"a\":\n1}\n";
	struct driver_result call = answer_of(json);
	struct row_result result = {.slot = 3};
	struct row_report report;
	struct buffer out;

	call.trail = trail;
	call.trail_count = sizeof(trail) / sizeof(trail[0]);
	buffer_init(&out, 1u << 20);
	CU_ASSERT_EQUAL_FATAL(row_report_write(&out, &result, &call, &routes), 0);
	CU_ASSERT_EQUAL_FATAL(row_report_read(out.bytes, out.size, &report), 0);
	CU_ASSERT_EQUAL(report.result->slot, 3);
	CU_ASSERT_EQUAL(report.result->tokens, 7);
	CU_ASSERT_EQUAL_FATAL(report.result->note_count, 2);
	CU_ASSERT_STRING_EQUAL(report.notes[0].label, "first");
	CU_ASSERT_EQUAL(report.notes[0].saved, 1);
	CU_ASSERT_EQUAL(report.notes[0].cooled, 1);
	CU_ASSERT_FALSE(report.notes[0].answered);
	CU_ASSERT_TRUE(report.notes[1].answered && report.notes[1].is_fallback);
	CU_ASSERT_STRING_EQUAL(report.why, "");
	CU_ASSERT_EQUAL(strncmp(report.text,
				",\"response\":{\"status_code\":200,\"request_id\":\"req_1\","
				"\"body\":{   \"a\": 1} },\"error\":null}\n",
				report.result->text_bytes),
			0);
	for (size_t size = 0; size < out.size; size++)
		CU_ASSERT_EQUAL(row_report_read(out.bytes, size, &report), -EINVAL);
	buffer_deinit(&out);
}

static void test_a_row_that_was_not_sent_says_why(void)
{
	struct row_result result = {.slot = 1};
	struct row_report report;
	struct buffer out;

	buffer_init(&out, 1u << 20);
	CU_ASSERT_EQUAL(row_text_not_run(&out, "invalid_url", "no \"such\" url"), 0);
	CU_ASSERT_STRING_EQUAL(out.bytes, ",\"response\":null,\"error\":{\"code\":\"invalid_url\","
					  "\"message\":\"no \\\"such\\\" url\"}}\n");
	out.size = 0;
	CU_ASSERT_EQUAL(row_report_refusal(&out, &result, "it is bad"), 0);
	CU_ASSERT_EQUAL_FATAL(row_report_read(out.bytes, out.size, &report), 0);
	CU_ASSERT_EQUAL(report.result->result, LULL_RESULT_REFUSED);
	CU_ASSERT_STRING_EQUAL(report.why, "it is bad");
	CU_ASSERT_EQUAL(strncmp(report.text, ",\"response\":{\"status_code\":400,", 31), 0);
	buffer_deinit(&out);
}

/* ---- messages */

static void test_messages_arrive_whole_and_in_order(void)
{
	static char big[1u << 20];
	const struct frame frames[] = {
		{FRAME_ROW, 1, 5}, {FRAME_ROW, 2, sizeof(big)}, {FRAME_STOP, 0, 0}};
	struct channel a, b;
	const struct frame *frame;
	const char *bytes;
	uint32_t got = 0;
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	channel_init(&a, fds[0]);
	channel_init(&b, fds[1]);
	big[sizeof(big) - 1] = 'z';
	CU_ASSERT_EQUAL(channel_send(&a, &frames[0], "he", 2, "llo"), 0);
	CU_ASSERT_EQUAL(channel_send(&a, &frames[1], big, sizeof(big), NULL), 0);
	CU_ASSERT_EQUAL(channel_send(&a, &frames[2], NULL, 0, NULL), 0);
	CU_ASSERT_TRUE(channel_has_more(&a)); /* more than the socket takes */
	while (got < 3) {
		CU_ASSERT_EQUAL_FATAL(channel_flush(&a), 0);
		CU_ASSERT_EQUAL_FATAL(channel_receive(&b), 0);
		while ((frame = channel_next(&b, &bytes)) != NULL) {
			CU_ASSERT_EQUAL(memcmp(frame, &frames[got], sizeof(*frame)), 0);
			if (got == 0)
				CU_ASSERT_EQUAL(memcmp(bytes, "hello", 5), 0);
			if (got == 1)
				CU_ASSERT_EQUAL(bytes[sizeof(big) - 1], 'z');
			CU_ASSERT_EQUAL((uintptr_t)bytes % 16, 0);
			got++;
		}
	}
	CU_ASSERT_FALSE(channel_has_more(&a));
	channel_close(&a);
	CU_ASSERT_EQUAL(channel_receive(&b), -EPIPE);
	channel_close(&b);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_lines_come_whole_whatever_the_reads),
		CUNIT_TEST(test_a_line_that_is_too_long_is_passed_over),
		CUNIT_TEST(test_rows),
		CUNIT_TEST(test_an_id_is_what_it_means_not_how_it_is_written),
		CUNIT_TEST(test_ids_are_new_done_or_given_twice),
		CUNIT_TEST(test_many_ids),
		CUNIT_TEST(test_an_output_is_opened),
		CUNIT_TEST(test_ids_of_an_output_are_done),
		CUNIT_TEST(test_a_pipe_takes_what_it_has_room_for),
		CUNIT_TEST(test_a_result_is_one_line_and_notes),
		CUNIT_TEST(test_a_row_that_was_not_sent_says_why),
		CUNIT_TEST(test_messages_arrive_whole_and_in_order),
	};

	return CUNIT_MAIN("batch_parts", tests);
}
