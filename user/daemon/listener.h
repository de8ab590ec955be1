/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small HTTP server for /metrics, on a loopback address or a unix socket.
 * It runs in a thread of its own, without privileges and at the lowest
 * priority, and holds a bounded number of connections for a bounded time:
 * whatever comes in, the daemon's own work goes on.
 */
#ifndef LOCKVANE_DAEMON_LISTENER_H
#define LOCKVANE_DAEMON_LISTENER_H

#include <sys/types.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "daemon/metrics.h"

struct listener;

/*
 * Fill in the text of a response. 0 or -errno (the client is told 503). It is
 * called in the listener's thread: it may take a lock that the daemon holds
 * for moments, and nothing else of the daemon's. struct board is made for it.
 */
typedef int (*listener_text)(void *arg, enum metrics_format format, struct strbuf *ret);

/*
 * Would listener_start() understand this address? "127.0.0.1:9464",
 * "[::1]:9464" or "unix:/run/lockvane/metrics". -EINVAL, with words, if not,
 * and for what is no loopback address. For those who read configurations.
 */
int listener_check(const char *address, struct error *err);

/*
 * Open the address and serve it. A unix socket gets these mode bits (0600 or
 * 0660); a stale one is replaced, and ours goes away with us. A port or
 * socket in use is -EADDRINUSE: say so, and go on without.
 */
int listener_start(const char *address, mode_t unix_mode, listener_text text, void *arg,
		   struct listener **ret, struct error *err);

/* The same on a socket that listens already, as systemd hands them over. Ours, if it succeeds. */
int listener_start_on(int fd, listener_text text, void *arg, struct listener **ret,
		      struct error *err);

/* Close all connections and wait for the thread. Takes NULL. */
void listener_stop(struct listener *l);

#endif
