/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the daemon leaves its newest numbers, and the listener's thread picks
 * them up: nobody waits for longer than a copy takes, and however often
 * somebody asks, the daemon does no more work.
 */
#ifndef LOCKVANE_DAEMON_BOARD_H
#define LOCKVANE_DAEMON_BOARD_H

#include "daemon/metrics.h"

struct board;

/* An empty board, or NULL when there is no memory. */
struct board *board_new(void);
void board_free(struct board *b); /* takes NULL */

/* Copy the numbers, with all they point to. 0 or -ENOMEM: then the older ones stay. */
int board_post(struct board *b, const struct metrics *m);

/* A listener_text, for one listener; arg is the board. -EAGAIN while nothing was posted. */
int board_text(void *arg, enum metrics_format format, struct strbuf *ret);

#endif
