/* SPDX-License-Identifier: MIT */
/* Routes by name, kept: see route_sets.h. */
#include "route_sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MAX 64u    /* arbitrary */
#define AGE_MS   60000u /* then it is made anew */

static void set_free(struct route_set *set)
{
	route_list_deinit(&set->list);
	free(set->name);
	free(set);
}

static bool is_old(const struct route_set *set)
{
	return lull_clock_ms() - set->made_at_ms > AGE_MS;
}

/* Takes out those that nobody uses and nobody will. */
static void drop(struct route_sets *sets)
{
	struct route_set **link = &sets->first;
	uint32_t kept_count = 0;

	while (*link) {
		struct route_set *set = *link;

		if (set->user_count == 0 && (!set->name || is_old(set) || kept_count >= KEPT_MAX)) {
			*link = set->next;
			set_free(set);
			continue;
		}
		kept_count++;
		link = &set->next;
	}
}

static struct route_set *find(const struct route_sets *sets, const char *name)
{
	for (struct route_set *set = sets->first; set; set = set->next)
		if (set->name && strcmp(set->name, name) == 0 && !is_old(set))
			return set;
	return NULL;
}

static int make_set(struct route_sets *sets, const char *name, route_set_fn make, void *userdata,
		    struct route_set **ret_set)
{
	struct route_set *set = calloc(1, sizeof(*set));
	int rc;

	if (!set)
		return -ENOMEM;
	rc = make(&set->list, userdata);
	if (rc == 0 && name) {
		set->name = strdup(name);
		rc = set->name ? 0 : -ENOMEM;
	}
	if (rc != 0) {
		set_free(set);
		return rc;
	}
	set->made_at_ms = lull_clock_ms();
	set->next = sets->first;
	sets->first = set;
	*ret_set = set;
	return 0;
}

int route_sets_use(struct route_sets *sets, const char *name, route_set_fn make, void *userdata,
		   struct route_set **ret_set)
{
	struct route_set *set = name ? find(sets, name) : NULL;
	int rc = 0;

	if (!set) {
		drop(sets);
		rc = make_set(sets, name, make, userdata, &set);
	}
	if (rc != 0)
		return rc;
	set->user_count++;
	*ret_set = set;
	return 0;
}

void route_set_leave(struct route_set *set)
{
	set->user_count--;
}

void route_sets_deinit(struct route_sets *sets)
{
	for (struct route_set *next, *set = sets->first; set; set = next) {
		next = set->next;
		set_free(set);
	}
	sets->first = NULL;
}
