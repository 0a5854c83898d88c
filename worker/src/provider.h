/* SPDX-License-Identifier: MIT */
/*
 * Providers: one row each, with what differs between vendors as data: name, prefix of model names,
 * default base URL, variables that hold its key, the wire form it speaks (adapter) and its quirks.
 * Also the rules by which a bare name belongs to a vendor.
 */
#ifndef LULL_WORKER_PROVIDER_H
#define LULL_WORKER_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct adapter;

#define PROVIDER_VARIABLES_MAX 5

struct provider {
	const char *name;              /* "openai"; also the row name in the rules of classify.c */
	const char *prefixes[3];       /* "openai/", "cohere/" + "cohere_chat/" */
	const char *adapter;           /* name of the wire form: "openai", ... */
	const char *base_url;          /* NULL: must be configured */
	const char *base_variables[3]; /* environment variables that override base_url, in order */
	const char *key_variables[PROVIDER_VARIABLES_MAX]; /* in the order to look; all NULL: no key
							      needed */
	const char *host;       /* a known api_base host names the vendor; NULL none */
	bool local;             /* a server on this host or LAN: overload is the endpoint's */
	bool no_stream_options; /* refuses stream_options */
	bool max_tokens_only;   /* knows max_tokens, not max_completion_tokens */
};

const struct provider *provider_by_name(const char *name); /* NULL unknown */
const struct provider *provider_at(size_t index);          /* NULL past the end */

/*
 * Maps what a person wrote ("gpt-4o", "groq/llama-3.1-8b", with or without api_base) to a provider
 * and the upstream's own model name. Return: 0; -ENOENT no provider is known: *ret_provider NULL,
 * and `near` (at least 128 bytes) has near matches or is "".
 */
int provider_map(const char *name, const char *api_base, const struct provider **ret_provider,
		 const char **ret_model, char *near, size_t near_size);

#endif
