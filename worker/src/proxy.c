/* SPDX-License-Identifier: MIT */
/*
 * The proxy of the environment, chosen as curl chooses it. It has to be known before the request,
 * because a proxied endpoint is the proxy: when that is down, everything behind it is.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"
#include "url.h"

#define ADDRESS_BYTES_MAX 64 /* an entry of no_proxy that is longer is no address */

/* A host to be looked up in no_proxy: a name or an address. */
struct host {
	const char *name; /* without brackets and without a dot at the end; borrowed */
	size_t size;
	int family; /* AF_INET, AF_INET6; 0: a name */
	unsigned char address[16];
};

static void host_init(struct host *host, const char *name)
{
	char text[ADDRESS_BYTES_MAX] = "";

	*host = (struct host){.name = name, .size = strlen(name)};
	if (name[0] == '[' && host->size >= 2) {
		host->name++;
		host->size -= 2;
	}
	if (host->size < sizeof(text))
		memcpy(text, host->name, host->size);
	if (inet_pton(AF_INET, text, host->address) == 1)
		host->family = AF_INET;
	else if (inet_pton(AF_INET6, text, host->address) == 1)
		host->family = AF_INET6;
	else if (host->size > 0 && host->name[host->size - 1] == '.')
		host->size--;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	return memcmp(a, b, bytes) == 0 && (rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0);
}

/* "10.0.0.0/8", "::1": curl takes a length of 0 as the whole address. */
static bool address_matches(const struct host *host, const char *entry, size_t size)
{
	unsigned width = host->family == AF_INET ? 32 : 128;
	unsigned long bits = 0;
	unsigned char address[16];
	char text[ADDRESS_BYTES_MAX];
	char *slash;

	if (size >= sizeof(text))
		return false;
	memcpy(text, entry, size);
	text[size] = '\0';
	slash = strchr(text, '/');
	if (slash) {
		*slash = '\0';
		bits = strtoul(slash + 1, NULL, 10);
	}
	if (bits > width || inet_pton(host->family, text, address) != 1)
		return false;
	return same_bits(host->address, address, bits == 0 ? width : (unsigned)bits);
}

/* "example.com" and ".example.com" both stand for the host and all below it. */
static bool name_matches(const struct host *host, const char *entry, size_t size)
{
	const char *tail;

	if (size > 0 && entry[size - 1] == '.')
		size--;
	if (size > 0 && entry[0] == '.') {
		entry++;
		size--;
	}
	if (size == 0 || size > host->size)
		return false;
	tail = host->name + host->size - size;
	return strncasecmp(tail, entry, size) == 0 && (tail == host->name || tail[-1] == '.');
}

static bool is_excluded(const char *name, const char *no_proxy)
{
	static const char separators[] = ", \t";
	struct host host;

	if (strcmp(no_proxy, "*") == 0)
		return true;
	host_init(&host, name);
	for (const char *entry = no_proxy + strspn(no_proxy, separators); *entry;) {
		size_t size = strcspn(entry, separators);

		if (host.family ? address_matches(&host, entry, size)
				: name_matches(&host, entry, size))
			return true;
		entry += size;
		entry += strspn(entry, separators);
	}
	return false;
}

const char *proxy_from_environment(const struct url *url, const char **ret_variable)
{
	static const char *const https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
					    NULL};
	static const char *const http[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
	static const char *const none[] = {"no_proxy", "NO_PROXY", NULL};
	bool is_https = strncmp(url->text, "https:", 6) == 0;
	const char *variable;
	const char *excluded = environment_first(none, &variable);

	if (excluded && is_excluded(url->host, excluded))
		return NULL;
	return environment_first(is_https ? https : http, ret_variable);
}
