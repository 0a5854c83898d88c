/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzzer where there is no libFuzzer, and for seconds only: every sample as it is, then so many that are
 * changed at random. It is the same ones each time, so what fails does so again under a debugger; `input` has it.
 *
 *     fuzz-NAME RUNS [FILE|FOLDER...]
 */
#include <fts.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define CHANGES_MAX      4
#define SPAN_BYTES_MAX   64
#define RANDOM_BYTES_MIN 512 /* where there is no sample */
#define SAMPLE_BYTES_MAX (256u << 10)
#define INPUT_BYTES_MAX  (SAMPLE_BYTES_MAX + CHANGES_MAX * SPAN_BYTES_MAX)

static struct {
	uint8_t *bytes;
	size_t size;
} samples[4096];
static size_t sample_count;

static uint8_t input[INPUT_BYTES_MAX];
static size_t input_size;

/* xorshift64 */
static size_t random_below(size_t limit)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return limit ? (size_t)(state % limit) : 0;
}

/* ---- changes: of the input, at `at`, `size` bytes that are there */

static void put(size_t at, const uint8_t *bytes, size_t size)
{
	memmove(input + at + size, input + at, input_size - at);
	memcpy(input + at, bytes, size);
	input_size += size;
}

static void flip(size_t at, size_t size)
{
	if (size)
		input[at] ^= (uint8_t)(1u << random_below(8));
}

/* Bytes that mean something where they stand, in one form or another. */
static void replace(size_t at, size_t size)
{
	static const uint8_t telling[] = "\0\xff\x80\x7f\r\n \t\"\\{}[]:,;=+-.09eE%&<>/u";

	if (size)
		input[at] = telling[random_below(sizeof(telling) - 1)];
}

static void cut(size_t at, size_t size)
{
	memmove(input + at, input + at + size, input_size - at - size);
	input_size -= size;
}

static void repeat(size_t at, size_t size)
{
	uint8_t span[SPAN_BYTES_MAX];

	memcpy(span, input + at, size);
	put(at, span, size);
}

static void insert(size_t at, size_t size)
{
	uint8_t span[SPAN_BYTES_MAX];

	(void)size;
	size = 1 + random_below(8);
	for (size_t i = 0; i < size; i++)
		span[i] = (uint8_t)random_below(256);
	put(at, span, size);
}

/* Something of another sample. */
static void borrow(size_t at, size_t size)
{
	const size_t from = random_below(sample_count);
	const size_t begin = sample_count ? random_below(samples[from].size) : 0;

	if (!sample_count)
		return;
	size = 1 + random_below(SPAN_BYTES_MAX);
	if (size > samples[from].size - begin)
		size = samples[from].size - begin;
	put(at, samples[from].bytes + begin, size);
}

static void truncate_at(size_t at, size_t size)
{
	(void)size;
	input_size = at;
}

static void (*const changes[])(size_t at, size_t size) = {
	flip, replace, cut, repeat, insert, borrow, truncate_at,
};

static void change(void)
{
	const size_t at = random_below(input_size + 1);
	size_t size = 1 + random_below(SPAN_BYTES_MAX);

	if (size > input_size - at)
		size = input_size - at;
	changes[random_below(sizeof(changes) / sizeof(changes[0]))](at, size);
}

/* ---- */

/* From memory that is just as large, so that a sanitizer sees who reads on. */
static void run(void)
{
	uint8_t *copy = malloc(input_size ? input_size : 1);

	CHECK(copy);
	memcpy(copy, input, input_size);
	(void)LLVMFuzzerTestOneInput(copy, input_size);
	free(copy);
}

static void take(size_t sample)
{
	input_size = samples[sample].size;
	if (input_size)
		memcpy(input, samples[sample].bytes, input_size);
}

static void read_sample(const char *path, off_t size)
{
	FILE *file = fopen(path, "rb");

	CHECK(file && sample_count < sizeof(samples) / sizeof(samples[0]) &&
	      size <= SAMPLE_BYTES_MAX);
	samples[sample_count].bytes = malloc((size_t)size + 1);
	CHECK(samples[sample_count].bytes);
	samples[sample_count].size = fread(samples[sample_count].bytes, 1, (size_t)size, file);
	sample_count++;
	(void)fclose(file);
}

/* In the order of their names, for folders have theirs. */
static int by_name(const FTSENT **left, const FTSENT **right)
{
	return strcmp((*left)->fts_name, (*right)->fts_name);
}

static void read_samples(char **paths)
{
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	const FTSENT *entry;

	CHECK(tree);
	while ((entry = fts_read(tree))) {
		CHECK(entry->fts_info != FTS_NS && entry->fts_info != FTS_DNR);
		if (entry->fts_info == FTS_F)
			read_sample(entry->fts_path, entry->fts_statp->st_size);
	}
	(void)fts_close(tree);
}

int main(int argc, char **argv)
{
	long run_count;

	CHECK(argc > 1);
	run_count = strtol(argv[1], NULL, 10);
	if (argc > 2)
		read_samples(argv + 2);
	for (size_t i = 0; i < sample_count; i++) {
		take(i);
		run();
	}
	for (long i = 0; i < run_count; i++) {
		input_size = 0;
		if (sample_count)
			take(random_below(sample_count));
		else
			while (input_size < RANDOM_BYTES_MIN)
				insert(input_size, 0);
		for (size_t n = 1 + random_below(CHANGES_MAX); n > 0; n--)
			change();
		run();
	}
	printf("%zu samples, %ld changed ones\n", sample_count, run_count);
	for (size_t i = 0; i < sample_count; i++)
		free(samples[i].bytes);
	return 0;
}
