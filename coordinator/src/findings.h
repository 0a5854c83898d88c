/* SPDX-License-Identifier: MIT */
/* What the doctor found: a list that grows, printed by output_text.c and output_json.c. */
#ifndef LULL_COORDINATOR_FINDINGS_H
#define LULL_COORDINATOR_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

enum finding_level {
	FINDING_OK = 0,
	FINDING_NOTE = 1,   /* good to know; nothing is wrong */
	FINDING_PROBLEM = 2 /* cooldowns are not shared as they should be, or a verb cannot work */
};

struct finding {
	enum finding_level level;
	const char *about; /* one word or two; static */
	char text[640];    /* a path (256) and what there is to say of it */
	const char *next;  /* what to do; NULL: nothing; static */
};

struct finding_list {
	struct finding *findings;
	size_t count, capacity;
	bool is_incomplete; /* memory ran out */
};

void finding_add(struct finding_list *list, enum finding_level level, const char *about,
		 const char *next, const char *format, ...) __attribute__((format(printf, 5, 6)));
void finding_list_deinit(struct finding_list *list);

/* The worst of them. */
enum finding_level finding_worst(const struct finding_list *list);

#endif
