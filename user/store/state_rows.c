// SPDX-License-Identifier: GPL-2.0-only
#include "store/state_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define STATE_VERSION 1 /* the tables' below; raise it with every change, and read older ones */
#define PRUNE 32 /* findings at a time */
#define MAX_REPORT (8u << 20)

CLEANUP_DEFINE(stmt, sqlite3_stmt *, sqlite3_finalize)

static const struct {
	const char *name, *sql;
} tables[] = {
	{"monitor", "CREATE TABLE monitor (key TEXT PRIMARY KEY, value INTEGER NOT NULL) "
		    "WITHOUT ROWID"},
	{"finding",
	 "CREATE TABLE finding (id TEXT PRIMARY KEY, kernel TEXT NOT NULL, build TEXT NOT NULL, "
	 "rule TEXT NOT NULL, confidence INTEGER NOT NULL, chain TEXT NOT NULL, "
	 "first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, count INTEGER NOT NULL, "
	 "told INTEGER NOT NULL, suppressed INTEGER NOT NULL, text TEXT, json TEXT)"},
};

#define NR_TABLES (sizeof(tables) / sizeof(tables[0]))

int state_error(struct error *err, sqlite3 *db, const char *what)
{
	int rc = sqlite3_errcode(db) & 0xff, code;

	switch (rc) {
	case SQLITE_FULL:
		code = -ENOSPC;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		code = -EUCLEAN;
		break;
	case SQLITE_READONLY:
		code = -EROFS;
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		code = -EBUSY;
		break;
	case SQLITE_NOMEM:
		code = -ENOMEM;
		break;
	default:
		code = -EIO;
	}
	return error_set(err, code, "%s: %s", what, sqlite3_errmsg(db));
}

int state_rows_create(sqlite3 *db, struct error *err)
{
	for (size_t i = 0; i < NR_TABLES; i++)
		if (sqlite3_exec(db, tables[i].sql, NULL, NULL, NULL) != SQLITE_OK)
			return state_error(err, db, tables[i].name);
	return 0;
}

static int64_t number_of(sqlite3 *db, const char *sql)
{
	CLEANUP(cleanup_stmt) sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW)
		return 0; /* not one of ours: that shows later */
	return sqlite3_column_int64(stmt, 0);
}

int state_rows_check_version(sqlite3 *db, struct error *err)
{
	int64_t capture = number_of(db, "PRAGMA user_version");
	int64_t own = number_of(db, "SELECT value FROM monitor WHERE key = 'version'");

	if (capture <= DB_VERSION && own <= STATE_VERSION)
		return 0;
	return error_set(err, -ENOTSUP,
			 "the state was written by a newer lockvane (formats %lld and %lld, this one has "
			 "%d and %d): use that one, or another folder",
			 (long long)capture, (long long)own, DB_VERSION, STATE_VERSION);
}

int state_rows_verify(sqlite3 *db, struct error *err)
{
	CLEANUP(cleanup_stmt) sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(db,
			       "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND "
			       "name = ?1 AND sql = ?2",
			       -1, &stmt, NULL) != SQLITE_OK)
		return state_error(err, db, "schema");
	for (size_t i = 0; i < NR_TABLES; i++) {
		int rc;

		sqlite3_bind_text(stmt, 1, tables[i].name, -1, SQLITE_STATIC);
		sqlite3_bind_text(stmt, 2, tables[i].sql, -1, SQLITE_STATIC);
		rc = sqlite3_step(stmt);
		if (rc == SQLITE_DONE)
			return error_set(err, -EUCLEAN, "table %s is not as lockvane makes it",
					 tables[i].name);
		if (rc != SQLITE_ROW)
			return state_error(err, db, "schema");
		sqlite3_reset(stmt);
	}
	return 0;
}

/* --- reading ------------------------------------------------------------- */

static char *column_copy(sqlite3_stmt *stmt, int column, size_t room)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);
	size_t len = text ? strnlen(text, room - 1) : 0;
	char *copy = malloc(len + 1);

	if (copy)
		strbuf_copy_clean(copy, len + 1, text ? text : "", len);
	return copy;
}

static int read_finding(sqlite3_stmt *stmt, struct known *known)
{
	AUTO_FREE char *kernel = column_copy(stmt, 1, 256), *build = column_copy(stmt, 2, 256);
	AUTO_FREE char *id = column_copy(stmt, 0, FINDING_ID_LEN), *rule = column_copy(stmt, 3, 64);
	struct known_finding *f;
	int code;

	if (!kernel || !build || !id || !rule)
		return -ENOMEM;
	/* A newer lockvane's rule: its finding stays where it is. */
	if (finding_rule_of(rule, strlen(rule)) == FINDING_RULES)
		return 0;
	if (sqlite3_column_int64(stmt, 4) < 0 || sqlite3_column_int64(stmt, 4) >= FINDING_CONFIDENCES)
		return -EUCLEAN;
	code = known_add(known, id, kernel, build, &f);
	if (code)
		return code;
	f->rule = finding_rule_of(rule, strlen(rule));
	f->confidence = sqlite3_column_int(stmt, 4);
	f->chain = column_copy(stmt, 5, 64 << 10);
	f->first_ms = sqlite3_column_int64(stmt, 6);
	f->last_ms = sqlite3_column_int64(stmt, 7);
	f->count = sqlite3_column_int64(stmt, 8);
	f->told = sqlite3_column_int(stmt, 9);
	f->suppressed = sqlite3_column_int(stmt, 10);
	return f->chain ? 0 : -ENOMEM;
}

static int read_findings(sqlite3 *db, struct known *known, struct error *err)
{
	CLEANUP(cleanup_stmt) sqlite3_stmt *stmt = NULL;
	int rc, code;

	/* The newest first: of too many the oldest are left where they are. */
	if (sqlite3_prepare_v2(db,
			       "SELECT id, kernel, build, rule, confidence, chain, first_seen, "
			       "last_seen, count, told, suppressed FROM finding "
			       "ORDER BY last_seen DESC LIMIT ?",
			       -1, &stmt, NULL) != SQLITE_OK)
		return state_error(err, db, "finding");
	sqlite3_bind_int(stmt, 1, KNOWN_MAX);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		code = read_finding(stmt, known);
		if (code)
			return error_set_errno(err, code, "a finding cannot be read");
	}
	return rc == SQLITE_DONE ? 0 : state_error(err, db, "finding");
}

static uint64_t *total(struct state_totals *t, const char *key)
{
	if (!strcmp(key, "watched_ns"))
		return &t->watched_ns;
	if (!strcmp(key, "seen"))
		return &t->seen;
	if (!strcmp(key, "unseen"))
		return &t->unseen;
	return !strcmp(key, "saved_ms") ? &t->saved_ms : NULL;
}

static int read_totals(sqlite3 *db, struct state_totals *ret, struct error *err)
{
	CLEANUP(cleanup_stmt) sqlite3_stmt *stmt = NULL;
	int rc;

	if (sqlite3_prepare_v2(db, "SELECT key, value FROM monitor", -1, &stmt, NULL) != SQLITE_OK)
		return state_error(err, db, "monitor");
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *key = (const char *)sqlite3_column_text(stmt, 0);
		uint64_t *at = key ? total(ret, key) : NULL;

		if (at)
			*at = sqlite3_column_int64(stmt, 1);
	}
	return rc == SQLITE_DONE ? 0 : state_error(err, db, "monitor");
}

int state_rows_read(sqlite3 *db, struct known *ret_known, struct state_totals *ret_totals,
		    struct error *err)
{
	int code = read_totals(db, ret_totals, err);

	return code ? code : read_findings(db, ret_known, err);
}

/* --- writing ------------------------------------------------------------- */

static void bind_text(sqlite3_stmt *stmt, int column, const char *text)
{
	sqlite3_bind_text(stmt, column, text, -1, SQLITE_STATIC);
}

/* A report that was saved stays when there is no newer one. */
static int write_findings(sqlite3 *db, const struct known *known, struct error *err)
{
	CLEANUP(cleanup_stmt) sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(db,
			       "INSERT INTO finding (id, kernel, build, rule, confidence, chain, "
			       "first_seen, last_seen, count, told, suppressed, text, json) "
			       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
			       "ON CONFLICT (id) DO UPDATE SET confidence = excluded.confidence, "
			       "chain = excluded.chain, last_seen = excluded.last_seen, "
			       "count = excluded.count, told = excluded.told, "
			       "suppressed = excluded.suppressed, "
			       "text = ifnull(excluded.text, text), "
			       "json = ifnull(excluded.json, json)",
			       -1, &stmt, NULL) != SQLITE_OK)
		return state_error(err, db, "finding");
	for (size_t i = 0; i < known->nr; i++) {
		const struct known_finding *f = &known->items[i];

		if (!f->dirty)
			continue;
		bind_text(stmt, 1, f->id);
		bind_text(stmt, 2, f->kernel);
		bind_text(stmt, 3, f->build);
		bind_text(stmt, 4, finding_rule_name(f->rule));
		sqlite3_bind_int(stmt, 5, f->confidence);
		bind_text(stmt, 6, f->chain);
		sqlite3_bind_int64(stmt, 7, f->first_ms);
		sqlite3_bind_int64(stmt, 8, f->last_ms);
		sqlite3_bind_int64(stmt, 9, f->count);
		sqlite3_bind_int(stmt, 10, f->told);
		sqlite3_bind_int(stmt, 11, f->suppressed);
		bind_text(stmt, 12, f->text);
		bind_text(stmt, 13, f->json);
		if (sqlite3_step(stmt) != SQLITE_DONE)
			return state_error(err, db, "finding");
		sqlite3_reset(stmt);
	}
	return 0;
}

static int write_totals(sqlite3 *db, const struct state_totals *t, struct error *err)
{
	CLEANUP(cleanup_stmt) sqlite3_stmt *stmt = NULL;
	const struct {
		const char *key;
		uint64_t value;
	} rows[] = {{"version", STATE_VERSION},
		    {"watched_ns", t->watched_ns},
		    {"seen", t->seen},
		    {"unseen", t->unseen},
		    {"saved_ms", t->saved_ms}};

	if (sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO monitor (key, value) VALUES (?, ?)", -1,
			       &stmt, NULL) != SQLITE_OK)
		return state_error(err, db, "monitor");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bind_text(stmt, 1, rows[i].key);
		sqlite3_bind_int64(stmt, 2, rows[i].value);
		if (sqlite3_step(stmt) != SQLITE_DONE)
			return state_error(err, db, "monitor");
		sqlite3_reset(stmt);
	}
	return 0;
}

int state_rows_write(sqlite3 *db, const struct known *known, const struct state_totals *totals,
		     struct error *err)
{
	int code = write_findings(db, known, err);

	return code ? code : write_totals(db, totals, err);
}

static int prune(sqlite3 *db, const char *sql, const char *kernel, const char *build,
		 struct error *err)
{
	CLEANUP(cleanup_stmt) sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return state_error(err, db, "finding");
	bind_text(stmt, 1, kernel);
	bind_text(stmt, 2, build);
	sqlite3_bind_int(stmt, 3, PRUNE);
	if (sqlite3_step(stmt) != SQLITE_DONE)
		return state_error(err, db, "finding");
	return sqlite3_changes(db) > 0;
}

int state_rows_prune(sqlite3 *db, const char *kernel, const char *build, struct error *err)
{
	int code = prune(db,
			 "DELETE FROM finding WHERE id IN (SELECT id FROM finding WHERE "
			 "kernel <> ?1 OR build <> ?2 ORDER BY last_seen LIMIT ?3)",
			 kernel, build, err);

	if (code)
		return code;
	return prune(db,
		     "UPDATE finding SET text = NULL, json = NULL WHERE id IN (SELECT id FROM "
		     "finding WHERE kernel = ?1 AND build = ?2 AND text NOTNULL "
		     "ORDER BY last_seen LIMIT ?3)",
		     kernel, build, err);
}

/* --- one report ---------------------------------------------------------- */

static int take_report(sqlite3_stmt *stmt, char **ret, struct error *err)
{
	const char *text = (const char *)sqlite3_column_text(stmt, 1);

	if (!text)
		return error_set(err, -ENODATA,
				 "the report of %s made room for newer ones, see "
				 "state-max in lockvane.conf(5)",
				 (const char *)sqlite3_column_text(stmt, 0));
	*ret = strndup(text, MAX_REPORT);
	return *ret ? 0 : error_set(err, -ENOMEM, "out of memory");
}

int state_rows_report(sqlite3 *db, const char *id, bool json, char **ret, struct error *err)
{
	CLEANUP(cleanup_stmt) sqlite3_stmt *stmt = NULL;
	AUTO_FREE char *text = NULL;
	int code, rc;

	if (sqlite3_prepare_v2(db,
			       json ? "SELECT id, json FROM finding WHERE substr(id, 1, ?2) = ?1"
				    : "SELECT id, text FROM finding WHERE substr(id, 1, ?2) = ?1",
			       -1, &stmt, NULL) != SQLITE_OK)
		return state_error(err, db, "finding");
	bind_text(stmt, 1, id);
	sqlite3_bind_int(stmt, 2, strlen(id));
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_DONE)
		return error_set(err, -ENOENT, "no finding %.40s: lockvane findings lists them",
				 id);
	if (rc != SQLITE_ROW)
		return state_error(err, db, "finding");
	code = take_report(stmt, &text, err);
	if (code)
		return code;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		return error_set(err, -EEXIST, "several ids begin with %.40s", id);
	if (rc != SQLITE_DONE)
		return state_error(err, db, "finding");
	*ret = TAKE_PTR(text);
	return 0;
}

int state_rows_reports_with(sqlite3 *db, const char *text, const struct known *known,
			    bool *ret_with, struct error *err)
{
	CLEANUP(cleanup_stmt) sqlite3_stmt *stmt = NULL;
	int rc;

	if (sqlite3_prepare_v2(db, "SELECT id FROM finding WHERE instr(text, ?1)", -1, &stmt,
			       NULL) != SQLITE_OK)
		return state_error(err, db, "finding");
	bind_text(stmt, 1, text);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *id = (const char *)sqlite3_column_text(stmt, 0);
		const struct known_finding *f = id ? known_find(known, id) : NULL;

		if (f)
			ret_with[f - known->items] = true;
	}
	return rc == SQLITE_DONE ? 0 : state_error(err, db, "finding");
}
