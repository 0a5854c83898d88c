/* SPDX-License-Identifier: MIT */
/*
 * Sleeping until something becomes ready early.
 *
 * The serial is a futex that whoever opens a key early moves, and wakes. A wake-up that is lost to
 * a killed process costs nothing but time: every sleeper has a deadline. The deadline is boottime,
 * but the kernel's timeout stops while the host is suspended; so no single sleep is longer than a
 * second, and the clock decides.
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

void segment_wake(struct segment *segment)
{
	int errno_before = errno;

	/* pairs with the acquire in segment_serial(): who sees the serial move sees the word */
	atomic_fetch_add_explicit(&segment->header->serial, 1, memory_order_release);
	(void)futex(&segment->header->serial, FUTEX_WAKE, INT_MAX, NULL);
	errno = errno_before;
}

uint32_t segment_serial(struct segment *segment)
{
	uint32_t serial = atomic_load_explicit(&segment->header->serial, memory_order_acquire);

	return segment->generation << SERIAL_BITS | (serial & SERIAL_MASK);
}

uint32_t lull_table_serial(struct lull_table *table)
{
	struct segment *segment = table_pin(table);
	uint32_t serial = segment_serial(segment);

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
static int nap(struct segment *segment, uint32_t raw_serial, uint64_t for_ns)
{
	struct futex_span span = {.seconds = (long)(for_ns / NS_PER_S),
				  .nanoseconds = (long)(for_ns % NS_PER_S)};
	struct timespec plain = {.tv_sec = span.seconds, .tv_nsec = span.nanoseconds};

	if (futex(&segment->header->serial, FUTEX_WAIT, raw_serial, &span) == 0)
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

static int segment_wait(struct segment *segment, uint32_t serial, uint64_t until_ms)
{
	int err = 0;

	while (!err) {
		uint32_t raw = atomic_load_explicit(&segment->header->serial, memory_order_acquire);
		uint64_t now_ns = clock_boottime_ns();

		if ((raw & SERIAL_MASK) != (serial & SERIAL_MASK))
			return LULL_WOKEN;
		if (now_ns / NS_PER_MS >= until_ms)
			return 0;
		err = nap(segment, raw, nap_ns(now_ns, until_ms));
	}
	return err;
}

int lull_table_wait(struct lull_table *table, uint32_t serial, uint64_t until_ms)
{
	struct segment *segment;
	int outcome;

	if (!table)
		return -EINVAL;
	segment = table_pin_generation(table, serial >> SERIAL_BITS);
	if (!segment)
		return LULL_WOKEN;
	outcome = segment_wait(segment, serial, until_ms);
	segment_unpin(segment);
	return outcome;
}
