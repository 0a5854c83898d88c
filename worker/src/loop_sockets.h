/* SPDX-License-Identifier: MIT */
/*
 * libcurl's sockets and timers in an event loop of somebody else's: see struct transport_loop.
 */
#ifndef LULL_WORKER_LOOP_SOCKETS_H
#define LULL_WORKER_LOOP_SOCKETS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "transport.h"

struct loop_socket;

/* All zero: there is no such loop. */
struct loop_sockets {
	struct transport_loop loop;
	CURLM *multi;
	struct loop_socket *by_fd; /* connections' */
	size_t room;
};

/* Return: 0; -ENOMEM */
int loop_sockets_join(struct loop_sockets *sockets, CURLM *multi);
/* From a CURLOPT_OPENSOCKETFUNCTION. Without memory for it libcurl's word is followed. */
void loop_sockets_opened(struct loop_sockets *sockets, int fd);
/* A CURLOPT_CLOSESOCKETFUNCTION, for struct loop_sockets. */
int loop_sockets_close(void *sockets, curl_socket_t fd);
/* Something came on it. Return: true: for nobody; it is no longer watched. */
bool loop_sockets_dismiss(struct loop_sockets *sockets, int fd);
/* After libcurl has closed all of them. */
void loop_sockets_deinit(struct loop_sockets *sockets);

#endif
