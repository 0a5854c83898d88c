/* SPDX-License-Identifier: MIT */
/*
 * Amazon's binary events: headers of every type, sums, sizes; each input cut into pieces of every
 * size, so also inside numbers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cunit_main.h"
#include "event_message.h"
#include "eventstream.h"

#define MESSAGE_BYTES_MAX 4096

#define BYTES(literal) ((struct event_bytes){literal, sizeof(literal) - 1})

/* headers, as they are on the wire */
#define IS_EVENT     "\15:message-type\7\0\5event"
#define IS_EXCEPTION "\15:message-type\7\0\11exception"
#define IS_ERROR     "\15:message-type\7\0\5error"
#define OF_TYPE_X    "\13:event-type\7\0\1x"

/* events as one text: "name<data>" each, an error's "name!<data>" */
static int write_event(const struct sse_event *event, void *userdata)
{
	struct buffer *out = userdata;

	CU_ASSERT_EQUAL(strlen(event->data), event->data_bytes);
	(void)buffer_add(out, event->event, strlen(event->event));
	(void)buffer_add(out, "!<", event->is_error ? 2 : 0);
	(void)buffer_add(out, "<", event->is_error ? 0 : 1);
	(void)buffer_add(out, event->data, event->data_bytes);
	(void)buffer_add(out, ">", 1);
	return 0;
}

static int feed_in_pieces(const struct buffer *bytes, size_t piece_size, struct buffer *out)
{
	struct eventstream *stream = eventstream_new(MESSAGE_BYTES_MAX);
	int rc = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
	out->size = 0;
	(void)buffer_add(out, "", 0);
	for (size_t at = 0; at < bytes->size && rc == 0; at += piece_size) {
		size_t left = bytes->size - at < piece_size ? bytes->size - at : piece_size;
		char *piece = malloc(left); /* its own, so that reading over its end is seen */

		CU_ASSERT_PTR_NOT_NULL_FATAL(piece);
		memcpy(piece, bytes->bytes + at, left);
		rc = eventstream_feed(stream, piece, left, write_event, out);
		free(piece);
	}
	eventstream_free(stream);
	return rc;
}

/* However it is cut: these events, and this end. */
static void check(const struct buffer *bytes, const char *events, int end)
{
	struct buffer out;

	buffer_init(&out, MESSAGE_BYTES_MAX);
	for (size_t piece_size = 1; piece_size <= bytes->size + 1; piece_size++) {
		CU_ASSERT_EQUAL(feed_in_pieces(bytes, piece_size, &out), end);
		CU_ASSERT_STRING_EQUAL(out.bytes, events);
	}
	buffer_deinit(&out);
}

/* clang-format off */
static void test_headers_say_what_a_message_is(void)
{
	static const struct {
		struct event_bytes headers;
		struct event_bytes payload;
		const char *events;
	} cases[] = {
		{BYTES(OF_TYPE_X IS_EVENT), BYTES("{}"), "x<{}>"},
		{BYTES(IS_EVENT OF_TYPE_X), BYTES("{}"), "x<{}>"},
		{BYTES(OF_TYPE_X), BYTES("{}"), "x<{}>"},
		{BYTES(""), BYTES("{}"), "<{}>"},
		{BYTES(OF_TYPE_X IS_EVENT), BYTES(""), ""},
		{BYTES(""), BYTES(""), ""},
		{BYTES("\13:event-type\7\0\0"), BYTES("{}"), "<{}>"},
		{BYTES(OF_TYPE_X "\17:exception-type\7\0\3bad" IS_EXCEPTION), BYTES("{}"), "bad!<{}>"},
		{BYTES(IS_EXCEPTION), BYTES(""), "!<>"},
		{BYTES(IS_ERROR "\13:error-code\7\0\3bad\16:error-message\7\0\7because"), BYTES(""), "bad!<because>"},
		{BYTES(IS_ERROR), BYTES("{}"), "!<>"},
		/* of every type, and between them the one that counts */
		{BYTES("\1a\0\1b\1\1c\2.\1d\3..\1e\4....\1f\5........" OF_TYPE_X "\1g\6\0\2..\1h\7\0\0\1i\10........\1j\11................\0\1"),
		 BYTES("{}"), "x<{}>"},
	};
	struct buffer bytes;

	buffer_init(&bytes, MESSAGE_BYTES_MAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bytes.size = 0;
		event_message_frame(&bytes, cases[i].headers, cases[i].payload);
		check(&bytes, cases[i].events, 0);
	}
	buffer_deinit(&bytes);
}

static void test_headers_that_do_not_fit_their_block_are_no_message(void)
{
	static const struct event_bytes cases[] = {
		BYTES("\13:event-type"), BYTES("\13:event-typ"), BYTES("\13:event-type\7\0"),
		BYTES("\13:event-type\7\0\2x"), BYTES("\1a\4..."), BYTES("\1a\12"), BYTES("\1a\377"),
		BYTES(OF_TYPE_X "\1"), BYTES("\377"),
	};
	struct buffer bytes;

	buffer_init(&bytes, MESSAGE_BYTES_MAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bytes.size = 0;
		event_message_frame(&bytes, cases[i], BYTES("{}"));
		check(&bytes, "", -EBADMSG);
	}
	buffer_deinit(&bytes);
}
/* clang-format on */

/* Return: the size of the first. */
static size_t make_two(struct buffer *bytes)
{
	size_t first;

	buffer_init(bytes, MESSAGE_BYTES_MAX);
	event_message_add(bytes, "event", "a", BYTES("{\"n\":1}"));
	first = bytes->size;
	event_message_add(bytes, "exception", "b", BYTES("{\"n\":2}"));
	return first;
}

static void test_messages_follow_each_other(void)
{
	struct buffer bytes;

	(void)make_two(&bytes);
	check(&bytes, "a<{\"n\":1}>b!<{\"n\":2}>", 0);
	buffer_deinit(&bytes);
}

static void test_a_message_that_is_cut_says_nothing(void)
{
	struct buffer bytes;
	const size_t first = make_two(&bytes), both = bytes.size;

	for (bytes.size = first; bytes.size < both; bytes.size++)
		check(&bytes, "a<{\"n\":1}>", 0);
	for (bytes.size = 0; bytes.size < first; bytes.size++)
		check(&bytes, "", 0);
	buffer_deinit(&bytes);
}

/* Wherever a byte is wrong, also in a size: the first message is read, and then it ends. */
static void test_a_damaged_byte_is_found_by_the_sums(void)
{
	struct buffer bytes, out;
	const size_t first = make_two(&bytes);

	buffer_init(&out, MESSAGE_BYTES_MAX);
	for (size_t i = first; i < bytes.size; i++) {
		bytes.bytes[i] ^= 0x10;
		CU_ASSERT_EQUAL(feed_in_pieces(&bytes, 7, &out), -EBADMSG);
		CU_ASSERT_STRING_EQUAL(out.bytes, "a<{\"n\":1}>");
		bytes.bytes[i] ^= 0x10;
	}
	CU_ASSERT_EQUAL(feed_in_pieces(&bytes, 7, &out), 0);
	buffer_deinit(&bytes);
	buffer_deinit(&out);
}

/* What a prelude says under a right sum. */
static void test_sizes_are_bounded(void)
{
	static const struct {
		size_t size;
		size_t headers_bytes;
		int end;
	} cases[] = {
		{0, 0, -EBADMSG}, /* less than the frame */
		{15, 0, -EBADMSG},
		{16, 0, 0},
		{16, 1, -EBADMSG}, /* no room for such headers */
		{20, 4, 0},
		{20, 5, -EBADMSG},
		{20, UINT32_MAX, -EBADMSG},
		{MESSAGE_BYTES_MAX, 0, 0},
		{MESSAGE_BYTES_MAX + 1, 0, -EMSGSIZE},
		{UINT32_MAX, UINT32_MAX - 16, -EMSGSIZE},
	};
	struct buffer bytes;

	buffer_init(&bytes, MESSAGE_BYTES_MAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bytes.size = 0;
		event_message_begin(&bytes, cases[i].size, cases[i].headers_bytes);
		check(&bytes, "", cases[i].end);
	}
	buffer_deinit(&bytes);
}

static int count_event(const struct sse_event *event, void *userdata)
{
	int *count = userdata;

	(void)event;
	return ++*count == 2 ? -ECANCELED : 0;
}

static void test_the_reader_of_events_can_stop(void)
{
	struct eventstream *stream = eventstream_new(MESSAGE_BYTES_MAX);
	struct buffer bytes;
	int count = 0;

	buffer_init(&bytes, MESSAGE_BYTES_MAX);
	for (int i = 0; i < 3; i++)
		event_message_add(&bytes, "event", "a", BYTES("{}"));
	CU_ASSERT_EQUAL(eventstream_feed(stream, bytes.bytes, bytes.size, count_event, &count),
			-ECANCELED);
	CU_ASSERT_EQUAL(count, 2);
	eventstream_free(stream);
	buffer_deinit(&bytes);
}

static void test_free_takes_null(void)
{
	CU_ASSERT_PTR_NULL(eventstream_free(NULL));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_headers_say_what_a_message_is),
		CUNIT_TEST(test_headers_that_do_not_fit_their_block_are_no_message),
		CUNIT_TEST(test_messages_follow_each_other),
		CUNIT_TEST(test_a_message_that_is_cut_says_nothing),
		CUNIT_TEST(test_a_damaged_byte_is_found_by_the_sums),
		CUNIT_TEST(test_sizes_are_bounded),
		CUNIT_TEST(test_the_reader_of_events_can_stop),
		CUNIT_TEST(test_free_takes_null),
	};

	return CUNIT_MAIN("eventstream", tests);
}
