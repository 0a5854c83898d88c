/* SPDX-License-Identifier: MIT */
/*
 * lull doctor: why do two programs not share their cooldowns? Because they use two tables, or none.
 * So: which table does this shell see, whose is it, what others are there, and what will delete it.
 * It looks and changes nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configuration.h"
#include "duration.h"
#include "exits.h"
#include "findings.h"
#include "host.h"
#include "out.h"
#include "output.h"
#include "programs.h"
#include "say.h"
#include "shared.h"

#define SHM_DIRECTORY "/dev/shm"
#define RUN_DIRECTORY "/run/lull"
#define ROOM_BYTES    (2u << 20) /* for a table of the default size (1.1 MiB), with some to spare */

struct examination {
	const struct lull_table *table;
	struct lull_table_info info;
	struct finding_list list;
};

static const char *environment(const char *name)
{
	const char *const value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool lies_in(const char *path, const char *directory)
{
	const size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 && path[length] == '/';
}

/* ------------------------------------------------------------------ the table itself */

static void examine_shared(struct examination *e)
{
	const struct lull_table_info *const info = &e->info;
	const uint64_t made_ms = info->created_unix_s * 1000, now_ms = unix_now_ms();

	finding_add(&e->list, FINDING_OK, "table", NULL,
		    "%s: shared; owner %s, group %s, mode %04o", info->path,
		    host_user(info->owner_uid).text, host_group(info->owner_gid).text,
		    (unsigned int)(info->mode & 07777));
	finding_add(&e->list, FINDING_OK, "age", NULL, "made %s, %s ago, since the host booted",
		    moment_local(made_ms, false).text,
		    duration_seconds(now_ms > made_ms ? now_ms - made_ms : 0).text);
	if (info->full_rejects > 0 || info->slots_used >= info->slot_count)
		finding_add(&e->list, FINDING_PROBLEM, "room",
			    "lull reset --slots N, with N twice as large",
			    "full: %u of %u slots used; a further key is not shared (so far %llu "
			    "times)",
			    (unsigned int)info->slots_used, (unsigned int)info->slot_count,
			    (unsigned long long)info->full_rejects);
	else
		finding_add(&e->list, FINDING_OK, "room", NULL, "%u of %u slots used",
			    (unsigned int)info->slots_used, (unsigned int)info->slot_count);
}

/* Not made yet: will it be possible? */
static void examine_missing(struct examination *e)
{
	char directory[sizeof(e->info.path)];
	char *slash;

	memcpy(directory, e->info.path, sizeof(directory));
	slash = strrchr(directory, '/');
	if (slash != NULL)
		*slash = '\0';
	if (slash != NULL && access(directory, W_OK | X_OK) < 0)
		finding_add(&e->list, FINDING_PROBLEM, "table",
			    "make the directory writable, or choose another by LULL_SHM_DIR",
			    "%s cannot be made: %s is missing or cannot be written by user %s",
			    e->info.path, directory, host_user(geteuid()).text);
	else
		finding_add(&e->list, FINDING_OK, "table", NULL,
			    "%s is not there yet; the first call makes it, or 'lull init'",
			    e->info.path);
}

/* What does away with the problem. */
static const char *way_to_share(const struct examination *e)
{
	struct stat facts;

	if (environment("LULL_DISABLE") != NULL)
		return "unset LULL_DISABLE";
	if (lstat(e->info.path, &facts) == 0 && !S_ISREG(facts.st_mode))
		return "move away what stands there, which is no table, and the next call makes "
		       "one; or choose another place by LULL_SHM_DIR. Until then each process "
		       "keeps its own cooldowns";
	return "'lull reset' makes a new table where this user may; else choose another place by "
	       "LULL_SHM_DIR. Until then each process keeps its own cooldowns";
}

static void examine_table(struct examination *e)
{
	const char *const problem = lull_table_problem(e->table);

	if (problem != NULL)
		finding_add(&e->list, FINDING_PROBLEM, "table", way_to_share(e), "not shared: %s",
			    problem);
	else if (e->info.shared != 0)
		examine_shared(e);
	else
		examine_missing(e);
}

/* ------------------------------------------------------------------ other tables */

static void examine_file(struct examination *e, const char *path)
{
	struct stat facts;
	const char *next;

	if (strcmp(path, e->info.path) == 0 || lstat(path, &facts) < 0 || !S_ISREG(facts.st_mode))
		return;
	if (facts.st_uid == geteuid())
		next = "programs with another LULL_SHM_NAME or LULL_SHM_DIR use it; if none does, "
		       "remove it";
	else
		next = "its user's programs do not share with yours; 'lull init --help' shows how "
		       "a group does";
	finding_add(&e->list, FINDING_NOTE, "other table", next, "%s: owner %s, mode %04o", path,
		    host_user(facts.st_uid).text, (unsigned int)(facts.st_mode & 07777));
}

/* One that somebody has named as he liked. */
static bool is_table(const char *directory, const char *name)
{
	struct lull_table_options options;
	struct lull_table *table = NULL;
	bool shared;

	lull_table_options_init(&options);
	options.flags = LULL_TABLE_READ_ONLY;
	options.name = name;
	options.dir = directory;
	if (lull_table_open(&options, &table) != 0)
		return false;
	shared = shared_info(table).shared != 0;
	lull_table_close(table);
	return shared;
}

static void examine_directory(struct examination *e, const char *directory, const char *prefix)
{
	DIR *const entries = opendir(directory);
	const struct dirent *entry;
	char path[PATH_MAX];

	if (entries == NULL)
		return;
	while ((entry = readdir(entries)) != NULL) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 &&
		    !is_table(directory, entry->d_name))
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		examine_file(e, path);
	}
	(void)closedir(entries);
}

static void examine_others(struct examination *e)
{
	const char *const directory = environment("LULL_SHM_DIR");

	examine_directory(e, SHM_DIRECTORY, "lull");
	examine_directory(e, RUN_DIRECTORY, "");
	if (directory != NULL && strcmp(directory, SHM_DIRECTORY) != 0 &&
	    strcmp(directory, RUN_DIRECTORY) != 0)
		examine_directory(e, directory, "lull");
}

/* ------------------------------------------------------------------ the environment */

static const struct {
	const char *name;
	const char *next; /* NULL: nothing follows from it */
} variables[] = {
	{"LULL_SHM_NAME", "programs without it, or with another, use another table"},
	{"LULL_SHM_DIR", "programs without it, or with another, use another table"},
	{"LULL_SHM_GROUP", "programs without it use their own user's table"},
	{"LULL_DISABLE", "programs with it keep their cooldowns to themselves"},
	{"LULL_CONFIG", NULL},
};

static void examine_environment(struct examination *e)
{
	bool any = false;

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *const value = environment(variables[i].name);

		if (value == NULL)
			continue;
		any = true;
		finding_add(&e->list, FINDING_NOTE, "environment", variables[i].next, "%s=%s",
			    variables[i].name, value);
	}
	if (!any)
		finding_add(&e->list, FINDING_OK, "environment", NULL,
			    "no variable of Lull's is set");
}

/* ------------------------------------------------------------------ the configuration */

static void examine_configuration(struct examination *e)
{
	struct configuration configuration;

	configuration_init(&configuration, true, true);
	if (configuration.path[0] == '\0')
		finding_add(&e->list, FINDING_OK, "configuration", NULL, "there is none");
	else if (access(configuration.path, R_OK) < 0)
		finding_add(&e->list, FINDING_PROBLEM, "configuration",
			    environment("LULL_CONFIG") != NULL ? "correct LULL_CONFIG, or unset it"
							       : "make it readable",
			    "%s cannot be read: %s", configuration.path, strerror(errno));
	else if (configuration.is_broken)
		finding_add(&e->list, FINDING_PROBLEM, "configuration",
			    "see 'lull config check'; until then which table it names is not known",
			    "%s was not understood", configuration.path);
	else if (configuration.table[0] != '\0')
		finding_add(&e->list, FINDING_NOTE, "configuration",
			    "programs without it, or with another, use another table",
			    "%s leads to the table named %s", configuration.path,
			    configuration.table);
	else
		finding_add(&e->list, FINDING_OK, "configuration", NULL, "%s names no table",
			    configuration.path);
}

/* ------------------------------------------------------------------ what will delete it */

static void examine_removal(struct examination *e)
{
	const uid_t owner = e->info.shared != 0 ? e->info.owner_uid : geteuid();

	if (!lies_in(e->info.path, SHM_DIRECTORY))
		finding_add(&e->list, FINDING_OK, "deletion", NULL,
			    "not in " SHM_DIRECTORY ", so no logout deletes it");
	else if (!host_logind_removes_ipc())
		finding_add(&e->list, FINDING_OK, "deletion", NULL,
			    "no logout deletes it (no systemd-logind here, or RemoveIPC=no)");
	else if (host_user_is_spared_by_logind(owner))
		finding_add(&e->list, FINDING_OK, "deletion", NULL,
			    "no logout deletes it: user %s is a system user or lingers",
			    host_user(owner).text);
	else
		finding_add(&e->list, FINDING_NOTE, "deletion",
			    "loginctl enable-linger, RemoveIPC=no in logind.conf, or a table "
			    "in " RUN_DIRECTORY,
			    "systemd-logind deletes it when the last session of user %s ends, also "
			    "that of a cron job (RemoveIPC)",
			    host_user(owner).text);
}

/* ------------------------------------------------------------------ /dev/shm, containers */

static void examine_container(struct examination *e)
{
	const char *sign;
	struct host_shm shm;

	if (!lies_in(e->info.path, SHM_DIRECTORY) || !host_is_container(&sign))
		return;
	if (host_shm(&shm) == 0 && strcmp(shm.source, "shm") == 0)
		finding_add(
			&e->list, FINDING_NOTE, "container",
			"run it with --ipc=host or --ipc=container:NAME, or mount one directory "
			"into all and set LULL_SHM_DIR",
			"%s: this is a container with a " SHM_DIRECTORY
			" of its own; the host and other containers use other tables",
			sign);
	else
		finding_add(&e->list, FINDING_NOTE, "container", NULL,
			    "%s: this is a container; whoever else has its " SHM_DIRECTORY
			    " shares the table",
			    sign);
}

static void examine_shm(struct examination *e)
{
	struct host_shm shm;

	if (!lies_in(e->info.path, SHM_DIRECTORY) || host_shm(&shm) < 0)
		return;
	if (!shm.is_mounted)
		finding_add(&e->list, FINDING_NOTE, "memory", "mount a tmpfs on " SHM_DIRECTORY,
			    SHM_DIRECTORY " is no mount of its own: the table may lie on a disk");
	if (shm.is_read_only)
		finding_add(&e->list, FINDING_PROBLEM, "memory",
			    "mount it writable, or set LULL_SHM_DIR",
			    SHM_DIRECTORY " is mounted read-only");
	else if (e->info.shared == 0 && shm.free_bytes < ROOM_BYTES)
		finding_add(&e->list, FINDING_PROBLEM, "memory",
			    "make room, or a larger " SHM_DIRECTORY " (containers: --shm-size)",
			    SHM_DIRECTORY " has %llu KiB left, too little for a table",
			    (unsigned long long)(shm.free_bytes >> 10));
	else
		finding_add(&e->list, FINDING_OK, "memory", NULL,
			    SHM_DIRECTORY " has %llu of %llu MiB left",
			    (unsigned long long)(shm.free_bytes >> 20),
			    (unsigned long long)(shm.size_bytes >> 20));
}

/* ------------------------------------------------------------------ programs */

static void examine_programs(struct examination *e)
{
	char path[PROGRAM_PATH_BYTES_MAX], places[PROGRAM_PLACES_BYTES_MAX];

	if (program_find(PROGRAM_WORKER, path) == 0) {
		finding_add(&e->list, FINDING_OK, "programs", NULL, PROGRAM_WORKER ": %s", path);
		return;
	}
	program_places(places);
	finding_add(&e->list, FINDING_PROBLEM, "programs",
		    "install it there; until then 'lull complete' cannot work, and names that only "
		    "a configuration knows are not found",
		    PROGRAM_WORKER " was not found in %s", places);
}

/* ------------------------------------------------------------------ the verb */

static void (*const examine[])(struct examination *e) = {
	examine_table,   examine_others,    examine_environment, examine_configuration,
	examine_removal, examine_container, examine_shm,         examine_programs,
};

static int report(const struct invocation *invocation, const struct examination *e)
{
	const struct doctor_report facts = {
		.table = &e->info,
		.problem = lull_table_problem(e->table),
		.findings = e->list.findings,
		.count = e->list.count,
		.healthy = finding_worst(&e->list) != FINDING_PROBLEM,
	};

	if (e->list.is_incomplete) {
		say("out of memory");
		return EXIT_BUG;
	}
	if (!invocation->set.quiet)
		invocation->output->doctor(&facts);
	return facts.healthy ? EXIT_DONE : EXIT_PROBLEMS;
}

static int doctor(const struct invocation *invocation)
{
	struct examination e = {.list = {.findings = NULL}};
	struct lull_table *table = NULL;
	int status = shared_open_silently(invocation, LULL_TABLE_READ_ONLY, &table);

	if (status != 0)
		return status;
	e.table = table;
	e.info = shared_info(table);
	for (size_t i = 0; i < sizeof(examine) / sizeof(examine[0]); i++)
		examine[i](&e);
	status = report(invocation, &e);
	finding_list_deinit(&e.list);
	lull_table_close(table);
	return status;
}

static const struct option_row doctor_options[] = {
	OPTION_JSON,
	OPTION_END,
};

const struct verb verb_doctor = {
	.name = "doctor",
	.summary = "say which table this shell sees, whose it is, and what will delete it",
	.details =
		"Exit status 0 if nothing is wrong, 1 if there is a problem. Nothing is changed.\n",
	.options = doctor_options,
	.examples = "  lull doctor\n"
		    "      why do two programs not share their cooldowns?\n"
		    "  sudo -u www-data lull doctor\n"
		    "      which table the web server sees\n"
		    "  lull doctor --json | jq '.findings[] | select(.level != \"ok\")'\n"
		    "      for programs\n",
	.run = doctor,
};
