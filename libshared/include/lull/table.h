/* SPDX-License-Identifier: MIT */
/*
 * The shared table: which models, keys and servers are cooling, for every process of the host.
 *
 * One POSIX shared-memory segment, made by whoever comes first and left there by whoever goes last.
 * Each key has one 64-bit word; every change is one compare-and-swap; nobody ever waits for another
 * process. Caveats first:
 *
 *   - Trust ends at the user (or at the group, where set up so): whoever may open the segment may
 *     write anything into it. What is read from it is input like any other, so nothing in it can
 *     crash, hang or mislead a reader beyond a wrong cooldown, and that ends by itself. One thing
 *     is theirs to break: a file that is made shorter while it is mapped ends its readers by
 *     SIGBUS, as every mapped file does, unless the program called lull_table_guard().
 *   - A table always opens. Where shared memory is not to be had (no /dev/shm, no permission, wrong
 *     version, LULL_DISABLE=1), the handle stands on process-local memory with the same behaviour,
 *     and lull_table_problem() says why.
 *   - Fork: a child may use the parent's handle. (Not while another thread of the parent is inside
 *     lull_table_refresh().)
 *   - Nothing is unlinked at exit. A segment deleted under a running process is noticed by
 *     lull_table_refresh().
 *   - Secrets never belong into a key. Use lull_fingerprint().
 */
#ifndef LULL_TABLE_H
#define LULL_TABLE_H

#include <lull/class.h>
#include <lull/limit.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 23 words of the slot; a longer name is an error, a longer derived key is shortened by
 * lull_key_derive() */
#define LULL_KEY_BYTES_MAX 184u
/* "credential:" + key + NUL: what lull_key_format() may write */
#define LULL_KEY_TEXT_BYTES_MAX 196u
/* 23 h: what an operator may ask for. The table reads anything beyond 24 h as damage; "until
 * cleared" is a hold */
#define LULL_COOL_FOR_MS_MAX 82800000u

/* documented outcomes (> 0) */
enum lull_table_outcome {
	LULL_ABSENT = 1, /* the key is not in the table: nothing is known, so it is ready */
	LULL_END = 2,    /* no further key or event */
	LULL_WOKEN = 3   /* lull_table_wait(): something became ready */
};

enum lull_table_flag {
	LULL_TABLE_LOCAL = 1, /* process-local memory on purpose */
	/* attach only: a missing segment is opened as an empty, process-local table and is no
	 * problem to report */
	LULL_TABLE_NO_CREATE = 2,
	LULL_TABLE_READ_ONLY = 4 /* map for reading; implies LULL_TABLE_NO_CREATE */
};

struct lull_table; /* opaque handle of one process */

struct lull_table_options {
	uint32_t abi_version;
	uint32_t flags; /* enum lull_table_flag */
	/* NULL: $LULL_SHM_NAME, else "lull1-u<euid>", with a group "lull1-g<gid>"; a leading '/'
	 * does not matter; borrowed for the call */
	const char *name;
	/* NULL: $LULL_SHM_DIR, else /run/lull where it exists and can be written (default name
	 * only), else /dev/shm; borrowed */
	const char *dir;
	/* NULL: $LULL_SHM_GROUP, else none: mode 0600. A group's name or number: mode 0660, that
	 * group; borrowed */
	const char *group;
	uint32_t slot_count; /* 0: 1024. Power of two, 16 to 65536. Only the creator's counts */
};

/**
 * lull_table_options_init() - defaults
 */
LULL_API void lull_table_options_init(struct lull_table_options *options);

/**
 * lull_table_open() - attach to the segment, making it if need be
 * @options:   NULL for defaults
 * @ret_table: the handle; owned by the caller, ends with lull_table_close()
 *
 * Trouble with shared memory is no failure: the handle then is process-local, see
 * lull_table_problem().
 *
 * Return: 0; -EINVAL bad option (name with '/' inside or over 200 bytes, slot_count); -ENOMEM.
 * Threads: safe.  Fork: children share the handle's segment.  Signals: not from handlers.
 */
LULL_API int lull_table_open(const struct lull_table_options *options,
			     struct lull_table **ret_table);

/** lull_table_close() - unmap; leaves the segment where it is. NULL is fine. No call may still use
 * the handle. */
LULL_API void lull_table_close(struct lull_table *table);

/**
 * lull_table_refresh() - notice that the segment was deleted or replaced, and attach anew
 *
 * One stat(); made by lull_call_begin(), so that a call notices once. A handle that fell back to
 * process-local memory tries again here, at most every 10 s.
 *
 * Return: 0, whatever was found.  Threads: safe.  Signals: not from handlers.
 */
LULL_API int lull_table_refresh(struct lull_table *table);

/**
 * lull_table_guard() - outlive that a table's file is made shorter while it is mapped
 *
 * For programs, once, at their start: it sets the process's handler of SIGBUS, which leaves to the
 * one before it what is about no table. Work on a table that was cut off goes on in memory of this
 * process alone, where every key is ready, until lull_table_refresh() has replaced the file.
 *
 * Return: 0; negative errno.  Threads: safe.  Fork: children have it; after exec() nobody has.
 */
LULL_API int lull_table_guard(void);

/**
 * lull_table_problem() - why the table is not shared, or what had to be repaired
 *
 * Return: one sentence for people, valid until the next lull_table_refresh() or lull_table_close();
 * NULL when all is well (or local on purpose by flag). LULL_DISABLE=1 is a problem too: people
 * forget that they set it.
 */
LULL_API const char *lull_table_problem(const struct lull_table *table);

/**
 * lull_table_problem_is_news() - whether to print the problem: once per host, user, table name,
 * sentence and hour
 *
 * Remembered by the time stamp of an empty file in $XDG_RUNTIME_DIR or /tmp, so that a cron job
 * does not repeat itself every minute. If that cannot be written, it is news each time.
 *
 * Return: 1 news; 0 not.  Threads: safe.  Signals: not from handlers.
 */
LULL_API int lull_table_problem_is_news(const struct lull_table *table);

struct lull_table_info {
	uint32_t abi_version;
	uint32_t shared; /* 1: a segment that other processes see */
	char path[256];  /* of the segment, also when it could not be had */
	uint32_t slot_count, slots_used;
	uint64_t size_bytes;
	uint64_t create_id; /* random; tells two segments of one name apart */
	uint64_t created_unix_s;
	uint32_t owner_uid, owner_gid, mode;
	uint64_t full_rejects; /* keys that found no slot */
	uint64_t event_count;  /* events ever recorded */
};

/** lull_table_info() - facts for doctor and status. Return: 0; -EINVAL. */
LULL_API int lull_table_info(const struct lull_table *table, struct lull_table_info *ret_info);

/**
 * lull_table_make() - what `lull init` does: make the segment now, and say plainly if that fails
 * @ret_created: 1 made; 0 a good one was there already
 *
 * Return: 0; negative errno, with a sentence in @error (at least 256 bytes).
 */
LULL_API int lull_table_make(const struct lull_table_options *options, int *ret_created,
			     char *error, size_t error_size);

/**
 * lull_table_reset() - what `lull reset` does: a fresh, empty segment over the name by rename; the
 * old one is marked retired, and every process moves over at its next call
 *
 * Return: 0; negative errno, with a sentence in @error (at least 256 bytes).
 */
LULL_API int lull_table_reset(const struct lull_table_options *options, char *error,
			      size_t error_size);

/* ------------------------------------------------------------------ keys */

/**
 * lull_key_parse() - "route:…", "credential:…", "endpoint:…", "name:…", or a bare name
 * @text:     what a person typed
 * @ret_kind: enum lull_kind; a bare name is LULL_KIND_NAME
 * @ret_key:  points into @text
 *
 * Return: 0; -EINVAL empty or with control characters; -ENAMETOOLONG over LULL_KEY_BYTES_MAX.
 */
LULL_API int lull_key_parse(const char *text, uint32_t *ret_kind, const char **ret_key);

/**
 * lull_key_format() - "route:KEY" and so on: what lull_key_parse() reads
 * @ret: LULL_KEY_TEXT_BYTES_MAX bytes
 *
 * Return: 0; -EINVAL; -ENAMETOOLONG.
 */
LULL_API int lull_key_format(uint32_t kind, const char *key, char *ret);

/**
 * lull_key_derive() - the text of a derived key: a readable head, and a hash at its end when longer
 * than LULL_KEY_BYTES_MAX
 * @text: any length
 * @ret:  LULL_KEY_BYTES_MAX + 1 bytes
 *
 * Return: 0; -EINVAL empty or with control characters.
 */
LULL_API int lull_key_derive(const char *text, char *ret);

/**
 * lull_key_model() - the model part of a route key "model@base-url#fingerprint": all before the
 * last '@' that stands before "http", or the whole key
 * @ret: LULL_KEY_BYTES_MAX + 1 bytes
 */
LULL_API int lull_key_model(uint32_t kind, const char *key, char *ret);

/**
 * lull_fingerprint() - 16 hex digits that stand for a secret: a keyed hash (SipHash-2-4 under this
 * boot's id), never the secret
 * @ret: 17 bytes
 */
LULL_API int lull_fingerprint(const void *secret, size_t size_bytes, char *ret);

/* ------------------------------------------------------------------ reading and writing by key */

enum lull_state {
	LULL_STATE_READY = 0,
	LULL_STATE_COOLING = 1,
	LULL_STATE_PROBING =
		2,             /* cooled, and one process is finding out whether it is well again */
	LULL_STATE_HELD = 3,   /* by an operator, until cleared */
	LULL_STATE_LIMITED = 4 /* in a call's trail only: within a limit there is no room now */
};

/* A snapshot of one key. Words may have moved on when you read it. */
struct lull_key_state {
	uint32_t abi_version;
	uint32_t kind;                      /* enum lull_kind */
	char key[LULL_KEY_BYTES_MAX + 1];   /* without its kind */
	char model[LULL_KEY_BYTES_MAX + 1]; /* routes: model part; names: the name; else empty */
	uint32_t state;                     /* enum lull_state */
	uint64_t ready_in_ms;               /* 0 ready; LULL_NEVER held */
	uint32_t cause;                     /* enum lull_class; 0 = nothing known */
	uint32_t http_status;               /* 0 = none */
	uint32_t strikes;         /* failed probes in a row; ready: soft failures counted so far */
	uint64_t reported_at_ms;  /* 0 = never; lull_clock_ms() */
	uint32_t reported_by_pid; /* for people only */
	uint64_t attempts, answers, failures, skips, cooldowns,
		probes;            /* host-wide sums since the table was made */
	uint32_t usual_ms;         /* mean time to 2xx headers; 0 = not known */
	uint32_t usual_limit_ms;   /* mean + 6 mean deviations */
	struct lull_limits limits; /* as the last process that used them has them; all 0 = none */
	uint32_t parallel_used;    /* permits that are held */
	uint64_t rpm_room_in_ms;   /* 0: a request is within the limit now, or there is none */
	uint64_t tpm_room_in_ms;   /* likewise */
	uint64_t limited;          /* host-wide sum: passed over, or waited for, for want of room */
	/* routes: cursors of the credential and the endpoint; LULL_NEVER = none; read with
	 * lull_key_at() */
	uint64_t links[2];
	/* routes, and names that commands are run by: what became of attempts, by enum lull_class;
	 * host-wide sums, each from 0 again after 4,294,967,295 */
	uint32_t outcomes[LULL_CLASS_COUNT];
};

/**
 * lull_key_read() - what the table knows of a key; never inserts it
 *
 * Return: 0; LULL_ABSENT (and @ret_state says ready); -EINVAL; -ENAMETOOLONG.
 * Threads, fork: safe.  Signals: safe.  Waits: never.
 */
LULL_API int lull_key_read(struct lull_table *table, uint32_t kind, const char *key,
			   uint64_t now_ms, struct lull_key_state *ret_state);

/**
 * lull_key_ready_in_ms() - lull_slot_ready_in_ms() by name, for who asks once; never inserts the
 * key
 * @ret_ready_in_ms: 0 ready; LULL_NEVER held
 *
 * Return: 0; LULL_ABSENT (and ready); -EINVAL; -ENAMETOOLONG.
 * Threads, fork: safe.  Signals: safe.  Waits: never.
 */
LULL_API int lull_key_ready_in_ms(struct lull_table *table, uint32_t kind, const char *key,
				  uint64_t *ret_ready_in_ms);

/**
 * lull_key_at() - all keys, one by one
 * @cursor: in: 0 to start, or a link; out: where to go on
 *
 * Return: 0; LULL_END; -EINVAL.  A key that is being inserted at this moment may be passed over.
 */
LULL_API int lull_key_at(struct lull_table *table, uint64_t *cursor, uint64_t now_ms,
			 struct lull_key_state *ret_state);

/**
 * lull_key_cool() - an operator's cooldown; inserts the key
 * @for_ms: 1 to LULL_COOL_FOR_MS_MAX
 *
 * Return: 0 (a longer cooldown that runs already stays); -EINVAL; -ENAMETOOLONG; -ERANGE @for_ms;
 * -EBUSY the key is held; -ENOSPC the table is full; -EROFS.
 */
LULL_API int lull_key_cool(struct lull_table *table, uint32_t kind, const char *key,
			   uint64_t for_ms, uint64_t now_ms);

/** lull_key_hold() - shut until cleared; inserts the key. Return: 0; -EINVAL; -ENAMETOOLONG;
 * -ENOSPC; -EROFS. */
LULL_API int lull_key_hold(struct lull_table *table, uint32_t kind, const char *key,
			   uint64_t now_ms);

/** lull_key_clear() - ready for all, now; wakes sleepers. Return: 0; LULL_ABSENT; -EINVAL;
 * -ENAMETOOLONG; -EROFS. */
LULL_API int lull_key_clear(struct lull_table *table, uint32_t kind, const char *key,
			    uint64_t now_ms);

/* ------------------------------------------------------------------ by handle, for hot paths */

struct lull_slot; /* opaque: one key of one table, found once */

/**
 * lull_slot_open() - find or insert a key, once
 * @ret_slot: owned by the caller, ends with lull_slot_close(). Stands on the segment that was
 * attached now, also after a replacement
 *
 * Return: 0; -EINVAL; -ENAMETOOLONG; -ENOMEM; -EROFS the key is not in a read-only table. (Full: a
 * process-local slot.)
 */
LULL_API int lull_slot_open(struct lull_table *table, uint32_t kind, const char *key,
			    struct lull_slot **ret_slot);
LULL_API void lull_slot_close(struct lull_slot *slot);

/**
 * lull_slot_ready_in_ms() - 0 if the key is ready; else how long until it is; LULL_NEVER held
 *
 * A healthy key costs one load and reads no clock. Threads, fork, signals: safe. Waits: never.
 */
LULL_API uint64_t lull_slot_ready_in_ms(const struct lull_slot *slot);

/* ------------------------------------------------------------------ waiting */

/** lull_table_serial() - moves whenever a word becomes ready earlier than announced, or there is
 * room within a limit that somebody waits for. Read it before the words. */
LULL_API uint32_t lull_table_serial(struct lull_table *table);

/**
 * lull_table_wait() - sleep until something becomes ready early, or until @until_ms
 *
 * Return: LULL_WOKEN the serial is not @serial any more; 0 the time has come; -EINTR a signal came.
 * Uses no CPU. Threads: safe. Signals: not from handlers.
 */
LULL_API int lull_table_wait(struct lull_table *table, uint32_t serial, uint64_t until_ms);

/* ------------------------------------------------------------------ the flight recorder */

enum lull_event_type {
	LULL_EVENT_COOLED = 1,   /* a failure cooled the key */
	LULL_EVENT_SOFT = 2,     /* a soft failure was counted */
	LULL_EVENT_PROBE = 3,    /* a lease was taken */
	LULL_EVENT_OPENED = 4,   /* a success ended the cooldown */
	LULL_EVENT_RETURNED = 5, /* a lease was handed back */
	LULL_EVENT_OPERATOR_COOLED = 6,
	LULL_EVENT_HELD = 7,
	LULL_EVENT_CLEARED = 8
};

struct lull_event {
	uint32_t abi_version;
	uint64_t number; /* 0, 1, 2, … since the table was made */
	uint64_t at_ms;  /* lull_clock_ms() */
	uint32_t type;   /* enum lull_event_type */
	uint32_t kind;
	char key[LULL_KEY_BYTES_MAX + 1];
	uint32_t cause, http_status, strikes;
	uint64_t for_ms; /* COOLED and OPERATOR_COOLED: the length */
	uint32_t pid;    /* who did it; for people only */
};

/**
 * lull_event_read() - the event with number *@number, or the oldest kept one after it
 * @number: in: where to start (0 = oldest kept); out: the next to ask for
 *
 * The recorder keeps the last 1024. A record whose writer was killed is passed over.
 * Return: 0; LULL_END; -EINVAL.
 */
LULL_API int lull_event_read(struct lull_table *table, uint64_t *number,
			     struct lull_event *ret_event);

/** lull_event_serial() - moves with every event, once it can be read. Read it before the events. */
LULL_API uint32_t lull_event_serial(struct lull_table *table);

/**
 * lull_event_wait() - sleep until there are further events, or until @until_ms
 *
 * A writer that was killed after its record, or is of a build that did not know of followers yet,
 * wakes nobody: so read the events after every second, whatever this returns.
 *
 * Return: LULL_WOKEN the serial is not @serial any more (or the segment was replaced); 0 the time
 * has come; -EINTR a signal came; -EINVAL.
 * Uses no CPU. Threads: safe. Signals: not from handlers.
 */
LULL_API int lull_event_wait(struct lull_table *table, uint32_t serial, uint64_t until_ms);

/* ------------------------------------------------------------------ the clock */

/**
 * lull_clock_ms() - milliseconds of the host's boottime: counts suspend, never steps, the same in
 * every process and time namespace
 *
 * Threads, fork, signals: safe.
 */
LULL_API uint64_t lull_clock_ms(void);

#ifdef __cplusplus
}
#endif
#endif
