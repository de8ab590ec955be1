// SPDX-License-Identifier: GPL-2.0-only
#include "capture/db_internal.h"

#include <errno.h>
#include <string.h>

/*
 * A table has numbers, as capture.h has them; the view of the same name in the
 * plural has names. NULL is LV_NONE, an unknown address or a missing string.
 * Unsigned 64-bit numbers are kept as the signed number of the same bits.
 */
const struct db_table db_tables[] = {
	{ "capture",
	  "CREATE TABLE capture ("
	  "id INTEGER PRIMARY KEY, "
	  "version TEXT NOT NULL, "
	  "kernel TEXT NOT NULL, "
	  "build TEXT NOT NULL, "
	  "machine TEXT NOT NULL, "
	  "command TEXT, "
	  "tainted TEXT, "
	  "started INTEGER NOT NULL, "
	  "duration INTEGER NOT NULL, "
	  "events INTEGER NOT NULL, "
	  "rt INTEGER NOT NULL, "
	  "annotated INTEGER NOT NULL, "
	  "unlocks_hidden INTEGER NOT NULL, "
	  "irqs_unseen INTEGER NOT NULL, "
	  "preempts INTEGER NOT NULL)", 0 },
	{ "host",
	  "CREATE TABLE host ("
	  "id INTEGER PRIMARY KEY, "
	  "name TEXT NOT NULL)", 8 },
	{ "frame",
	  "CREATE TABLE frame ("
	  "id INTEGER PRIMARY KEY, "
	  "ip INTEGER NOT NULL, "
	  "text TEXT NOT NULL)", 0 },
	{ "stack",
	  "CREATE TABLE stack ("
	  "id INTEGER PRIMARY KEY, "
	  "comm TEXT NOT NULL, "
	  "pid INTEGER NOT NULL, "
	  "cpu INTEGER NOT NULL)", 0 },
	{ "stack_frame",
	  "CREATE TABLE stack_frame ("
	  "stack INTEGER NOT NULL REFERENCES stack(id), "
	  "depth INTEGER NOT NULL, "
	  "frame INTEGER NOT NULL REFERENCES frame(id), "
	  "PRIMARY KEY (stack, depth)) WITHOUT ROWID", 0 },
	{ "class",
	  "CREATE TABLE class ("
	  "id INTEGER PRIMARY KEY, "
	  "name TEXT NOT NULL UNIQUE, "
	  "alias TEXT, "
	  "kind TEXT NOT NULL, "
	  "key TEXT NOT NULL, "
	  "certainty INTEGER NOT NULL, "
	  "family INTEGER NOT NULL, "
	  "subclass INTEGER NOT NULL, "
	  "flags INTEGER NOT NULL, "
	  "usage INTEGER NOT NULL, "
	  "acquisitions INTEGER NOT NULL)", 0 },
	{ "usage",
	  "CREATE TABLE usage ("
	  "class INTEGER NOT NULL REFERENCES class(id), "
	  "bit INTEGER NOT NULL, "
	  "stack INTEGER REFERENCES stack(id), "
	  "addr INTEGER, "
	  "PRIMARY KEY (class, bit)) WITHOUT ROWID", 0 },
	{ "edge",
	  "CREATE TABLE edge ("
	  "id INTEGER PRIMARY KEY, "
	  "from_class INTEGER NOT NULL REFERENCES class(id), "
	  "to_class INTEGER NOT NULL REFERENCES class(id), "
	  "dep INTEGER NOT NULL, "
	  "count INTEGER NOT NULL, "
	  "stack INTEGER REFERENCES stack(id), "
	  "from_stack INTEGER REFERENCES stack(id), "
	  "from_addr INTEGER, "
	  "to_addr INTEGER)", 0 },
	{ "fact",
	  "CREATE TABLE fact ("
	  "id INTEGER PRIMARY KEY, "
	  "kind INTEGER NOT NULL, "
	  "class INTEGER NOT NULL REFERENCES class(id), "
	  "class2 INTEGER REFERENCES class(id), "
	  "stack INTEGER REFERENCES stack(id), "
	  "addr INTEGER)", 0 },
	{ "loss",
	  "CREATE TABLE loss ("
	  "id INTEGER PRIMARY KEY, "
	  "name TEXT NOT NULL, "
	  "text TEXT NOT NULL, "
	  "count INTEGER NOT NULL, "
	  "programs TEXT)", 0 },
	{ "image",
	  "CREATE TABLE image ("
	  "id INTEGER PRIMARY KEY, "
	  "module TEXT, "
	  "build_id TEXT NOT NULL)", 3 },
	{ "class_why",
	  "CREATE TABLE class_why ("
	  "class INTEGER PRIMARY KEY REFERENCES class(id), "
	  "text TEXT NOT NULL)", 5 },
	{ "usage_seen",
	  "CREATE TABLE usage_seen ("
	  "class INTEGER NOT NULL REFERENCES class(id), "
	  "bit INTEGER NOT NULL, "
	  "twice INTEGER NOT NULL, "
	  "low INTEGER, "
	  "seen INTEGER NOT NULL, "
	  "PRIMARY KEY (class, bit)) WITHOUT ROWID", 5 },
	{ "edge_seen",
	  "CREATE TABLE edge_seen ("
	  "edge INTEGER PRIMARY KEY REFERENCES edge(id), "
	  "from_seen INTEGER NOT NULL, "
	  "to_seen INTEGER NOT NULL, "
	  "low_from INTEGER, "
	  "low_from_to INTEGER, "
	  "low_to_from INTEGER, "
	  "low_to INTEGER)", 5 },
	/* The key's columns first: where others stand between, SQLite 3.40's quick_check is wrong. */
	{ "gate",
	  "CREATE TABLE gate ("
	  "edge INTEGER NOT NULL REFERENCES edge(id), "
	  "addr INTEGER NOT NULL, "
	  "class INTEGER NOT NULL REFERENCES class(id), "
	  "PRIMARY KEY (edge, addr)) WITHOUT ROWID", 5 },
	{ "edge_sure", "CREATE TABLE edge_sure (edge INTEGER PRIMARY KEY REFERENCES edge(id))", 6 },
	{ "wait",
	  "CREATE TABLE wait ("
	  "id INTEGER PRIMARY KEY, "
	  "ring INTEGER NOT NULL, "
	  "class INTEGER NOT NULL REFERENCES class(id), "
	  "mode INTEGER NOT NULL, "
	  "held INTEGER NOT NULL, "
	  "ends INTEGER NOT NULL, "
	  "stack INTEGER REFERENCES stack(id), "
	  "addr INTEGER, "
	  "waited_ms INTEGER NOT NULL)", 7 },
	{ "source",
	  "CREATE TABLE source ("
	  "id INTEGER PRIMARY KEY, "
	  "name TEXT NOT NULL, "
	  "command TEXT, "
	  "started INTEGER NOT NULL, "
	  "duration INTEGER NOT NULL, "
	  "events INTEGER NOT NULL, "
	  "lost INTEGER NOT NULL)", 7 },
	{ "usage_source",
	  "CREATE TABLE usage_source ("
	  "class INTEGER NOT NULL REFERENCES class(id), "
	  "bit INTEGER NOT NULL, "
	  "sources INTEGER NOT NULL, "
	  "PRIMARY KEY (class, bit)) WITHOUT ROWID", 7 },
	{ "edge_source",
	  "CREATE TABLE edge_source ("
	  "edge INTEGER PRIMARY KEY REFERENCES edge(id), "
	  "source INTEGER NOT NULL REFERENCES source(id))", 7 },
	{ "fact_source",
	  "CREATE TABLE fact_source ("
	  "fact INTEGER PRIMARY KEY REFERENCES fact(id), "
	  "source INTEGER NOT NULL REFERENCES source(id))", 7 },
};

const size_t db_nr_tables = sizeof(db_tables) / sizeof(db_tables[0]);

/* One of lockdep's four usage letters, from its IN and its ON bit. */
#define LETTER(in, on) \
	"substr('.-+?', 1 + (usage >> " #in " & 1) + 2 * (usage >> " #on " & 1), 1)"
#define HEX(column) "CASE WHEN " column " NOTNULL THEN printf('%016x', " column ") END"

static const char *const views[] = {
	"CREATE VIEW classes AS SELECT id, name, alias, "
	"CASE family WHEN 0 THEN 'spin' WHEN 1 THEN 'rwlock' WHEN 2 THEN 'mutex' "
	"WHEN 3 THEN 'rwsem' WHEN 4 THEN 'rawspin' WHEN 5 THEN 'percpu-rwsem' "
	"WHEN 6 THEN 'sock' WHEN 7 THEN 'pseudo' END AS family, "
	"'{' || " LETTER(0, 2) " || " LETTER(1, 3) " || " LETTER(4, 6) " || " LETTER(5, 7)
	" || '}' AS usage, acquisitions, kind, key, "
	"CASE certainty WHEN 0 THEN 'exact' WHEN 1 THEN 'inferred' "
	"WHEN 2 THEN 'ambiguous' END AS certainty, subclass FROM class",

	"CREATE VIEW edges AS SELECT e.id, f.name AS from_name, t.name AS to_name, "
	"CASE dep WHEN 1 THEN '-(SR)->' WHEN 2 THEN '-(ER)->' "
	"WHEN 4 THEN '-(SN)->' WHEN 8 THEN '-(EN)->' END AS type, "
	"count, stack, from_stack, " HEX("from_addr") " AS from_addr, " HEX("to_addr")
	" AS to_addr FROM edge e JOIN class f ON f.id = from_class "
	"JOIN class t ON t.id = to_class",

	"CREATE VIEW usages AS SELECT c.name, CASE bit "
	"WHEN 0 THEN 'IN-HARDIRQ-W' WHEN 1 THEN 'IN-HARDIRQ-R' "
	"WHEN 2 THEN 'HARDIRQ-ON-W' WHEN 3 THEN 'HARDIRQ-ON-R' "
	"WHEN 4 THEN 'IN-SOFTIRQ-W' WHEN 5 THEN 'IN-SOFTIRQ-R' "
	"WHEN 6 THEN 'SOFTIRQ-ON-W' WHEN 7 THEN 'SOFTIRQ-ON-R' "
	"WHEN 8 THEN 'INITIAL USE' WHEN 9 THEN 'INITIAL READ USE' END AS usage, "
	"stack, " HEX("addr") " AS addr FROM usage u JOIN class c ON c.id = u.class "
	"WHERE c.usage >> bit & 1",

	"CREATE VIEW stacks AS SELECT s.id AS stack, depth, comm, pid, cpu, " HEX("ip")
	" AS ip, text FROM stack s JOIN stack_frame ON stack = s.id "
	"JOIN frame f ON f.id = frame ORDER BY s.id, depth",

	"CREATE VIEW facts AS SELECT f.id, CASE f.kind WHEN 0 THEN 'wait-context' "
	"WHEN 1 THEN 'bad-unlock' WHEN 2 THEN 'held-freed' WHEN 3 THEN 'held-at-exit' "
	"WHEN 4 THEN 'wait-atomic' WHEN 5 THEN 'held-at-death' "
	"END AS kind, c.name, d.name AS name2, stack, " HEX("addr") " AS addr "
	"FROM fact f JOIN class c ON c.id = class LEFT JOIN class d ON d.id = class2",
};

int db_error(struct error *err, sqlite3 *db, const char *what)
{
	int code = sqlite3_errcode(db) == SQLITE_NOMEM ? -ENOMEM : -EINVAL;

	return error_set(err, code, "%s: %s", what, sqlite3_errmsg(db));
}

static int sign(sqlite3 *db, struct error *err)
{
	char sql[128];

	sqlite3_snprintf(sizeof(sql), sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
			 DB_APPLICATION_ID, DB_VERSION);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_error(err, db, "application_id");
	return 0;
}

static int create_tables(sqlite3 *db, uint32_t from, struct error *err)
{
	for (size_t i = 0; i < db_nr_tables; i++)
		if (db_tables[i].since >= from &&
		    sqlite3_exec(db, db_tables[i].sql, NULL, NULL, NULL) != SQLITE_OK)
			return db_error(err, db, db_tables[i].name);
	return 0;
}

int db_create(sqlite3 *db, struct error *err)
{
	int code = create_tables(db, 0, err);

	if (code)
		return code;
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (sqlite3_exec(db, views[i], NULL, NULL, NULL) != SQLITE_OK)
			return db_error(err, db, "views");
	return sign(db, err);
}

int db_upgrade(sqlite3 *db, struct error *err)
{
	int code = create_tables(db, db_version(db) + 1, err);

	return code ? code : sign(db, err);
}

uint32_t db_version(sqlite3 *db)
{
	uint32_t version = 0;
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL) != SQLITE_OK)
		return 0;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		version = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return version;
}

/*
 * Word for word: then no view stands where a table should, and no generated
 * column, no CHECK and no collation of the file's runs when we read it.
 */
int db_verify(sqlite3 *db, struct error *err)
{
	uint32_t version = db_version(db);
	sqlite3_stmt *stmt;
	int code = 0;

	if (sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND "
			       "name = ?1 AND sql = ?2", -1, &stmt, NULL) != SQLITE_OK)
		return db_error(err, db, "damaged, copy it again or record anew");
	for (size_t i = 0; i < db_nr_tables && !code; i++) {
		int rc;

		if (db_tables[i].since > version)
			continue;
		sqlite3_bind_text(stmt, 1, db_tables[i].name, -1, SQLITE_STATIC);
		sqlite3_bind_text(stmt, 2, db_tables[i].sql, -1, SQLITE_STATIC);
		rc = sqlite3_step(stmt);
		if (rc == SQLITE_DONE)
			code = error_set(err, -EINVAL, "table %s is not as lockvane makes it: "
					 "record anew", db_tables[i].name);
		else if (rc != SQLITE_ROW)
			code = db_error(err, db, "damaged, copy it again or record anew");
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
	return code;
}
