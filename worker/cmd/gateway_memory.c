/* SPDX-License-Identifier: MIT */
/*
 * How much memory this process uses, and whether another body may come in. What is promised to
 * bodies that are still on their way counts, too: else all of them would be let in at once.
 */
#include <malloc.h>

#include "gateway.h"

#define COPIES 3u  /* of a body: as it came, as it is read, as it goes out */
#define AGE_MS 10u /* counting takes a while */

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
