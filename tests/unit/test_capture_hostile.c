// SPDX-License-Identifier: GPL-2.0-only
/* Files that are no captures, or spoilt ones: one clear line each, and nothing worse. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "base/file.h"
#include "capture/db.h"
#include "test_capture_sample.h"

static const struct sample_size small = {
	.classes = 12, .edges = 40, .stacks = 9, .depth = 5, .facts = 8, .distinct = 30,
};
static char folder[64], file[96], beside[128];

/* Each test finds a good capture in `file`. */
static int setup(void **state)
{
	struct capture *c = sample_capture(&small);
	struct error err = { 0 };
	int code;

	strcpy(folder, "/tmp/lockvane-test-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/x.lv", folder);
	code = capture_db_save(c, file, &err);
	capture_free(c);
	return code;
}

static int teardown(void **state)
{
	unlink(file);
	if (beside[0])
		unlink(beside);
	beside[0] = '\0';
	return rmdir(folder);
}

static void load_fails_at(const char *path, int code, const char *words)
{
	struct capture *c = (void *)1;
	struct error err = { 0 };

	assert_int_equal(capture_db_load(path, &c, &err), code);
	assert_ptr_equal(c, (void *)1); /* untouched on failure */
	assert_int_equal(err.code, code);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
	assert_null(strchr(err.text, '\n'));
}

static void load_fails(const char *words)
{
	load_fails_at(file, -EINVAL, words);
}

static void write_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

/* Change the file as its owner could, with SQLite. */
static void sql(const char *statements)
{
	char *message = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	if (sqlite3_exec(db, statements, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", statements, message);
	sqlite3_close(db);
}

static void test_not_sqlite(void **state)
{
	write_file(file, "", 0);
	load_fails("x.lv: not a lockvane capture (it is empty)");
	write_file(file, "{\"lockvane\":\"0.1\"}\n", 19);
	load_fails("x.lv: not a lockvane capture (a text file?): name a file that");
	write_file(file, "\x7f" "ELF\2\1\1\0\0\0", 10);
	load_fails("x.lv: not a lockvane capture: name a file that");
	write_file(file, "SQLite format 3", 16);
	load_fails("x.lv: cut short, 16 bytes are left");
}

static void test_not_files(void **state)
{
	load_fails_at(folder, -EISDIR, "is a folder: name a capture in it");
	unlink(file);
	load_fails_at(file, -ENOENT, "x.lv: no such file: name one that");
	assert_int_equal(mkfifo(file, 0600), 0);
	load_fails("not a regular file");
	load_fails_at("/dev/zero", -EINVAL, "not a regular file");
	load_fails_at("", -ENOENT, "no such file");
}

/* SQLite quotes a file's names in its messages, and those reach a terminal. */
static void test_escapes(void **state)
{
	struct capture *c;
	struct error err = { 0 };

	sql("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET name = 'a' || char(27) || '[31m', "
	    "tbl_name = 'a' || char(27) || '[31m', sql = 'CREATE TABLE \"' || char(27) || '[31m' "
	    "WHERE name = 'class'");
	assert_true(capture_db_load(file, &c, &err) < 0);
	assert_non_null(strstr(err.text, "[31m"));
	for (const char *at = err.text; *at; at++)
		assert_in_range(*at, 0x20, 0x7e);
}

static void test_unreadable(void **state)
{
	bool root = geteuid() == 0;

	assert_int_equal(chmod(file, 0), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	load_fails_at(file, -EACCES, "x.lv: not yours to read: ");
	if (root)
		assert_int_equal(seteuid(0), 0);
}

static void test_versions(void **state)
{
	sql("PRAGMA user_version = 9");
	load_fails("x.lv: written by a newer lockvane (format 9, this one reads 8): use that one");
	sql("PRAGMA user_version = 1");
	load_fails("written by an older lockvane (format 1, this one reads 2 and later)");
	sql("PRAGMA user_version = 3; PRAGMA application_id = 0");
	load_fails("an SQLite database of something else");
}

/* Format 7 had no host's name. */
static void test_without_host(void **state)
{
	struct error err = {};
	struct capture *c;

	sql("DROP TABLE host");
	load_fails("table host is not as lockvane makes it");
	sql("PRAGMA user_version = 7");
	assert_int_equal(capture_db_load(file, &c, &err), 0);
	assert_null(c->host);
	assert_true(c->nr_classes > 0);
	capture_free(c);
}

/* Format 2 had no images. */
static void test_older_version(void **state)
{
	struct error err = {};
	struct capture *c;

	sql("DROP TABLE image");
	load_fails("table image is not as lockvane makes it");
	sql("PRAGMA user_version = 2");
	assert_int_equal(capture_db_load(file, &c, &err), 0);
	assert_int_equal(c->nr_images, 0);
	assert_true(c->nr_classes > 0);
	capture_free(c);
}

/* The last page may only have been allocated: then SQLite may not need it, but we say so. */
static void test_cut_short(void **state)
{
	struct stat st;

	assert_int_equal(stat(file, &st), 0);
	for (off_t len = st.st_size - 1; len > 100; len = len > 600 ? len - 509 : len - 1) {
		assert_int_equal(truncate(file, len), 0);
		load_fails("x.lv: cut short, ");
	}
}

static void test_being_written(void **state)
{
	struct capture *c;

	snprintf(beside, sizeof(beside), "%s-journal", file);
	write_file(beside, "x", 1);
	load_fails_at(file, -EBUSY, "x.lv: being written (there is a -journal beside it)");
	unlink(beside);
	sql("PRAGMA journal_mode = WAL"); /* and closed: all of it is in the file */
	assert_int_equal(capture_db_load(file, &c, NULL), 0);
	capture_free(c);
	snprintf(beside, sizeof(beside), "%s-wal", file);
	write_file(beside, "x", 1);
	load_fails_at(file, -EBUSY, "x.lv: being written (there is a -wal beside it)");
}

/* People may add their own views and tables. */
static void test_additions(void **state)
{
	struct capture *c;

	sql("CREATE TABLE mine (a, b); CREATE INDEX by_stack ON edge(stack); "
	    "CREATE VIEW v AS SELECT * FROM mine; ANALYZE");
	assert_int_equal(capture_db_load(file, &c, NULL), 0);
	capture_free(c);
}

static void test_schema(void **state)
{
	sql("ALTER TABLE loss ADD COLUMN more");
	load_fails("x.lv: table loss is not as lockvane makes it");
	sql("DROP TABLE loss; CREATE VIEW loss AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL "
	    "SELECT i + 1 FROM n) SELECT i AS id, 'a' AS name, 'b' AS text, 1 AS count FROM n");
	load_fails("x.lv: table loss is not as lockvane makes it");
	sql("DROP VIEW loss");
	load_fails("x.lv: table loss is not as lockvane makes it");
}

/* A table of ours whose tree is another's: what SQLite reads there are no rows of ours. */
static void test_swapped_trees(void **state)
{
	sql("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = "
	    "(SELECT rootpage FROM sqlite_schema WHERE name = 'edge') WHERE name = 'class'");
	load_fails("x.lv: damaged");
}

static const struct {
	const char *statement, *words;
} spoilt[] = {
	{ "DELETE FROM capture", "capture: no version" },
	{ "INSERT INTO host VALUES (1, 'b')", "damaged: more rows of host than a capture holds" },
	{ "INSERT INTO capture SELECT 1, version, kernel, build, machine, command, tainted, "
	  "started, duration, events, rt, annotated, unlocks_hidden, irqs_unseen, "
	  "preempts FROM capture",
	  "more rows of capture than" },
	{ "UPDATE capture SET events = 'many'", "capture 0: events is not a number" },
	{ "UPDATE capture SET events = 9e999", "capture 0: events is not a number" },
	{ "UPDATE capture SET events = -9e999 + 0.5", "capture 0: events is not a number" },
	{ "UPDATE capture SET rt = 2", "capture 0: rt is out of range" },
	{ "UPDATE capture SET kernel = x'00'", "capture 0: kernel is not text" },
	{ "UPDATE capture SET command = 5.5", NULL }, /* TEXT affinity: "5.5" */
	{ "UPDATE capture SET build = printf('%.*c', 4096, 'x')", "capture 0: build is too long" },
	{ "UPDATE capture SET build = printf('%.*c', 70000, 'x')", "string or blob too big" },
	{ "DELETE FROM class WHERE id = 5", "class 5: id does not follow the one before" },
	{ "UPDATE class SET id = -1 WHERE id = 0", "class 0: id does not follow" },
	{ "UPDATE class SET name = '' WHERE id = 5", "class 5: no valid name" },
	{ "UPDATE class SET name = char(7) WHERE id = 5; UPDATE class SET name = char(8) "
	  "WHERE id = 6", "two classes are named ?" },
	{ "UPDATE class SET family = 8 WHERE id = 5", "class 5: family is out of range" },
	{ "UPDATE class SET usage = 1024 WHERE id = 5", "class 5: usage is out of range" },
	{ "UPDATE class SET certainty = -1 WHERE id = 5", "class 5: certainty is out of range" },
	{ "UPDATE class SET flags = 4294967296 WHERE id = 5", "class 5: flags is out of range" },
	{ "INSERT INTO usage VALUES (12, 0, NULL, NULL)", "class is not there" },
	{ "INSERT INTO usage VALUES (-1, 0, NULL, NULL)", "class is out of range" },
	{ "INSERT INTO usage VALUES (1, 10, NULL, NULL)", "bit is out of range" },
	{ "UPDATE usage SET stack = 9", "class 0: usage stack 9 is not there, 9 are" },
	{ "UPDATE edge SET from_class = 12 WHERE id = 3", "edge 3: from class 12 is not there" },
	{ "UPDATE edge SET to_class = 4294967295 WHERE id = 3", "edge 3: to_class is out of" },
	{ "UPDATE edge SET dep = 3 WHERE id = 3", "edge 3: no valid dep" },
	{ "UPDATE edge SET stack = 1e300 WHERE id = 3", "edge 3: stack is not a number" },
	{ "UPDATE edge SET from_addr = 'x' WHERE id = 3", "edge 3: from_addr is not a number" },
	{ "UPDATE fact SET kind = 6 WHERE id = 3", "fact 3: kind is out of range" },
	{ "UPDATE fact SET class2 = 99 WHERE id = 3", "fact 3: class2 99 is not there" },
	{ "UPDATE wait SET mode = 2 WHERE id = 3", "wait 3: mode is out of range" },
	{ "UPDATE wait SET ends = 3 WHERE id = 3", "wait 3: ends is out of range" },
	{ "UPDATE wait SET class = 99 WHERE id = 3", "wait 3: class 99 is not there" },
	{ "UPDATE wait SET ring = 9 WHERE id = 3", "wait 4: its ring is in pieces" },
	{ "UPDATE stack SET comm = 'more than fifteen' WHERE id = 3", "stack 3: comm is too long" },
	{ "UPDATE stack_frame SET frame = 999 WHERE stack = 3", "frame is not there" },
	{ "DELETE FROM stack_frame WHERE stack = 3 AND depth = 1", "depth does not follow" },
	{ "INSERT INTO stack_frame VALUES (9, 0, 0)", "stack is not there" },
	{ "WITH RECURSIVE n(i) AS (SELECT 5 UNION ALL SELECT i + 1 FROM n LIMIT 500) "
	  "INSERT INTO stack_frame SELECT 3, i, 0 FROM n", "depth does not follow" },
	{ "UPDATE loss SET programs = x'00' WHERE id = 0", "loss 0: programs is not text" },
	{ "DELETE FROM loss; "
	  "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 300) "
	  "INSERT INTO loss SELECT i, 'a', 'b', 1, NULL FROM n", "more rows of loss than" },
};

static void test_spoilt_values(void **state)
{
	for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
		struct capture *c;

		sql(spoilt[i].statement);
		if (spoilt[i].words) {
			load_fails(spoilt[i].words);
		} else {
			assert_int_equal(capture_db_load(file, &c, NULL), 0);
			capture_free(c);
		}
		unlink(file);
		rmdir(folder);
		assert_int_equal(setup(state), 0);
	}
}

/* A few bytes at a time, all over the file: loaded or refused, the sanitizers watch. */
static void test_damaged_bytes(void **state)
{
	size_t loaded = 0, refused = 0, len;
	uint32_t random = 1;
	char *image;

	assert_int_equal(file_read(file, 1 << 20, &image, &len), 0);
	for (int i = 0; i < 1000; i++) {
		struct capture *c;
		size_t at[3];
		char old[3];

		for (int k = 0; k < 3; k++) {
			random = random * 1664525 + 1013904223;
			at[k] = (random >> 8) % len;
			old[k] = image[at[k]];
			image[at[k]] = random >> 24;
		}
		write_file(file, image, len);
		if (capture_db_load(file, &c, NULL) == 0) {
			capture_free(c);
			loaded++;
		} else {
			refused++;
		}
		for (int k = 2; k >= 0; k--)
			image[at[k]] = old[k];
	}
	assert_true(loaded && refused);
	free(image);
}

static void test_long_path(void **state)
{
	char path[600];

	memset(path, 'd', sizeof(path));
	memcpy(path + sizeof(path) - 6, "/x.lv", 6);
	load_fails_at(path, -ENAMETOOLONG, "d/x.lv: cannot be opened: File name too long");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_not_sqlite),
		TEST(test_not_files),
		TEST(test_escapes), TEST(test_unreadable),
		TEST(test_versions),
		TEST(test_older_version),
		TEST(test_without_host),
		TEST(test_cut_short),
		TEST(test_being_written),
		TEST(test_additions),
		TEST(test_schema),
		TEST(test_swapped_trees),
		TEST(test_spoilt_values),
		TEST(test_damaged_bytes),
		TEST(test_long_path),
	};

	return cmocka_run_group_tests_name("capture_hostile", tests, NULL, NULL);
}
