// SPDX-License-Identifier: GPL-2.0-only
#include "trace/programs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "trace/arming.h"
#include "trace/layout.h"
#include "trace/misses.h"
#include "trace/retire.h"
#include "trace/valve.h"
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

#define LAYOUT_EVERY_NS 5000000000ull /* while armed: memory may be added */

enum wait_program {
	WAITS_BEGIN,
	WAITS_END,
	WAITS_LOOK, /* an iterator: it runs when it is read */
	NR_WAITS,
};

struct programs {
	struct lockvane *skel;
	unsigned int nr_cpus;
	struct arming arming;
	struct bpf_link *links[LV_HOOKS + 1]; /* by hook; the last is the task switch */
	bool present[LV_HOOKS + 1];	      /* it was attached once */
	uint64_t slowest_ns;		      /* to attach, or to let go of */
	int slowest;			      /* hook */
	struct bpf_link *retire[RETIRE_HOOKS]; /* while we live */
	struct bpf_link *waits[NR_WAITS];      /* the same */
	uint64_t heat[LV_HOOKS + 1];	      /* events that were forgotten since */
	uint64_t layout_ns;		      /* when it was found last */
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
		struct bpf_program *program = hook_program(p, tables_hook(i));

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

static uint64_t note_time(struct programs *p, int hook, uint64_t from)
{
	uint64_t took = arming_now_ns() - from;

	if (took > p->slowest_ns) {
		p->slowest_ns = took;
		p->slowest = hook;
	}
	return took;
}

const char *programs_slowest(const struct programs *p, uint64_t *ret_ns)
{
	*ret_ns = p->slowest_ns;
	return tables_hook(p->slowest);
}

static struct bpf_program *program_of(const struct programs *p, int hook)
{
	return hook == LV_HOOKS ? p->skel->progs.lv_sched_switch :
				  hook_program(p, tables_hook(hook));
}

static int attach_one(struct programs *p, const struct plan *plan, int hook, struct error *err)
{
	uint64_t from = arming_now_ns();
	struct bpf_link *link = bpf_program__attach(program_of(p, hook));
	int code = libbpf_get_error(link);

	/* A pseudo-lock's function may be one that ftrace leaves alone. */
	if (code && code != -EMFILE && code != -ENOMEM && hook < LV_HOOKS &&
	    plan->hooks[hook].family == LV_PSEUDO)
		return 0;
	if (code == -E2BIG)
		return error_set(err, code,
				 "the kernel refused a hook on %s: it has too many BPF programs of others "
				 "already", tables_hook(hook));
	if (code)
		return error_set(err, code,
				 "the kernel refused a hook on %s (%s): is ftrace enabled, and "
				 "kernel.ftrace_enabled 1?", tables_hook(hook), strerror(-code));
	note_time(p, hook, from);
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

/* Short windows do not see all that a load does: each is given some, few beside calibration's. */
#define UNSEEN 30

/* Events by hook; the sum of those attached, and of all that ever were. */
struct shares {
	uint64_t heat[LV_HOOKS + 1];
	uint64_t here, all;
};

static void find_shares(const struct programs *p, struct shares *ret)
{
	*ret = (struct shares){};
	read_heat(p, ret->heat);
	for (int hook = 0; hook <= LV_HOOKS; hook++) {
		ret->all += p->present[hook] ? ret->heat[hook] + UNSEEN : 0;
		ret->here += p->links[hook] ? ret->heat[hook] + UNSEEN : 0;
	}
}

static double in_place(const struct shares *shares)
{
	return shares->all ? (double)shares->here / shares->all : 1;
}

double programs_in_place(const struct programs *p)
{
	struct shares shares;

	find_shares(p, &shares);
	return in_place(&shares);
}

/*
 * The hottest first. There are a few that see nearly all events: as each takes its time
 * to come or go, less is paid for all if these come last and go first. Until anything was
 * seen: what acquires, as it stands in hooks.def.
 */
static void order(const uint64_t heat[LV_HOOKS + 1], int ret[LV_HOOKS + 1])
{
	for (int hook = 0; hook <= LV_HOOKS; hook++) {
		int at = hook;

		for (; at && heat[ret[at - 1]] < heat[hook]; at--)
			ret[at] = ret[at - 1];
		ret[at] = hook;
	}
}

static int attach_all(struct programs *p, const struct plan *plan, programs_progress progress,
		      void *arg, struct error *err)
{
	size_t all = 1, done = 0;
	uint64_t heat[LV_HOOKS + 1];
	int hooks[LV_HOOKS + 1], code = 0;

	read_heat(p, heat);
	order(heat, hooks);
	for (int i = 0; i < LV_HOOKS; i++)
		all += plan->hooks[i].present;
	for (int i = LV_HOOKS; !code && i >= 0; i--) {
		if (hooks[i] < LV_HOOKS && !plan->hooks[hooks[i]].present)
			continue;
		if (progress)
			progress(arg, done++, all);
		code = p->links[hooks[i]] ? 0 : attach_one(p, plan, hooks[i], err);
	}
	if (!code && progress)
		progress(arg, done, all);
	return code;
}

static size_t nr_attached(const struct programs *p)
{
	size_t nr = 0;

	for (int hook = 0; hook <= LV_HOOKS; hook++)
		nr += p->links[hook] != NULL;
	return nr;
}

unsigned int programs_left(const struct programs *p, double ret[static LV_HOOKS + 2])
{
	int hooks[LV_HOOKS + 1];
	struct shares shares;
	unsigned int nr = 0;

	find_shares(p, &shares);
	order(shares.heat, hooks);
	ret[0] = in_place(&shares);
	for (int i = 0; i <= LV_HOOKS; i++) {
		if (!p->links[hooks[i]])
			continue;
		shares.here -= shares.heat[hooks[i]] + UNSEEN;
		ret[++nr] = in_place(&shares);
	}
	return nr;
}

/* False: one was slow, and those that are left stay, unless all must go. */
static bool detach_all(struct programs *p, bool must, double leave, programs_progress progress,
		       void *arg)
{
	size_t all = nr_attached(p), done = 0;
	int hooks[LV_HOOKS + 1];
	struct shares shares;
	bool slow = false;

	if (!all)
		return true;
	find_shares(p, &shares);
	order(shares.heat, hooks);
	for (int i = 0; i <= LV_HOOKS && (must || !slow); i++) {
		uint64_t from = arming_now_ns();

		if (!p->links[hooks[i]])
			continue;
		if (in_place(&shares) <= leave)
			break;
		bpf_link__destroy(p->links[hooks[i]]);
		p->links[hooks[i]] = NULL;
		shares.here -= shares.heat[hooks[i]] + UNSEEN;
		slow = note_time(p, hooks[i], from) > PROGRAMS_SLOW_NS;
		if (progress)
			progress(arg, ++done, all);
	}
	return !slow;
}

bool programs_detach(struct programs *p, double leave, programs_progress progress, void *arg)
{
	return detach_all(p, false, leave, progress, arg);
}

int programs_attach(struct programs *p, const struct plan *plan, programs_progress progress,
		    void *arg, struct error *err)
{
	libbpf_print_fn_t before = libbpf_set_print(keep_words);
	int code = attach_all(p, plan, progress, arg, err);

	libbpf_set_print(before);
	if (code)
		detach_all(p, true, -1, NULL, NULL);
	return code;
}

struct lv_waits *programs_wait_table(struct programs *p)
{
	return &p->skel->bss->lv_waits;
}

static void detach_waits(struct programs *p)
{
	for (int i = 0; i < NR_WAITS; i++) {
		bpf_link__destroy(p->waits[i]);
		p->waits[i] = NULL;
	}
}

/*
 * An end that is not seen leaves a wait that has ended: it comes before the beginnings, and goes after.
 * Without the tracepoints (before 5.19) nobody is seen to wait.
 */
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

		if (code == -ENOENT) {
			detach_waits(p);
			return 0;
		}
		if (code)
			return error_set(err, code, "the kernel refused the hook %s: %s",
					 bpf_program__name(programs[order[i]]), strerror(-code));
		p->waits[order[i]] = link;
	}
	programs_wait_table(p)->watched = 1;
	return 0;
}

int programs_look_at_waits(struct programs *p)
{
	int fd, code;
	char byte;

	programs_wait_table(p)->round++;
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
	code = arming_begin(&p->arming, control_of(p), &p->skel->bss->lv_task_keys);
	if (code)
		return error_set(err, code, "cannot create a map: %s", strerror(-code));
	code = layout_find(p->skel->obj, err);
	code = code ? code :
		      layout_find_units(p->skel->obj, plan->nr_cpus, &control_of(p)->layout,
					&p->skel->bss->lv_units, err);
	if (!code && plan->preempts)
		code = misses_find(p->skel->obj, &p->skel->bss->lv_releases, err);
	code = code ? code : attach_waits(p, err);
	code = code ? code : retire_attach(p->skel->obj, p->retire, err);
	return code ? code : layout_find_by_symbols(p->skel->obj, plan->btf, &p->skel->bss->lv_anchors,
						    &p->skel->bss->lv_generic, err);
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

/* It worked when they were loaded. If it fails now, less is known of memory that came since then. */
static void find_layout_again(struct programs *p)
{
	struct error ignored;

	p->layout_ns = arming_now_ns();
	layout_find(p->skel->obj, &ignored);
}

void programs_start(struct programs *p)
{
	find_layout_again(p);
	layout_find_stacks(p->skel->obj);
	arming_arm(&p->arming, LV_ARMED);
}

uint64_t programs_waits(const struct programs *p)
{
	return valve_waits(&p->skel->bss->lv_valve);
}

bool programs_renew(struct programs *p)
{
	if (arming_now_ns() - p->layout_ns > LAYOUT_EVERY_NS)
		find_layout_again(p);
	return arming_renew(&p->arming);
}

uint64_t programs_resume(struct programs *p)
{
	struct lv_cpu *cpus = p->tables[TABLE_CPUS].memory;
	uint64_t gap;

	programs_stop(p);
	programs_start(p);
	gap = arming_now_ns() - p->arming.since_ns;
	cpus[0].lost[LV_LOSS_LAPSE][LV_HOOKS] += gap / 1000000;
	return gap;
}

void programs_probe(struct programs *p)
{
	arming_arm(&p->arming, LV_PROBING);
}

int programs_reset(struct programs *p, struct error *err)
{
	struct lv_control *control = control_of(p);

	read_heat(p, p->heat);
	for (int i = 0; i < NR_TABLES; i++)
		if (i != TABLE_TASKS) /* a program of a sleeping lock may be preempted with one of them */
			memset(p->tables[i].memory, 0, p->tables[i].size);
	for (int i = 0; i < LV_MAX_WAITS; i++)
		programs_wait_table(p)->wait[i].class = LV_NONE;
	control->next_stack = 0;
	control->lost_cpu = 0;
	return layout_find(p->skel->obj, err); /* it was in the CPUs' table */
}

void programs_stop(struct programs *p)
{
	arming_disarm(&p->arming);
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
	detach_all(p, true, -1, NULL, NULL);
	retire_detach(p->retire);
	detach_waits(p);
	arming_end(&p->arming);
	for (int i = 0; i < NR_TABLES; i++)
		if (p->tables[i].memory)
			munmap(p->tables[i].memory, p->tables[i].size);
	lockvane__destroy(p->skel);
	free(p);
}
