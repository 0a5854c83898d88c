/* SPDX-License-Identifier: MIT */
/*
 * The key of a route: from a variable or a file that the configuration names, from the
 * configuration itself, or from the provider's own variables, which it may hold as well.
 *
 * A provider's key from the environment goes to that provider's own hosts, or to a base URL that
 * comes from the environment too; never to a host that only the file names. Who wants that writes
 * the key beside the host.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resolve.h"
#include "text.h"

#define NOT_SAID           2     /* beside UNUSABLE */
#define KEY_FILE_BYTES_MAX 65536 /* tokens have a few KiB at most */

/* Takes a key over: the spaces around it are not part of it. */
static int set_key(struct making *m, const char *key, const char *source)
{
	size_t size;

	while (isspace((unsigned char)*key))
		key++;
	size = strlen(key);
	while (size > 0 && isspace((unsigned char)key[size - 1]))
		size--;
	m->route->api_key = strndup(key, size);
	if (!m->route->api_key || copy_text(source, &m->route->key_source) != 0)
		return -ENOMEM;
	if (size == 0 || text_has_control(m->route->api_key))
		return unusable(m, "the key in %s is empty or has control characters", source);
	return 0;
}

static int key_from_variable(struct making *m, const char *variable)
{
	const char *value = settings_variable(&m->config->settings, variable);
	char source[80];

	if (!value)
		return unusable(m, "no key: $%.64s is not set (%s:%u)", variable, m->config->path,
				m->entry->api_key_line);
	(void)snprintf(source, sizeof(source), "$%.64s", variable);
	return set_key(m, value, source);
}

/* Whole content of a small regular file, NUL-terminated. -errno; -EFBIG. Never waits on a FIFO. */
static int read_small_file(const char *path, char *bytes, size_t size)
{
	struct stat status;
	size_t used = 0;
	ssize_t n;
	int r = 0, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) != 0)
		r = -errno;
	else if (!S_ISREG(status.st_mode))
		r = -EINVAL;
	while (r == 0 && (n = read(fd, bytes + used, size - used)) != 0) {
		if (n < 0)
			r = -errno;
		else if ((used += (size_t)n) == size)
			r = -EFBIG;
	}
	(void)close(fd);
	if (r == 0)
		bytes[used] = '\0';
	return r;
}

/* Without the blanks around. Return: 0; -EINVAL; -ENOMEM */
static int copy_secret(const char *text, char **ret)
{
	size_t size;

	text += strspn(text, " \t\r\n");
	for (size = strlen(text); size > 0 && isspace((unsigned char)text[size - 1]);)
		size--;
	*ret = strndup(text, size);
	if (!*ret)
		return -ENOMEM;
	if (size > 0 && !text_has_control(*ret))
		return 0;
	text_free_secret(*ret);
	return -EINVAL;
}

static int secret_of_file(const char *path, char **ret)
{
	char *bytes = calloc(1, KEY_FILE_BYTES_MAX);
	int r = bytes ? read_small_file(path, bytes, KEY_FILE_BYTES_MAX) : -ENOMEM;

	if (r == 0)
		r = copy_secret(bytes, ret);
	if (bytes)
		explicit_bzero(bytes, KEY_FILE_BYTES_MAX);
	free(bytes);
	return r;
}

int settings_secret(const struct settings *settings, const char *text, char **ret)
{
	const char *value = text;

	if (strncmp(text, REFERENCE_FILE, strlen(REFERENCE_FILE)) == 0)
		return secret_of_file(text + strlen(REFERENCE_FILE), ret);
	if (strncmp(text, REFERENCE_VARIABLE, strlen(REFERENCE_VARIABLE)) == 0)
		value = settings_variable(settings, text + strlen(REFERENCE_VARIABLE));
	return value ? copy_secret(value, ret) : -ENOENT;
}

/* Whoever keeps a key in a file may renew it there: the file, not its content, is the identity. */
static int key_from_file(struct making *m, const char *reference)
{
	const char *path = reference + strlen(REFERENCE_FILE);
	char *bytes = calloc(1, KEY_FILE_BYTES_MAX);
	int r;

	if (!bytes)
		return -ENOMEM;
	r = read_small_file(path, bytes, KEY_FILE_BYTES_MAX);
	if (r == 0)
		r = set_key(m, bytes, path);
	else
		r = unusable(m, "no key: %s cannot be read: %s", path, strerror(-r));
	explicit_bzero(bytes, KEY_FILE_BYTES_MAX);
	free(bytes);
	return r == 0 ? copy_text(reference, &m->key_identity) : r;
}

static int configured_key(struct making *m, const char *text)
{
	char *source;
	int r;

	if (strncmp(text, REFERENCE_VARIABLE, strlen(REFERENCE_VARIABLE)) == 0)
		return key_from_variable(m, text + strlen(REFERENCE_VARIABLE));
	if (strncmp(text, REFERENCE_FILE, strlen(REFERENCE_FILE)) == 0)
		return key_from_file(m, text);
	source = text_format("%s:%u", m->config->path, m->entry->api_key_line);
	if (!source)
		return -ENOMEM;
	r = set_key(m, text, source);
	free(source);
	return r;
}

static int no_key(struct making *m, bool may_use_environment)
{
	const struct provider *provider = m->route->provider;
	const char *variable = provider->key_variables[0] ? provider->key_variables[0]
							  : provider->token_variables[0];

	if (provider->local || (provider->keyless_elsewhere && !m->base_own))
		return 0;
	if (!variable)
		return unusable(m, "no key for %s, expected litellm_params.api_key",
				provider->name);
	if (!may_use_environment)
		return unusable(m, "no key: $%s is not sent to %s, expected litellm_params.api_key",
				variable, m->base.host);
	return unusable(m, "no key for %s, expected $%s", provider->name, variable);
}

/* The next one is another text: where it comes from is what stays the same. */
static int mark_token(struct making *m)
{
	m->route->key_is_token = true;
	if (m->key_identity || m->route->key_source[0] != '$')
		return 0;
	return copy_text(m->route->key_source, &m->key_identity);
}

/* A key that the file itself names (environment_variables) may go wherever the file says. */
static int key_from_variables(struct making *m, const char *const *variables,
			      bool may_use_environment)
{
	const char *variable, *value = NULL;
	char source[80];

	if (may_use_environment)
		value = environment_first(variables, &variable);
	if (!value)
		value = settings_own_variable(&m->config->settings, variables, &variable);
	if (!value)
		return NOT_SAID;
	(void)snprintf(source, sizeof(source), "$%s", variable);
	return set_key(m, value, source);
}

static int said_or_environment_key(struct making *m, bool may_use_environment, bool *ret_is_token)
{
	const struct provider *provider = m->route->provider;
	int r = NOT_SAID;

	*ret_is_token = !provider->key_variables[0] && provider->token_variables[0];
	if (m->entry->api_key)
		return configured_key(m, m->entry->api_key);
	if (!m->entry->token)
		r = key_from_variables(m, provider->key_variables, may_use_environment);
	if (r != NOT_SAID)
		return r;
	*ret_is_token = true;
	if (m->entry->token)
		return configured_key(m, m->entry->token);
	return key_from_variables(m, provider->token_variables, may_use_environment);
}

int find_key(struct making *m)
{
	bool may_use_environment = !m->base_configured || m->base_own || m->route->provider->local;
	bool is_token;
	int r = said_or_environment_key(m, may_use_environment, &is_token);

	if (r == NOT_SAID)
		return no_key(m, may_use_environment);
	return r == 0 && is_token ? mark_token(m) : r;
}
