/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files of db: db.c knows files, db_schema.c the tables,
 * db_write.c and db_read.c carry rows over an open database, db_check.c says
 * whether a capture is one. Not for others, except who keeps a database open.
 */
#ifndef LOCKVANE_CAPTURE_DB_INTERNAL_H
#define LOCKVANE_CAPTURE_DB_INTERNAL_H

#include <sqlite3.h>

#include "base/error.h"
#include "capture/capture.h"

#define DB_APPLICATION_ID 0x6c6b766e /* "lkvn" */
#define DB_VERSION 8                 /* PRAGMA user_version; raise it with every change */
#define DB_OLDEST 2                  /* is read still: nothing was taken away since */

/*
 * Limits of a capture. Ten times the recorder's tables leave room for captures that were put
 * together; memory is bounded for hostile files.
 */
#define DB_MAX_CLASSES (10 * LV_MAX_CLASSES)
#define DB_MAX_EDGES (10 * LV_MAX_EDGES)
#define DB_MAX_STACKS (10 * LV_MAX_STACKS)
#define DB_MAX_DEPTH (10 * LV_STACK_DEPTH) /* frames of one stack, inlined ones too */
#define DB_MAX_FRAMES (DB_MAX_STACKS * LV_STACK_DEPTH)
#define DB_MAX_FACTS (10 * LV_MAX_EDGES)
#define DB_MAX_WAITS 65536
#define DB_MAX_LOSSES 256
#define DB_MAX_IMAGES CAPTURE_MAX_IMAGES
#define DB_MAX_STRING 4095
#define DB_MAX_TEXT (512ul << 20) /* all strings together */
#define DB_MAX_REPEATED (64ul << 20) /* names of both classes of all edges */
#define DB_MAX_FILE (512ul << 20)

struct db_table {
	const char *name;
	const char *sql;
	uint32_t since; /* the version of the format that brought it, 0: DB_OLDEST has it */
};

extern const struct db_table db_tables[];
extern const size_t db_nr_tables;

/* Make the tables and views in an empty database, and sign it. */
int db_create(sqlite3 *db, struct error *err);

/* Upgrade a database of an older version: make the tables that came since, and sign it anew. */
int db_upgrade(sqlite3 *db, struct error *err);

/* The version it says it is of; 0: it does not. */
uint32_t db_version(sqlite3 *db);

/* Does the database hold the tables of its version, word for word? -EINVAL if not. */
int db_verify(sqlite3 *db, struct error *err);

/*
 * How much of a capture that only grows is in a database. All counts but the
 * frames' are those of the capture's arrays.
 */
struct db_mark {
	size_t frames, stacks, classes, edges, facts, waits;
};

/*
 * The rows that came since the mark, which moves on; the run and its losses
 * are written anew. -ESTALE: what is in there is numbered otherwise.
 */
int db_append(sqlite3 *db, const struct capture *c, struct db_mark *mark, struct error *err);
/*
 * Write the fields that may change in rows that are there: a class's usages, and all counts below a
 * mark.
 */
int db_update_class(sqlite3 *db, const struct capture *c, size_t index, struct error *err);
int db_update_counts(sqlite3 *db, const struct capture *c, const struct db_mark *below,
		     struct error *err);
/* Write who saw what in a capture that was put together. Part of db_write(). */
int db_write_sources(sqlite3 *db, const struct capture *c, struct error *err);
/* Empty the tables. */
int db_clear(sqlite3 *db, struct error *err);

/* Rows of a capture, into tables that are empty, and back. No transaction of their own. */
int db_write(sqlite3 *db, const struct capture *c, struct error *err);
int db_read(sqlite3 *db, struct capture **ret, struct error *err);

/* Is everything in it as capture.h says? -EINVAL and what is wrong if not. */
int db_check(const struct capture *c, struct error *err);

/* SQLite's text on its last failure, as an error: "what: its words". */
int db_error(struct error *err, sqlite3 *db, const char *what);

#endif
