/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the files that write rows. */
#ifndef LOCKVANE_CAPTURE_DB_WRITE_INTERNAL_H
#define LOCKVANE_CAPTURE_DB_WRITE_INTERNAL_H

#include "capture/db_internal.h"

/* One prepared INSERT. The first failure is remembered, what follows does nothing. */
struct writer {
	sqlite3 *db;
	sqlite3_stmt *stmt;
	int column; /* bound last */
	int rc;
};

void writer_open(struct writer *w, sqlite3 *db, const char *sql);
void writer_int(struct writer *w, uint64_t value);
void writer_null(struct writer *w);
void writer_ref(struct writer *w, uint32_t ref);
void writer_addr(struct writer *w, uint64_t addr);
void writer_text(struct writer *w, const char *text, size_t max);
void writer_row(struct writer *w);
int writer_close(struct writer *w, const char *what, struct error *err);

/* Write the evidence of the classes, or edges, from first to before end. */
int db_write_usages_seen(sqlite3 *db, const struct capture *c, size_t first, size_t end,
			 struct error *err);
int db_write_edges_seen(sqlite3 *db, const struct capture *c, size_t first, size_t end,
			struct error *err);

#endif
