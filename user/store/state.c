// SPDX-License-Identifier: GPL-2.0-only
#include "store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "capture/db.h"
#include "capture/db_internal.h"
#include "store/state_internal.h"

#define PAGE 4096
#define LOG_MAX (4 << 20) /* bytes of write-ahead log that are left lying */
#define DEFAULT_MAX (256ull << 20)

/* --- opening ------------------------------------------------------------- */

static int run(sqlite3 *db, const char *sql, struct error *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : state_error(err, db, sql);
}

static int number(sqlite3 *db, const char *sql, int64_t *ret, struct error *err)
{
	sqlite3_stmt *stmt;
	int rc;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return state_error(err, db, sql);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	if (rc == SQLITE_ROW)
		return 0;
	return rc == SQLITE_DONE ? error_set(err, -EUCLEAN, "%s: no answer", sql)
				 : state_error(err, db, sql);
}

/* Made by us, for us alone, before SQLite sees it; what it makes beside it gets the same mode. */
static int make_file(const struct state *s, struct error *err)
{
	AUTO_CLOSE int fd = open(s->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0)
		return error_set_errno(err, -errno, "cannot open %s", s->path);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "%s is not a regular file", s->path);
	if (st.st_mode & 077 && fchmod(fd, 0600))
		return error_set_errno(err, -errno, "cannot protect %s", s->path);
	return 0;
}

static int prepare(struct state *s, struct error *err)
{
	int code;

	sqlite3_busy_timeout(s->db, 2000);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	/* Before the first page is written, and of no effect later. */
	code = run(s->db, "PRAGMA page_size = 4096; PRAGMA encoding = 'UTF-8'", err);
	code = code ? code : run(s->db, "PRAGMA journal_mode = WAL", err);
	/* The finding must outlive the machine, which may be about to hang. */
	code = code ? code
		    : run(s->db,
			  "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; "
			  "PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY",
			  err);
	if (!code) {
		char sql[96];

		snprintf(sql, sizeof(sql), "PRAGMA journal_size_limit = %d", LOG_MAX);
		code = run(s->db, sql, err);
	}
	return code;
}

static void limit_size(const struct state *s)
{
	char sql[96];

	if (!s->db)
		return;
	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %llu",
		 (unsigned long long)s->max / PAGE);
	run(s->db, sql, NULL);
}

static int create(sqlite3 *db, struct error *err)
{
	int code = db_create(db, err);

	return code ? code : state_rows_create(db, err);
}

static int in_transaction(struct state *s, int (*make)(sqlite3 *db, struct error *err),
			  struct error *err)
{
	int code = run(s->db, "BEGIN IMMEDIATE", err);

	code = code ? code : make(s->db, err);
	code = code ? code : run(s->db, "COMMIT", err);
	if (code && sqlite3_errcode(s->db) != SQLITE_OK)
		code = state_error(err, s->db, "cannot make the tables");
	if (code)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return code;
}

/* A database that says something wrong of itself is damaged. */
static int damage(int code)
{
	return code == -EINVAL ? -EUCLEAN : code;
}

static int check(struct state *s, struct error *err)
{
	int64_t id = 0, version = 0;
	int code = number(s->db, "PRAGMA application_id", &id, err);

	code = code ? code : number(s->db, "PRAGMA user_version", &version, err);
	if (!code && id == DB_APPLICATION_ID)
		code = state_rows_check_version(s->db, err);
	if (!code && (id != DB_APPLICATION_ID || version < DB_OLDEST || version > DB_VERSION))
		code = error_set(err, -EUCLEAN, "it is of another format (version %lld)",
				 (long long)version);
	code = code ? code : damage(db_verify(s->db, err));
	code = code ? code : state_rows_verify(s->db, err);
	if (!code && version < DB_VERSION)
		code = in_transaction(s, db_upgrade, err);
	return code;
}

static void close_db(struct state *s)
{
	sqlite3_close(s->db);
	s->db = NULL;
}

static int open_db(struct state *s, struct error *err)
{
	int64_t tables = 0;
	int code = state_open_folder(s, err);

	code = code ? code : make_file(s, err);
	if (code)
		return code;
	if (sqlite3_open_v2(s->path, &s->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
			    NULL) != SQLITE_OK) {
		code = s->db ? state_error(err, s->db, s->path) : -ENOMEM;
		close_db(s);
		return code;
	}
	code = prepare(s, err);
	code = code ? code : number(s->db, "SELECT count(*) FROM sqlite_schema", &tables, err);
	if (!code)
		code = tables ? check(s, err) : in_transaction(s, create, err);
	if (code)
		close_db(s);
	else
		limit_size(s);
	return code;
}

/* A page that is damaged shows when it is read: all are. */
static int check_pages(sqlite3 *db, struct error *err)
{
	sqlite3_stmt *stmt;
	int code = 0, rc;

	if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL) != SQLITE_OK)
		return state_error(err, db, "check");
	rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW)
		code = state_error(err, db, "check");
	else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "ok"))
		code = error_set(err, -EUCLEAN, "%.120s",
				 (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return code;
}

static uint64_t usage_word(const struct capture_class *class)
{
	return (uint64_t) class->flags << 32 | class->usage;
}

static void remember_usage(struct state *s, const struct capture *c)
{
	for (size_t i = 0; i < c->nr_classes && i < LV_MAX_CLASSES; i++)
		s->saved_usage[i] = usage_word(&c->classes[i]);
}

static int read_graph(struct state *s, struct capture **ret, struct error *err)
{
	int64_t runs = 0, frames = 0;
	int code = number(s->db, "SELECT count(*) FROM capture", &runs, err);
	struct capture *c;

	if (code || !runs)
		return code;
	code = damage(db_read(s->db, &c, err));
	if (code)
		return code;
	code = number(s->db, "SELECT count(*) FROM frame", &frames, err);
	s->mark = (struct db_mark){frames, c->nr_stacks, c->nr_classes, c->nr_edges, c->nr_facts,
				  c->nr_waits};
	remember_usage(s, c);
	*ret = c;
	return code;
}

static int read_all(struct state *s, struct state_content *ret, struct error *err)
{
	int code = check_pages(s->db, err);

	code = code ? code : read_graph(s, &ret->graph, err);
	return code ? code : state_rows_read(s->db, &ret->known, &ret->totals, err);
}

static int open_and_read(struct state *s, struct state_content *ret, struct error *err)
{
	int code = open_db(s, err);

	if (code)
		return code;
	code = read_all(s, ret, err);
	if (code) {
		state_content_done(ret);
		close_db(s);
		s->mark = (struct db_mark){};
	}
	return code;
}

static void read_only(const char *folder, struct state_content *ret)
{
	struct state_content there;
	char aside[PATH_MAX], damage[sizeof(ret->damage)];

	if (state_read_whole(folder, &there, NULL))
		return;
	memcpy(aside, ret->aside, sizeof(aside));
	memcpy(damage, ret->damage, sizeof(damage));
	state_content_done(ret);
	*ret = there;
	memcpy(ret->aside, aside, sizeof(aside));
	memcpy(ret->damage, damage, sizeof(damage));
}

int state_open(const char *folder, struct state **ret, struct state_content *ret_content,
	       struct error *err)
{
	struct state *s = calloc(1, sizeof(*s));
	char aside[PATH_MAX] = "";
	int code;

	*ret_content = (struct state_content){};
	if (!s || !(s->folder = strdup(folder))) {
		free(s);
		return error_set(err, -ENOMEM, "out of memory");
	}
	s->dir = -1;
	s->max = DEFAULT_MAX;
	snprintf(s->path, sizeof(s->path), "%.4000s/" STATE_FILE, folder);
	code = open_and_read(s, ret_content, err);
	if (code == -ENOTSUP || code == -EKEYREJECTED || (code == -EBUSY && s->dir < 0)) {
		state_close(s);
		return code;
	}
	if (code == -EUCLEAN) {
		char why[sizeof(ret_content->damage)];

		snprintf(why, sizeof(why), "%.150s", err->text);
		code = state_set_aside(s, aside, err);
		code = code ? code : open_and_read(s, ret_content, err);
		memcpy(ret_content->aside, aside, sizeof(aside));
		memcpy(ret_content->damage, why, sizeof(why));
	}
	s->rewrite = code != 0 || !ret_content->graph;
	/*
	 * Known findings need not be told again because they cannot be written, and once they can,
	 * the graph in there is written anew.
	 */
	if (code)
		read_only(folder, ret_content);
	*ret = s;
	return code;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	if (s->db)
		sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	close_db(s);
	if (s->dir >= 0)
		close(s->dir);
	free(s->folder);
	free(s);
}

void state_set_max(struct state *s, uint64_t bytes)
{
	s->max = bytes;
	limit_size(s);
}

/* --- saving -------------------------------------------------------------- */

int state_begin_graph(struct state *s, const struct capture *old, struct error *err)
{
	char path[PATH_MAX];

	s->rewrite = true;
	snprintf(path, sizeof(path), "%.4000s/" STATE_PREVIOUS, s->folder);
	return old ? capture_db_save(old, path, err) : 0;
}

/* Usages more, in classes that are there. */
static int update_usage(struct state *s, const struct capture *c, struct error *err)
{
	int code = 0;

	for (size_t i = 0; !code && i < s->mark.classes && i < LV_MAX_CLASSES; i++)
		if (usage_word(&c->classes[i]) != s->saved_usage[i])
			code = db_update_class(s->db, c, i, err);
	return code;
}

static int save_graph(struct state *s, const struct capture *c, bool counts, struct db_mark *mark,
		      struct error *err)
{
	struct db_mark below = *mark;
	int code;

	if (s->rewrite) {
		*mark = below = (struct db_mark){};
		code = db_clear(s->db, err);
		return code ? code : db_append(s->db, c, mark, err);
	}
	code = db_append(s->db, c, mark, err); /* stacks first, usages name them */
	code = code ? code : update_usage(s, c, err);
	if (!code && counts)
		code = db_update_counts(s->db, c, &below, err);
	return code;
}

static void is_saved(struct state *s, const struct capture *c, struct known *known,
		     const struct db_mark *mark)
{
	s->rewrite = false;
	s->mark = *mark;
	remember_usage(s, c);
	for (size_t i = 0; i < known->nr; i++) {
		struct known_finding *f = &known->items[i];

		free(f->text);
		free(f->json);
		f->text = f->json = NULL;
		f->dirty = false;
	}
}

static int save(struct state *s, const struct capture *c, struct known *known,
		const struct state_totals *totals, bool counts, struct error *err)
{
	struct db_mark mark = s->mark;
	int code = run(s->db, "BEGIN IMMEDIATE", err);

	if (code)
		return code;
	code = save_graph(s, c, counts, &mark, err);
	/* Only whether SQLite fails matters here, and its words replace the capture's. */
	if (code && code != -ESTALE && sqlite3_errcode(s->db) != SQLITE_OK)
		code = state_error(err, s->db, s->path);
	code = code ? code : state_rows_write(s->db, known, totals, err);
	code = code ? code : run(s->db, "COMMIT", err);
	if (code)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	else
		is_saved(s, c, known, &mark);
	return code;
}

/* Then nothing is to be gained by forgetting: it is not our limit that is reached. */
static bool disk_is_full(const struct state *s)
{
	struct statvfs fs;

	return !fstatvfs(s->dir, &fs) && (uint64_t)fs.f_bavail * fs.f_frsize < LOG_MAX;
}

/* Numbered otherwise: written anew. No room: once the oldest findings are gone there may be. */
static int save_somehow(struct state *s, const struct capture *c, struct known *known,
			const struct state_totals *totals, bool counts, struct error *err)
{
	int code = save(s, c, known, totals, counts, err);

	if (code == -ESTALE) {
		s->rewrite = true;
		code = save(s, c, known, totals, counts, err);
	}
	for (int i = 0; code == -ENOSPC && i < 64 && !disk_is_full(s); i++) {
		if (state_rows_prune(s->db, c->kernel, c->build, NULL) <= 0)
			break;
		code = save(s, c, known, totals, counts, err);
	}
	return code;
}

/* An open database whose file is gone, or another's, is written to in vain. */
static bool file_is_ours(const struct state *s)
{
	int moved = 0;

	return sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK ||
	       !moved;
}

static int reopen(struct state *s, char ret_aside[static PATH_MAX], struct error *err)
{
	int code;

	if (s->db && !file_is_ours(s))
		close_db(s);
	if (s->db)
		return 0;
	s->rewrite = true;
	code = open_db(s, err);
	if (code == -EUCLEAN) {
		code = state_set_aside(s, ret_aside, err);
		code = code ? code : open_db(s, err);
	}
	return code;
}

/* After a failure the graph in there may be older than our marks say. */
static void give_up(struct state *s)
{
	close_db(s);
	s->rewrite = true;
	for (size_t i = 0; i < LV_MAX_CLASSES; i++)
		s->saved_usage[i] = 0;
}

int state_save(struct state *s, const struct capture *graph, struct known *known,
	       const struct state_totals *totals, bool counts, char ret_aside[static PATH_MAX],
	       struct error *err)
{
	int code;

	ret_aside[0] = '\0';
	code = reopen(s, ret_aside, err);
	code = code ? code : save_somehow(s, graph, known, totals, counts, err);
	if (code == -EUCLEAN) {
		give_up(s);
		code = state_set_aside(s, ret_aside, err);
		code = code ? code : reopen(s, ret_aside, err);
		code = code ? code : save_somehow(s, graph, known, totals, counts, err);
	}
	/* A rollback for want of room leaves it as our marks say. */
	if (code && code != -EBUSY && code != -ENOSPC && s->db)
		give_up(s);
	return code;
}

static uint64_t size_of(const char *path, const char *suffix)
{
	char name[PATH_MAX + 8];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	return stat(name, &st) ? 0 : st.st_size;
}

uint64_t state_bytes(const struct state *s)
{
	return size_of(s->path, "") + size_of(s->path, "-wal");
}
