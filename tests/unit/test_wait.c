/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a change. The clock and the futex are the test's own where time or failure matters:
 * a nap then moves the clock and returns, so that no test waits for real.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cunit_main.h"
#include "mapping.h"
#include "scratch_table.h"

#define NS_PER_MS INT64_C(1000000)

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __real_nanosleep(const struct timespec *span, struct timespec *rest);
int __wrap_nanosleep(const struct timespec *span, struct timespec *rest);

static struct {
	bool on;
	int64_t now_ns;
	int naps;
	int64_t longest_ns;
	int futex_errno;      /* what a nap ends with; 0: woken for no reason */
	bool interrupted;     /* nanosleep: by a signal */
	int64_t suspended_ns; /* the host sleeps that much longer in the first nap */
	void (*during)(void); /* the first nap */
} played;

static void nap_played(int64_t span_ns)
{
	played.naps++;
	if (span_ns > played.longest_ns)
		played.longest_ns = span_ns;
	played.now_ns += span_ns + played.suspended_ns;
	played.suspended_ns = 0;
	if (played.during)
		played.during();
	played.during = NULL;
}

/* The library makes one system call this way: futex(). */
long __wrap_syscall(long number, ...)
{
	const long *span;
	void *word;
	uint32_t value;
	va_list args;
	int op;

	va_start(args, number);
	word = va_arg(args, void *);
	op = va_arg(args, int);
	value = va_arg(args, uint32_t);
	span = va_arg(args, const long *);
	va_end(args);
	if (!played.on || op != 0)
		return __real_syscall(number, word, op, value, span, (void *)NULL, 0);
	if (played.futex_errno != ENOSYS)
		nap_played(span[0] * 1000 * NS_PER_MS + span[1]);
	errno = played.futex_errno;
	return played.futex_errno ? -1 : 0;
}

int __wrap_nanosleep(const struct timespec *span, struct timespec *rest)
{
	if (!played.on)
		return __real_nanosleep(span, rest);
	nap_played(span->tv_sec * 1000 * NS_PER_MS + span->tv_nsec);
	return played.interrupted ? -1 : 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	if (!played.on || clock != CLOCK_BOOTTIME)
		return __real_clock_gettime(clock, now);
	now->tv_sec = played.now_ns / (1000 * NS_PER_MS);
	now->tv_nsec = played.now_ns % (1000 * NS_PER_MS);
	return 0;
}

static struct scratch scratch;
static struct lull_table *table;

static void begin(void)
{
	scratch_make(&scratch);
	table = scratch_table(16);
	memset(&played, 0, sizeof(played));
	played.now_ns = 1000000 * NS_PER_MS + 400000; /* 1,000 s and 0.4 ms */
	played.futex_errno = ETIMEDOUT;
}

static void end(void)
{
	played.on = false;
	lull_table_close(table);
	scratch_remove(&scratch);
}

static void wake(void)
{
	struct segment *segment = table_pin(table);

	segment_wake(segment);
	segment_unpin(segment);
}

static int wait_for(uint64_t ms)
{
	return lull_table_wait(table, lull_table_serial(table), 1000000 + ms);
}

/* ------------------------------------------------------------------ with a played clock */

static void test_a_wait_ends_at_its_time_and_not_before(void)
{
	static const uint64_t spans_ms[] = {1, 2, 999, 1000, 1001, 45000};

	for (size_t i = 0; i < sizeof(spans_ms) / sizeof(spans_ms[0]); i++) {
		begin();
		played.on = true;
		CU_ASSERT_EQUAL(wait_for(spans_ms[i]), 0);
		CU_ASSERT_EQUAL(played.now_ns, (int64_t)(1000000 + spans_ms[i]) * NS_PER_MS);
		CU_ASSERT(played.longest_ns <= 1000 * NS_PER_MS);
		CU_ASSERT_EQUAL((uint64_t)played.naps, (spans_ms[i] + 999) / 1000);
		end();
	}
}

static void test_a_time_that_has_come_is_not_waited_for(void)
{
	begin();
	played.on = true;
	CU_ASSERT_EQUAL(wait_for(0), 0);
	CU_ASSERT_EQUAL(lull_table_wait(table, lull_table_serial(table), 0), 0);
	CU_ASSERT_EQUAL(played.naps, 0);
	CU_ASSERT_EQUAL(lull_table_wait(NULL, 0, 0), -EINVAL);
	end();
}

static void test_a_serial_that_has_moved_is_not_waited_for(void)
{
	uint32_t serial;

	begin();
	played.on = true;
	serial = lull_table_serial(table);
	wake();
	CU_ASSERT_EQUAL(lull_table_wait(table, serial, LULL_NEVER), LULL_WOKEN);
	CU_ASSERT_EQUAL(played.naps, 0);
	CU_ASSERT_NOT_EQUAL(lull_table_serial(table), serial);
	end();
}

static void test_a_nap_that_ends_for_no_reason_goes_on(void)
{
	begin();
	played.on = true;
	played.futex_errno = 0;
	CU_ASSERT_EQUAL(wait_for(2500), 0);
	CU_ASSERT_EQUAL(played.naps, 3);
	played.futex_errno = EAGAIN;
	CU_ASSERT_EQUAL(wait_for(3500), 0);
	end();
}

static void test_a_wake_up_during_a_nap_is_seen(void)
{
	begin();
	played.on = true;
	played.during = wake;
	CU_ASSERT_EQUAL(wait_for(45000), LULL_WOKEN);
	CU_ASSERT_EQUAL(played.naps, 1);
	end();
}

static void test_a_wait_for_ever_naps_on(void)
{
	begin();
	played.on = true;
	played.during = wake;
	CU_ASSERT_EQUAL(lull_table_wait(table, lull_table_serial(table), LULL_NEVER), LULL_WOKEN);
	end();
}

/* The kernel's timeout stood still for an hour; the deadline did not. */
static void test_a_suspended_host_is_late_by_one_nap_at_most(void)
{
	begin();
	played.on = true;
	played.suspended_ns = 3600000 * NS_PER_MS;
	CU_ASSERT_EQUAL(wait_for(45000), 0);
	CU_ASSERT_EQUAL(played.naps, 1);
	end();
}

static void test_a_signal_ends_the_wait(void)
{
	begin();
	played.on = true;
	played.futex_errno = EINTR;
	CU_ASSERT_EQUAL(wait_for(45000), -EINTR);
	CU_ASSERT_EQUAL(played.naps, 1);
	end();
}

static void test_without_futexes_it_sleeps_and_does_not_spin(void)
{
	begin();
	played.on = true;
	played.futex_errno = ENOSYS;
	CU_ASSERT_EQUAL(wait_for(2500), 0);
	CU_ASSERT_EQUAL(played.naps, 3);
	played.interrupted = true;
	CU_ASSERT_EQUAL(wait_for(9000), -EINTR);
	end();
}

/* ------------------------------------------------------------------ events */

static void cool(void)
{
	CU_ASSERT_EQUAL(lull_key_cool(table, LULL_KIND_NAME, "gpt-4o", 60000, lull_clock_ms()), 0);
}

/* Shut is no news for who waits for room, but it is for who follows the events. */
static void test_an_event_wakes_who_follows_and_nobody_else(void)
{
	uint32_t serial, event_serial;

	begin();
	played.on = true;
	serial = lull_table_serial(table);
	event_serial = lull_event_serial(table);
	cool();
	CU_ASSERT_EQUAL(lull_table_serial(table), serial);
	CU_ASSERT_EQUAL(lull_event_wait(table, event_serial, LULL_NEVER), LULL_WOKEN);
	CU_ASSERT_EQUAL(played.naps, 0);
	event_serial = lull_event_serial(table);
	wake(); /* no event */
	CU_ASSERT_EQUAL(lull_event_wait(table, event_serial, 1002500), 0);
	CU_ASSERT_EQUAL(played.naps, 3);
	played.during = cool;
	CU_ASSERT_EQUAL(lull_event_wait(table, event_serial, LULL_NEVER), LULL_WOKEN);
	CU_ASSERT_EQUAL(played.naps, 4);
	CU_ASSERT_EQUAL(lull_event_wait(NULL, 0, 0), -EINVAL);
	end();
}

/* Woken, it finds the record: the serial moves behind it. */
static void test_an_event_can_be_read_when_its_serial_has_moved(void)
{
	struct lull_event event;
	uint64_t number = 0;
	uint32_t serial;

	begin();
	for (int i = 0; i < 3; i++) {
		serial = lull_event_serial(table);
		CU_ASSERT_EQUAL(lull_event_read(table, &number, &event), LULL_END);
		cool();
		CU_ASSERT_EQUAL(lull_event_wait(table, serial, LULL_NEVER), LULL_WOKEN);
		CU_ASSERT_EQUAL(lull_event_read(table, &number, &event), 0);
		(void)lull_key_clear(table, LULL_KIND_NAME, "gpt-4o", lull_clock_ms());
		CU_ASSERT_EQUAL(lull_event_read(table, &number, &event), 0);
	}
	end();
}

static void reset(void)
{
	struct lull_table_options options;
	char error[256];

	lull_table_options_init(&options);
	options.name = "test";
	CU_ASSERT_EQUAL(lull_table_reset(&options, error, sizeof(error)), 0);
}

static void test_a_reset_wakes_who_follows(void)
{
	uint32_t serial;

	begin();
	played.on = true;
	played.during = reset;
	serial = lull_event_serial(table);
	CU_ASSERT_EQUAL(lull_event_wait(table, serial, LULL_NEVER), LULL_WOKEN);
	CU_ASSERT_EQUAL(played.naps, 1);
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_EQUAL(lull_event_wait(table, serial, LULL_NEVER), LULL_WOKEN);
	end();
}

/* ------------------------------------------------------------------ replaced segments */

/* A call that still stands on the old segment must sleep on it, not spin against the new one. */
static void test_a_pinned_old_segment_is_still_waited_on(void)
{
	struct segment *old;
	uint32_t serial;

	begin();
	old = table_pin(table);
	reset();
	serial = segment_serial(old); /* read after the reset has moved it */
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_NOT_EQUAL(lull_table_serial(table), serial);
	played.on = true;
	CU_ASSERT_EQUAL(lull_table_wait(table, serial, 1000500), 0);
	CU_ASSERT_EQUAL(played.naps, 1);
	/* nobody stands on it any more: whoever has its serial reads anew */
	segment_unpin(old);
	CU_ASSERT_EQUAL(lull_table_wait(table, serial, LULL_NEVER), LULL_WOKEN);
	CU_ASSERT_EQUAL(lull_table_wait(table, UINT32_MAX, LULL_NEVER), LULL_WOKEN);
	end();
}

/* ------------------------------------------------------------------ for real */

static void *clear_soon(void *unused)
{
	struct timespec soon = {.tv_nsec = 20 * NS_PER_MS};

	(void)__real_nanosleep(&soon, NULL);
	(void)lull_key_clear(table, LULL_KIND_NAME, "gpt-4o", lull_clock_ms());
	return unused;
}

static void test_a_clear_wakes_a_real_sleeper(void)
{
	uint32_t serial;
	pthread_t thread;

	begin();
	CU_ASSERT_EQUAL(lull_key_cool(table, LULL_KIND_NAME, "gpt-4o", 60000, lull_clock_ms()), 0);
	serial = lull_table_serial(table);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, clear_soon, NULL), 0);
	CU_ASSERT_EQUAL(lull_table_wait(table, serial, lull_clock_ms() + 50000), LULL_WOKEN);
	(void)pthread_join(thread, NULL);
	end();
}

static void nothing(int signal_number)
{
	(void)signal_number;
}

static void test_a_real_signal_ends_the_wait(void)
{
	struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART}, before;
	timer_t timer;
	struct itimerspec soon = {.it_value.tv_nsec = 20 * NS_PER_MS};

	begin();
	CU_ASSERT_EQUAL(sigaction(SIGALRM, &action, &before), 0);
	CU_ASSERT_EQUAL_FATAL(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
	CU_ASSERT_EQUAL(timer_settime(timer, 0, &soon, NULL), 0);
	CU_ASSERT_EQUAL(lull_table_wait(table, lull_table_serial(table), lull_clock_ms() + 50000),
			-EINTR);
	(void)timer_delete(timer);
	(void)sigaction(SIGALRM, &before, NULL);
	end();
}

static void test_a_real_wait_uses_no_cpu(void)
{
	struct rusage before, after;
	uint64_t start_ms;
	long used_us;

	begin();
	start_ms = lull_clock_ms();
	(void)getrusage(RUSAGE_SELF, &before);
	CU_ASSERT_EQUAL(lull_table_wait(table, lull_table_serial(table), start_ms + 300), 0);
	(void)getrusage(RUSAGE_SELF, &after);
	CU_ASSERT(lull_clock_ms() >= start_ms + 300);
	used_us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 +
		  after.ru_utime.tv_usec - before.ru_utime.tv_usec;
	CU_ASSERT(used_us < 100000);
	end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_a_wait_ends_at_its_time_and_not_before),
		CUNIT_TEST(test_a_time_that_has_come_is_not_waited_for),
		CUNIT_TEST(test_a_serial_that_has_moved_is_not_waited_for),
		CUNIT_TEST(test_a_nap_that_ends_for_no_reason_goes_on),
		CUNIT_TEST(test_a_wake_up_during_a_nap_is_seen),
		CUNIT_TEST(test_a_wait_for_ever_naps_on),
		CUNIT_TEST(test_a_suspended_host_is_late_by_one_nap_at_most),
		CUNIT_TEST(test_a_signal_ends_the_wait),
		CUNIT_TEST(test_without_futexes_it_sleeps_and_does_not_spin),
		CUNIT_TEST(test_an_event_wakes_who_follows_and_nobody_else),
		CUNIT_TEST(test_an_event_can_be_read_when_its_serial_has_moved),
		CUNIT_TEST(test_a_reset_wakes_who_follows),
		CUNIT_TEST(test_a_pinned_old_segment_is_still_waited_on),
		CUNIT_TEST(test_a_clear_wakes_a_real_sleeper),
		CUNIT_TEST(test_a_real_signal_ends_the_wait),
		CUNIT_TEST(test_a_real_wait_uses_no_cpu),
	};

	return CUNIT_MAIN("wait", tests);
}
