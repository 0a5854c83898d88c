/* SPDX-License-Identifier: MIT */
/*
 * Memory runs out at every allocation of the configuration, one after another: each time the answer
 * is -ENOMEM, nothing is half done, and (under a sanitizer) nothing leaks.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "../../worker/src/config.h"
#include "cunit_main.h"

static unsigned allocations; /* made so far */
static unsigned failing;     /* the number of the one that fails; 0 none */

static bool fails(void)
{
	allocations++;
	return allocations == failing;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(memory, count, size);
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *__real_strndup(const char *text, size_t size);
char *__wrap_strndup(const char *text, size_t size);
char *__wrap_strndup(const char *text, size_t size)
{
	return fails() ? NULL : __real_strndup(text, size);
}

int __real_vasprintf(char **ret, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
int __wrap_vasprintf(char **ret, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
int __wrap_vasprintf(char **ret, const char *format, va_list arguments)
{
	return fails() ? -1 : __real_vasprintf(ret, format, arguments);
}

static const char text[] =
	"general_settings: {master_key: x}\n"
	"unknown: 1\n"
	"lull: {policy: tutorial, on: {timeout: {go: next}}, proxy: 'http://u:p@proxy:1'}\n"
	"router_settings: {fallbacks: [{a: [b, nobody]}], default_fallbacks: [b]}\n"
	"model_list:\n"
	"- model_name: a\n"
	"  litellm_params: &p\n"
	"    model: openai/x\n"
	"    api_key: literal\n"
	"    api_base: http://h/v1\n"
	"    organization: o\n"
	"    extra_headers: {X-A: 1}\n"
	"    extra_body: {a: [1, null]}\n"
	"  model_info: {id: i}\n"
	"  lull: {ca_file: /c}\n"
	"- {model_name: b, litellm_params: {<<: *p, model: ollama/y, api_key: "
	"'file:/nonexistent'}}\n"
	"- {model_name: b, litellm_params: {model: ollama/y, api_key: os.environ/CONFIG_MEMORY}}\n";

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

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_every_allocation_may_fail),
	};

	return CUNIT_MAIN("config_memory", tests);
}
