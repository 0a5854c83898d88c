/* SPDX-License-Identifier: MIT */
/* URLs by libcurl's own parser, so that what is keyed is what is called: see url_parts.h. */
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "text.h"
#include "url_parts.h"

/* Each owned by curl; NULL: not there. */
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
	if (!text_is_plain(ret->host) || !text_is_plain(ret->path)) /* "%ea" in a host is decoded */
		return -EINVAL;
	lower(ret->host);
	cut_slashes(ret->path);
	return 0;
}

int url_read_fully(const char *text, const struct url_scheme *schemes, bool is_proxy,
		   struct url *ret)
{
	struct parts parts = {0};
	CURLU *handle = curl_url();
	int r = handle ? split(handle, text, is_proxy ? CURLU_NON_SUPPORT_SCHEME : 0, &parts)
		       : -ENOMEM;

	if (r == 0 && (parts.query || parts.fragment))
		r = -EINVAL;
	if (r == 0 && !is_proxy && (parts.user || parts.password))
		r = -EINVAL;
	if (r == 0)
		r = url_join(
			&(const struct url_parts){parts.scheme, parts.host, parts.port, parts.path},
			schemes, is_proxy, ret);
	parts_deinit(&parts);
	curl_url_cleanup(handle);
	return r;
}
