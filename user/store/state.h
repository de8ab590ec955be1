/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state that survives: one SQLite database, FOLDER/lockvane.db, a capture (the graph of this
 * kernel build) and in tables of its own the findings of all builds. Each save is one transaction:
 * after a kill, or a crash of the machine, there is all that was saved. Memory is the truth: what
 * cannot be saved is saved later.
 */
#ifndef LOCKVANE_STORE_STATE_H
#define LOCKVANE_STORE_STATE_H

#include <limits.h>
#include <stdbool.h>

#include "base/error.h"
#include "capture/capture.h"
#include "knowledge/known.h"

#define STATE_FILE "lockvane.db"
#define STATE_PREVIOUS "previous.lv" /* the graph of the kernel build before this one */

struct state;

/* Since this kernel build's graph was begun. */
struct state_totals {
	uint64_t watched_ns;
	uint64_t seen, unseen; /* events, the second estimated */
	uint64_t saved_ms;     /* since the epoch */
};

/* The database's content. */
struct state_content {
	struct capture *graph; /* NULL: none */
	struct known known;
	struct state_totals totals;
	char aside[PATH_MAX]; /* a database that was damaged is here now; or empty */
	char damage[160];     /* the damage, in words */
};

void state_content_done(struct state_content *c);

/*
 * Open or create, and read. The folder is made if need be. -EBUSY: another
 * monitor has the folder; -EKEYREJECTED: others may write to it; -ENOTSUP: a newer lockvane's database
 * is in it. Any other failure: the state is there all the same, holds nothing yet, and
 * state_save() will try again.
 */
int state_open(const char *folder, struct state **ret, struct state_content *ret_content,
	       struct error *err);
void state_close(struct state *s); /* takes NULL */

void state_set_max(struct state *s, uint64_t bytes);

/*
 * Begin another graph. The old one is kept as FOLDER/previous.lv; if that fails, the error
 * says so, and it goes all the same with the next save.
 */
int state_begin_graph(struct state *s, const struct capture *old, struct error *err);

/*
 * Save what is new of a graph that only grows, and the findings that are
 * dirty (which they are not any more then); with `counts`, all counters too.
 * -ENOSPC, -EROFS, ...: all as before, try again later. ret_aside: as content's, if the database
 * was found damaged and a new one begun.
 */
int state_save(struct state *s, const struct capture *graph, struct known *known,
	       const struct state_totals *totals, bool counts, char ret_aside[static PATH_MAX],
	       struct error *err);

/* Bytes of the database and its log. */
uint64_t state_bytes(const struct state *s);

/* For others, while a monitor may be at work: what is there, without the graph. */
int state_read(const char *folder, struct state_content *ret, struct error *err);

/* Which of these findings have this text in their saved report? ret_with: a flag for each. */
int state_reports_with(const char *folder, const char *text, const struct known *known,
		       bool *ret_with, struct error *err);

/*
 * All of it as one file that somebody else can read, as a folder's STATE_FILE, without the monitor's log.
 * The caller frees with free().
 */
int state_snapshot(const char *folder, void **ret, size_t *ret_len, struct error *err);

/* The graph alone, as a capture. -ENOENT: there is none yet. */
int state_read_graph(const char *folder, struct capture **ret, struct error *err);

/* The whole report of one finding, the id or how it begins. -ENOENT, -EEXIST: several begin so. */
int state_report(const char *folder, const char *id, bool json, char **ret, struct error *err);

#endif
