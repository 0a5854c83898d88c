/* SPDX-License-Identifier: MIT */
/*
 * Where the segment lies: the caller's options, else the environment, else what suits the host.
 *
 *     name    lull1-u<euid>, or lull1-g<gid> where a group shares the table. The 1 is the layout's
 *             version, so that two versions never meet in one file
 *     dir     /dev/shm. For the default name, /run/lull is preferred where an administrator made
 *             it: logind empties /dev/shm of a user's files at logout
 *
 * An option that makes no sense is the program's mistake and an error; an environment variable that
 * makes none must not stop a worker, so it is a problem to report.
 */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mapping.h"

#define SHM_DIR            "/dev/shm" /* where shm_open() of glibc and musl looks */
#define NAME_BYTES_MAX     200u       /* leaves room for the suffix of a file being made */
#define GROUP_BUFFER_FIRST 4096u
#define GROUP_BUFFER_MAX   (1u << 20) /* arbitrary; a group of some 30,000 members */

void problem_set(struct problem *problem, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(problem->text, sizeof(problem->text), format, args);
	va_end(args);
}

/* An option, else an environment variable; an empty variable counts as not set. */
struct setting {
	const char *value; /* NULL: not set */
	const char *source;
	bool is_option;
};

static struct setting setting_get(const char *option, const char *what, const char *variable)
{
	const char *found;

	if (option)
		return (struct setting){.value = option, .source = what, .is_option = true};
	found = secure_getenv(variable);
	return (struct setting){.value = found && *found ? found : NULL, .source = variable};
}

/* A setting that cannot be: the caller's mistake, or a problem of the environment. */
static int setting_refuse(const struct setting *s, const char *expected, struct problem *problem)
{
	problem_set(problem, "%s is \"%.100s\", expected %s", s->source, s->value, expected);
	return s->is_option ? -EINVAL : PLACE_NONE;
}

static bool group_by_number(const char *text, gid_t *ret_gid)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || number >= (gid_t)-1)
		return false;
	*ret_gid = (gid_t)number;
	return true;
}

static bool group_by_name(const char *name, gid_t *ret_gid)
{
	struct group group, *found = NULL;
	int err = ERANGE;

	for (size_t size = GROUP_BUFFER_FIRST; err == ERANGE && size <= GROUP_BUFFER_MAX;
	     size *= 2) {
		char *buffer = malloc(size);

		if (!buffer)
			return false;
		err = getgrnam_r(name, &group, buffer, size, &found);
		if (err == 0 && found)
			*ret_gid = group.gr_gid;
		free(buffer);
	}
	return err == 0 && found;
}

static int group_resolve(const struct lull_table_options *options, struct place *place,
			 struct problem *problem)
{
	struct setting group = setting_get(options->group, "the group", "LULL_SHM_GROUP");

	if (!group.value)
		return PLACE_USABLE;
	place->grouped = true;
	if (group_by_number(group.value, &place->gid) || group_by_name(group.value, &place->gid))
		return PLACE_USABLE;
	(void)setting_refuse(&group, "a group's name or number", problem);
	return PLACE_NONE;
}

static int name_resolve(const struct lull_table_options *options, struct place *place,
			struct problem *problem, char *ret_name, size_t size)
{
	struct setting setting = setting_get(options->name, "the table's name", "LULL_SHM_NAME");
	const char *name = setting.value;

	if (!name) {
		place->name_is_ours = true;
		(void)snprintf(ret_name, size, "lull%u-%c%lu", LULL_LAYOUT_VERSION,
			       place->grouped ? 'g' : 'u',
			       (unsigned long)(place->grouped ? place->gid : place->uid));
		return PLACE_USABLE;
	}
	name += *name == '/';
	if (!*name || strchr(name, '/') || strlen(name) > NAME_BYTES_MAX || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return setting_refuse(
			&setting, "1 to 200 bytes without '/' except as the first, not '.' or '..'",
			problem);
	(void)snprintf(ret_name, size, "%s", name);
	return PLACE_USABLE;
}

static bool dir_is_ours_to_use(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) &&
	       faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == 0;
}

static int path_resolve(const struct lull_table_options *options, const char *preferred_dir,
			struct place *place, struct problem *problem, const char *name)
{
	struct setting setting = setting_get(options->dir, "the table's directory", "LULL_SHM_DIR");
	const char *dir = SHM_DIR;

	if (setting.value && setting.value[0] != '/')
		return setting_refuse(&setting, "a path that begins with '/'", problem);
	if (setting.value)
		dir = setting.value;
	else if (place->name_is_ours && dir_is_ours_to_use(preferred_dir))
		dir = preferred_dir;
	if (snprintf(place->path, sizeof(place->path), "%s/%s", dir, name) <
	    (int)sizeof(place->path))
		return PLACE_USABLE;
	problem_set(problem, "the path %.100s.../%.100s is too long, expected at most 255 bytes",
		    dir, name);
	return PLACE_NONE;
}

static bool is_disabled(void)
{
	const char *value = secure_getenv("LULL_DISABLE");

	return value && *value && strcmp(value, "0") != 0;
}

int place_resolve(const struct lull_table_options *options, const char *preferred_dir,
		  struct place *ret_place, struct problem *ret_problem)
{
	char name[NAME_BYTES_MAX + 1];
	uint32_t slot_count = options->slot_count ? options->slot_count : LAYOUT_SLOTS_DEFAULT;
	int outcome;

	*ret_place = (struct place){
		.slot_count = slot_count,
		.uid = geteuid(),
		.may_create = !(options->flags & (LULL_TABLE_NO_CREATE | LULL_TABLE_READ_ONLY)),
		.read_only = options->flags & LULL_TABLE_READ_ONLY,
	};
	if (!segment_slot_count_is_valid(slot_count)) {
		problem_set(ret_problem,
			    "the number of slots is %u, expected a power of two, %u to %u",
			    slot_count, LAYOUT_SLOTS_MIN, LAYOUT_SLOTS_MAX);
		return -EINVAL;
	}
	outcome = group_resolve(options, ret_place, ret_problem);
	if (outcome == PLACE_USABLE)
		outcome = name_resolve(options, ret_place, ret_problem, name, sizeof(name));
	if (outcome == PLACE_USABLE)
		outcome = path_resolve(options, preferred_dir, ret_place, ret_problem, name);
	if (outcome == PLACE_USABLE && is_disabled()) {
		problem_set(ret_problem, "LULL_DISABLE is set");
		outcome = PLACE_NONE;
	}
	return outcome;
}
