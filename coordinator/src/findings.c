/* SPDX-License-Identifier: MIT */
/* The list of findings. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "findings.h"

void finding_add(struct finding_list *list, enum finding_level level, const char *about,
		 const char *next, const char *format, ...)
{
	struct finding *finding;
	va_list arguments;

	if (list->count == list->capacity) {
		const size_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
		struct finding *const findings =
			realloc(list->findings, capacity * sizeof(*findings));

		if (findings == NULL) {
			list->is_incomplete = true;
			return;
		}
		list->findings = findings;
		list->capacity = capacity;
	}
	finding = &list->findings[list->count++];
	finding->level = level;
	finding->about = about;
	finding->next = next;
	va_start(arguments, format);
	(void)vsnprintf(finding->text, sizeof(finding->text), format, arguments);
	va_end(arguments);
}

void finding_list_deinit(struct finding_list *list)
{
	free(list->findings);
	*list = (struct finding_list){.findings = NULL};
}

enum finding_level finding_worst(const struct finding_list *list)
{
	enum finding_level worst = FINDING_OK;

	for (size_t i = 0; i < list->count; i++)
		if (list->findings[i].level > worst)
			worst = list->findings[i].level;
	return worst;
}
