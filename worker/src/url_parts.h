/* SPDX-License-Identifier: MIT */
/*
 * Internal: how a URL is taken apart. What is written plainly, url.c reads by itself. What is not
 * (capitals, escapes, user names, IPv6, numbers for hosts ...) is read as libcurl reads it, which
 * will call it: url_libcurl.c. A program that links no libcurl brings a url_read_fully() of its own.
 */
#ifndef LULL_WORKER_URL_PARTS_H
#define LULL_WORKER_URL_PARTS_H

#include "url.h"

struct url_scheme {
	const char *name; /* NULL ends the list */
	const char *port; /* its default */
};

struct url_parts {
	const char *scheme;
	const char *host; /* in lower case */
	const char *port; /* NULL: the scheme's */
	const char *path; /* without slashes at its end */
};

/* @is_proxy: user name and password may stand in it. Return: 0; -EINVAL; -ENOMEM. */
int url_read_fully(const char *text, const struct url_scheme *schemes, bool is_proxy,
		   struct url *ret);

/* For those who take one apart. Return: 0; -EINVAL the scheme is not among them; -ENOMEM. */
int url_join(const struct url_parts *parts, const struct url_scheme *schemes, bool is_proxy,
	     struct url *ret);

#endif
