/* SPDX-License-Identifier: GPL-2.0-only */
/* The process behind the listener: it answers with the texts that are posted to it. */
#ifndef LOCKVANE_PUBLISH_SERVER_H
#define LOCKVANE_PUBLISH_SERVER_H

#include "base/error.h"
#include "publish/metrics.h"

#define SERVER_TEXT_BYTES (128 << 10) /* a message: a byte of enum metrics_format, and text */

/*
 * In a child of the daemon: gives up all it may, serves the socket `fd`, takes messages from
 * `posts`, a socket of packets, and returns when that is closed. It sends one byte when it is ready.
 */
int server_run(int fd, int posts, struct error *err);

#endif
