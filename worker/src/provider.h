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

#define PROVIDER_VARIABLES_MAX 5
#define PROVIDER_HEADERS_MAX   2

struct provider_header {
	const char *name;
	const char *variable; /* of the environment, that holds its value */
};

/* What the header x-ratelimit-reset says. */
enum provider_reset {
	PROVIDER_RESET_UNKNOWN,
	PROVIDER_RESET_IN_S,
	PROVIDER_RESET_AT_S, /* since 1970 */
	PROVIDER_RESET_AT_MS
};

struct provider {
	const char *name;   /* LiteLLM's: "openai" */
	const char *vendor; /* whose it is, where it is one more form of theirs; NULL: its name */
	const char *prefixes[3];       /* "openai/", "cohere/" + "cohere_chat/"; NULL ends them */
	const char *adapter;           /* name of the wire form: "openai", ... */
	const char *base_url;          /* may hold words in braces: see resolve_base.c */
	const char *base_variables[3]; /* environment variables that override base_url, in order */
	/* in the order to look, NULL ends them; none: no key of its own */
	const char *key_variables[PROVIDER_VARIABLES_MAX];
	/* of tokens that live for an hour, sent as "Authorization: Bearer"; looked at after keys */
	const char *token_variables[3];
	/* an api_base at one of these names the vendor; "*" = a label, or a part of one */
	const char *hosts[5];
	const char *path;       /* of OpenAI's form, with words in braces; NULL: the usual one */
	const char *plain_base; /* behind a base that ends so, the path is the usual one */
	const char *base_path;  /* put behind a configured base that has no path; NULL none */
	const char *key_header; /* of the key as it is; NULL: "Authorization: Bearer" */
	const char *header;     /* one more that every request needs; NULL none */
	const char *header_value;
	/* sent where their variables are set; a NULL name ends them */
	struct provider_header headers[PROVIDER_HEADERS_MAX + 1];
	const char *model_prefix; /* put before a model's name without a '/'; NULL none */
	/* a server on this host or LAN: overload is the endpoint's; it answers without a key,
	 * too */
	bool local;
	bool keyless_elsewhere; /* at a base of one's own it may need no key */
	bool max_tokens_only;   /* knows max_tokens, not max_completion_tokens */
	enum provider_reset reset;
	bool buckets_in_s; /* x-ratelimit-reset-requests and -tokens: seconds, not "6m0s" */
};

const struct provider *provider_by_name(const char *name); /* NULL unknown */
/* What a person calls it: by its name, a prefix ("cohere_chat/" or without the slash), or a
 * nickname such as "google". NULL unknown */
const struct provider *provider_said(const char *name);
const struct provider *provider_at(size_t index);          /* NULL past the end */
const struct provider *provider_by_host(const char *host); /* NULL unknown */

/* As in the rows of rules.c. */
const char *provider_vendor_name(const struct provider *provider);

/* A number for the vendor's name or host: 1 to INT32_MAX, the same in every process. */
uint32_t provider_vendor(const char *text);

#define PROVIDER_NEAR_BYTES 128

/*
 * Maps what a person wrote ("gpt-4o", "groq/llama-3.1-8b", with or without api_base) to a provider
 * and the upstream's own model name.
 * @ret_model: points into @name
 * @near: PROVIDER_NEAR_BYTES at least; what may have been meant, or ""
 *
 * Return: 0; -ENOENT no provider is known, *ret_provider is NULL then.
 */
int provider_map(const char *name, const char *api_base, const struct provider **ret_provider,
		 const char **ret_model, char *near, size_t near_size);

#endif
