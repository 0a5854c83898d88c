/* SPDX-License-Identifier: MIT */
/*
 * The configuration as it was when it was checked. Gateways read this copy, never the file: a worker
 * that dies while somebody is editing must come back with what was good.
 *
 * The copy is a memfd, since configuration may hold keys: it has no name in any file system, is gone
 * with the last process that has it, and is sealed. Programs read it as /proc/self/fd/N, and find
 * the name of the file in it.
 */
#ifndef LULL_LULLD_CONFIG_COPY_H
#define LULL_LULLD_CONFIG_COPY_H

/*
 * @path:   NULL: there is no file, and the copy is empty
 * @ret_fd: close-on-exec
 *
 * Return: 0; negative errno: -EINVAL no regular file.
 */
int config_copy_take(const char *path, int *ret_fd);

#endif
