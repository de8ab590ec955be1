// SPDX-License-Identifier: GPL-2.0-only
/* What the monitor keeps: over restarts, kills, full disks and damage. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "capture/db.h"
#include "store/state.h"
#include "test_capture_sample.h"

static char folder[] = "/tmp/lockvane-state-XXXXXX";
static char path[PATH_MAX], db[PATH_MAX];
static unsigned int next_folder;
static const struct sample_size size = { 40, 120, 60, 12, 6, 300 };

/* A new one for each test. */
static int setup(void **state)
{
	snprintf(path, sizeof(path), "%.100s/%u", folder, next_folder++);
	snprintf(db, sizeof(db), "%.200s/" STATE_FILE, path);
	return 0;
}

static struct state *open_state(struct state_content *ret)
{
	struct state *s = NULL;
	struct error err = {};

	if (state_open(path, &s, ret, &err))
		fail_msg("%s", err.text);
	return s;
}

static void save(struct state *s, const struct capture *c, struct known *k, bool counts)
{
	struct state_totals totals = { 100, 30, 70, 5 };
	char aside[PATH_MAX];
	struct error err = {};

	if (state_save(s, c, k, &totals, counts, aside, &err))
		fail_msg("%s", err.text);
	assert_string_equal(aside, "");
}

static int try_save(struct state *s, const struct capture *c, struct known *k, struct error *err)
{
	struct state_totals totals = {};
	char aside[PATH_MAX];

	return state_save(s, c, k, &totals, false, aside, err);
}

static void add(struct known *k, const char *id, const char *kernel, size_t report)
{
	struct known_finding *f;

	assert_int_equal(known_add(k, id, kernel, "#1", &f), 0);
	f->rule = FINDING_CIRCULAR;
	f->confidence = FINDING_CERTAIN;
	f->chain = strdup("a --> b");
	f->first_ms = 1000;
	f->last_ms = 2000 + k->nr;
	f->count = 3;
	f->text = calloc(1, report + 1);
	memset(f->text, 't', report);
	f->json = strdup("{}");
	f->told = true;
	f->dirty = true;
}

/* Equal in all that a capture file holds. */
static void check_same(const struct capture *a, const struct capture *b)
{
	char one[PATH_MAX + 8], two[PATH_MAX + 8], command[2 * PATH_MAX + 64];
	struct error err = {};

	snprintf(one, sizeof(one), "%s.a", path);
	snprintf(two, sizeof(two), "%s.b", path);
	assert_int_equal(capture_db_save(a, one, &err), 0);
	assert_int_equal(capture_db_save(b, two, &err), 0);
	snprintf(command, sizeof(command), "cmp %s %s", one, two);
	assert_int_equal(system(command), 0);
}

static void grow(struct capture *c, uint32_t stacks, uint32_t classes, uint32_t edges)
{
	struct sample_size more = { c->nr_classes + classes, c->nr_edges + edges,
				    c->nr_stacks + stacks, 12, 0, 500 };

	for (uint32_t i = c->nr_stacks; i < more.stacks; i++)
		sample_stack(c, &more, i);
	for (uint32_t i = c->nr_classes; i < more.classes; i++)
		sample_class(c, &more, i);
	for (uint32_t i = c->nr_edges; i < more.edges; i++)
		sample_edge(c, &more, i);
}

static void test_restart(void **state)
{
	struct capture *c = sample_capture(&size);
	struct state_content there;
	struct known known = {};
	struct state *s = open_state(&there);
	struct stat st;

	assert_null(there.graph);
	assert_int_equal(there.known.nr, 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	add(&known, "0123456789ab", "6.12", 100);
	save(s, c, &known, false);
	assert_false(known.items[0].dirty);
	assert_null(known.items[0].text);
	assert_int_equal(stat(db, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* What grows, and what changes in what was there. */
	grow(c, 10, 5, 20);
	save(s, c, &known, false);
	grow(c, 3, 1, 0);
	c->classes[3].usage ^= 0x300;
	c->classes[3].usage_stack[8] = c->nr_stacks - 1;
	c->classes[3].usage_stack[9] = c->nr_stacks - 2;
	known.items[0].count = 9;
	known.items[0].dirty = true;
	save(s, c, &known, false);
	c->classes[2].acquisitions += 7;
	c->edges[5].count += 7;
	c->events = 12345;
	save(s, c, &known, true);
	state_close(s);

	s = open_state(&there);
	check_same(c, there.graph);
	assert_int_equal(there.known.nr, 1);
	assert_string_equal(there.known.items[0].id, "0123456789ab");
	assert_string_equal(there.known.items[0].chain, "a --> b");
	assert_int_equal(there.known.items[0].count, 9);
	assert_int_equal(there.known.items[0].first_ms, 1000);
	assert_true(there.known.items[0].told);
	assert_int_equal(there.totals.watched_ns, 100);
	assert_int_equal(there.totals.unseen, 70);
	/* It goes on growing from what was loaded. */
	grow(there.graph, 2, 2, 2);
	save(s, there.graph, &there.known, false);
	state_close(s);
	capture_free(c);
	c = there.graph;
	there.graph = NULL;
	state_content_done(&there);
	s = open_state(&there);
	check_same(c, there.graph);
	state_close(s);
	state_content_done(&there);
	capture_free(c);
	known_done(&known);
}

/* The report outlives updates that bring none, and is found by how the id begins. */
static void test_reports(void **state)
{
	struct capture *c = sample_capture(&size);
	struct state_content there, seen;
	struct known known = {};
	struct state *s = open_state(&there);
	struct error err = {};
	char *text;

	add(&known, "aa0000000001", "6.12", 50000);
	add(&known, "aa0000000002", "6.12", 10);
	add(&known, "bb0000000003", "6.12", 10);
	save(s, c, &known, false);
	known.items[0].dirty = true;
	known.items[0].confidence = FINDING_CONFIRMED;
	save(s, c, &known, false);
	/* While the monitor has it open. */
	assert_int_equal(state_report(path, "aa0000000001", false, &text, &err), 0);
	assert_int_equal(strlen(text), 50000);
	free(text);
	assert_int_equal(state_report(path, "bb", true, &text, &err), 0);
	assert_string_equal(text, "{}");
	free(text);
	assert_int_equal(state_report(path, "aa", false, &text, &err), -EEXIST);
	assert_int_equal(state_report(path, "cc", false, &text, &err), -ENOENT);
	assert_int_equal(state_report(path, "%", false, &text, &err), -ENOENT);
	assert_int_equal(state_read(path, &seen, &err), 0);
	assert_int_equal(seen.known.nr, 3);
	state_content_done(&seen);
	assert_int_equal(state_read("/nonexistent", &seen, &err), -ENOENT);
	state_close(s);
	capture_free(c);
	known_done(&known);
}

static void test_one_at_a_time(void **state)
{
	struct state_content there;
	struct state *s = open_state(&there), *second = NULL;
	struct error err = {};

	assert_int_equal(state_open(path, &second, &there, &err), -EBUSY);
	assert_null(second);
	assert_non_null(strstr(err.text, "another lockvane monitor"));
	state_close(s);
	s = open_state(&there);
	state_close(s);
}

static void test_new_build(void **state)
{
	struct capture *old = sample_capture(&size), *new = sample_capture(&size), *kept;
	struct state_content there;
	struct known known = {};
	struct state *s = open_state(&there);
	struct error err = {};
	char previous[PATH_MAX + 16];

	add(&known, "aa0000000001", "6.12", 10);
	save(s, old, &known, false);
	state_close(s);
	s = open_state(&there);
	assert_int_equal(state_begin_graph(s, there.graph, &err), 0);
	free(new->kernel);
	new->kernel = strdup("6.99");
	grow(new, 1, 1, 1);
	save(s, new, &there.known, false);
	state_close(s);
	state_content_done(&there);
	s = open_state(&there);
	check_same(new, there.graph);
	assert_int_equal(there.known.nr, 1);
	snprintf(previous, sizeof(previous), "%s/" STATE_PREVIOUS, path);
	assert_int_equal(capture_db_load(previous, &kept, &err), 0);
	check_same(old, kept);
	state_close(s);
	state_content_done(&there);
	known_done(&known);
	capture_free(kept);
	capture_free(old);
	capture_free(new);
}

/* --- kill -9 ------------------------------------------------------------- */

/* Saves one finding after the other, and says so through the pipe. */
static void write_until_killed(int fd)
{
	struct capture *c = sample_capture(&size);
	struct state_content there;
	struct state *s = open_state(&there);
	uint32_t nr = there.known.nr;

	if (there.graph) {
		capture_free(c);
		c = there.graph;
	}
	for (;; nr++) {
		char id[16];

		snprintf(id, sizeof(id), "%012x", nr);
		add(&there.known, id, "6.12", 3000);
		grow(c, 1, 1, 1);
		save(s, c, &there.known, nr % 4 == 0);
		if (write(fd, &nr, sizeof(nr)) != sizeof(nr))
			_exit(1);
	}
}

static void kill_once(unsigned int us, uint32_t *ret_last)
{
	uint32_t nr;
	int fds[2];
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(fds[0]);
		write_until_killed(fds[1]);
	}
	close(fds[1]);
	usleep(us);
	kill(child, SIGKILL);
	while (read(fds[0], &nr, sizeof(nr)) == sizeof(nr))
		*ret_last = nr;
	close(fds[0]);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_kills(void **state)
{
	struct state_content there;
	uint32_t last = UINT32_MAX, seed = 42, least = 0;
	struct state *s;

	for (int i = 0; i < 100; i++) {
		char id[16];

		seed = seed * 1664525 + 1013904223;
		kill_once(1000 + (seed >> 8) % 40000, &last);
		if (last == UINT32_MAX)
			continue;
		s = open_state(&there);
		assert_string_equal(there.aside, "");
		assert_non_null(there.graph);
		/* All that were said to be saved, and were there; one more may have been, unsaid. */
		if (last + 1 > least)
			least = last + 1;
		assert_in_range(there.known.nr, least, least + 1);
		least = there.known.nr;
		snprintf(id, sizeof(id), "%012x", last);
		assert_non_null(known_find(&there.known, id));
		state_close(s);
		state_content_done(&there);
	}
	print_message("100 kills, %u findings\n", last + 1);
	assert_true(last != UINT32_MAX && last > 20);
}

/* --- no room ------------------------------------------------------------- */

/* A disk that is full, as a limit on the size of files; then it is not any more. */
static void test_full_disk(void **state)
{
	struct capture *c = sample_capture(&size);
	struct rlimit before, small = { 64 << 10, 0 };
	struct state_content there;
	struct known known = {};
	struct state *s = open_state(&there);
	struct error err = {};

	save(s, c, &known, false);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	grow(c, 500, 300, 900);
	add(&known, "aa0000000001", "6.12", 200000);
	setrlimit(RLIMIT_FSIZE, &small);
	assert_true(try_save(s, c, &known, &err) < 0);
	assert_true(err.text[0]);
	assert_true(known.items[0].dirty);
	assert_non_null(known.items[0].text);
	assert_true(try_save(s, c, &known, &err) < 0);
	setrlimit(RLIMIT_FSIZE, &before);
	save(s, c, &known, true);
	state_close(s);
	s = open_state(&there);
	check_same(c, there.graph);
	assert_int_equal(there.known.nr, 1);
	state_close(s);
	state_content_done(&there);
	known_done(&known);
	capture_free(c);
}

/* The database has its own limit: others' findings make room, then reports. */
static void test_bounded(void **state)
{
	struct capture *c = sample_capture(&size);
	struct state_content there;
	struct known known = {};
	struct state *s = open_state(&there);
	struct error err = {};
	char id[16], *text;

	free(c->build);
	c->build = strdup("#1");
	for (int i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "0000000000%02x", i);
		add(&known, id, "6.1", 20000);
	}
	save(s, c, &known, false);
	assert_true(state_bytes(s) > 2000000);
	state_set_max(s, 4 << 20);
	for (int i = 0; i < 400; i++) {
		snprintf(id, sizeof(id), "ff00000000%02x", i);
		if (i > 0xff)
			snprintf(id, sizeof(id), "fe00000000%02x", i - 0x100);
		add(&known, id, c->kernel, 20000);
		save(s, c, &known, false);
		assert_true(state_bytes(s) < 13 << 20);
	}
	known_done(&known);
	state_close(s);
	s = open_state(&there);
	/* No finding of this build is lost, and the newest has its report. */
	for (size_t i = 0, own = 0; i <= there.known.nr; i++) {
		if (i == there.known.nr)
			assert_int_equal(own, 400);
		else
			own += there.known.items[i].id[0] == 'f';
	}
	assert_int_equal(state_report(path, id, false, &text, &err), 0);
	free(text);
	assert_int_equal(state_report(path, "ff0000000000", false, &text, &err), -ENODATA);
	state_close(s);
	state_content_done(&there);
	capture_free(c);
}

/* A folder that cannot be: all is kept, and saved once it can be. */
static void test_no_folder(void **state)
{
	struct capture *c = sample_capture(&size);
	struct state_content there;
	struct known known = {};
	struct state *s = NULL;
	struct error err = {};
	FILE *in_the_way = fopen(path, "w");

	assert_non_null(in_the_way);
	fclose(in_the_way);
	assert_true(state_open(path, &s, &there, &err) < 0);
	assert_non_null(s);
	assert_non_null(strstr(err.text, path));
	add(&known, "aa0000000001", "6.12", 10);
	assert_true(try_save(s, c, &known, &err) < 0);
	assert_true(known.items[0].dirty);
	unlink(path);
	save(s, c, &known, false);
	state_close(s);
	s = open_state(&there);
	check_same(c, there.graph);
	assert_int_equal(there.known.nr, 1);
	state_close(s);
	state_content_done(&there);
	known_done(&known);
	capture_free(c);
}

/* The folder may be behind a link, or below one. */
static void test_linked_folder(void **state)
{
	struct capture *c = sample_capture(&size);
	char real[PATH_MAX], *text = NULL;
	struct state_content there;
	struct known known = {};
	struct error err = {};
	struct state *s;

	snprintf(real, sizeof(real), "%.100s/real-%u", folder, next_folder++);
	assert_int_equal(mkdir(real, 0700), 0);
	assert_int_equal(symlink(real, path), 0);
	for (int below = 0; below < 2; below++) {
		char inside[PATH_MAX];

		snprintf(inside, sizeof(inside), "%.200s/state", path);
		if (below)
			memcpy(path, inside, sizeof(path));
		s = open_state(&there);
		assert_int_equal(there.known.nr, 0);
		state_content_done(&there);
		add(&known, "0123456789ab", "6.12", 100);
		save(s, c, &known, false);
		known_done(&known);
		state_close(s);
		assert_int_equal(state_read(path, &there, &err), 0);
		assert_int_equal(there.known.nr, 1);
		state_content_done(&there);
		assert_int_equal(state_report(path, "0123456789ab", false, &text, &err), 0);
		free(text);
		s = open_state(&there);
		assert_non_null(there.graph);
		assert_int_equal(there.known.nr, 1);
		state_content_done(&there);
		state_close(s);
	}
	capture_free(c);
}

/* The graph as explain reads it, while a monitor has the folder. */
static void test_graph(void **state)
{
	struct capture *c = sample_capture(&size), *graph = NULL;
	struct state_content there;
	struct known known = {};
	struct error err = {};
	struct state *s = open_state(&there);

	assert_int_equal(state_read_graph(path, &graph, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no graph in "));
	save(s, c, &known, false);
	assert_int_equal(state_read_graph(path, &graph, &err), 0);
	check_same(c, graph);
	assert_string_equal(graph->classes[0].why, c->classes[0].why);
	capture_free(graph);
	capture_free(c);
	state_close(s);
}

/* In a folder of somebody else's, or that others may write to, nothing is kept or believed. */
static void test_untrusted_folder(void **state)
{
	struct state_content there;
	struct state *s = NULL;
	struct error err = {};

	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0770), 0);
	assert_int_equal(state_open(path, &s, &there, &err), -EKEYREJECTED);
	assert_null(s);
	assert_non_null(strstr(err.text, "may be written by others"));
	assert_int_equal(chmod(path, 0755), 0);
	if (!geteuid()) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_int_equal(state_open(path, &s, &there, &err), -EKEYREJECTED);
		assert_null(s);
		assert_non_null(strstr(err.text, "another user"));
		assert_int_equal(chown(path, 0, 0), 0);
	}
	assert_int_equal(access(db, F_OK), -1);
	s = open_state(&there);
	state_content_done(&there);
	state_close(s);
}

static void alter(const char *sql)
{
	char *message = NULL;
	sqlite3 *other;

	assert_int_equal(sqlite3_open(db, &other), SQLITE_OK);
	if (sqlite3_exec(other, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	sqlite3_close(other);
}

static size_t aside_count(void);
static void fill(void);

/* What a newer lockvane wrote is no damage: it is left as it is, and said so. */
static void test_newer_version(void **state)
{
	static const char *const newer[] = {
		"PRAGMA user_version = 99",
		"UPDATE monitor SET value = 99 WHERE key = 'version'; ALTER TABLE finding ADD host TEXT",
	};
	struct state_content there;
	struct state *s = NULL;
	struct error err = {};

	for (size_t i = 0; i < 2; i++) {
		fill();
		alter(newer[i]);
		assert_int_equal(state_open(path, &s, &there, &err), -ENOTSUP);
		assert_null(s);
		assert_non_null(strstr(err.text, "written by a newer lockvane"));
		assert_int_equal(aside_count(), 0);
		assert_int_equal(state_read(path, &there, &err), -ENOTSUP);
		assert_non_null(strstr(err.text, "written by a newer lockvane"));
		unlink(db);
	}
	/* A rule of its own: that finding is left where it is. */
	fill();
	alter("UPDATE finding SET rule = 'rcu-stall'");
	s = open_state(&there);
	assert_string_equal(there.aside, "");
	assert_int_equal(there.known.nr, 0);
	state_content_done(&there);
	state_close(s);
	alter("UPDATE finding SET rule = 'circular' WHERE rule = 'rcu-stall'");
	s = open_state(&there);
	assert_true(there.known.nr > 0);
	state_content_done(&there);
	state_close(s);
}

/* Removed while the monitor runs, it is made again, and locked. */
static void test_folder_removed(void **state)
{
	struct capture *c = sample_capture(&size);
	struct state_content there;
	struct known known = {};
	struct error err = {};
	char command[PATH_MAX + 16];
	struct state *s = open_state(&there), *second = NULL;

	add(&known, "0123456789ab", "6.12", 100);
	save(s, c, &known, false);
	snprintf(command, sizeof(command), "rm -r %s", path);
	assert_int_equal(system(command), 0);
	save(s, c, &known, false);
	assert_int_equal(access(db, F_OK), 0);
	assert_int_equal(state_open(path, &second, &there, &err), -EBUSY);
	assert_null(second);
	state_close(s);
	known_done(&known);
	capture_free(c);
}

/* --- damage -------------------------------------------------------------- */

static size_t count_files(const char *suffix)
{
	char pattern[PATH_MAX + 32];
	glob_t found;
	size_t nr;

	snprintf(pattern, sizeof(pattern), "%s%s", db, suffix);
	if (glob(pattern, 0, NULL, &found))
		return 0;
	nr = found.gl_pathc;
	globfree(&found);
	return nr;
}

static size_t aside_count(void)
{
	return count_files(".corrupt-*[0-9]");
}

static void fill(void)
{
	struct capture *c = sample_capture(&size);
	struct state_content there;
	struct known known = {};
	struct state *s = open_state(&there);

	add(&known, "aa0000000001", "6.12", 10000);
	save(s, c, &known, false);
	state_close(s);
	state_content_done(&there);
	known_done(&known);
	capture_free(c);
}

static void overwrite(off_t at, const void *bytes, size_t len)
{
	int fd = open(db, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, at), len);
	close(fd);
}

/* Either it is all right, or it is set aside, said, and a new one works. */
static bool check_damaged(void)
{
	struct state_content there;
	struct state *s = NULL;
	struct error err = {};
	struct capture *c;
	struct known known = {};
	bool aside;

	if (state_open(path, &s, &there, &err))
		fail_msg("%s", err.text);
	aside = there.aside[0];
	if (aside) {
		assert_int_equal(access(there.aside, R_OK), 0);
		assert_true(there.damage[0]);
		assert_null(there.graph);
		c = sample_capture(&size);
		add(&known, "bb0000000001", "6.12", 10);
		save(s, c, &known, false);
		known_done(&known);
		capture_free(c);
	}
	state_close(s);
	state_content_done(&there);
	return aside;
}

static void test_truncated(void **state)
{
	struct stat st;

	fill();
	assert_int_equal(stat(db, &st), 0);
	assert_int_equal(truncate(db, st.st_size / 2), 0);
	assert_true(check_damaged());
	assert_int_equal(aside_count(), 1);
	assert_false(check_damaged());
}

static void test_no_database(void **state)
{
	fill();
	overwrite(0, "this is a text file.", 20);
	assert_true(check_damaged());
	fill();
	overwrite(60, "\xff\xff\xff\xff", 4); /* user_version */
	assert_true(check_damaged());
	assert_int_equal(truncate(db, 0), 0); /* empty is new, not damaged */
	assert_false(check_damaged());
}

static void test_scribbled(void **state)
{
	uint32_t seed = 7;
	unsigned int aside = 0;

	for (int i = 0; i < 60; i++) {
		unsigned char bytes[512];
		struct stat st;

		fill();
		assert_int_equal(stat(db, &st), 0);
		for (size_t at = 0; at < sizeof(bytes); at++)
			bytes[at] = (seed = seed * 1664525 + 1013904223) >> 16;
		overwrite((seed >> 4) % (st.st_size - sizeof(bytes)), bytes,
			  i % 2 ? sizeof(bytes) : 16);
		aside += check_damaged();
		assert_true(aside_count() <= 4);
		unlink(db);
	}
	print_message("%u of 60 were found damaged\n", aside);
	assert_true(aside > 10); /* much of a file is free pages */
}

static void plant(int number, const char *suffix)
{
	char path[PATH_MAX + 64];
	FILE *file;

	snprintf(path, sizeof(path), "%s.corrupt-20250101T00000%d-000000000%s", db, number, suffix);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
}

/* A database that was set aside may have its log beside it: with the one the other goes. */
static void test_logs_of_those_aside(void **state)
{
	fill();
	for (int i = 0; i < 6; i++) {
		plant(i, "");
		plant(i, "-wal");
		plant(i, "-shm");
	}
	overwrite(0, "no database here", 16);
	assert_true(check_damaged());
	assert_int_equal(aside_count(), 4);
	assert_int_equal(count_files(".corrupt-2025*-wal"), 3);
	assert_int_equal(count_files(".corrupt-2025*-shm"), 3);
}

/* The tables that a lockvane left which knew of no images, nor of what was looked at. */
static void make_older(void)
{
	sqlite3 *older;

	assert_int_equal(sqlite3_open(db, &older), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(older,
			     "DROP TABLE image; DROP TABLE class_why; DROP TABLE usage_seen; "
			     "DROP TABLE edge_seen; DROP TABLE gate; DROP TABLE edge_sure; "
			     "DROP TABLE wait; DROP TABLE host; "
			     "DROP TABLE source; DROP TABLE usage_source; DROP TABLE edge_source; "
			     "DROP TABLE fact_source; "
			     "PRAGMA user_version = 2",
			     NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(older);
}

static void test_older_version(void **state)
{
	struct capture *c = sample_capture(&size);
	struct state_content there;
	struct known known = {};
	struct state *s = open_state(&there);

	add(&known, "0123456789ab", "6.12", 100);
	save(s, c, &known, false);
	known_done(&known);
	state_close(s);
	make_older();
	s = open_state(&there);
	assert_string_equal(there.aside, "");
	assert_int_equal(there.known.nr, 1);
	assert_int_equal(there.graph->nr_images, 0);
	capture_add_image(there.graph)->build_id = strdup("77a0");
	save(s, there.graph, &there.known, false);
	state_content_done(&there);
	state_close(s);
	s = open_state(&there);
	assert_string_equal(capture_build_id(there.graph, NULL), "77a0");
	assert_int_equal(there.graph->nr_edges, c->nr_edges);
	state_content_done(&there);
	state_close(s);
	capture_free(c);
}

static void test_not_regular(void **state)
{
	struct state_content there;
	struct state *s = NULL;
	struct error err = {};
	char other[PATH_MAX + 8];

	mkdir(path, 0700);
	snprintf(other, sizeof(other), "%s/other", path);
	assert_int_equal(symlink(other, db), 0);
	assert_true(state_open(path, &s, &there, &err) < 0);
	assert_int_equal(access(other, F_OK), -1);
	state_close(s);
}

static int group_setup(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int group_teardown(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup(test, setup)
	const struct CMUnitTest tests[] = {
		T(test_restart),       T(test_reports),	  T(test_one_at_a_time),
		T(test_new_build),     T(test_kills),	  T(test_full_disk),
		T(test_bounded),       T(test_no_folder), T(test_truncated),
		T(test_no_database),   T(test_scribbled), T(test_logs_of_those_aside), T(test_not_regular),
		T(test_older_version), T(test_linked_folder), T(test_untrusted_folder),
		T(test_graph), T(test_newer_version), T(test_folder_removed),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
