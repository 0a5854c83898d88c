/* SPDX-License-Identifier: MIT */
/* LMDB: a memory-mapped store whose readers take no lock. See rows.h. */
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "server.h"

static MDB_env *environment;
static MDB_dbi names;
static MDB_txn *reader;

static int put(MDB_txn *writer, char *name)
{
	char text[] = BENCH_VALUE;
	MDB_val key = {strlen(name), name}, value = {sizeof(text), text};

	return mdb_put(writer, names, &key, &value, 0);
}

static int fill(void)
{
	char key[] = BENCH_KEY, other[] = BENCH_KEY "-0";
	MDB_txn *writer;
	int err = mdb_txn_begin(environment, NULL, 0, &writer);

	if (err)
		return err;
	err = mdb_dbi_open(writer, NULL, 0, &names);
	if (!err)
		err = put(writer, key);
	for (uint32_t i = 0; !err && i < BENCH_OTHER_KEYS; i++, other[sizeof(other) - 2]++)
		err = put(writer, other);
	if (!err)
		return mdb_txn_commit(writer);
	mdb_txn_abort(writer);
	return err;
}

static const char *begin(void)
{
	char path[SERVER_PATH_BYTES];
	int err = mdb_env_create(&environment);

	if (!err)
		err = mdb_env_open(environment, server_path("lmdb", path),
				   MDB_NOSUBDIR | MDB_NOSYNC, 0600);
	if (!err)
		err = fill();
	if (!err)
		err = mdb_txn_begin(environment, NULL, MDB_RDONLY, &reader);
	if (err)
		return mdb_strerror(err);
	mdb_txn_reset(reader);
	return NULL;
}

static void end(void)
{
	if (reader)
		mdb_txn_abort(reader);
	if (environment)
		mdb_env_close(environment);
}

/* The reader's transaction is kept, and renewed for each get: else the get would be an old one. */
static void get(uint32_t operations)
{
	char name[] = BENCH_KEY;
	MDB_val key = {sizeof(name) - 1, name}, value;

	for (uint32_t i = 0; i < operations; i++) {
		if (mdb_txn_renew(reader) != 0 || mdb_get(reader, names, &key, &value) != 0)
			abort();
		row_keep(value.mv_size);
		mdb_txn_reset(reader);
	}
}

static const struct row rows[] = {{"get", 10000, NULL, get}};

const struct group lmdb_group = {begin, end, rows, 1, false};
