// SPDX-License-Identifier: GPL-2.0-only
#include "publish/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"

/* Enough for the scrapes of this machine; who comes in a flood has to wait. */
#define BACKLOG 16

static int parse_unix(const char *path, struct address *ret, struct error *err)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&ret->sa;
	size_t len = strlen(path);

	if (path[0] != '/')
		return error_set(err, -EINVAL, "unix:%s: the path must begin with /", path);
	if (len >= sizeof(un->sun_path))
		return error_set(err, -EINVAL,
				 "unix:%s: longer than the %zu bytes of a socket's path", path,
				 sizeof(un->sun_path) - 1);
	*ret = (struct address){.len = offsetof(struct sockaddr_un, sun_path) + len + 1};
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, len + 1);
	return 0;
}

static int parse_port(const char *text, in_port_t *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || n < 1 || n > 65535)
		return -EINVAL;
	*ret = htons(n);
	return 0;
}

/* The host without port and brackets. */
static int split_host(const char *text, const char *colon, char *ret, size_t room)
{
	size_t len = colon - text;
	bool bracketed = len >= 2 && text[0] == '[' && colon[-1] == ']';

	if (len >= room || (!bracketed && memchr(text, ':', len)))
		return -EINVAL;
	snprintf(ret, room, "%.*s", (int)(len - 2 * bracketed), text + bracketed);
	return 0;
}

static bool is_loopback4(struct in_addr a)
{
	return ntohl(a.s_addr) >> 24 == 127;
}

static int not_loopback(const char *text, struct error *err)
{
	return error_set(err, -EINVAL,
			 "%s is no loopback address: metrics are for this machine only, use "
			 "127.0.0.1, ::1 or a unix socket, and a proxy of your own for others",
			 text);
}

static int parse_ip(const char *text, struct address *ret, struct error *err)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 1];
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	in_port_t port;

	if (!colon || split_host(text, colon, host, sizeof(host)) || parse_port(colon + 1, &port))
		return error_set(err, -EINVAL,
				 "\"%s\" is no address: 127.0.0.1:PORT, [::1]:PORT or unix:/PATH",
				 text);
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		v4.sin_port = port;
		*ret = (struct address){.len = sizeof(v4)};
		memcpy(&ret->sa, &v4, sizeof(v4));
		return is_loopback4(v4.sin_addr) ? 0 : not_loopback(text, err);
	}
	if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
		v6.sin6_port = port;
		*ret = (struct address){.len = sizeof(v6)};
		memcpy(&ret->sa, &v6, sizeof(v6));
		return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ? 0 : not_loopback(text, err);
	}
	return error_set(err, -EINVAL,
			 "%s: names are not looked up, write 127.0.0.1, [::1] or unix:/PATH", text);
}

int address_parse(const char *text, struct address *ret, struct error *err)
{
	if (!strncmp(text, "unix:", 5))
		return parse_unix(text + 5, ret, err);
	return parse_ip(text, ret, err);
}

static bool is_answered(const struct address *a)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* EAGAIN: it listens, and is busy. */
	return fd < 0 || !connect(fd, (const struct sockaddr *)&a->sa, a->len) ||
	       errno != ECONNREFUSED;
}

/* A socket that nobody listens on was left by somebody who died. Nothing else is touched. */
static int make_way(const struct address *a, struct error *err)
{
	const char *path = ((const struct sockaddr_un *)&a->sa)->sun_path;
	struct stat st;

	if (lstat(path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, -EEXIST, "%s exists and is no socket", path);
	if (is_answered(a))
		return error_set(err, -EADDRINUSE, "somebody listens on %s already", path);
	if (unlink(path))
		return error_set_errno(err, -errno, "cannot replace %s", path);
	return 0;
}

static int bind_unix(int fd, const struct address *a, mode_t mode)
{
	const char *path = ((const struct sockaddr_un *)&a->sa)->sun_path;

	/* The mode it is born with: no moment in which others could connect. */
	if (fchmod(fd, mode) || bind(fd, (const struct sockaddr *)&a->sa, a->len))
		return -errno;
	/* The umask took bits away. */
	if (chmod(path, mode)) {
		int code = -errno;

		unlink(path);
		return code;
	}
	return 0;
}

static int bind_to(int fd, const struct address *a, mode_t unix_mode, struct error *err)
{
	int one = 1, code;

	if (a->sa.ss_family == AF_UNIX) {
		code = make_way(a, err);
		return code ? code : bind_unix(fd, a, unix_mode);
	}
	/* Else our own last run's connections keep the port for a minute. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (const struct sockaddr *)&a->sa, a->len))
		return -errno;
	return 0;
}

int address_open(const char *text, mode_t unix_mode, int *ret_fd, struct error *err)
{
	AUTO_CLOSE int fd = -1;
	struct error why = {};
	struct address a;
	int code = address_parse(text, &a, err);

	if (code)
		return code;
	fd = socket(a.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set_errno(err, -errno, "no socket for %s", text);
	code = bind_to(fd, &a, unix_mode, &why);
	if (!code && listen(fd, BACKLOG))
		code = -errno;
	if (code == -EADDRINUSE && !why.code)
		return error_set(err, code, "%s is in use by another program", text);
	if (code && why.code)
		return error_set(err, code, "%s", why.text);
	if (code)
		return error_set_errno(err, code, "cannot listen on %s", text);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int option(int fd, int name)
{
	socklen_t len = sizeof(int);
	int value;

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) ? -1 : value;
}

int address_check_socket(int fd, struct error *err)
{
	struct address a = {.len = sizeof(a.sa)};
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (option(fd, SO_TYPE) != SOCK_STREAM || option(fd, SO_ACCEPTCONN) != 1 ||
	    getsockname(fd, (struct sockaddr *)&a.sa, &a.len))
		return error_set(err, -EINVAL, "descriptor %d is no stream socket that listens",
				 fd);
	memcpy(&v4, &a.sa, sizeof(v4));
	memcpy(&v6, &a.sa, sizeof(v6));
	if (a.sa.ss_family == AF_UNIX || (a.sa.ss_family == AF_INET && is_loopback4(v4.sin_addr)) ||
	    (a.sa.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)))
		return 0;
	return not_loopback("the socket handed over", err);
}
