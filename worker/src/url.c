/* SPDX-License-Identifier: MIT */
/* URLs by libcurl's own parser, so that what is keyed is what is called: see url.h. */
#include "url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "text.h"

/* The parts, each owned by curl; NULL: not there. */
struct parts {
	char *scheme, *host, *port, *path, *user, *password, *query, *fragment;
};

static void parts_deinit(struct parts *parts)
{
	curl_free(parts->scheme);
	curl_free(parts->host);
	curl_free(parts->port);
	curl_free(parts->path);
	curl_free(parts->user);
	if (parts->password)
		explicit_bzero(parts->password, strlen(parts->password));
	curl_free(parts->password);
	curl_free(parts->query);
	curl_free(parts->fragment);
}

static void lower(char *text)
{
	for (; *text; text++)
		*text = (char)tolower((unsigned char)*text);
}

static void cut_slashes(char *path)
{
	size_t size = strlen(path);

	while (size > 0 && path[size - 1] == '/')
		path[--size] = '\0';
}

/* A part that may be missing: *ret stays NULL then. Return: 0; -ENOMEM. */
static int get_part(CURLU *handle, CURLUPart part, char **ret)
{
	return curl_url_get(handle, part, ret, 0) == CURLUE_OUT_OF_MEMORY ? -ENOMEM : 0;
}

static int split(CURLU *handle, const char *text, unsigned flags, struct parts *ret)
{
	/* clang-format off */
	const struct {
		CURLUPart part;
		char **ret;
	} wanted[] = {
		{CURLUPART_SCHEME, &ret->scheme},
		{CURLUPART_HOST, &ret->host},
		{CURLUPART_PORT, &ret->port},
		{CURLUPART_PATH, &ret->path},
		{CURLUPART_USER, &ret->user},
		{CURLUPART_PASSWORD, &ret->password},
		{CURLUPART_QUERY, &ret->query},
		{CURLUPART_FRAGMENT, &ret->fragment},
	};
	/* clang-format on */
	CURLUcode code = curl_url_set(handle, CURLUPART_URL, text, flags);

	if (code != CURLUE_OK)
		return code == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (get_part(handle, wanted[i].part, wanted[i].ret) != 0)
			return -ENOMEM;
	if (!ret->scheme || !ret->host || !ret->host[0] || !ret->path)
		return -EINVAL;
	lower(ret->host);
	cut_slashes(ret->path);
	return 0;
}

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

/* ---- parsing */

static int join(const struct parts *parts, const char *default_port, struct url *ret)
{
	const char *port = parts->port ? parts->port : default_port;
	bool shows_port = strcmp(port, default_port) != 0;

	if (asprintf(&ret->text, "%s://%s%s%s%s", parts->scheme, parts->host, shows_port ? ":" : "",
		     shows_port ? port : "", parts->path) < 0)
		ret->text = NULL;
	if (asprintf(&ret->origin, "%s://%s:%s", parts->scheme, parts->host, port) < 0)
		ret->origin = NULL;
	ret->host = strdup(parts->host);
	ret->loopback = is_loopback(parts->host);
	return ret->text && ret->origin && ret->host ? 0 : -ENOMEM;
}

struct scheme {
	const char *name; /* NULL ends the list */
	const char *port;
};

static int parse(const char *text, unsigned flags, const struct scheme *schemes, bool is_proxy,
		 struct url *ret)
{
	struct parts parts = {0};
	struct url url = {0};
	CURLU *handle = curl_url();
	int r;

	if (!handle)
		return -ENOMEM;
	r = split(handle, text, flags, &parts);
	if (r != 0)
		goto out;
	r = -EINVAL;
	if (parts.query || parts.fragment || (!is_proxy && (parts.user || parts.password)))
		goto out;
	while (schemes->name && strcmp(schemes->name, parts.scheme) != 0)
		schemes++;
	if (!schemes->name)
		goto out;
	if (is_proxy)
		parts.path[0] = '\0';
	r = join(&parts, schemes->port, &url);
	if (r == 0)
		*ret = url;
	else
		url_deinit(&url);
out:
	parts_deinit(&parts);
	curl_url_cleanup(handle);
	return r;
}

/* clang-format off */
static const struct scheme base_schemes[] = {
	{"http", "80"},
	{"https", "443"},
	{NULL, NULL},
};

/* The ports are curl's own defaults. */
static const struct scheme proxy_schemes[] = {
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
	return parse(text, 0, base_schemes, false, ret);
}

int proxy_parse(const char *text, struct url *ret)
{
	const char *separator = strstr(text, "://");
	char *with_scheme;
	int r;

	if (separator)
		return parse(text, CURLU_NON_SUPPORT_SCHEME, proxy_schemes, true, ret);
	with_scheme = text_format("http://%s", text);
	if (!with_scheme)
		return -ENOMEM;
	r = parse(with_scheme, CURLU_NON_SUPPORT_SCHEME, proxy_schemes, true, ret);
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
