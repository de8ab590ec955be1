// SPDX-License-Identifier: GPL-2.0-only
#include "trace/programs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "naming/anchors.h"
#include "naming/generic.h"
#include "kernel/ksyms.h"
#include "trace/misses.h"
#include "trace/retire.h"
#include "lockvane.skel.h"

enum table {
	TABLE_CPUS,
	TABLE_CLASSES,
	TABLE_EDGES,
	TABLE_STACKS,
	TABLE_NAMES,
	TABLE_FACTS,
	TABLE_TASKS,
	NR_TABLES,
};

enum wait_program {
	WAITS_BEGIN,
	WAITS_END,
	WAITS_LOOK, /* an iterator: it runs when it is read */
	NR_WAITS,
};

struct programs {
	struct lockvane *skel;
	unsigned int nr_cpus;
	uint32_t epoch;
	struct bpf_link *links[LV_HOOKS + 1]; /* by hook; the last is the task switch */
	bool present[LV_HOOKS + 1];	      /* it was attached once */
	struct bpf_link *retire[RETIRE_HOOKS]; /* while we live; */
	struct bpf_link *waits[NR_WAITS];      /* these, too */
	uint64_t heat[LV_HOOKS + 1];	      /* events that were forgotten since */
	struct {
		void *memory;
		size_t size;
	} tables[NR_TABLES];
};

static struct lv_control *control_of(const struct programs *p)
{
	return &p->skel->bss->lv_control;
}

/* libbpf's last complaint: its first line goes into our error, no more. */
static char libbpf_words[160];

static int keep_words(enum libbpf_print_level level, const char *format, va_list ap)
{
	char line[sizeof(libbpf_words)];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, ap);
	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "libbpf: ", 8))
		memmove(line, line + 8, strlen(line + 8) + 1);
	if (!libbpf_words[0] && line[0])
		memcpy(libbpf_words, line, sizeof(line));
	return 0;
}

static struct bpf_program *hook_program(const struct programs *p, const char *function)
{
	char name[64];

	snprintf(name, sizeof(name), "lv_%s", function);
	return bpf_object__find_program_by_name(p->skel->obj, name);
}

static int choose(struct programs *p, const struct plan *plan, struct error *err)
{
	for (int i = 0; i < LV_HOOKS; i++) {
		struct bpf_program *program = hook_program(p, plan->hooks[i].function);

		if (!program || bpf_program__set_autoload(program, plan->hooks[i].present))
			return error_set(err, -EINVAL, "no program for %s",
					 plan->hooks[i].function);
	}
	p->skel->rodata->lv_irq_source = plan->irq_source;
	p->skel->rodata->lv_preempt_counted = plan->counts_preemption;
	p->skel->rodata->lv_preempts = plan->preempts;
	p->skel->rodata->lv_shows_atomic = plan->shows_atomic;
	if (bpf_map__set_max_entries(p->skel->maps.lv_cpus, plan->nr_cpus) ||
	    bpf_map__set_max_entries(p->skel->maps.lv_irq_slots, plan->nr_cpus))
		return error_set(err, -EINVAL, "cannot size the per-CPU tables");
	return 0;
}

static int load(struct programs *p, struct error *err)
{
	int code = lockvane__load(p->skel);

	if (code == -EPERM || code == -EACCES)
		return error_set(err, code,
				 "the kernel does not let us load BPF programs: run as root "
				 "(CAP_BPF and CAP_PERFMON), without kernel lockdown (%s)",
				 libbpf_words);
	if (code)
		return error_set(err, code, "the kernel refused the BPF programs: %s (%s)",
				 libbpf_words, strerror(-code));
	return 0;
}

static int map_table(struct programs *p, enum table table, const struct bpf_map *map)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t stride = (bpf_map__value_size(map) + 7) & ~7u;
	size_t size = (stride * bpf_map__max_entries(map) + page - 1) & ~(page - 1);
	void *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (memory == MAP_FAILED)
		return -errno;
	p->tables[table].memory = memory;
	p->tables[table].size = size;
	return 0;
}

static int map_tables(struct programs *p, struct error *err)
{
	const struct bpf_map *maps[NR_TABLES] = {
		[TABLE_CPUS] = p->skel->maps.lv_cpus,
		[TABLE_CLASSES] = p->skel->maps.lv_classes,
		[TABLE_EDGES] = p->skel->maps.lv_edges,
		[TABLE_STACKS] = p->skel->maps.lv_stacks,
		[TABLE_NAMES] = p->skel->maps.lv_names,
		[TABLE_FACTS] = p->skel->maps.lv_facts,
		[TABLE_TASKS] = p->skel->maps.lv_tasks,
	};

	for (int i = 0; i < NR_TABLES; i++) {
		int code = map_table(p, i, maps[i]);

		if (code)
			return error_set(err, code, "cannot map table %s: %s",
					 bpf_map__name(maps[i]), strerror(-code));
	}
	return 0;
}

static int run_once(const struct bpf_program *program)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int code = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);

	return !code && (int)opts.retval ? -EIO : code;
}

/* Let the kernel tell where it keeps things. */
static int find_layout(struct programs *p, struct error *err)
{
	int code = run_once(p->skel->progs.lv_prepare);

	if (code)
		return error_set(err, code, "cannot run a BPF program to find the kernel's layout");
	return 0;
}

static int search_range(struct programs *p, const struct anchors_range *range, struct anchors *a)
{
	struct lv_anchors *table = &p->skel->bss->lv_anchors;
	int code = 0;

	table->next = range->start;
	table->end = range->end;
	while (!code && table->next < table->end) {
		uint64_t before = table->next;

		code = run_once(p->skel->progs.lv_find_anchors);
		if (!code && table->next <= before)
			code = -EIO;
		code = code ? code : anchors_add(a, table->anchor, table->nr);
	}
	return code;
}

static int search_anchors(struct programs *p, const struct ksyms *ksyms, const struct kbtf *btf)
{
	struct anchors_range ranges[ANCHORS_RANGES];
	size_t nr = anchors_ranges(ksyms, ranges);
	struct anchors *a = NULL;
	int code = anchors_new(ksyms, btf, &a);

	for (size_t i = 0; !code && i < nr; i++)
		code = search_range(p, &ranges[i], a);
	if (!code) {
		anchors_table(a, &p->skel->bss->lv_anchors);
		code = run_once(p->skel->progs.lv_measure_anchors);
	}
	anchors_free(a);
	return code;
}

/*
 * The kernel's tables, and its functions that take any lock. Without the kernel's symbols there are
 * none: the locks in tables are one class, and the callers of a generic function are not told apart.
 */
static int find_by_symbols(struct programs *p, const struct plan *plan, struct error *err)
{
	struct ksyms *ksyms = NULL;
	int code;

	if (ksyms_load(NULL, &ksyms))
		return 0;
	generic_find(ksyms, plan->btf, &p->skel->bss->lv_generic);
	code = search_anchors(p, ksyms, plan->btf);
	ksyms_free(ksyms);
	if (code)
		return error_set(err, code, "cannot search the kernel's variables for tables: %s",
				 strerror(-code));
	return 0;
}

static int attach_one(struct programs *p, const struct plan *plan, int hook, struct error *err)
{
	const char *where = tables_hook(hook);
	struct bpf_link *link = bpf_program__attach(
		hook == LV_HOOKS ? p->skel->progs.lv_sched_switch :
				   hook_program(p, plan->hooks[hook].function));
	int code = libbpf_get_error(link);

	if (code)
		return error_set(err, code,
				 "the kernel refused a hook on %s (%s): is ftrace enabled, and "
				 "kernel.ftrace_enabled 1?", where, strerror(-code));
	p->links[hook] = link;
	p->present[hook] = true;
	return 0;
}

/* Events so far, by hook. */
static void read_heat(const struct programs *p, uint64_t ret[LV_HOOKS + 1])
{
	const struct lv_cpu *cpus = p->tables[TABLE_CPUS].memory;

	for (int hook = 0; hook <= LV_HOOKS; hook++) {
		ret[hook] = p->heat[hook];
		for (unsigned int cpu = 0; cpu < p->nr_cpus; cpu++)
			ret[hook] += cpus[cpu].events[hook];
	}
}

/*
 * The hottest first. There are a few that see nearly all events: as each takes its time
 * to come or go, less is paid for all if these come last and go first. Until anything was
 * seen: what acquires, as it stands in hooks.def.
 */
static void order(const struct programs *p, int ret[LV_HOOKS + 1])
{
	uint64_t heat[LV_HOOKS + 1];

	read_heat(p, heat);
	for (int hook = 0; hook <= LV_HOOKS; hook++) {
		int at = hook;

		for (; at && heat[ret[at - 1]] < heat[hook]; at--)
			ret[at] = ret[at - 1];
		ret[at] = hook;
	}
}

/* Short windows do not see all that a load does: each is given some, few beside calibration's. */
#define UNSEEN 30

double programs_in_place(const struct programs *p)
{
	uint64_t heat[LV_HOOKS + 1], all = 0, here = 0;

	read_heat(p, heat);
	for (int hook = 0; hook <= LV_HOOKS; hook++) {
		all += p->present[hook] ? heat[hook] + UNSEEN : 0;
		here += p->links[hook] ? heat[hook] + UNSEEN : 0;
	}
	return all ? (double)here / all : 1;
}

static int attach_all(struct programs *p, const struct plan *plan, programs_progress progress,
		      void *arg, struct error *err)
{
	size_t all = 1, done = 0;
	int hooks[LV_HOOKS + 1], code = 0;

	order(p, hooks);
	for (int i = 0; i < LV_HOOKS; i++)
		all += plan->hooks[i].present;
	for (int i = LV_HOOKS; !code && i >= 0; i--) {
		if (hooks[i] < LV_HOOKS && !plan->hooks[hooks[i]].present)
			continue;
		if (progress)
			progress(arg, done++, all);
		code = attach_one(p, plan, hooks[i], err);
	}
	if (!code && progress)
		progress(arg, done, all);
	return code;
}

int programs_attach(struct programs *p, const struct plan *plan, programs_progress progress,
		    void *arg, struct error *err)
{
	libbpf_print_fn_t before = libbpf_set_print(keep_words);
	int code = attach_all(p, plan, progress, arg, err);

	libbpf_set_print(before);
	if (code)
		programs_detach(p, NULL, NULL);
	return code;
}

static size_t nr_attached(const struct programs *p)
{
	size_t nr = 0;

	for (int hook = 0; hook <= LV_HOOKS; hook++)
		nr += p->links[hook] != NULL;
	return nr;
}

void programs_detach(struct programs *p, programs_progress progress, void *arg)
{
	size_t all = nr_attached(p), done = 0;
	int hooks[LV_HOOKS + 1];

	if (!all)
		return;
	order(p, hooks);
	for (int i = 0; i <= LV_HOOKS; i++) {
		if (!p->links[hooks[i]])
			continue;
		bpf_link__destroy(p->links[hooks[i]]);
		p->links[hooks[i]] = NULL;
		if (progress)
			progress(arg, ++done, all);
	}
}

struct lv_waits *programs_waits(struct programs *p)
{
	return &p->skel->bss->lv_waits;
}

/* An end that is not seen leaves a wait that has ended: it comes before the beginnings, and goes after. */
static int attach_waits(struct programs *p, struct error *err)
{
	static const enum wait_program order[] = {WAITS_LOOK, WAITS_END, WAITS_BEGIN};
	const struct bpf_program *programs[NR_WAITS] = {
		[WAITS_BEGIN] = p->skel->progs.lv_contention_begin,
		[WAITS_END] = p->skel->progs.lv_contention_end,
		[WAITS_LOOK] = p->skel->progs.lv_look_at_waits,
	};

	for (int i = 0; i < NR_WAITS; i++) {
		struct bpf_link *link = bpf_program__attach(programs[order[i]]);
		int code = libbpf_get_error(link);

		if (code)
			return error_set(err, code, "the kernel refused the hook %s: %s",
					 bpf_program__name(programs[order[i]]), strerror(-code));
		p->waits[order[i]] = link;
	}
	programs_waits(p)->watched = 1;
	return 0;
}

static void detach_waits(struct programs *p)
{
	for (int i = 0; i < NR_WAITS; i++) {
		bpf_link__destroy(p->waits[i]);
		p->waits[i] = NULL;
	}
}

int programs_look_at_waits(struct programs *p)
{
	int fd, code;
	char byte;

	programs_waits(p)->round++;
	fd = bpf_iter_create(bpf_link__fd(p->waits[WAITS_LOOK]));
	if (fd < 0)
		return -errno;
	do /* it writes nothing, but what runs for long comes back in between */
		code = read(fd, &byte, sizeof(byte));
	while (code > 0 || (code < 0 && (errno == EAGAIN || errno == EINTR)));
	code = code ? -errno : 0;
	close(fd);
	return code;
}

static int load_all(struct programs *p, const struct plan *plan, struct error *err)
{
	int code;

	p->skel = lockvane__open();
	if (!p->skel)
		return error_set(err, -errno, "cannot open the BPF programs: %s", libbpf_words);
	p->nr_cpus = plan->nr_cpus;
	code = choose(p, plan, err);
	code = code ? code : load(p, err);
	code = code ? code : map_tables(p, err);
	if (code)
		return code;
	control_of(p)->nr_cpus = plan->nr_cpus;
	code = find_layout(p, err);
	if (!code && plan->preempts)
		code = misses_find(p->skel->obj, &p->skel->bss->lv_releases, err);
	code = code ? code : retire_attach(p->skel->obj, p->retire, err);
	code = code ? code : attach_waits(p, err);
	return code ? code : find_by_symbols(p, plan, err);
}

int programs_prepare(const struct plan *plan, programs_progress progress, void *arg,
		     struct programs **ret, struct error *err)
{
	struct programs *p = calloc(1, sizeof(*p));
	libbpf_print_fn_t before;
	int code;

	if (!p)
		return error_set(err, -ENOMEM, "out of memory");
	libbpf_words[0] = '\0';
	before = libbpf_set_print(keep_words);
	code = load_all(p, plan, err);
	libbpf_set_print(before);
	code = code ? code : programs_attach(p, plan, progress, arg, err);
	if (code) {
		programs_finish(p);
		return code;
	}
	*ret = p;
	return 0;
}

static void arm(struct programs *p, enum lv_armed armed)
{
	/* Begun again, the epochs: what tasks left in the middle of one must not look like ours. */
	if (++p->epoch > LV_EPOCH_MAX) {
		memset(&p->skel->bss->lv_task_keys, 0, sizeof(p->skel->bss->lv_task_keys));
		p->epoch = 1;
	}
	__atomic_store_n(&control_of(p)->word, p->epoch << LV_EPOCH_SHIFT | armed,
			 __ATOMIC_SEQ_CST);
}

void programs_start(struct programs *p)
{
	arm(p, LV_ARMED);
}

void programs_probe(struct programs *p)
{
	arm(p, LV_PROBING);
}

int programs_reset(struct programs *p, struct error *err)
{
	struct lv_control *control = control_of(p);

	read_heat(p, p->heat);
	for (int i = 0; i < NR_TABLES; i++)
		if (i != TABLE_TASKS) /* a program of a sleeping lock may be preempted with one of them */
			memset(p->tables[i].memory, 0, p->tables[i].size);
	for (int i = 0; i < LV_MAX_WAITS; i++)
		programs_waits(p)->wait[i].class = LV_NONE;
	control->next_stack = 0;
	control->lost_cpu = 0;
	return find_layout(p, err); /* it was in the CPUs' table */
}

static bool is_running(const struct programs *p)
{
	const struct lv_cpu *cpus = p->tables[TABLE_CPUS].memory;

	for (unsigned int i = 0; i < p->nr_cpus; i++)
		if (__atomic_load_n(&cpus[i].guard, __ATOMIC_ACQUIRE))
			return true;
	return false;
}

void programs_stop(struct programs *p)
{
	struct timespec moment = { .tv_nsec = 1000000 };

	__atomic_store_n(&control_of(p)->word, 0, __ATOMIC_SEQ_CST);
	/* A program takes microseconds; a hypervisor may take its CPU away for longer. */
	nanosleep(&moment, NULL);
	for (int i = 0; i < 1000 && is_running(p); i++)
		nanosleep(&moment, NULL);
}

void programs_tables(struct programs *p, struct tables *ret)
{
	ret->control = control_of(p);
	ret->cpus = p->tables[TABLE_CPUS].memory;
	ret->nr_cpus = p->nr_cpus;
	ret->classes = p->tables[TABLE_CLASSES].memory;
	ret->edges = p->tables[TABLE_EDGES].memory;
	ret->stacks = p->tables[TABLE_STACKS].memory;
	ret->names = p->tables[TABLE_NAMES].memory;
	ret->facts = p->tables[TABLE_FACTS].memory;
	ret->task_keys = p->skel->bss->lv_task_keys.key;
	ret->recursion_misses = NULL;
	ret->held = p->tables[TABLE_TASKS].memory;
	ret->waits = NULL;
	ret->nr_waits = 0;
}

static void run_counts(const struct programs *p, const char *function, struct programs_runs *ret)
{
	const struct bpf_program *program = hook_program(p, function);
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	*ret = (struct programs_runs){};
	if (!program || bpf_program__fd(program) < 0 ||
	    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len))
		return;
	*ret = (struct programs_runs){ info.recursion_misses, info.run_cnt, info.run_time_ns };
}

void programs_run_counts(struct programs *p, struct programs_runs ret[static LV_HOOKS + 1])
{
	for (int i = 0; i <= LV_HOOKS; i++)
		run_counts(p, tables_hook(i), &ret[i]);
}

void programs_recursion_misses(struct programs *p, uint64_t ret[static LV_HOOKS + 1])
{
	struct programs_runs runs[LV_HOOKS + 1];

	programs_run_counts(p, runs);
	for (int i = 0; i <= LV_HOOKS; i++)
		ret[i] = runs[i].misses;
}

void programs_finish(struct programs *p)
{
	if (!p)
		return;
	if (nr_attached(p))
		programs_stop(p);
	programs_detach(p, NULL, NULL);
	retire_detach(p->retire);
	detach_waits(p);
	for (int i = 0; i < NR_TABLES; i++)
		if (p->tables[i].memory)
			munmap(p->tables[i].memory, p->tables[i].size);
	lockvane__destroy(p->skel);
	free(p);
}
