/* SPDX-License-Identifier: MIT */
/*
 * Who may ask, and how much. A key is known by its digest only, and compared in a time that tells nothing; at the
 * other end of a unix socket the kernel says which user there is.
 *
 * Without keys whoever reaches the socket may ask, so it must be one that only this host reaches.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sysexits.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "../src/settings.h"
#include "../src/text.h"
#include "gateway.h"
#include "log.h"

#define BEARER     "Bearer "
#define MEMORY_MIB 512u

struct caller {
	const char *name; /* borrowed from the configuration */
	const struct name_list *models;
	unsigned char digest[SHA256_DIGEST_LENGTH];
	bool has_key;
	bool has_user;
	uid_t uid;
};

struct gateway_access {
	struct caller *callers;
	size_t count;
};

/* ---- from the configuration */

/* Of 64 digits, as config_check() has seen. */
static void read_digest(const char *hex, unsigned char *ret)
{
	for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++, hex += 2)
		ret[i] = (unsigned char)(text_hex_digit(hex[0]) << 4 | text_hex_digit(hex[1]));
}

/* Both return NULL, or why it cannot be had on this host. */
static const char *digest_of(const struct config *config, const struct gateway_key *key,
			     unsigned char *ret)
{
	const size_t prefix = strlen(REFERENCE_DIGEST);
	char *secret;
	int rc;

	if (strncmp(key->key, REFERENCE_DIGEST, prefix) == 0) {
		read_digest(key->key + prefix, ret);
		return NULL;
	}
	rc = settings_secret(&config->settings, key->key, &secret);
	if (rc != 0)
		return rc == -EINVAL ? "it is empty, or has control characters"
		       : rc == -ENOENT && strncmp(key->key, REFERENCE_FILE,
						  strlen(REFERENCE_FILE)) != 0
			       ? "its variable is not set"
			       : strerror(-rc);
	(void)SHA256((const unsigned char *)secret, strlen(secret), ret);
	text_free_secret(secret);
	return NULL;
}

static const char *find_user(const struct gateway_key *key, uid_t *ret)
{
	const struct passwd *user = getpwnam(key->user);
	char *end;

	if (user) {
		*ret = user->pw_uid;
		return NULL;
	}
	*ret = (uid_t)strtoul(key->user, &end, 10);
	return end != key->user && !*end ? NULL : "no such user is on this host";
}

/* Likewise. */
static const char *read_caller(const struct config *config, const struct gateway_key *key,
			       struct caller *ret)
{
	const char *problem = NULL;

	*ret = (struct caller){
		.name = key->name,
		.models = key->models.count > 0 ? &key->models : NULL,
		.has_key = key->key != NULL,
		.has_user = key->user != NULL,
	};
	if (key->key)
		problem = digest_of(config, key, ret->digest);
	if (!problem && key->user)
		problem = find_user(key, &ret->uid);
	return problem;
}

static struct gateway_key master_of(const struct config *config)
{
	return (struct gateway_key){.name = "master", .key = config->settings.gateway.master_key};
}

#define PROBLEM_FORMAT "%s:%u: key '%s' of the gateway: %s"

static int add_caller(struct gateway_access *access, const struct config *config,
		      const struct gateway_key *key)
{
	const char *problem = read_caller(config, key, &access->callers[access->count]);

	if (problem) {
		log_error(PROBLEM_FORMAT, config->path, key->line, key->name, problem);
		return EX_CONFIG;
	}
	access->count++;
	return 0;
}

int gateway_access_new(const struct config *config, struct gateway_access **ret_access)
{
	const struct gateway_settings *settings = &config->settings.gateway;
	const struct gateway_key master = master_of(config);
	struct gateway_access *access = calloc(1, sizeof(*access));
	int code = 0;

	if (access)
		access->callers = calloc(settings->key_count + 1, sizeof(*access->callers));
	if (!access || !access->callers) {
		free(access);
		return EX_SOFTWARE;
	}
	if (master.key)
		code = add_caller(access, config, &master);
	for (size_t i = 0; code == 0 && i < settings->key_count; i++)
		code = add_caller(access, config, &settings->keys[i]);
	if (code == 0)
		*ret_access = access;
	else
		gateway_access_free(access);
	return code;
}

struct gateway_access *gateway_access_free(struct gateway_access *access)
{
	if (!access)
		return NULL;
	free(access->callers);
	free(access);
	return NULL;
}

static void print_problem(const struct config *config, const struct gateway_key *key)
{
	struct caller caller;
	const char *problem = read_caller(config, key, &caller);

	if (problem)
		(void)fprintf(stderr, PROBLEM_FORMAT "\n", config->path, key->line, key->name,
			      problem);
}

void gateway_access_print_problems(const struct config *config)
{
	const struct gateway_settings *settings = &config->settings.gateway;
	const struct gateway_key master = master_of(config);

	if (master.key)
		print_problem(config, &master);
	for (size_t i = 0; i < settings->key_count; i++)
		print_problem(config, &settings->keys[i]);
}

/* ---- sockets */

static bool is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return address->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

int gateway_access_check_socket(const struct gateway_access *access, int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);

	if (access->count > 0 || (getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
				  (address.ss_family == AF_UNIX || is_loopback(&address))))
		return 0;
	log_error("gateway: other hosts reach what it listens on, expected keys in "
		  "lull.gateway.keys, "
		  "or 127.0.0.1, [::1] or unix:/path");
	return EX_CONFIG;
}

/* ---- requests */

static const struct caller *caller_by_key(const struct gateway_access *access, const char *key)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	const struct caller *found = NULL;

	(void)SHA256((const unsigned char *)key, strlen(key), digest);
	for (size_t i = 0; i < access->count; i++)
		if (access->callers[i].has_key &&
		    CRYPTO_memcmp(access->callers[i].digest, digest, sizeof(digest)) == 0)
			found = &access->callers[i];
	return found;
}

static const struct caller *caller_by_user(const struct gateway_access *access, uid_t uid)
{
	for (size_t i = 0; i < access->count; i++)
		if (access->callers[i].has_user && access->callers[i].uid == uid)
			return &access->callers[i];
	return NULL;
}

bool gateway_access_find(const struct gateway_access *access, const struct exchange *exchange,
			 const struct caller **ret_caller)
{
	const char *value = exchange_header(exchange, "authorization");
	const struct exchange_peer *peer = exchange_peer(exchange);

	*ret_caller = NULL;
	if (access->count == 0)
		return true;
	if (value && strncasecmp(value, BEARER, strlen(BEARER)) == 0)
		*ret_caller = caller_by_key(access, value + strlen(BEARER));
	if (!*ret_caller && peer->is_unix)
		*ret_caller = caller_by_user(access, peer->uid);
	return *ret_caller != NULL;
}

const char *gateway_caller_name(const struct caller *caller)
{
	return caller ? caller->name : NULL;
}

bool gateway_caller_may(const struct caller *caller, const char *model)
{
	if (!caller || !caller->models)
		return true;
	for (size_t i = 0; i < caller->models->count; i++)
		if (config_name_fits(caller->models->names[i], model))
			return true;
	return false;
}

/* ---- how much */

static void set_if_said(uint32_t *limit, uint32_t said)
{
	if (said != LULL_UNSET)
		*limit = said;
}

void gateway_limits(const struct config *config, struct server_limits *ret, size_t *ret_memory)
{
	const struct gateway_settings *settings = &config->settings.gateway;

	uint32_t memory_mib = MEMORY_MIB;

	server_limits_init(ret);
	set_if_said(&ret->connections_max, settings->max_connections);
	set_if_said(&ret->head_for_ms, settings->head_timeout_ms);
	set_if_said(&ret->body_for_ms, settings->body_timeout_ms);
	set_if_said(&ret->idle_for_ms, settings->idle_timeout_ms);
	set_if_said(&memory_mib, settings->max_memory_mib);
	*ret_memory = (size_t)memory_mib << 20;
}
