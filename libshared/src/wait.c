/* SPDX-License-Identifier: MIT */
/*
 * Sleeping until something becomes ready early, or until something happens.
 *
 * A serial is a futex that whoever opens a key early moves, and wakes; another one is moved by
 * whoever has written an event. A wake-up that is lost to a killed process costs nothing but time:
 * every sleeper has a deadline. The deadline is boottime, but the kernel's timeout stops while the
 * host is suspended; so no single sleep is longer than a second, and the clock decides.
 *
 * A serial is told together with the generation of the mapping it was read from. When the segment
 * was replaced meanwhile, a sleeper goes on sleeping on the one whose words it has read (its call
 * still stands on it); a serial of a mapping that is gone counts as moved.
 */
#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "mapping.h"

#define SERIAL_BITS 24u
#define SERIAL_MASK ((1u << SERIAL_BITS) - 1)
#define NAP_MS \
	UINT64_C(1000) /* the longest single sleep: how late a deadline may be after a resume */
#define NS_PER_MS  UINT64_C(1000000)
#define NS_PER_S   UINT64_C(1000000000)
#define FUTEX_WAIT 0 /* <linux/futex.h>, which not every C library brings along */
#define FUTEX_WAKE 1

/* The kernel's timespec of this system call, whatever time_t is. */
struct futex_span {
	long seconds, nanoseconds;
};

static long futex(_Atomic uint32_t *word, int op, uint32_t value, const struct futex_span *span)
{
	return syscall(SYS_futex, word, op, value, span, NULL, 0);
}

static void serial_move(_Atomic uint32_t *serial)
{
	int errno_before = errno;

	/* pairs with the acquire in serial_told(): who sees it move sees the word, or the record */
	atomic_fetch_add_explicit(serial, 1, memory_order_release);
	(void)futex(serial, FUTEX_WAKE, INT_MAX, NULL);
	errno = errno_before;
}

void segment_wake(struct segment *segment)
{
	serial_move(&segment->header->serial);
}

void ring_wake(struct segment *segment)
{
	serial_move(&segment->header->ring_serial);
}

static uint32_t serial_told(const struct segment *segment, const _Atomic uint32_t *serial)
{
	uint32_t raw = atomic_load_explicit(serial, memory_order_acquire);

	return segment->generation << SERIAL_BITS | (raw & SERIAL_MASK);
}

uint32_t segment_serial(struct segment *segment)
{
	return serial_told(segment, &segment->header->serial);
}

uint32_t lull_table_serial(struct lull_table *table)
{
	struct segment *segment = table_pin(table);
	uint32_t serial = segment_serial(segment);

	segment_unpin(segment);
	return serial;
}

uint32_t lull_event_serial(struct lull_table *table)
{
	struct segment *segment = table_pin(table);
	uint32_t serial = serial_told(segment, &segment->header->ring_serial);

	segment_unpin(segment);
	return serial;
}

static uint64_t nap_ns(uint64_t now_ns, uint64_t until_ms)
{
	uint64_t longest_ns = NAP_MS * NS_PER_MS;

	if (until_ms - now_ns / NS_PER_MS > NAP_MS)
		return longest_ns;
	return until_ms * NS_PER_MS - now_ns;
}

/* One sleep. 0: awake, for whatever reason; -EINTR: a signal. */
static int nap(_Atomic uint32_t *serial, uint32_t raw, uint64_t for_ns)
{
	struct futex_span span = {.seconds = (long)(for_ns / NS_PER_S),
				  .nanoseconds = (long)(for_ns % NS_PER_S)};
	struct timespec plain = {.tv_sec = span.seconds, .tv_nsec = span.nanoseconds};

	if (futex(serial, FUTEX_WAIT, raw, &span) == 0)
		return 0;
	switch (errno) {
	case EAGAIN: /* it has moved already */
	case ETIMEDOUT:
		return 0;
	case EINTR:
		return -EINTR;
	default: /* a sandbox without futexes: sleep all the same, and never spin */
		return nanosleep(&plain, NULL) == 0 ? 0 : -EINTR;
	}
}

static int serial_wait(_Atomic uint32_t *serial, uint32_t told, uint64_t until_ms)
{
	int err = 0;

	while (!err) {
		uint32_t raw = atomic_load_explicit(serial, memory_order_acquire);
		uint64_t now_ns = clock_boottime_ns();

		if ((raw & SERIAL_MASK) != (told & SERIAL_MASK))
			return LULL_WOKEN;
		if (now_ns / NS_PER_MS >= until_ms)
			return 0;
		err = nap(serial, raw, nap_ns(now_ns, until_ms));
	}
	return err;
}

enum awaited { OPENING, EVENT };

static int wait_for(struct lull_table *table, enum awaited awaited, uint32_t told,
		    uint64_t until_ms)
{
	struct segment *segment;
	int outcome;

	if (!table)
		return -EINVAL;
	segment = table_pin_generation(table, told >> SERIAL_BITS);
	if (!segment)
		return LULL_WOKEN;
	outcome = serial_wait(awaited == EVENT ? &segment->header->ring_serial
					       : &segment->header->serial,
			      told, until_ms);
	segment_unpin(segment);
	return outcome;
}

int lull_table_wait(struct lull_table *table, uint32_t serial, uint64_t until_ms)
{
	return wait_for(table, OPENING, serial, until_ms);
}

int lull_event_wait(struct lull_table *table, uint32_t serial, uint64_t until_ms)
{
	return wait_for(table, EVENT, serial, until_ms);
}
