/* SPDX-License-Identifier: MIT */
/*
 * How much memory this process uses, and whether another body may come in. What is promised to
 * bodies that are still on their way counts, too: else all of them would be let in at once.
 *
 * And what is no longer used goes back to the system: pages between what is in use, which the
 * allocator would keep, every few seconds of work; pages of libraries that only their start needed,
 * once and then between calls, for that takes longer than a request; connections to providers once
 * it is quiet. A process without work does nothing at all.
 */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "gateway.h"

#define COPIES         3u  /* of a body: as it came, as it is read, as it goes out */
#define AGE_MS         10u /* counting takes a while */
#define TIDY_MS        3000u
#define FREE_BYTES_MAX ((size_t)1 << 20) /* kept by the allocator; giving a MiB back takes 0.1 ms */
#define QUIET_MS       30000u /* no call: connections of that age are not used again anyway */

static size_t heap_bytes(void)
{
	const struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

size_t gateway_memory_bytes(const struct gateway *gateway)
{
	return heap_bytes() + gateway->memory.promised_bytes;
}

static size_t heap_bytes_lately(struct gateway_memory *memory)
{
	const uint64_t now_ms = lull_clock_ms();

	if (now_ms - memory->counted_at_ms > AGE_MS) {
		memory->counted_bytes = heap_bytes();
		memory->counted_at_ms = now_ms;
	}
	return memory->counted_bytes;
}

bool gateway_memory_promise(struct gateway *gateway, struct gateway_visit *visit, size_t bytes)
{
	struct gateway_memory *memory = &gateway->memory;
	const size_t wanted = COPIES * bytes;

	if (heap_bytes_lately(memory) + memory->promised_bytes + wanted > memory->bytes_max)
		return false;
	visit->promised_bytes += wanted;
	memory->promised_bytes += wanted;
	return true;
}

void gateway_memory_settle(struct gateway *gateway, struct gateway_visit *visit)
{
	gateway->memory.promised_bytes -= visit->promised_bytes;
	visit->promised_bytes = 0;
}

/* ---- giving back */

static void tidy_later(struct gateway_memory *memory)
{
	const struct timeval time = {.tv_sec = TIDY_MS / 1000};

	if (!evtimer_pending(memory->tidy, NULL))
		(void)event_add(memory->tidy, &time);
}

/* A fault in a library maps as much as the page cache has in one piece; on Linux 6.18 and ext4 that
 * doubles what a gateway has (tests/bench/gateway memory). What has been written to stays: what was
 * relocated, and code with a debugger's breakpoint or a probe in it. */
static void give_back_libraries(void)
{
	struct {
		uintptr_t begin, end;
		unsigned long inode;
		char access[5];
	} part = {.begin = 0}, next;
	unsigned long written_kib;
	char *line = NULL;
	size_t line_bytes = 0;
	FILE *parts = fopen("/proc/self/smaps", "re");

	if (parts == NULL)
		return;
	while (getline(&line, &line_bytes, parts) > 0) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*x %*s %lu", &next.begin,
			   &next.end, next.access, &next.inode) == 4)
			part = next;
		else if (sscanf(line, "Anonymous: %lu kB", &written_kib) == 1 && written_kib == 0 &&
			 part.inode != 0 && part.access[1] == '-' && part.access[3] == 'p')
			// NOLINTNEXTLINE(performance-no-int-to-ptr): that is how the file tells it
			(void)madvise((void *)part.begin, part.end - part.begin, MADV_DONTNEED);
	}
	free(line);
	(void)fclose(parts);
}

static void on_tidy(evutil_socket_t fd, short what, void *userdata)
{
	struct gateway *gateway = userdata;
	const bool is_at_rest = gateway->counts.calls == 0;
	const bool is_quiet =
		is_at_rest && lull_clock_ms() - gateway->memory.worked_at_ms >= QUIET_MS;

	(void)fd, (void)what;
	if (is_quiet)
		transport_rest(gateway->http->transport);
	if (mallinfo2().fordblks > FREE_BYTES_MAX)
		(void)malloc_trim(0);
	if (is_at_rest || !gateway->memory.is_warm)
		give_back_libraries();
	gateway->memory.is_warm = true;
	if (!is_quiet)
		tidy_later(&gateway->memory);
}

int gateway_memory_begin(struct gateway *gateway)
{
	gateway->memory.tidy = evtimer_new(gateway->base, on_tidy, gateway);
	return gateway->memory.tidy ? 0 : -ENOMEM;
}

void gateway_memory_end(struct gateway *gateway)
{
	if (gateway->memory.tidy)
		event_free(gateway->memory.tidy);
}

void gateway_memory_worked(struct gateway *gateway)
{
	gateway->memory.worked_at_ms = lull_clock_ms();
	tidy_later(&gateway->memory);
}
