/* SPDX-License-Identifier: MIT */
/*
 * Runs a command where the only name server never answers.
 *
 *     silent_dns COMMAND [ARGUMENT...]
 *
 * The command gets a network of its own with nothing but a loopback interface, on which UDP port 53
 * is open and silent, and a resolv.conf that names it. Exit status 77 where the kernel does not
 * allow that; otherwise the command's own.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SKIPPED 77

static void check(int rc, const char *what)
{
	if (rc >= 0)
		return;
	perror(what);
	exit(SKIPPED);
}

static void raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	check(fd, "socket");
	check(ioctl(fd, SIOCGIFFLAGS, &request), "SIOCGIFFLAGS");
	request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
	check(ioctl(fd, SIOCSIFFLAGS, &request), "SIOCSIFFLAGS");
	close(fd);
}

/* Left open for the command: what arrives is queued and never read. */
static void open_silent_port(void)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(53),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	check(fd, "socket");
	check(bind(fd, (const struct sockaddr *)&address, sizeof(address)), "bind");
}

static void bind_resolv_conf(void)
{
	static const char text[] = "nameserver 127.0.0.1\noptions timeout:30\n";
	char path[] = "/tmp/silent_dns.XXXXXX";
	int fd = mkstemp(path);

	check(fd, "mkstemp");
	check((int)write(fd, text, sizeof(text) - 1), "write");
	check(fchmod(fd, 0644), "fchmod");
	close(fd);
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount private");
	check(mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL), "mount resolv.conf");
	check(unlink(path), "unlink");
}

int main(int argc, char **argv)
{
	int namespaces = CLONE_NEWNS | CLONE_NEWNET;

	if (argc < 2) {
		(void)fprintf(stderr, "usage: silent_dns COMMAND [ARGUMENT...]\n");
		return 64;
	}
	if (geteuid() != 0)
		namespaces |= CLONE_NEWUSER;
	check(unshare(namespaces), "unshare");
	raise_loopback();
	open_silent_port();
	bind_resolv_conf();
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
