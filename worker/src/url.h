/* SPDX-License-Identifier: MIT */
/*
 * Base URLs, brought into one form, so that two ways of writing one address are one address in the
 * table; and the proxy that stands in front of one.
 */
#ifndef LULL_WORKER_URL_H
#define LULL_WORKER_URL_H

#include <stdbool.h>

struct url {
	/* scheme://host[:port][/path]: scheme and host in lower case, no default port, no slash
	 * at the end */
	char *text;
	char *origin;  /* scheme://host:port */
	char *host;    /* IPv6 in brackets */
	bool loopback; /* localhost, 127/8, ::1, and the unspecified addresses that reach them */
};

#define URL_EXPECTED   "http:// or https://, a host, no user name and no query"
#define PROXY_EXPECTED "http://, https:// or socks5h://, a host and a port"

/*
 * Return: 0; -EINVAL; -ENOMEM. A user name, a password, a query and a fragment are refused: they
 * may hold secrets, and a base URL is shown.
 */
int url_parse(const char *text, struct url *ret);
/* The same for a proxy's URL: other schemes, "http" when none is given; name and password may
 * stand in it and do not get into any member of *ret. */
int proxy_parse(const char *text, struct url *ret);
void url_deinit(struct url *url);

/*
 * The proxy that curl would take from the environment for that URL: https_proxy, HTTPS_PROXY,
 * http_proxy (lower case only: in CGI the other is a request's header), then all_proxy, ALL_PROXY,
 * unless no_proxy or NO_PROXY names the host.
 * @ret_variable: the variable that names it
 * Return: its URL as it stands there, borrowed from the environment; NULL none
 */
const char *proxy_from_environment(const struct url *url, const char **ret_variable);

/* Inode of this process's network namespace: 127.0.0.1 is another server in each. 0 unknown. */
unsigned long network_namespace(void);

#endif
