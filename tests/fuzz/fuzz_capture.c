// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads what the fuzzer made up. The first byte says how:
 *   0  the rest is the file
 *   1  the rest is patches over a good file: position (3 bytes), length, bytes
 *   2  the rest is rows for the right tables: table, then a value a column
 * so that a run without a corpus reaches behind the first page's checks. What
 * loads must be valid, must survive being saved and loaded again, and must not make
 * the rules or a report go on for ever: whatever is printed of it is bounded and printable.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/db.h"
#include "capture/db_internal.h"
#include "must.h"
#include "report/report.h"

/* A file of kilobytes: more than this of text is a report without a bound. */
#define MOST_OUTPUT (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static unsigned char *good, *scratch; /* a small capture's image */
static size_t good_len;
static char saved[64];

/* The next bytes of the input; zeros when it has ended. */
struct input {
	const uint8_t *data;
	size_t size;
};

static uint64_t take(struct input *in, int bytes)
{
	uint64_t value = 0;

	while (bytes-- && in->size) {
		value = value << 8 | *in->data++;
		in->size--;
	}
	return value;
}

static void bind_value(sqlite3_stmt *stmt, int column, struct input *in)
{
	uint8_t kind = take(in, 1);
	int len;

	switch (kind % 8) {
	case 0:
		sqlite3_bind_int64(stmt, column, take(in, 8));
		break;
	case 1:
		sqlite3_bind_double(stmt, column, (double)take(in, 4) / 3);
		break;
	case 2:
		sqlite3_bind_null(stmt, column);
		break;
	case 3:
	case 4:
		len = kind >> 3;
		if ((size_t)len > in->size)
			len = in->size;
		if (kind % 8 == 3)
			sqlite3_bind_text(stmt, column, (const char *)in->data, len,
					  SQLITE_TRANSIENT);
		else
			sqlite3_bind_blob(stmt, column, in->data, len, SQLITE_TRANSIENT);
		take(in, len);
		break;
	default: /* small numbers are the ones that may be right */
		sqlite3_bind_int64(stmt, column, kind >> 3);
	}
}

static int columns_of(sqlite3 *db, const char *table)
{
	char sql[64];
	sqlite3_stmt *stmt;
	int nr;

	snprintf(sql, sizeof(sql), "SELECT * FROM %s", table);
	must(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, sql);
	nr = sqlite3_column_count(stmt);
	sqlite3_finalize(stmt);
	return nr;
}

/* NOT NULL and UNIQUE refuse some rows: so be it, those have patches to reach them. */
static void insert_row(sqlite3 *db, struct input *in)
{
	const char *table = db_tables[take(in, 1) % db_nr_tables].name;
	int columns = columns_of(db, table);
	char sql[128] = "";
	sqlite3_stmt *stmt;
	size_t len;

	len = snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO %s VALUES (?", table);
	for (int i = 1; i < columns; i++)
		len += snprintf(sql + len, sizeof(sql) - len, ", ?");
	snprintf(sql + len, sizeof(sql) - len, ")");
	must(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, sql);
	for (int i = 1; i <= columns; i++)
		bind_value(stmt, i, in);
	sqlite3_step(stmt);
	sqlite3_finalize(stmt);
}

static int has_row(sqlite3 *db, const char *table)
{
	char sql[64];
	sqlite3_stmt *stmt;
	int code;

	snprintf(sql, sizeof(sql), "SELECT * FROM %s", table);
	must(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, sql);
	code = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	return code == SQLITE_ROW;
}

/* A database that starts with one row that is right in each table. */
static sqlite3 *database(void)
{
	sqlite3 *db;

	must(sqlite3_open(":memory:", &db) == SQLITE_OK, "open");
	must(sqlite3_exec(db, "PRAGMA page_size = 512; PRAGMA journal_mode = OFF; BEGIN", NULL, NULL,
			  NULL) == SQLITE_OK, "pragma");
	must(db_create(db, NULL) == 0, "create");
	must(sqlite3_exec(db, "INSERT INTO capture VALUES (0, '0.1', '6.12', '#1', 'x86_64', NULL, "
			  "NULL, 1, 2, 3, 0, 0, 0, 0, 0);"
			  "INSERT INTO host VALUES (0, 'web1');"
			  "INSERT INTO frame VALUES (0, -1, 'f+0x1/0x2');"
			  "INSERT INTO stack VALUES (0, 'demo', 1, 0);"
			  "INSERT INTO stack_frame VALUES (0, 0, 0);"
			  "INSERT INTO class VALUES (0, 'a', '&a', 'slab', 'k', 0, 0, 0, 0, 3, 4);"
			  "INSERT INTO usage VALUES (0, 0, 0, 4096);"
			  "INSERT INTO edge VALUES (0, 0, 0, 8, 1, 0, NULL, 1, 2);"
			  "INSERT INTO fact VALUES (0, 0, 0, NULL, 0, 1);"
			  "INSERT INTO loss VALUES (0, 'guard', 'text', 7, 'f 7');"
			  "INSERT INTO image VALUES (0, NULL, 'abcdef');"
			  "INSERT INTO class_why VALUES (0, 'call at f: member a.b, by type');"
			  "INSERT INTO usage_seen VALUES (0, 0, 1, 4096, 1);"
			  "INSERT INTO edge_seen VALUES (0, 1, 2, 1, 2, 1, 2);"
			  "INSERT INTO gate VALUES (0, 4096, 0);"
			  "INSERT INTO edge_sure VALUES (0);"
			  "INSERT INTO wait VALUES (0, 0, 0, 1, 1, 1, 0, 4096, 10);"
			  "INSERT INTO source VALUES (0, 'a.lv', NULL, 1, 2, 3, 4);"
			  "INSERT INTO usage_source VALUES (0, 0, 1);"
			  "INSERT INTO edge_source VALUES (0, 0);"
			  "INSERT INTO fact_source VALUES (0, 0)", NULL, NULL, NULL) ==
	     SQLITE_OK, "rows");
	for (size_t i = 0; i < db_nr_tables; i++)
		must(has_row(db, db_tables[i].name), "a table without a row");
	return db;
}

static unsigned char *image_of(sqlite3 *db, size_t *ret_len)
{
	sqlite3_int64 len;
	unsigned char *image;

	must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK, "commit");
	image = sqlite3_serialize(db, "main", &len, 0);
	must(image != NULL, "serialize");
	sqlite3_close(db);
	*ret_len = len;
	return image;
}

static void remove_saved(void)
{
	unlink(saved);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	snprintf(saved, sizeof(saved), "/dev/shm/fuzz_capture.%d", getpid());
	atexit(remove_saved);
	good = image_of(database(), &good_len);
	scratch = malloc(good_len);
	must(scratch != NULL, "memory");
	return 0;
}

static void save_again(struct capture *c)
{
	struct capture *again;
	struct error err = { 0 };

	must(db_check(c, &err) == 0, err.text);
	must(capture_db_save(c, saved, &err) == 0, err.text);
	must(capture_db_load(saved, &again, &err) == 0, err.text);
	must(again->nr_edges == c->nr_edges && again->nr_stacks == c->nr_stacks, "lost rows");
	capture_free(again);
}

/* Takes a report, and has no use for it. */
static ssize_t swallow(void *sum, const char *bytes, size_t len)
{
	*(size_t *)sum += len;
	must(*(size_t *)sum < MOST_OUTPUT, "a report without an end");
	for (size_t i = 0; i < len; i++)
		must(bytes[i] == '\n' || bytes[i] == '\t' || (bytes[i] >= ' ' && bytes[i] <= '~'),
		     "a report that is not printable");
	return len;
}

static void print_all(FILE *out, const struct capture *c, const struct findings *f)
{
	const struct report_opts opts = { .least = FINDING_WEAK };

	must(report_text(out, c, f, &opts) == 0, "text");
	must(report_json(out, c, f, &opts) == 0, "json");
	must(report_classes(out, c, NULL) == 0, "classes");
	must(report_edges(out, c, NULL) == 0, "edges");
	must(report_edges_dot(out, c, NULL) == 0, "edges as dot");
	must(report_classes_json(out, c, NULL) == 0, "classes as JSON");
	must(report_proc(out, c) == 0, "proc");
	for (size_t i = 0; i < c->nr_classes && i < 4; i++)
		must(report_explain(out, c, i) == 0, "explain");
}

static void report_on(const struct capture *c)
{
	size_t sum = 0;
	FILE *out = fopencookie(&sum, "w", (cookie_io_functions_t){ .write = swallow });
	struct findings *found;

	must(out != NULL, "stream");
	must(finding_analyse(c, &found) == 0, "analysis");
	print_all(out, c, found);
	must(fclose(out) == 0, "stream");
	findings_free(found);
}

static void load_bytes(const void *bytes, size_t len)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct capture *c = NULL;
	struct error err = { 0 };
	char path[32];

	must(fd >= 0 && write(fd, bytes, len) == (ssize_t)len, "memfd");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (capture_db_load(path, &c, &err) == 0) {
		save_again(c);
		report_on(c);
	} else {
		must(err.code < 0 && err.text[0] && !c, "a failure without words");
	}
	capture_free(c);
	close(fd);
}

static void load_patched(struct input *in)
{
	memcpy(scratch, good, good_len);
	while (in->size > 4) {
		size_t at = take(in, 3) % good_len;
		size_t len = take(in, 1) % 16 + 1;

		while (len-- && at < good_len && in->size)
			scratch[at++] = take(in, 1);
	}
	load_bytes(scratch, good_len);
}

static void load_rows(struct input *in)
{
	unsigned char *image = sqlite3_malloc64(good_len);
	sqlite3 *db;
	size_t len;

	must(sqlite3_open(":memory:", &db) == SQLITE_OK, "open");
	must(image != NULL, "memory");
	memcpy(image, good, good_len);
	must(sqlite3_deserialize(db, "main", image, good_len, good_len,
				 SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE) ==
	     SQLITE_OK && sqlite3_exec(db, "PRAGMA journal_mode = OFF; BEGIN", NULL, NULL, NULL) ==
	     SQLITE_OK, "deserialize");
	while (in->size)
		insert_row(db, in);
	image = image_of(db, &len);
	load_bytes(image, len);
	sqlite3_free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t how = take(&in, 1);

	if (how % 3 == 0)
		load_bytes(in.data, in.size);
	else if (how % 3 == 1)
		load_patched(&in);
	else
		load_rows(&in);
	return 0;
}
