/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small JSON document beside the database, for `lockvane status`: it says what the monitor is doing.
 * The monitor writes it every half a minute, and removes it at its end.
 */
#ifndef LOCKVANE_PUBLISH_STATUS_H
#define LOCKVANE_PUBLISH_STATUS_H

#include <jansson.h>

#include "base/error.h"
#include "publish/metrics.h"

#define STATUS_FILE "status.json"
#define STATUS_WRITE_S 30
#define STATUS_STALE_S 120 /* older: its monitor has ended, or does not get to run */

/* Replace the folder's. now_ms: since the epoch. -errno. */
int status_write(const char *folder, const struct metrics *m, uint64_t now_ms);
void status_remove(const char *folder);

/* An object, whatever is in it: it may be anybody's. -ENOENT: there is none. */
int status_read(const char *folder, json_t **ret, struct error *err);

#endif
