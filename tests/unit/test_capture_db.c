// SPDX-License-Identifier: GPL-2.0-only
/* Captures saved and loaded again, and every way in which a save can fail. */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "capture/db.h"
#include "test_capture_sample.h"

static const struct sample_size small = {
	.classes = 12, .edges = 40, .stacks = 9, .depth = 11, .facts = 8, .distinct = 30,
};
static char folder[64];

static const char *in_folder(const char *name)
{
	static char path[2][512];
	static int turn;

	turn ^= 1;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static int setup(void **state)
{
	strcpy(folder, "/tmp/lockvane-test-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

/* Files in the folder, hidden ones too; they are removed if asked for. */
static int count_files(bool and_remove)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int nr = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		nr++;
		if (and_remove)
			unlinkat(dirfd(dir), entry->d_name,
				 entry->d_type == DT_DIR ? AT_REMOVEDIR : 0);
	}
	closedir(dir);
	return nr;
}

static int teardown(void **state)
{
	count_files(true);
	return rmdir(folder);
}

/* --- comparing --------------------------------------------------------- */

static void same_text(const char *a, const char *b)
{
	if (!a || !b)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static void same_stack(const struct capture_stack *a, const struct capture_stack *b)
{
	assert_int_equal(a->pid, b->pid);
	assert_int_equal(a->cpu, b->cpu);
	assert_memory_equal(a->comm, b->comm, sizeof(a->comm));
	assert_int_equal(a->nr_frames, b->nr_frames);
	for (uint32_t i = 0; i < a->nr_frames; i++) {
		assert_true(a->frames[i].ip == b->frames[i].ip);
		same_text(a->frames[i].text, b->frames[i].text);
	}
}

static void same_class(const struct capture_class *a, const struct capture_class *b)
{
	same_text(a->name, b->name);
	same_text(a->alias, b->alias);
	same_text(a->why, b->why);
	same_text(a->kind, b->kind);
	same_text(a->key, b->key);
	assert_int_equal(a->certainty, b->certainty);
	assert_int_equal(a->family, b->family);
	assert_int_equal(a->subclass, b->subclass);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->usage, b->usage);
	assert_true(a->acquisitions == b->acquisitions);
	assert_memory_equal(a->usage_stack, b->usage_stack, sizeof(a->usage_stack));
	assert_memory_equal(a->usage_addr, b->usage_addr, sizeof(a->usage_addr));
	assert_int_equal(a->twice, b->twice);
	assert_memory_equal(a->usage_low, b->usage_low, sizeof(a->usage_low));
	assert_memory_equal(a->usage_seen, b->usage_seen, sizeof(a->usage_seen));
	assert_memory_equal(a->usage_sources, b->usage_sources, sizeof(a->usage_sources));
}

static void same_edge(const struct capture_edge *a, const struct capture_edge *b)
{
	assert_int_equal(a->from, b->from);
	assert_int_equal(a->to, b->to);
	assert_int_equal(a->dep, b->dep);
	assert_true(a->count == b->count);
	assert_int_equal(a->stack, b->stack);
	assert_int_equal(a->from_stack, b->from_stack);
	assert_true(a->from_addr == b->from_addr);
	assert_true(a->to_addr == b->to_addr);
	assert_int_equal(a->sure, b->sure);
	assert_true(a->source == b->source);
	assert_true(a->seen_from == b->seen_from);
	assert_true(a->seen_to == b->seen_to);
	assert_memory_equal(a->low, b->low, sizeof(a->low));
	assert_memory_equal(a->gate_class, b->gate_class, sizeof(a->gate_class));
	for (int n = 0; n < LV_GATES; n++)
		assert_true(a->gate_class[n] == LV_NONE || a->gate_addr[n] == b->gate_addr[n]);
}

static void same_fact(const struct capture_fact *a, const struct capture_fact *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->class, b->class);
	assert_int_equal(a->class2, b->class2);
	assert_int_equal(a->stack, b->stack);
	assert_true(a->addr == b->addr);
	assert_true(a->source == b->source);
}

static void same_source(const struct capture_source *a, const struct capture_source *b)
{
	same_text(a->name, b->name);
	same_text(a->command, b->command);
	assert_true(a->started == b->started);
	assert_true(a->duration == b->duration);
	assert_true(a->events == b->events);
	assert_true(a->lost == b->lost);
}

static void same_wait(const struct capture_wait *a, const struct capture_wait *b)
{
	assert_int_equal(a->ring, b->ring);
	assert_int_equal(a->class, b->class);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->held, b->held);
	assert_int_equal(a->ends, b->ends);
	assert_int_equal(a->stack, b->stack);
	assert_true(a->addr == b->addr);
	assert_true(a->waited_ms == b->waited_ms);
}

static void same_run(const struct capture *a, const struct capture *b)
{
	same_text(a->version, b->version);
	same_text(a->kernel, b->kernel);
	same_text(a->build, b->build);
	same_text(a->machine, b->machine);
	same_text(a->host, b->host);
	same_text(a->command, b->command);
	same_text(a->tainted, b->tainted);
	assert_true(a->started == b->started);
	assert_true(a->duration == b->duration);
	assert_true(a->events == b->events);
	assert_int_equal(a->rt, b->rt);
	assert_int_equal(a->annotated, b->annotated);
	assert_int_equal(a->unlocks_hidden, b->unlocks_hidden);
	assert_int_equal(a->irqs_unseen, b->irqs_unseen);
	assert_int_equal(a->preempts, b->preempts);
	assert_int_equal(a->misses_asked, b->misses_asked);
}

static void same_capture(const struct capture *a, const struct capture *b)
{
	same_run(a, b);
	assert_int_equal(a->nr_classes, b->nr_classes);
	for (size_t i = 0; i < a->nr_classes; i++)
		same_class(&a->classes[i], &b->classes[i]);
	assert_int_equal(a->nr_edges, b->nr_edges);
	for (size_t i = 0; i < a->nr_edges; i++)
		same_edge(&a->edges[i], &b->edges[i]);
	assert_int_equal(a->nr_stacks, b->nr_stacks);
	for (size_t i = 0; i < a->nr_stacks; i++)
		same_stack(&a->stacks[i], &b->stacks[i]);
	assert_int_equal(a->nr_facts, b->nr_facts);
	for (size_t i = 0; i < a->nr_facts; i++)
		same_fact(&a->facts[i], &b->facts[i]);
	assert_int_equal(a->nr_waits, b->nr_waits);
	for (size_t i = 0; i < a->nr_waits; i++)
		same_wait(&a->waits[i], &b->waits[i]);
	assert_int_equal(a->nr_losses, b->nr_losses);
	for (size_t i = 0; i < a->nr_losses; i++) {
		same_text(a->losses[i].name, b->losses[i].name);
		same_text(a->losses[i].text, b->losses[i].text);
		same_text(a->losses[i].programs, b->losses[i].programs);
		assert_true(a->losses[i].count == b->losses[i].count);
	}
	assert_int_equal(a->nr_images, b->nr_images);
	for (size_t i = 0; i < a->nr_images; i++) {
		same_text(a->images[i].module, b->images[i].module);
		same_text(a->images[i].build_id, b->images[i].build_id);
	}
	assert_int_equal(a->nr_sources, b->nr_sources);
	for (size_t i = 0; i < a->nr_sources; i++)
		same_source(&a->sources[i], &b->sources[i]);
}

static void save_ok(const struct capture *c, const char *path)
{
	struct error err = { 0 };

	if (capture_db_save(c, path, &err))
		fail_msg("%s", err.text);
}

static struct capture *load_ok(const char *path)
{
	struct capture *c = NULL;
	struct error err = { 0 };

	if (capture_db_load(path, &c, &err))
		fail_msg("%s", err.text);
	return c;
}

/* The save fails with this code, and in words that hold these. */
static void save_fails(const struct capture *c, const char *path, int code, const char *words)
{
	struct error err = { 0 };

	assert_int_equal(capture_db_save(c, path, &err), code);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

/* --- the tests --------------------------------------------------------- */

/*
 * A field that was added and not saved is lost without a word. Whoever changes
 * these structs: teach db_write.c, db_read.c, db_schema.c (and raise DB_VERSION),
 * db_check.c, docs/capture-format.md and same_*() above, then this list.
 */
static void test_all_fields(void **state)
{
	assert_int_equal(sizeof(struct capture), 216);
	assert_int_equal(sizeof(struct capture_class), 440);
	assert_int_equal(sizeof(struct capture_edge), 144);
	assert_int_equal(sizeof(struct capture_stack), 40);
	assert_int_equal(sizeof(struct capture_frame), 16);
	assert_int_equal(sizeof(struct capture_fact), 32);
	assert_int_equal(sizeof(struct capture_wait), 40);
	assert_int_equal(sizeof(struct capture_loss), 32);
	assert_int_equal(sizeof(struct capture_image), 16);
	assert_int_equal(sizeof(struct capture_source), 48);
}

static void test_round_trip(void **state)
{
	struct capture *c = sample_capture(&small), *back;

	save_ok(c, in_folder("a.lv"));
	back = load_ok(in_folder("a.lv"));
	same_capture(c, back);
	capture_free(back);
	capture_free(c);
}

static void test_round_trip_put_together(void **state)
{
	struct capture *c = sample_capture(&small), *back;

	sample_put_together(c);
	save_ok(c, in_folder("a.lv"));
	back = load_ok(in_folder("a.lv"));
	same_capture(c, back);
	capture_free(back);
	capture_free(c);
}

static void test_round_trip_empty(void **state)
{
	struct capture *c = capture_new(), *back;

	sample_run(c);
	free(c->command);
	free(c->tainted);
	free(c->host);
	c->command = c->tainted = c->host = NULL;
	c->rt = c->irqs_unseen = false;
	save_ok(c, in_folder("a.lv"));
	back = load_ok(in_folder("a.lv"));
	same_capture(c, back);
	capture_free(back);
	capture_free(c);
}

static void test_strings_are_cleaned(void **state)
{
	struct capture *c = sample_capture(&small), *back;
	char *longest = malloc(100001);

	memset(longest, 'x', 100000);
	longest[100000] = '\0';
	free(c->command);
	c->command = longest;
	strcpy(c->kernel, "\x1b[2J\n\xff");
	memset(c->stacks[0].comm, 0x01, sizeof(c->stacks[0].comm));
	save_ok(c, in_folder("a.lv"));
	back = load_ok(in_folder("a.lv"));
	assert_string_equal(back->kernel, "?[2J??");
	assert_string_equal(back->stacks[0].comm, "???????????????");
	assert_int_equal(strlen(back->command), 4095);
	capture_free(back);
	capture_free(c);
}

static void test_replaces_and_is_private(void **state)
{
	struct capture *c = sample_capture(&small);
	mode_t mask = umask(0);
	struct stat st;
	int fd;

	fd = open(in_folder("a.lv"), O_CREAT | O_WRONLY, 0666);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "old", 3), 3);
	close(fd);
	save_ok(c, in_folder("a.lv"));
	umask(mask);
	assert_int_equal(stat(in_folder("a.lv"), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(count_files(false), 1);
	capture_free(load_ok(in_folder("a.lv")));
	capture_free(c);
}

static void test_targets_refused(void **state)
{
	struct capture *c = sample_capture(&small);
	struct stat st;

	assert_int_equal(mkdir(in_folder("dir"), 0700), 0);
	assert_int_equal(symlink("elsewhere", in_folder("link")), 0);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	save_fails(c, in_folder("dir"), -EISDIR, "dir: is a folder");
	save_fails(c, in_folder("dir/"), -EISDIR, "not the name of a file");
	save_fails(c, in_folder("link"), -ELOOP, "link: is a symbolic link");
	save_fails(c, in_folder("fifo"), -EINVAL, "not a regular file");
	save_fails(c, in_folder("no/a.lv"), -ENOENT, "folder cannot be opened");
	save_fails(c, in_folder("fifo/a.lv"), -ENOTDIR, "folder cannot be opened");
	save_fails(c, "", -EISDIR, "not the name of a file");
	save_fails(c, "/proc/a.lv", -ENOENT, "takes no new file");
	assert_int_equal(count_files(false), 3);
	assert_int_equal(lstat(in_folder("link"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	capture_free(c);
}

/* A full disk and a file size limit fail the same write(); only the latter needs no mount. */
static void test_no_room(void **state)
{
	struct capture *c = sample_capture(&small);
	struct rlimit old, tight = { .rlim_cur = 10000 };
	struct capture *back;

	save_ok(c, in_folder("a.lv"));
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	c->events = 5;
	save_fails(c, in_folder("a.lv"), -EFBIG, "not saved, ");
	save_fails(c, in_folder("b.lv"), -EFBIG, "File too large");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(count_files(false), 1);
	back = load_ok(in_folder("a.lv"));
	assert_true(back->events == UINT64_MAX); /* what was there still is */
	capture_free(back);
	capture_free(c);
}

#define SPOILT(field, value, words)                                        \
	do {                                                               \
		__typeof__(c->field) kept_ = c->field;                     \
                                                                           \
		c->field = value;                                          \
		save_fails(c, in_folder("a.lv"), -EINVAL, words);          \
		c->field = kept_;                                          \
	} while (0)

static void test_spoilt_captures(void **state)
{
	struct capture *c = sample_capture(&small);

	sample_put_together(c);
	SPOILT(kernel, NULL, "a.lv: capture: no kernel");
	SPOILT(classes[3].name, NULL, "class 3: no valid name");
	SPOILT(classes[3].name, c->classes[4].name, "two classes are named kioctx_4.ctx_lock");
	SPOILT(classes[3].key, NULL, "class 3: no valid key");
	SPOILT(classes[3].family, LV_FAMILIES, "class 3: no valid family");
	SPOILT(classes[3].usage, 1u << LV_USAGES, "class 3: no valid usage");
	SPOILT(classes[3].certainty, 3, "class 3: no valid certainty");
	SPOILT(classes[3].usage_stack[9], 9, "class 3: usage stack 9 is not there");
	SPOILT(edges[2].dep, LV_DEP_EN | LV_DEP_SN, "edge 2: no valid dep");
	SPOILT(edges[2].dep, 0, "edge 2: no valid dep");
	SPOILT(edges[2].from, 12, "edge 2: from class 12 is not there, 12 are");
	SPOILT(edges[2].to, LV_NONE, "edge 2: to class");
	SPOILT(edges[2].stack, 9, "edge 2: stack 9");
	SPOILT(edges[2].from_stack, 9, "edge 2: from stack 9");
	SPOILT(facts[0].class, LV_NONE, "fact 0: class");
	SPOILT(facts[0].kind, CAPTURE_FACT_KINDS, "fact 0: no valid kind");
	SPOILT(waits[0].class, LV_NONE, "wait 0: class");
	SPOILT(waits[0].mode, LV_RECURSIVE, "wait 0: no valid mode");
	SPOILT(waits[1].ring, 9, "wait 2: its ring is in pieces");
	SPOILT(stacks[0].frames[1].text, NULL, "stack 0: frame 1: no text");
	SPOILT(stacks[0].nr_frames, 5000, "stack 0: 5000 frames");
	SPOILT(losses[0].name, NULL, "loss 0");
	SPOILT(images[0].build_id, NULL, "image 0: no build id");
	SPOILT(classes[3].usage_sources[0], 8, "class 3: no valid sources");
	SPOILT(edges[2].source, 8, "edge 2: no valid sources");
	SPOILT(edges[2].source, 6, "edge 2: more than one source");
	SPOILT(facts[0].source, 1ull << 63, "fact 0: no valid sources");
	SPOILT(sources[1].name, NULL, "source 1: no name");
	SPOILT(nr_sources, 65, "65 captures in it, a capture holds at most 64");
	SPOILT(nr_classes, 81921, "81921 classes, a capture holds at most 81920");
	assert_int_equal(count_files(false), 0);
	capture_free(c);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

/* All tables of the recorder full. The bound has room for sanitizers and busy machines. */
static void test_full_size(void **state)
{
	static const struct sample_size full = {
		.classes = LV_MAX_CLASSES, .edges = LV_MAX_EDGES, .stacks = LV_MAX_STACKS,
		.depth = LV_STACK_DEPTH, .facts = 1000, .distinct = 20000,
	};
	struct capture *c = sample_capture(&full), *back;
	double start = seconds(), saved, loaded;
	struct stat st;

	save_ok(c, in_folder("a.lv"));
	saved = seconds() - start;
	start = seconds();
	back = load_ok(in_folder("a.lv"));
	loaded = seconds() - start;
	same_capture(c, back);
	assert_int_equal(stat(in_folder("a.lv"), &st), 0);
	print_message("full size: save %.2f s, load %.2f s, %.1f MiB\n", saved, loaded,
		      st.st_size / 1048576.0);
	assert_true(saved < 20 && loaded < 20);
	assert_true(st.st_size < 64 << 20);
	capture_free(back);
	capture_free(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_fields),
		TEST(test_round_trip),
		TEST(test_round_trip_put_together),
		TEST(test_round_trip_empty),
		TEST(test_strings_are_cleaned),
		TEST(test_replaces_and_is_private),
		TEST(test_targets_refused),
		TEST(test_no_room),
		TEST(test_spoilt_captures),
		TEST(test_full_size),
	};

	return cmocka_run_group_tests_name("capture_db", tests, NULL, NULL);
}
