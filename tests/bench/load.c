/* SPDX-License-Identifier: MIT */
/*
 * Asks a server again and again over connections that stay open, as a busy program's client does, and
 * tells how it went.
 *
 *     bench-load URL BODY-FILE REQUESTS CONNECTIONS [HEADER...]
 *
 * Posts the file, so many times in all and over so many connections at once. Prints one line:
 *
 *     ANSWERED FAILED SECONDS FIRST-p50 FIRST-p99 WHOLE-p50 WHOLE-p99
 *
 * in microseconds after the request, to the first byte of the body and to the last. Answered is what
 * came whole, with status 200, and is no stream that ends in an error. Ends with 1 if anything failed.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "bench.h"

struct load {
	CURLM *multi;
	char *body;
	size_t body_bytes;
	struct curl_slist *headers;
	size_t wanted, started, answered, failed;
	double *first_us, *whole_us; /* of those answered */
};

struct client {
	struct load *load;
	CURL *easy;
	uint64_t begin_ns, first_ns; /* 0: not yet */
	bool has_error;
};

static size_t take(char *bytes, size_t one, size_t size, void *userdata)
{
	struct client *client = userdata;

	static const char error[] = "data: {\"error\":"; /* events come whole, or nearly always */

	(void)one;
	if (client->first_ns == 0)
		client->first_ns = bench_now_ns();
	client->has_error |= memmem(bytes, size, error, sizeof(error) - 1) != NULL;
	return size;
}

static void ask(struct client *client)
{
	struct load *load = client->load;

	if (load->started == load->wanted)
		return;
	load->started++;
	client->first_ns = 0;
	client->has_error = false;
	client->begin_ns = bench_now_ns();
	(void)curl_multi_add_handle(load->multi, client->easy);
}

static void end(struct client *client, CURLcode code)
{
	struct load *load = client->load;
	long status = 0;

	(void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK && status == 200 && client->first_ns != 0 && !client->has_error) {
		load->first_us[load->answered] =
			(double)(client->first_ns - client->begin_ns) / 1e3;
		load->whole_us[load->answered] = (double)(bench_now_ns() - client->begin_ns) / 1e3;
		load->answered++;
	} else {
		if (load->failed++ == 0)
			(void)fprintf(stderr, "bench-load: %s, status %ld\n",
				      curl_easy_strerror(code), status);
	}
	(void)curl_multi_remove_handle(load->multi, client->easy);
	ask(client);
}

static void run(struct load *load)
{
	CURLMsg *message;
	int running, left;

	for (;;) {
		(void)curl_multi_perform(load->multi, &running);
		while ((message = curl_multi_info_read(load->multi, &left)) != NULL) {
			struct client *client = NULL;

			(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &client);
			end(client, message->data.result);
		}
		if (load->answered + load->failed == load->wanted)
			return;
		(void)curl_multi_poll(load->multi, NULL, 0, 1000, NULL);
	}
}

static CURL *new_easy(const struct load *load, const char *url, struct client *client)
{
	CURL *easy = curl_easy_init();

	if (easy == NULL)
		exit(70);
	(void)curl_easy_setopt(easy, CURLOPT_URL, url);
	(void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, load->headers);
	(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)load->body_bytes);
	(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, load->body);
	(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT, 60L);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
	(void)curl_easy_setopt(easy, CURLOPT_PRIVATE, client);
	return easy;
}

static void read_body(struct load *load, const char *path)
{
	FILE *file = fopen(path, "rb");
	long size = -1;

	if (file && fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	load->body = size < 0 ? NULL : malloc((size_t)size + 1);
	if (load->body == NULL || fseek(file, 0, SEEK_SET) != 0 ||
	    fread(load->body, 1, (size_t)size, file) != (size_t)size) {
		perror(path);
		exit(66);
	}
	load->body_bytes = (size_t)size;
	(void)fclose(file);
}

static void print(struct load *load, double taken_s)
{
	const double at[] = {0.5, 0.99};

	(void)printf("%zu %zu %.3f", load->answered, load->failed, taken_s);
	bench_sort(load->first_us, load->answered);
	bench_sort(load->whole_us, load->answered);
	for (size_t i = 0; i < 2 && load->answered > 0; i++)
		(void)printf(" %.0f", bench_quantile(load->first_us, load->answered, at[i]));
	for (size_t i = 0; i < 2 && load->answered > 0; i++)
		(void)printf(" %.0f", bench_quantile(load->whole_us, load->answered, at[i]));
	(void)printf("\n");
}

static void *zeroes(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (memory == NULL)
		exit(70);
	return memory;
}

static void measure(struct load *load, const char *url, size_t client_count)
{
	struct client *clients = zeroes(client_count, sizeof(*clients));
	const uint64_t begin_ns = bench_now_ns();

	(void)curl_multi_setopt(load->multi, CURLMOPT_MAXCONNECTS, (long)client_count);
	for (size_t i = 0; i < client_count; i++) {
		clients[i].load = load;
		clients[i].easy = new_easy(load, url, &clients[i]);
		ask(&clients[i]);
	}
	run(load);
	print(load, (double)(bench_now_ns() - begin_ns) / 1e9);
	for (size_t i = 0; i < client_count; i++)
		curl_easy_cleanup(clients[i].easy);
	free(clients);
}

int main(int argc, char **argv)
{
	const size_t count = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
	struct load load = {.wanted = argc > 4 ? strtoul(argv[3], NULL, 10) : 0};

	if (count == 0 || load.wanted == 0) {
		(void)fprintf(stderr,
			      "usage: bench-load URL BODY-FILE REQUESTS CONNECTIONS [HEADER...]\n");
		return 64;
	}
	load.multi = curl_multi_init();
	load.first_us = zeroes(load.wanted, sizeof(double));
	load.whole_us = zeroes(load.wanted, sizeof(double));
	read_body(&load, argv[2]);
	load.headers = curl_slist_append(NULL, "Content-Type: application/json");
	load.headers = curl_slist_append(load.headers, "Expect:");
	for (char **header = argv + 5; *header; header++)
		load.headers = curl_slist_append(load.headers, *header);
	measure(&load, argv[1], count);
	(void)curl_multi_cleanup(load.multi);
	curl_slist_free_all(load.headers);
	free(load.body);
	free(load.first_us);
	free(load.whole_us);
	return load.failed > 0;
}
