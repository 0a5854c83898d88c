/* SPDX-License-Identifier: MIT */
/*
 * Facts of this host that decide who shares a table and how long it lives. Only the doctor asks.
 */
#ifndef LULL_COORDINATOR_HOST_H
#define LULL_COORDINATOR_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct host_name {
	char text[64];
};

/* "alice (1000)"; "1000" for a user or group without a name */
struct host_name host_user(uid_t uid);
struct host_name host_group(gid_t gid);

/* Whether systemd-logind runs here, and deletes the shared memory of a user who logs out. */
bool host_logind_removes_ipc(void);

/* Users of whom logind takes no notice: system users, and those who linger. */
bool host_user_is_spared_by_logind(uid_t uid);

/* Inside a container; *ret_sign is the file that says so. */
bool host_is_container(const char **ret_sign);

struct host_shm {
	bool is_mounted; /* /dev/shm is a mount of its own */
	char source[64]; /* what is mounted: "shm" for a container's own, "tmpfs" for the host's */
	bool is_read_only;
	uint64_t size_bytes, free_bytes;
};

/* 0; negative errno if there is no /dev/shm. */
int host_shm(struct host_shm *ret);

#endif
