/* SPDX-License-Identifier: MIT */
/*
 * The parts of `lull run` that need no process: words with {model} in them, and what is kept of
 * long and short output.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../coordinator/src/run_command.h"
#include "../../coordinator/src/spool.h"
#include "cunit_main.h"

/* ------------------------------------------------------------------ words */

static void test_each_placeholder_is_replaced(void)
{
	static const struct {
		const char *word, *model, *expected;
	} rows[] = {
		{"", "m", ""},
		{"{model}", "m", "m"},
		{"{model}", "a longer name", "a longer name"},
		{"a{model}b{model}", "m", "ambm"},
		{"{{model}}", "m", "{m}"},
		{"{model", "m", "{model"},
		{"{Model} {mod{model}el}", "m", "{Model} {modmel}"},
		{"{model}", "{model}", "{model}"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *const words[] = {(char *)"cmd", (char *)rows[i].word, NULL};
		char **const command = command_new(words, rows[i].model);

		CU_ASSERT_PTR_NOT_NULL_FATAL(command);
		CU_ASSERT_STRING_EQUAL(command[0], "cmd");
		CU_ASSERT_STRING_EQUAL(command[1], rows[i].expected);
		CU_ASSERT_PTR_NULL(command[2]);
		command_free(command);
	}
	command_free(NULL);
}

/* ------------------------------------------------------------------ what is kept */

/* Bytes that tell where they stand. */
static char byte_at(uint64_t position)
{
	return (char)(position * 31 >> 3);
}

static void add_bytes(struct spool *spool, uint64_t count)
{
	char piece[1000];
	size_t size;

	for (; count > 0; count -= size) {
		size = count < sizeof(piece) ? (size_t)count : sizeof(piece);
		for (size_t i = 0; i < size; i++)
			piece[i] = byte_at(spool->size_bytes + i);
		spool_add(spool, piece, size);
	}
}

static void check_bytes(int fd, uint64_t count)
{
	char piece[4096];
	uint64_t done = 0, wrong = 0;
	ssize_t got;

	while ((got = read(fd, piece, sizeof(piece))) > 0)
		for (ssize_t i = 0; i < got; i++)
			wrong += piece[i] != byte_at(done++);
	CU_ASSERT_EQUAL(done, count);
	CU_ASSERT_EQUAL(wrong, 0);
}

static int open_scratch(void)
{
	char path[] = "/tmp/test_run_parts-XXXXXX";
	const int fd = mkostemp(path, O_CLOEXEC);

	CU_ASSERT_FATAL(fd >= 0);
	(void)unlink(path);
	return fd;
}

static void test_long_output_moves_to_a_file(void)
{
	static const struct {
		uint64_t bytes;
		bool in_file;
	} rows[] = {
		{1, false},
		{SPOOL_MEMORY_BYTES, false},
		{SPOOL_MEMORY_BYTES + 1, true},
		{2 * SPOOL_MEMORY_BYTES + 12345, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const int fd = open_scratch();
		struct spool spool, again;
		char tail[3];

		spool_init(&spool);
		spool_init(&again);
		add_bytes(&spool, rows[i].bytes);
		CU_ASSERT_EQUAL(spool.error, 0);
		CU_ASSERT_EQUAL(spool.size_bytes, rows[i].bytes);
		CU_ASSERT_EQUAL(spool.in_file, rows[i].in_file);
		CU_ASSERT_EQUAL(spool_write_all(&spool, fd), 0);
		CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_SET), 0);
		check_bytes(fd, rows[i].bytes);

		CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_SET), 0);
		CU_ASSERT_EQUAL(spool_read_all(&again, fd), 0);
		CU_ASSERT_EQUAL(lseek(again.fd, 0, SEEK_SET), 0); /* as a command's stdin */
		check_bytes(again.fd, rows[i].bytes);

		CU_ASSERT_EQUAL(spool_tail(&spool, tail, sizeof(tail)),
				rows[i].bytes < 3 ? rows[i].bytes : 3);
		CU_ASSERT_EQUAL(tail[0], byte_at(rows[i].bytes < 3 ? 0 : rows[i].bytes - 3));
		spool_deinit(&spool);
		spool_deinit(&again);
		(void)close(fd);
	}
}

static void test_nothing_kept_is_no_descriptor(void)
{
	struct spool spool;
	char tail[3];

	spool_init(&spool);
	spool_add(&spool, "", 0);
	CU_ASSERT_EQUAL(spool.fd, -1);
	CU_ASSERT_EQUAL(spool_write_all(&spool, -1), 0);
	CU_ASSERT_EQUAL(spool_tail(&spool, tail, sizeof(tail)), 0);
	spool_deinit(&spool);
}

static void test_what_cannot_be_kept_is_told(void)
{
	struct spool spool;

	CU_ASSERT_EQUAL(setenv("TMPDIR", "/nonexistent", 1), 0);
	spool_init(&spool);
	add_bytes(&spool, SPOOL_MEMORY_BYTES);
	CU_ASSERT_EQUAL(spool.error, 0);
	spool_add(&spool, "x", 1);
	CU_ASSERT_EQUAL(spool.error, -ENOENT);
	spool_add(&spool, "", 0);
	CU_ASSERT_EQUAL(spool.error, -ENOENT);
	CU_ASSERT_EQUAL(spool.size_bytes, SPOOL_MEMORY_BYTES);
	spool_deinit(&spool);
	CU_ASSERT_EQUAL(unsetenv("TMPDIR"), 0);

	spool_init(&spool);
	CU_ASSERT_EQUAL(spool_read_all(&spool, -1), -EBADF);
	spool_add(&spool, "x", 1);
	CU_ASSERT_EQUAL(spool_write_all(&spool, -1), -EBADF);
	spool_deinit(&spool);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_each_placeholder_is_replaced),
		CUNIT_TEST(test_long_output_moves_to_a_file),
		CUNIT_TEST(test_nothing_kept_is_no_descriptor),
		CUNIT_TEST(test_what_cannot_be_kept_is_told),
	};

	return CUNIT_MAIN("run: parts", tests);
}
