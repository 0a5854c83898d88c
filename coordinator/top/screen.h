/* SPDX-License-Identifier: MIT */
/* The view on a terminal: what ncurses is asked for. */
#ifndef LULL_TOP_SCREEN_H
#define LULL_TOP_SCREEN_H

#include <lull/table.h>

#include "view.h"

#define SCREEN_EVENTS     64u /* events that are kept to be shown */
#define SCREEN_LINE_BYTES 1024u

struct screen {
	struct lull_event events[SCREEN_EVENTS]; /* oldest first */
	size_t event_count;
	size_t first; /* row that is shown at the top */
	bool help;
	char status[SCREEN_LINE_BYTES]; /* what came of the last key; "": the keys there are */
	const char *question;           /* in the place of the status; NULL */
	const char *answer;             /* as typed so far */
};

/* 0; -ENOTTY: the terminal's type is not known. */
int screen_open(void);
void screen_close(void);

void screen_draw(struct screen *screen, struct view *view, const char *problem);
void screen_add_event(struct screen *screen, const struct lull_event *event);
/* How many rows of keys there are at a time. */
size_t screen_page(void);

#endif
