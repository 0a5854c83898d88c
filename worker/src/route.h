/* SPDX-License-Identifier: MIT */
/*
 * A route as the worker knows it: all that one attempt needs, self-contained (endpoint, key,
 * headers, parameters), so that nothing leaks from one route to the next. Made by config.c /
 * resolve.c, read by adapters and transport.
 */
#ifndef LULL_WORKER_ROUTE_H
#define LULL_WORKER_ROUTE_H

#include <lull/call.h>

#include "provider.h"

/* What is asked of a route. The latter two exist in OpenAI's form only. */
enum endpoint {
	ENDPOINT_CHAT = 0,
	ENDPOINT_COMPLETIONS, /* OpenAI's older one: a prompt, and text that goes on from it */
	ENDPOINT_EMBEDDINGS,
};

struct http_route {
	struct lull_route
		call; /* keys and limits for the loop; its strings are owned by this route */
	char *name;   /* configured model_name, or what the user typed */
	const struct provider *provider; /* NULL: unknown (call.flags has LULL_ROUTE_UNUSABLE) */
	char *model;                     /* upstream's name */
	char *base_url;                  /* without trailing slash */
	enum endpoint endpoint;
	/* behind the base, of chat completions in OpenAI's form; NULL: "/chat/completions" */
	char *path;
	char *api_key;     /* NULL: none; wiped by route_list_deinit(); never printed */
	bool key_is_token; /* it lives for an hour, and goes as "Authorization: Bearer" */
	/* where the key came from, for people: "$OPENAI_API_KEY", "lull.yaml:7"; never the key */
	char *key_source;
	char *organization; /* OpenAI-Organization, or NULL */
	char *id;           /* model_info.id, or NULL: a label */
	char *ca_file;      /* NULL: the system's */
	/* NULL: none; from configuration or http(s)_proxy/no_proxy as curl reads them */
	char *proxy;
	/* one sentence when unusable, e.g. "unable to map 'bad-model' to a provider"; else NULL */
	char *problem;
	/* LiteLLM's stream_timeout: replaces call.timeout_ms for streamed attempts; 0 none */
	uint32_t stream_timeout_ms;
	bool stream_upstream;
	char **headers; /* "Name: value" additions (extra_headers), NULL-terminated, or NULL */
	/* JSON object: what its requests say where the caller does not; NULL * nothing */
	char *defaults;
	/* JSON object: what the caller's list puts into this route's request; NULL nothing */
	char *members;
	char *extra_body; /* JSON object merged into the request, or NULL */
};

struct route_list {
	struct http_route *routes;
	uint32_t count;
};

/* The keys that it stands on: of the route, its credential, its endpoint, its names; none, where it
 * has no route key. Return: 0, or the first other value that fn returned. */
int route_keys(const struct http_route *route,
	       int (*fn)(uint32_t kind, const char *key, void *userdata), void *userdata);

void route_list_deinit(struct route_list *list); /* NULL-safe members; wipes keys */

#endif
