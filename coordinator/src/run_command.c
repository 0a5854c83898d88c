/* SPDX-License-Identifier: MIT */
/* See run_command.h. */
#include <stdlib.h>
#include <string.h>

#include "run_command.h"

static const char placeholder[] = "{model}";
#define PLACEHOLDER_BYTES (sizeof(placeholder) - 1)

static size_t count_placeholders(const char *word)
{
	size_t count = 0;

	while ((word = strstr(word, placeholder)) != NULL) {
		word += PLACEHOLDER_BYTES;
		count++;
	}
	return count;
}

static char *word_new(const char *word, const char *model)
{
	const size_t model_bytes = strlen(model);
	char *const ret = malloc(strlen(word) + count_placeholders(word) * model_bytes + 1);
	char *at = ret;
	const char *found;

	if (ret == NULL)
		return NULL;
	while ((found = strstr(word, placeholder)) != NULL) {
		at = mempcpy(at, word, (size_t)(found - word));
		at = mempcpy(at, model, model_bytes);
		word = found + PLACEHOLDER_BYTES;
	}
	memcpy(at, word, strlen(word) + 1);
	return ret;
}

char **command_new(char *const *words, const char *model)
{
	size_t count = 0;
	char **ret;

	while (words[count] != NULL)
		count++;
	ret = calloc(count + 1, sizeof(*ret));
	for (size_t i = 0; ret != NULL && i < count; i++) {
		ret[i] = word_new(words[i], model);
		if (ret[i] == NULL) {
			command_free(ret);
			return NULL;
		}
	}
	return ret;
}

void command_free(char **command)
{
	for (size_t i = 0; command != NULL && command[i] != NULL; i++)
		free(command[i]);
	free(command);
}
