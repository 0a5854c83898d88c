/* SPDX-License-Identifier: MIT */
/*
 * Server-sent events: the line rules, each input cut into pieces of every size, so also inside line
 * ends and characters.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cunit_main.h"
#include "wire.h"

/* events as one text: "name<data>" each */
static int write_event(const struct sse_event *event, void *userdata)
{
	struct buffer *out = userdata;

	CU_ASSERT_EQUAL(strlen(event->data), event->data_bytes);
	(void)buffer_add(out, event->event, strlen(event->event));
	(void)buffer_add(out, "<", 1);
	(void)buffer_add(out, event->data, event->data_bytes);
	(void)buffer_add(out, ">", 1);
	return 0;
}

static void feed_in_pieces(const char *bytes, size_t size, size_t piece_size, struct buffer *out)
{
	struct sse *sse = sse_new(4096);

	CU_ASSERT_PTR_NOT_NULL_FATAL(sse);
	out->size = 0;
	(void)buffer_add(out, "", 0);
	for (size_t at = 0; at < size; at += piece_size) {
		size_t left = size - at < piece_size ? size - at : piece_size;
		char *piece = malloc(left); /* its own, so that reading over its end is seen */

		CU_ASSERT_PTR_NOT_NULL_FATAL(piece);
		memcpy(piece, bytes + at, left);
		CU_ASSERT_EQUAL(sse_feed(sse, piece, left, write_event, out), 0);
		free(piece);
	}
	sse_free(sse);
}

static void test_lines_become_events_wherever_they_are_cut(void)
{
	static const struct {
		const char *bytes;
		const char *events;
	} cases[] = {
		{"data: a\n\n", "<a>"},
		{"data:a\n\n", "<a>"},
		{"data:  a\n\n", "< a>"},
		{"data: a\r\n\r\n", "<a>"},
		{"data: a\r\r", "<a>"},
		{"data: a\r\n\ndata: b\n\r\n", "<a><b>"},
		{"data: a\n\r\ndata: b\r\n\r", "<a><b>"},
		{"data: a\ndata: b\n\n", "<a\nb>"},
		{"data: a\ndata:\ndata: b\n\n", "<a\n\nb>"},
		{"data\n\n", ""},
		{"data:\n\n", ""},
		{"data\ndata\n\n", "<\n>"},
		{"event: ping\ndata: a\n\n", "ping<a>"},
		{"data: a\nevent: ping\nevent: pong\n\n", "pong<a>"},
		{"event: ping\n\ndata: a\n\n", "<a>"},
		{"event: ping\ndata: a\n\ndata: b\n\n", "ping<a><b>"},
		{": a comment\n:\n\ndata: a\n: another\n\n", "<a>"},
		{"id: 1\nretry: 5\nwhat: ever\nwhat\n: \ndata: a\n\n", "<a>"},
		{"data : a\nDATA: b\n data: c\ndata: d\n\n", "<d>"},
		{"\xEF\xBB\xBF"
		 "data: a\n\n",
		 "<a>"},
		{"\xEF\xBB\xBF\n\ndata: a\n\n", "<a>"},
		{"data: a\n\n\xEF\xBB\xBF"
		 "data: b\n\n",
		 "<a>"},
		{"data: \xEF\xBB\xBF\n\n", "<\xEF\xBB\xBF>"},
		{"data: \xC3\xA5\xE2\x82\xAC\xF0\x9F\x98\x80\n\n",
		 "<\xC3\xA5\xE2\x82\xAC\xF0\x9F\x98\x80>"},
		{"\n\n\n\ndata: a\n\n\n\n\n", "<a>"},
		{"data: a\n\ndata: not ended\n", "<a>"},
		{"data: a\n\ndata: not ended", "<a>"},
		{"error: {\"code\":500}\n\n", "error<{\"code\":500}>"},
		{"data: a:b: c\n\n", "<a:b: c>"},
		{"", ""},
		{"\r", ""},
	};
	struct buffer events;

	buffer_init(&events, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t size = strlen(cases[i].bytes);

		for (size_t piece_size = 1; piece_size <= size + 1; piece_size++) {
			feed_in_pieces(cases[i].bytes, size, piece_size, &events);
			CU_ASSERT_STRING_EQUAL(events.bytes, cases[i].events);
		}
	}
	buffer_deinit(&events);
}

static int count_event(const struct sse_event *event, void *userdata)
{
	int *count = userdata;

	(void)event;
	return ++*count == 2 ? -ECANCELED : 0;
}

static void test_the_reader_of_events_can_stop(void)
{
	static const char bytes[] = "data: a\n\ndata: b\n\ndata: c\n\n";
	struct sse *sse = sse_new(64);
	int count = 0;

	CU_ASSERT_EQUAL(sse_feed(sse, bytes, strlen(bytes), count_event, &count), -ECANCELED);
	CU_ASSERT_EQUAL(count, 2);
	sse_free(sse);
}

static int feed_bytes(struct sse *sse, const char *bytes, struct buffer *events)
{
	int rc = 0;

	for (; *bytes != '\0' && rc == 0; bytes++)
		rc = sse_feed(sse, bytes, 1, write_event, events);
	return rc;
}

static void test_an_event_is_bounded(void)
{
	static const struct {
		const char *bytes;
		int rc;
	} cases[] = {
		{"data: 0123", 0},
		{"data: 01234", -EMSGSIZE}, /* a line that never ends */
		{": 345678901", -EMSGSIZE},
		{"data: 0123\ndata: 4567\n", 0},
		{"data: 0123\ndata: 4567\ndata:\n", 0},
		{"data: 0123\ndata: 4567\ndata:\ndata:\n", -EMSGSIZE}, /* data that gathers */
	};
	struct buffer events;
	struct sse *sse;

	buffer_init(&events, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sse = sse_new(10);
		CU_ASSERT_EQUAL(feed_bytes(sse, cases[i].bytes, &events), cases[i].rc);
		sse_free(sse);
	}
	sse = sse_new(10); /* the bound is each event's, not the stream's */
	for (int i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(feed_bytes(sse, "data: abc\n\n", &events), 0);
	CU_ASSERT_EQUAL(events.size, 100 * strlen("<abc>"));
	sse_free(sse);
	buffer_deinit(&events);
}

static void test_free_takes_null(void)
{
	CU_ASSERT_PTR_NULL(sse_free(NULL));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_lines_become_events_wherever_they_are_cut),
		CUNIT_TEST(test_the_reader_of_events_can_stop),
		CUNIT_TEST(test_an_event_is_bounded),
		CUNIT_TEST(test_free_takes_null),
	};

	return CUNIT_MAIN("sse", tests);
}
