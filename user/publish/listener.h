/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small HTTP server for /metrics, on a loopback address or a unix socket. It is a process of
 * its own, without privileges, at the lowest priority, and holds a bounded number of connections for a
 * bounded time: whatever comes in, the daemon's own work goes on, and its budget pays nothing for it.
 */
#ifndef LOCKVANE_PUBLISH_LISTENER_H
#define LOCKVANE_PUBLISH_LISTENER_H

#include <sys/types.h>

#include "base/error.h"
#include "publish/metrics.h"

struct listener;

/*
 * Would listener_start() understand this address? "127.0.0.1:9464",
 * "[::1]:9464" or "unix:/run/lockvane/metrics". -EINVAL, with words, if not,
 * and for what is no loopback address. For those who read configurations.
 */
int listener_check(const char *address, struct error *err);

/*
 * Open the address and serve it. A unix socket gets these mode bits (0600 or
 * 0660); a stale one is replaced, and ours goes away with us. A port or
 * socket in use is -EADDRINUSE: say so, and go on without. The process is a copy of this one:
 * to be called while there is nothing in memory yet that nobody shall see.
 */
int listener_start(const char *address, mode_t unix_mode, struct listener **ret,
		   struct error *err);

/* The same on a socket that listens already, as systemd hands them over. Ours, if it succeeds. */
int listener_start_on(int fd, struct listener **ret, struct error *err);

/*
 * Sets the answer from now on; 503 before the first. It never waits: of a process that does not
 * take it the answers stay as they were. -ENOMEM: likewise; -EPIPE: it has died.
 */
int listener_post(struct listener *l, const struct metrics *m);

pid_t listener_pid(const struct listener *l);

/* End it, and all connections. Takes NULL. */
void listener_stop(struct listener *l);

#endif
