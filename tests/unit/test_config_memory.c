/* SPDX-License-Identifier: MIT */
/*
 * The configuration's memory. It runs out at every allocation, one after another: each time the
 * answer is -ENOMEM, nothing is half done, and (under a sanitizer) nothing leaks. And nothing is
 * given back with a key in it.
 */
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "../../worker/src/config.h"
#include "cunit_main.h"

static unsigned allocations; /* made so far */
static unsigned failing;     /* the number of the one that fails; 0 none */

static bool fails(void)
{
	allocations++;
	return allocations == failing;
}

/* All memory is zeroed, because all of it is looked at when it is freed. */
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_calloc(1, size);
}

void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size)
{
	size_t before = memory ? malloc_usable_size(memory) : 0;
	char *grown = fails() ? NULL : __real_realloc(memory, size);

	if (grown && malloc_usable_size(grown) > before)
		memset(grown + before, 0, malloc_usable_size(grown) - before);
	return grown;
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
	return __wrap_realloc(memory, count * size);
}

char *__wrap_strndup(const char *text, size_t size);
char *__wrap_strndup(const char *text, size_t size)
{
	size_t kept = strnlen(text, size);
	char *copy = __wrap_calloc(1, kept + 1);

	return copy ? memcpy(copy, text, kept) : NULL;
}

char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
	return __wrap_strndup(text, strlen(text));
}

int __wrap_vasprintf(char **ret, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
int __wrap_vasprintf(char **ret, const char *format, va_list arguments)
{
	va_list again;
	int size;

	va_copy(again, arguments);
	size = vsnprintf(NULL, 0, format, again);
	va_end(again);
	*ret = size < 0 ? NULL : __wrap_calloc(1, (size_t)size + 1);
	return *ret ? vsprintf(*ret, format, arguments) : -1;
}

/* ---- what is freed */

#define PLANTED "sk-planted"

static unsigned freed_count;
static unsigned unwiped_count; /* freed with a planted key inside */

void __real_free(void *memory);
void __wrap_free(void *memory);
void __wrap_free(void *memory)
{
	if (memory) {
		freed_count++;
		unwiped_count += memmem(memory, malloc_usable_size(memory), PLANTED,
					strlen(PLANTED)) != NULL;
	}
	__real_free(memory);
}

/* ---- what is done with a configuration */

static const char text[] =
	"general_settings: {master_key: x}\n"
	"environment_variables: {OPENAI_API_KEY: " PLANTED "-file, OTHER: x}\n"
	"unknown: 1\n"
	"lull: {policy: tutorial, on: {timeout: {go: next}}, proxy: 'http://u:" PLANTED
	"@proxy:1'}\n"
	"router_settings: {fallbacks: [{a: [b, nobody]}], default_fallbacks: [b, gpt-4o], "
	"disable_cooldowns: true, model_group_alias: {c: a, d: {model: b}}}\n"
	"model_list:\n"
	"- model_name: a\n"
	"  litellm_params: &p\n"
	"    model: openai/x\n"
	"    api_key: " PLANTED "\n"
	"    api_base: http://h/v1\n"
	"    organization: o\n"
	"    extra_headers: {X-A: " PLANTED "}\n"
	"    extra_body: {a: [1, null]}\n"
	"    temperature: 0.2\n"
	"    stop: [a]\n"
	"  model_info: {id: i}\n"
	"  lull: {ca_file: /c}\n"
	"- {model_name: b, litellm_params: {<<: *p, model: ollama/y, api_key: "
	"'file:/nonexistent'}}\n"
	"- {model_name: b, litellm_params: {model: ollama/y, api_key: os.environ/CONFIG_MEMORY}}\n"
	"- {model_name: openai/*, litellm_params: {model: openai/*, api_key: k}}\n";

static void ignore(const char *line, bool is_error, void *userdata)
{
	(void)line;
	(void)is_error;
	(void)userdata;
}

/* All that is done with a configuration. Return: the first error. */
static int use_all(FILE *out)
{
	struct route_list list = {0};
	struct config *config = NULL;
	int r = config_read_bytes("f", text, sizeof(text) - 1, false, ignore, NULL, &config);

	if (r == 0) {
		r = config_routes(config, "a", NULL, 0, &list);
		if (r == 0)
			r = config_show(config, true, out);
	}
	route_list_deinit(&list);
	config_free(config);
	return r;
}

static void test_every_allocation_may_fail(void)
{
	FILE *out = fopen("/dev/null", "w");
	unsigned total;

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	(void)setenv("CONFIG_MEMORY", "k", 1);
	failing = 0;
	allocations = 0;
	CU_ASSERT_EQUAL(use_all(out), 0);
	total = allocations;
	CU_ASSERT(total > 100);
	for (unsigned i = 1; i <= total; i++) {
		int r;

		allocations = 0;
		failing = i;
		r = use_all(out);
		CU_ASSERT_EQUAL(r, -ENOMEM);
		if (r != -ENOMEM)
			fprintf(stderr, "allocation %u of %u: %d\n", i, total, r);
	}
	failing = 0;
	(void)fclose(out);
}

static void test_keys_are_wiped_before_their_memory_is_given_back(void)
{
	char path[] = "/tmp/lull-test-memory-XXXXXX", config_text[256];
	struct route_list list = {0};
	struct config *config = NULL;
	FILE *out = fopen("/dev/null", "w");
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	(void)setenv("CONFIG_MEMORY", PLANTED "-variable", 1);
	freed_count = 0;
	unwiped_count = 0;
	CU_ASSERT_EQUAL(use_all(out), 0);
	CU_ASSERT(freed_count > 50);
	CU_ASSERT_EQUAL(unwiped_count, 0);

	/* a configuration that is also its own key file */
	(void)snprintf(config_text, sizeof(config_text),
		       "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: "
		       "'file:%s', organization: " PLANTED "}}]",
		       path);
	CU_ASSERT(write(fd, config_text, strlen(config_text)) > 0);
	(void)close(fd);
	CU_ASSERT_EQUAL_FATAL(config_load(path, ignore, NULL, &config), 0);
	CU_ASSERT_EQUAL(config_routes(config, "a", NULL, 0, &list), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(list.routes[0].api_key, PLANTED));
	list.routes[0].organization[0] = '\0'; /* no secret, so not wiped */
	route_list_deinit(&list);
	config_free(config);
	CU_ASSERT_EQUAL(unwiped_count, 0);
	(void)unlink(path);
	(void)fclose(out);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_every_allocation_may_fail),
		CUNIT_TEST(test_keys_are_wiped_before_their_memory_is_given_back),
	};

	return CUNIT_MAIN("config_memory", tests);
}
