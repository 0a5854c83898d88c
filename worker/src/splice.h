/* SPDX-License-Identifier: MIT */
/*
 * Members of a JSON object changed in place: what is not named keeps its bytes. A caller's request
 * may hold megabytes of images and numbers of any form; only a few members differ from route to
 * route, so it is never parsed into a tree and written anew.
 */
#ifndef LULL_WORKER_SPLICE_H
#define LULL_WORKER_SPLICE_H

#include "wire.h"

enum splice_action {
	SPLICE_KEEP = 0,
	SPLICE_SET,    /* to `text`; a member that is not there is added */
	SPLICE_RENAME, /* to `text`; nothing if it is not there */
	SPLICE_REMOVE  /* nothing if it is not there */
};

struct splice {
	const char *name; /* of a member at the top level */
	enum splice_action action;
	const char *text; /* JSON: the value, or the new name as a string */
	/* filled by splice_find() */
	unsigned count;      /* how often it stands in the object; the rest is of the first */
	const char *segment; /* the member with the blanks around it */
	const char *segment_end;
	const char *key; /* with its quotes */
	const char *key_end;
	const char *value;
	const char *value_end;
};

/* Return: 0; -EINVAL it is no JSON object; -ENOMEM. */
int splice_find(const char *object, size_t size, struct splice *members, size_t count);

/* Carries out the actions on what splice_find() found; puts the members into the order in which
 * they stand. Return: 0; -EMSGSIZE; -ENOMEM. */
int splice_write(const char *object, size_t size, struct splice *members, size_t count,
		 struct buffer *out);

/* Whether the member is there once or more and has exactly that value. */
bool splice_is(const struct splice *member, const char *value);

#endif
