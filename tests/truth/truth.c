// SPDX-License-Identifier: GPL-2.0-only
/*
 * The judge's half in the guest: run a program with lockvane and the observer
 * attached, then put down all they saw. Nothing is judged here.
 *
 *	truth FOLDER CMD ARG...
 *
 * Leaves in FOLDER: capture.db; the tables as they lie in memory (classes.bin,
 * edges.bin, stacks.bin, names.bin, of abi.h; moved.bin: where each class is in the capture; refuted.bin: dependencies
 * that no finding goes through;
 * situations.bin, keys.bin, pseudos.bin, ends.bin, control.bin, of
 * truth.h); what judge.py needs to read them (layout.json).
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "capture/db.h"
#include "cli/child.h"
#include "cli/cli.h"
#include "finding/pseudo.h"
#include "trace/programs.h"
#include "trace/selfcheck.h"
#include "trace/words.h"
#include "truth.h"

static const char *folder;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fprintf(stderr, "truth: ");
	vfprintf(stderr, format, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	exit(1);
}

static FILE *create(const char *name)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	if (!file)
		die("cannot write %s: %s", path, strerror(errno));
	return file;
}

static void write_table(const char *name, const void *memory, size_t size)
{
	FILE *file = create(name);

	if (fwrite(memory, 1, size, file) != size || fclose(file))
		die("cannot write %s: %s", name, strerror(errno));
}

/* programs.h knows nothing of the observer's maps; by name, there are no others of them. */
static int map_by_name(const char *name)
{
	__u32 id = 0;

	while (!bpf_map_get_next_id(id, &id)) {
		struct bpf_map_info info = {};
		__u32 len = sizeof(info);
		int fd = bpf_map_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && !strcmp(info.name, name))
			return fd;
		close(fd);
	}
	die("there is no map %s", name);
}

static void write_map(const char *map, const char *name, size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *memory = mmap(NULL, (size + page - 1) & ~(page - 1), PROT_READ, MAP_SHARED,
			    map_by_name(map), 0);

	if (memory == MAP_FAILED)
		die("cannot map %s: %s", map, strerror(errno));
	write_table(name, memory, size);
}

/* The same of a program. */
static int program_by_name(const char *name)
{
	__u32 id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) && !strcmp(info.name, name))
			return fd;
		close(fd);
	}
	die("there is no program %s", name);
}

static void read_lockdep(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(program_by_name("truth_finish"), &opts))
		die("cannot read lockdep's classes: %s", strerror(errno));
}

/* lockdep's own tracepoint. It is let go of when we end. */
static void watch_lockdep(void)
{
	if (bpf_raw_tracepoint_open(NULL, program_by_name("truth_acquire")) < 0)
		die("cannot watch lockdep: %s", strerror(errno));
}

/* judge.py takes a held_lock's bit fields to lie as they do here. */
static void check_held_lock(void)
{
	static const struct {
		const char *name;
		unsigned int bit, size;
	} fields[] = {{"class_idx", 0, 13},
		      {"irq_context", 13, 2},
		      {"trylock", 15, 1},
		      {"read", 16, 2},
		      {"check", 18, 1}};
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, "held_lock", BTF_KIND_STRUCT) : -1;
	const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(btf, id);
	unsigned int found = 0, word = 0;

	if (!t)
		die("this kernel has no lockdep");
	for (int i = 0; i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(btf, btf_members(t)[i].name_off);
		unsigned int bit = btf_member_bit_offset(t, i);

		if (!strcmp(name, "class_idx"))
			word = bit;
		for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++)
			found += !strcmp(name, fields[f].name) && bit == word + fields[f].bit &&
				 btf_member_bitfield_size(t, i) == fields[f].size;
	}
	if (found != sizeof(fields) / sizeof(fields[0]))
		die("struct held_lock is not laid out as expected");
	btf__free(btf);
}

#define SETTLES 5 /* seconds */

static void show_progress(void *arg, size_t done, size_t all)
{
	if (done % 20 == 0)
		fprintf(stderr, "truth: attaching %zu of %zu\n", done, all);
}

/* As cmd_trace does it. */
static struct programs *attach(struct kbtf **ret_btf, struct features *f, struct plan *plan)
{
	struct programs *programs = NULL;
	struct ksyms *ksyms = NULL;
	struct error err = {};

	if (kbtf_load(NULL, ret_btf))
		die("cannot read the kernel's BTF");
	ksyms_load(NULL, &ksyms);
	features_probe(NULL, *ret_btf, ksyms, f);
	if (cli_may_trace(f, &err) || plan_make(*ret_btf, ksyms, f, PLAN_ALL_LOCKS, plan, &err) ||
	    programs_prepare(plan, show_progress, NULL, &programs, &err) ||
	    selfcheck(programs, plan, &err))
		die("%s", err.text);
	ksyms_free(ksyms);
	return programs;
}

/* Did nobody renew the lease in time? Disarmed without that, the observer has seen lockdep's first report. */
static bool has_lapsed(struct programs *programs)
{
	struct tables tables;

	programs_tables(programs, &tables);
	return tables.control->lapsed_ns;
}

static void run(struct programs *programs, char **command)
{
	struct timespec moment = {.tv_nsec = 100000000};
	bool armed = true;
	struct child child = {};
	struct error err = {};

	/* What attaching set off (RCU-tasks' grace periods, under a mutex) began unseen: let it end. */
	sleep(SETTLES);
	if (child_start(command, &child, &err))
		die("%s", err.text);
	programs_start(programs);
	child_release(&child);
	while (!child_ended(&child)) {
		armed = armed && programs_renew(programs);
		if (!armed && has_lapsed(programs))
			die("the machine is too slow: the hooks disarmed themselves");
		nanosleep(&moment, NULL);
	}
	programs_stop(programs);
	child_stop(&child);
	fprintf(stderr, "truth: %s %s\n", command[0], child_status_text(&child));
}

/* The dependencies that no finding goes through, as their stacks lack who holds: {from, to, dep} of the capture. */
static void write_refuted(const struct capture *c)
{
	FILE *file = create("refuted.bin");
	bool written = true;

	for (uint32_t i = 0; i < c->nr_edges; i++) {
		const struct capture_edge *edge = &c->edges[i];
		const uint32_t row[] = {edge->from, edge->to, edge->dep};

		if (finding_pseudo_refutes(c, edge))
			written = written && fwrite(row, sizeof(row), 1, file) == 1;
	}
	if (fclose(file) || !written)
		die("cannot write refuted.bin: %s", strerror(errno));
}

static void write_capture(struct programs *programs, const struct kbtf *btf,
			  const struct features *f)
{
	struct capture *c = capture_new();
	static uint32_t moved[LV_MAX_CLASSES];
	struct words *words = NULL;
	uint64_t misses[LV_HOOKS + 1];
	struct tables tables;
	struct error err = {};
	char path[512];

	programs_tables(programs, &tables);
	programs_recursion_misses(programs, misses);
	tables.recursion_misses = misses;
	if (!c || words_new(btf, &words) || words_capture(words, &tables, c, moved, &err))
		die("%s", err.text);
	c->version = strdup(LOCKVANE_VERSION);
	c->kernel = strdup(f->release);
	c->build = strdup(f->version);
	c->machine = strdup(f->machine);
	snprintf(path, sizeof(path), "%s/capture.db", folder);
	if (capture_db_save(c, path, &err))
		die("%s", err.text);
	write_refuted(c);
	capture_free(c);
	write_table("classes.bin", tables.classes, LV_MAX_CLASSES * sizeof(struct lv_class));
	write_table("edges.bin", tables.edges, LV_MAX_EDGES * sizeof(struct lv_edge));
	write_table("stacks.bin", tables.stacks, LV_MAX_STACKS * sizeof(struct lv_stack));
	write_table("moved.bin", moved, sizeof(moved));
	write_table("names.bin", tables.names, LV_MAX_NAMES * sizeof(struct lv_name));
	words_free(words);
}

/* What judge.py cannot know: sizes, offsets, and the hooks' names. */
static void write_layout(void)
{
	FILE *file = create("layout.json");

	fprintf(file,
		"{\"class\": %zu, \"edge\": %zu, \"stack\": %zu, \"name\": %zu, "
		"\"situation\": %zu, \"key\": %zu, \"class_usage\": %zu, \"class_flags\": %zu, "
		"\"class_family\": %zu, \"class_subclass\": %zu, \"kind_shift\": %d, "
		"\"place_base\": %zu, \"place_kind\": %zu, \"place_site\": %zu, \"hooks\": [",
		sizeof(struct lv_class), sizeof(struct lv_edge), sizeof(struct lv_stack),
		sizeof(struct lv_name), sizeof(struct truth_situation), sizeof(struct truth_key),
		offsetof(struct lv_class, usage), offsetof(struct lv_class, flags),
		offsetof(struct lv_class, family), offsetof(struct lv_class, subclass),
		LV_SUBCLASS_KIND_SHIFT, offsetof(struct lv_class, place.base),
		offsetof(struct lv_class, place.kind), offsetof(struct lv_class, place.site));
	for (int i = 0; i <= LV_HOOKS; i++)
		fprintf(file, "%s\"%s\"", i ? ", " : "", tables_hook(i));
	fprintf(file, "]}\n");
	fclose(file);
}

int main(int argc, char **argv)
{
	struct programs *programs;
	struct features f;
	struct kbtf *btf = NULL;
	struct plan plan;

	if (argc < 3)
		die("usage: truth FOLDER CMD ARG...");
	folder = argv[1];
	check_held_lock();
	programs = attach(&btf, &f, &plan);
	watch_lockdep();
	run(programs, argv + 2);
	read_lockdep();
	write_map("truth_found", "situations.bin",
		  TRUTH_SITUATIONS * sizeof(struct truth_situation));
	write_map("truth_keys", "keys.bin", TRUTH_KEYS * sizeof(struct truth_key));
	write_map("truth_pseudos", "pseudos.bin", TRUTH_PSEUDOS * sizeof(struct truth_pseudo));
	write_map("truth_ends", "ends.bin", LV_MAX_EDGES * sizeof(struct truth_ends));
	write_map("truth_state", "control.bin", sizeof(struct truth_control));
	write_capture(programs, btf, &f);
	write_layout();
	programs_finish(programs);
	kbtf_free(btf);
	return 0;
}
