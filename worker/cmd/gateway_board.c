/* SPDX-License-Identifier: MIT */
/*
 * How busy the gateways are that wait on the same sockets: a page of memory which whoever started
 * them hands to each. The kernel wakes all of them for a connection, and who is quickest takes it;
 * streams last for minutes, so by chance one would soon have twice as many as another. So each one
 * writes down how many connections it has, and holds back while another one has fewer.
 *
 * Nothing breaks if a number is wrong: a connection then waits for a millisecond.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway.h"

#define SLOTS 64u /* more processes than that hold nobody back */

struct slot {
	_Atomic uint32_t pid; /* 0: it is free */
	_Atomic uint32_t connections;
};

struct gateway_board {
	struct slot *slots;
	struct slot *own;
};

static bool is_alive(uint32_t pid)
{
	return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

/* Free, or left behind by one that was killed. */
static bool claim(struct slot *slot)
{
	uint32_t pid = atomic_load_explicit(&slot->pid, memory_order_relaxed);

	if (pid != 0 && is_alive(pid))
		return false;
	if (!atomic_compare_exchange_strong(&slot->pid, &pid, (uint32_t)getpid()))
		return false;
	atomic_store_explicit(&slot->connections, 0, memory_order_relaxed);
	return true;
}

int gateway_board_new(struct gateway_board **ret_board)
{
	const char *text = getenv("LULL_BOARD_FD");
	struct gateway_board *board;
	struct stat status;
	void *memory;
	int fd;

	if (!text)
		return 0;
	fd = atoi(text);
	(void)unsetenv("LULL_BOARD_FD");
	if (fstat(fd, &status) != 0 || status.st_size < (off_t)(SLOTS * sizeof(struct slot)))
		return -EINVAL;
	memory = mmap(NULL, SLOTS * sizeof(struct slot), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (memory == MAP_FAILED)
		return -errno;
	board = calloc(1, sizeof(*board));
	if (!board) {
		(void)munmap(memory, SLOTS * sizeof(struct slot));
		return -ENOMEM;
	}
	board->slots = memory;
	for (size_t i = 0; i < SLOTS && !board->own; i++)
		if (claim(&board->slots[i]))
			board->own = &board->slots[i];
	*ret_board = board;
	return 0;
}

void gateway_board_leave(struct gateway_board *board)
{
	if (board && board->own)
		atomic_store(&board->own->pid, 0);
	if (board)
		board->own = NULL;
}

struct gateway_board *gateway_board_free(struct gateway_board *board)
{
	if (!board)
		return NULL;
	gateway_board_leave(board);
	(void)munmap(board->slots, SLOTS * sizeof(struct slot));
	free(board);
	return NULL;
}

void gateway_board_write(struct gateway_board *board, uint32_t connections)
{
	if (board && board->own)
		atomic_store_explicit(&board->own->connections, connections, memory_order_relaxed);
}

/* A killed one is found only here, when it would be waited for. */
static bool is_ahead(struct slot *slot, uint32_t connections)
{
	uint32_t pid = atomic_load_explicit(&slot->pid, memory_order_relaxed);

	if (pid == 0 ||
	    atomic_load_explicit(&slot->connections, memory_order_relaxed) >= connections)
		return false;
	if (is_alive(pid))
		return true;
	(void)atomic_compare_exchange_strong(&slot->pid, &pid, 0);
	return false;
}

bool gateway_board_holds_back(struct gateway_board *board, uint32_t connections)
{
	if (!board || !board->own)
		return false;
	for (size_t i = 0; i < SLOTS; i++)
		if (&board->slots[i] != board->own && is_ahead(&board->slots[i], connections))
			return true;
	return false;
}
