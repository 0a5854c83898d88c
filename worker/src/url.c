/* SPDX-License-Identifier: MIT */
/* See url.h. */
#include "url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "text.h"
#include "url_parts.h"

/* ---- loopback */

static bool is_loopback_v4(const struct in_addr *address)
{
	uint32_t bits = ntohl(address->s_addr);

	return bits >> 24 == 127 || bits == INADDR_ANY;
}

static bool is_loopback_v6(const char *host)
{
	struct in6_addr address;
	char text[INET6_ADDRSTRLEN];
	size_t size = strlen(host);
	struct in_addr mapped;

	if (size < 3 || size - 2 >= sizeof(text))
		return false;
	memcpy(text, host + 1, size - 2);
	text[size - 2] = '\0';
	if (inet_pton(AF_INET6, text, &address) != 1)
		return false;
	memcpy(&mapped, address.s6_addr + 12, sizeof(mapped));
	return IN6_IS_ADDR_LOOPBACK(&address) || IN6_IS_ADDR_UNSPECIFIED(&address) ||
	       (IN6_IS_ADDR_V4MAPPED(&address) && is_loopback_v4(&mapped));
}

static bool is_loopback(const char *host)
{
	static const char name[] = "localhost";
	size_t size = strlen(host), tail = sizeof(name) - 1;
	struct in_addr address;

	if (host[0] == '[')
		return is_loopback_v6(host);
	if (inet_pton(AF_INET, host, &address) == 1)
		return is_loopback_v4(&address);
	return size >= tail && strcmp(host + size - tail, name) == 0 &&
	       (size == tail || host[size - tail - 1] == '.');
}

unsigned long network_namespace(void)
{
	struct stat status;

	return stat("/proc/self/ns/net", &status) == 0 ? (unsigned long)status.st_ino : 0;
}

/* ---- URLs as most are written: nothing in them that could be written in another way */

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"
#define CAPITALS           "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define PORT_DIGITS_MAX    5u

static bool begins_with_digit(const char *text)
{
	return text[0] >= '0' && text[0] <= '9';
}

/* libcurl takes "127.1" and "0x7f000001" for addresses, and writes them as what they are. */
static bool is_plain_host(const char *host)
{
	const char *last = strrchr(host, '.');
	struct in_addr address;
	char text[INET_ADDRSTRLEN];

	if (host[0] == '\0' || strspn(host, LETTERS_AND_DIGITS ".-") != strlen(host) ||
	    strchr(".-", host[0]) || (last && !last[1]) || strstr(host, ".."))
		return false;
	if (!begins_with_digit(host) && !begins_with_digit(last ? last + 1 : host))
		return true;
	return inet_pton(AF_INET, host, &address) == 1 &&
	       strcmp(inet_ntop(AF_INET, &address, text, sizeof(text)), host) == 0;
}

static bool is_plain_port(const char *port)
{
	const size_t size = strlen(port);

	return size > 0 && size <= PORT_DIGITS_MAX && port[0] != '0' &&
	       strspn(port, "0123456789") == size && strtol(port, NULL, 10) <= UINT16_MAX;
}

/* Of what is behind its first slash. */
static bool is_plain_path(const char *path)
{
	return strspn(path, LETTERS_AND_DIGITS CAPITALS "-_~./") == strlen(path) &&
	       path[0] != '.' && path[0] != '/' && !strstr(path, "/.") && !strstr(path, "//");
}

/* scheme://host[:port][/path], taken apart in place. */
static bool split_plain(char *text, struct url_parts *ret)
{
	char *host = strstr(text, "://"), *port, *path;
	size_t size;

	if (!host)
		return false;
	*host = '\0';
	host += strlen("://");
	path = strchr(host, '/');
	*ret = (struct url_parts){.scheme = text, .host = host, .path = ""};
	if (strspn(text, LETTERS_AND_DIGITS) != strlen(text))
		return false;
	if (path) {
		size = strlen(path + 1);
		if (!is_plain_path(path + 1))
			return false;
		if (size > 0 && path[size] == '/')
			path[size] = '\0';
		memmove(host - 1, host,
			(size_t)(path - host)); /* room for a NUL before the slash */
		path[-1] = '\0';
		ret->host = --host;
		ret->path = path[1] ? path : "";
	}
	port = strchr(host, ':');
	if (port) {
		*port++ = '\0';
		ret->port = port;
	}
	return is_plain_host(host) && (!port || is_plain_port(port));
}

/* ---- parsing */

int url_join(const struct url_parts *parts, const struct url_scheme *schemes, bool is_proxy,
	     struct url *ret)
{
	struct url url = {.loopback = is_loopback(parts->host)};
	const char *port, *path = is_proxy ? "" : parts->path;
	bool shows_port;

	while (schemes->name && strcmp(schemes->name, parts->scheme) != 0)
		schemes++;
	if (!schemes->name)
		return -EINVAL;
	port = parts->port ? parts->port : schemes->port;
	shows_port = strcmp(port, schemes->port) != 0;
	url.text = text_join(parts->scheme, "://", parts->host, shows_port ? ":" : "",
			     shows_port ? port : "", path);
	url.origin = text_join(parts->scheme, "://", parts->host, ":", port);
	url.host = strdup(parts->host);
	if (!url.text || !url.origin || !url.host) {
		url_deinit(&url);
		return -ENOMEM;
	}
	*ret = url;
	return 0;
}

static int parse(const char *text, const struct url_scheme *schemes, bool is_proxy, struct url *ret)
{
	char *copy = strdup(text);
	struct url_parts parts;
	int r;

	if (!copy)
		return -ENOMEM;
	r = split_plain(copy, &parts) ? url_join(&parts, schemes, is_proxy, ret)
				      : url_read_fully(text, schemes, is_proxy, ret);
	explicit_bzero(copy, strlen(text)); /* it has been cut into pieces */
	free(copy);
	return r;
}

/* clang-format off */
static const struct url_scheme base_schemes[] = {
	{"http", "80"},
	{"https", "443"},
	{NULL, NULL},
};

/* The ports are curl's own defaults. */
static const struct url_scheme proxy_schemes[] = {
	{"http", "1080"},
	{"https", "443"},
	{"socks4", "1080"},
	{"socks4a", "1080"},
	{"socks5", "1080"},
	{"socks5h", "1080"},
	{NULL, NULL},
};
/* clang-format on */

int url_parse(const char *text, struct url *ret)
{
	return parse(text, base_schemes, false, ret);
}

int proxy_parse(const char *text, struct url *ret)
{
	const char *separator = strstr(text, "://");
	char *with_scheme;
	int r;

	if (separator)
		return parse(text, proxy_schemes, true, ret);
	with_scheme = text_format("http://%s", text);
	if (!with_scheme)
		return -ENOMEM;
	r = parse(with_scheme, proxy_schemes, true, ret);
	text_free_secret(with_scheme);
	return r;
}

void url_deinit(struct url *url)
{
	free(url->text);
	free(url->origin);
	free(url->host);
	*url = (struct url){0};
}
