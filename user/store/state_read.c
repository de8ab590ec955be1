// SPDX-License-Identifier: GPL-2.0-only
/* The state as others read it, while a monitor may be at work. */
#include "store/state.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "store/state_internal.h"

void state_content_done(struct state_content *c)
{
	capture_free(c->graph);
	known_done(&c->known);
	*c = (struct state_content){};
}

CLEANUP_DEFINE(reader, sqlite3 *, sqlite3_close)

/* It may lie in a folder that was copied from anywhere: nothing of it is run. */
static void restrain(sqlite3 *db)
{
	static const int config[][2] = {
		{SQLITE_DBCONFIG_DEFENSIVE, 1},	     {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
		{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
	};

	for (size_t i = 0; i < sizeof(config) / sizeof(config[0]); i++)
		sqlite3_db_config(db, config[i][0], config[i][1], NULL);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 64 << 20);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_exec(db, "PRAGMA cell_size_check = ON; PRAGMA query_only = ON", NULL, NULL, NULL);
}

static int open_uri(const char *path, bool immutable, sqlite3 **ret)
{
	char *uri = sqlite3_mprintf("file:%s%s", path, immutable ? "?immutable=1" : "");
	int code = -ENOMEM;

	if (uri && sqlite3_open_v2(uri, ret,
				   SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
					   SQLITE_OPEN_NOFOLLOW,
				   NULL) != SQLITE_OK) {
		code = *ret ? state_error(NULL, *ret, "") : -ENOMEM;
	} else if (uri) {
		sqlite3_busy_timeout(*ret, 2000);
		restrain(*ret);
		code = sqlite3_exec(*ret, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) ==
				       SQLITE_OK
			       ? 0
			       : state_error(NULL, *ret, "");
	}
	sqlite3_free(uri);
	return code;
}

static int open_reader(const char *folder, sqlite3 **ret, struct error *err)
{
	CLEANUP(cleanup_reader) sqlite3 *db = NULL;
	char path[PATH_MAX];
	int code;

	code = state_path(folder, path, err);
	/* In a URI these would mean something. */
	if (!code && strpbrk(path, "?#%"))
		return error_set(err, -EINVAL, "%s: a folder's name without ?, # and %%, please",
				 folder);
	if (code || access(path, R_OK))
		return error_set(err, code ? code : -errno,
				 "no state in %s (%s): has lockvane monitor run, and "
				 "are you root?",
				 folder, strerror(code ? -code : errno));
	code = open_uri(path, false, &db);
	if (code) {
		/* Without a monitor, where nothing may be written, no log can be. */
		sqlite3_close(db);
		db = NULL;
		code = open_uri(path, true, &db);
	}
	if (code)
		return error_set_errno(err, code, "cannot read %s", path);
	code = state_rows_check_version(db, err);
	if (code)
		return code;
	code = state_rows_verify(db, err);
	if (code)
		return error_prefix(err, "%s is damaged", path);
	*ret = TAKE_PTR(db);
	return 0;
}

int state_read(const char *folder, struct state_content *ret, struct error *err)
{
	CLEANUP(cleanup_reader) sqlite3 *db = NULL;
	int code = open_reader(folder, &db, err);

	*ret = (struct state_content){};
	code = code ? code : state_rows_read(db, &ret->known, &ret->totals, err);
	if (code)
		state_content_done(ret);
	return code;
}

int state_read_whole(const char *folder, struct state_content *ret, struct error *err)
{
	CLEANUP(cleanup_reader) sqlite3 *db = NULL;
	int code = state_read(folder, ret, err);

	code = code ? code : open_reader(folder, &db, err);
	/* Without a graph, or with one that cannot be read: the findings are something. */
	if (!code && !db_verify(db, NULL))
		db_read(db, &ret->graph, NULL);
	return code;
}

int state_reports_with(const char *folder, const char *text, const struct known *known,
		       bool *ret_with, struct error *err)
{
	CLEANUP(cleanup_reader) sqlite3 *db = NULL;
	int code = open_reader(folder, &db, err);

	return code ? code : state_rows_reports_with(db, text, known, ret_with, err);
}

int state_report(const char *folder, const char *id, bool json, char **ret, struct error *err)
{
	CLEANUP(cleanup_reader) sqlite3 *db = NULL;
	int code = open_reader(folder, &db, err);

	return code ? code : state_rows_report(db, id, json, ret, err);
}

int state_read_graph(const char *folder, struct capture **ret, struct error *err)
{
	CLEANUP(cleanup_reader) sqlite3 *db = NULL;
	sqlite3_stmt *stmt;
	bool any;
	int code = open_reader(folder, &db, err);

	code = code ? code : db_verify(db, err);
	if (code)
		return code;
	/* One view of the database, whatever a monitor writes meanwhile. */
	if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "SELECT 1 FROM capture", -1, &stmt, NULL) != SQLITE_OK)
		return state_error(err, db, folder);
	any = sqlite3_step(stmt) == SQLITE_ROW;
	sqlite3_finalize(stmt);
	if (!any)
		return error_set(err, -ENOENT, "no graph in %s yet: the monitor saves what it records",
				 folder);
	return db_read(db, ret, err);
}

/* Copied in one piece, whatever a monitor writes meanwhile. */
static int copy_db(sqlite3 *from, sqlite3 *to, struct error *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int rc;

	if (!backup)
		return state_error(err, to, "backup");
	do {
		rc = sqlite3_backup_step(backup, -1);
		if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
			sqlite3_sleep(50);
	} while (rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
	return sqlite3_backup_finish(backup) == SQLITE_OK ? 0 : state_error(err, to, "backup");
}

int state_snapshot(const char *folder, void **ret, size_t *ret_len, struct error *err)
{
	CLEANUP(cleanup_reader) sqlite3 *db = NULL, *copy = NULL;
	unsigned char *image;
	sqlite3_int64 len = 0;
	int code = open_reader(folder, &db, err);

	if (!code && sqlite3_open(":memory:", &copy) != SQLITE_OK)
		code = error_set(err, -ENOMEM, "out of memory");
	code = code ? code : copy_db(db, copy, err);
	if (code)
		return code;
	image = sqlite3_serialize(copy, "main", &len, 0);
	*ret = image && len >= 100 ? malloc(len) : NULL;
	if (*ret) {
		memcpy(*ret, image, len);
		/* Versions of the format: no log lies beside it. */
		((unsigned char *)*ret)[18] = ((unsigned char *)*ret)[19] = 1;
		*ret_len = len;
	}
	sqlite3_free(image);
	return *ret ? 0 : error_set(err, -ENOMEM, "out of memory");
}
