// SPDX-License-Identifier: GPL-2.0-only
#include "capture/db_write_internal.h"

#include "base/strbuf.h"

void writer_open(struct writer *w, sqlite3 *db, const char *sql)
{
	*w = (struct writer){ .db = db };
	w->rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &w->stmt, NULL);
}

void writer_int(struct writer *w, uint64_t value)
{
	if (w->rc == SQLITE_OK)
		w->rc = sqlite3_bind_int64(w->stmt, ++w->column, (int64_t)value);
}

void writer_null(struct writer *w)
{
	if (w->rc == SQLITE_OK)
		w->rc = sqlite3_bind_null(w->stmt, ++w->column);
}

void writer_ref(struct writer *w, uint32_t ref)
{
	if (ref == LV_NONE)
		writer_null(w);
	else
		writer_int(w, ref);
}

void writer_addr(struct writer *w, uint64_t addr)
{
	if (!addr)
		writer_null(w);
	else
		writer_int(w, addr);
}

/* Clean already in the file: it is also read with sqlite3, on a terminal. */
void writer_text(struct writer *w, const char *text, size_t max)
{
	char clean[DB_MAX_STRING + 1];
	size_t len;

	if (!text) {
		writer_null(w);
		return;
	}
	len = strbuf_copy_clean(clean, sizeof(clean), text, max);
	if (w->rc == SQLITE_OK)
		w->rc = sqlite3_bind_text(w->stmt, ++w->column, clean, len, SQLITE_TRANSIENT);
}

void writer_row(struct writer *w)
{
	if (w->rc != SQLITE_OK)
		return;
	w->column = 0;
	sqlite3_step(w->stmt);
	w->rc = sqlite3_reset(w->stmt);
}

int writer_close(struct writer *w, const char *what, struct error *err)
{
	int code = w->rc == SQLITE_OK ? 0 : db_error(err, w->db, what);

	sqlite3_finalize(w->stmt);
	return code;
}
