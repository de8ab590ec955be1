/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the files of state: state.c knows the database, state_folder.c
 * where it lies, state_rows.c the rows of its own tables, state_read.c who else reads. */
#ifndef LOCKVANE_STORE_STATE_INTERNAL_H
#define LOCKVANE_STORE_STATE_INTERNAL_H

#include <sqlite3.h>

#include "capture/db_internal.h"
#include "store/state.h"

struct state {
	char *folder;
	char path[PATH_MAX];
	int dir;     /* locked while we live; -1: there is none yet */
	sqlite3 *db; /* NULL: not open, state_save() tries */
	uint64_t max;
	bool rewrite; /* the database holds another graph than ours */
	struct db_mark mark;
	uint64_t saved_usage[LV_MAX_CLASSES]; /* flags and usage */
};

/* The database's path, without symbolic links. */
int state_path(const char *folder, char ret[static PATH_MAX], struct error *err);
/* Make, open and lock the folder, unless that is done. -EBUSY: it is another's. -EKEYREJECTED: not to be trusted. */
int state_open_folder(struct state *s, struct error *err);
/* Rename the database, which is damaged, and what lies beside it. */
int state_set_aside(struct state *s, char ret_aside[static PATH_MAX], struct error *err);

/* As state_read(), and the graph. */
int state_read_whole(const char *folder, struct state_content *ret, struct error *err);

/* Tables beside the capture's. */
int state_rows_create(sqlite3 *db, struct error *err);
/* -ENOTSUP: it is of a newer lockvane, which is no damage. */
int state_rows_check_version(sqlite3 *db, struct error *err);
/* -EUCLEAN: they are not as state_rows_create() makes them. */
int state_rows_verify(sqlite3 *db, struct error *err);

int state_rows_read(sqlite3 *db, struct known *ret_known, struct state_totals *ret_totals,
		    struct error *err);
int state_rows_write(sqlite3 *db, const struct known *known, const struct state_totals *totals,
		     struct error *err);

/* Make room: the oldest findings of other builds go, then reports of this one's. 1: some went. */
int state_rows_prune(sqlite3 *db, const char *kernel, const char *build, struct error *err);

int state_rows_reports_with(sqlite3 *db, const char *text, const struct known *known,
			    bool *ret_with, struct error *err);
int state_rows_report(sqlite3 *db, const char *id, bool json, char **ret, struct error *err);

/* SQLite's failure as -errno, with words. -EUCLEAN: the database is damaged. */
int state_error(struct error *err, sqlite3 *db, const char *what);

#endif
