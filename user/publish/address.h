/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the listener listens: a loopback address or a unix socket, never a
 * network. Names are not looked up.
 */
#ifndef LOCKVANE_PUBLISH_ADDRESS_H
#define LOCKVANE_PUBLISH_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/error.h"

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
};

/* -EINVAL, with words, for anything but the three forms listener.h names. */
int address_parse(const char *text, struct address *ret, struct error *err);

/* Bind and listen, close-on-exec and non-blocking; a unix socket with these mode bits. */
int address_open(const char *text, mode_t unix_mode, int *ret_fd, struct error *err);

/* Is this a stream socket that listens, on this machine only? 0, or -EINVAL with words. */
int address_check_socket(int fd, struct error *err);

#endif
