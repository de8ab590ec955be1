// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run a program with hooks attached, for what they cost. Guests only.
 *
 *	hooked MODE CMD ARG...
 *
 *	all     lockvane with all it hooks; first disarmed, then armed
 *	spin    lockvane, --locks spin,rw, armed
 *	locks   lockvane without pseudo-locks, armed
 *	empty   in the place of each of lockvane's programs one that only returns;
 *	        then again, and CMD may ask how many ran (OPS_EVENTS)
 *	fentry, fexit, kprobe, kprobe-multi
 *	        the same functions, empty programs, all of this kind
 *
 * A line "column NAME" comes before each run of CMD.
 *
 * What `empty` attaches is not a list of its own: lockvane attaches its
 * programs, we look in the kernel where they went, and lockvane lets go.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/file.h"
#include "cli/cli.h"
#include "trace/programs.h"

#define MAX_TARGETS 512

/* Where one of lockvane's programs is attached. */
struct target {
	enum bpf_prog_type type;
	enum bpf_attach_type way; /* of tracing programs, like the next one */
	__u32 btf_id;
	char name[64];
	int program; /* the empty one in its place */
};

static struct target targets[MAX_TARGETS];
static size_t nr_targets;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fprintf(stderr, "hooked: ");
	vfprintf(stderr, format, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	exit(1);
}

static int check(int result, const char *what, const char *where)
{
	if (result < 0)
		die("%s %s: %s", what, where, strerror(errno));
	return result;
}

static void show_progress(void *arg, size_t done, size_t all)
{
	if (done % 20 == 0)
		fprintf(stderr, "hooked: attaching %zu of %zu\n", done, all);
}

/* As cmd_trace does it; locks: as for --locks, NULL for all. */
static struct programs *attach_lockvane(const char *locks)
{
	struct programs *programs = NULL;
	struct features features;
	struct ksyms *ksyms = NULL;
	struct kbtf *btf = NULL;
	uint32_t wanted = PLAN_ALL_LOCKS;
	struct error err = {};
	struct plan plan;

	if (locks && plan_parse_locks(locks, &wanted, &err))
		die("%s", err.text);
	if (kbtf_load(NULL, &btf))
		die("cannot read the kernel's BTF");
	ksyms_load(NULL, &ksyms);
	features_probe(NULL, btf, ksyms, &features);
	if (cli_may_trace(&features, &err) ||
	    plan_make(btf, ksyms, &features, wanted, &plan, &err) ||
	    programs_prepare(&plan, show_progress, NULL, &programs, &err))
		die("%s", err.text);
	ksyms_free(ksyms);
	kbtf_free(btf);
	return programs;
}

static uint64_t recorded(struct programs *programs)
{
	struct tables tables;

	programs_tables(programs, &tables);
	return tables_events(tables.cpus, tables.nr_cpus);
}

static struct bpf_prog_info program_info(__u32 id)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd = check(bpf_prog_get_fd_by_id(id), "program of a", "link");

	check(bpf_obj_get_info_by_fd(fd, &info, &len), "info of a", "program");
	close(fd);
	return info;
}

static void name_by_btf(const struct btf *btf, struct target *target)
{
	const struct btf_type *type = btf__type_by_id(btf, target->btf_id);

	snprintf(target->name, sizeof(target->name), "%s",
		 type ? btf__name_by_offset(btf, type->name_off) : "?");
}

/* Where a link goes, or false where it is of a kind unheard of. */
static bool read_link(int fd, const struct btf *btf, struct target *ret)
{
	struct bpf_link_info link = {};
	struct bpf_prog_info program;
	__u32 len = sizeof(link);

	check(bpf_obj_get_info_by_fd(fd, &link, &len), "info of a", "link");
	program = program_info(link.prog_id);
	ret->type = program.type;
	if (program.type == BPF_PROG_TYPE_RAW_TRACEPOINT) {
		link.raw_tracepoint.tp_name = (uintptr_t)ret->name;
		link.raw_tracepoint.tp_name_len = sizeof(ret->name);
		check(bpf_obj_get_info_by_fd(fd, &link, &len), "name of a", "tracepoint");
		return true;
	}
	ret->btf_id = program.attach_btf_id;
	ret->way = link.type == BPF_LINK_TYPE_TRACING ? link.tracing.attach_type : BPF_TRACE_RAW_TP;
	name_by_btf(btf, ret);
	return program.type == BPF_PROG_TYPE_TRACING;
}

static void find_targets(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	__u32 id = 0;

	if (!btf)
		die("cannot read the kernel's BTF");
	while (!bpf_link_get_next_id(id, &id)) {
		int fd = check(bpf_link_get_fd_by_id(id), "open a", "link");

		if (nr_targets == MAX_TARGETS || !read_link(fd, btf, &targets[nr_targets]))
			die("link %u is of a kind that has no empty twin here", id);
		close(fd);
		nr_targets++;
	}
	btf__free(btf);
	if (nr_targets < 2)
		die("lockvane attached nothing");
}

static int load_empty(enum bpf_prog_type type, enum bpf_attach_type way, __u32 btf_id)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = way,
		    .attach_btf_id = btf_id);

	return bpf_prog_load(type, "empty", "GPL", insns, sizeof(insns) / sizeof(insns[0]),
			     &options);
}

static bool is_function(const struct target *target)
{
	return target->type == BPF_PROG_TYPE_TRACING && target->way != BPF_TRACE_RAW_TP;
}

static void attach_same(struct target *target)
{
	const char *name = target->type == BPF_PROG_TYPE_TRACING ? NULL : target->name;

	target->program =
		check(load_empty(target->type, target->way, target->btf_id), "load", target->name);
	check(bpf_raw_tracepoint_open(name, target->program), "attach", target->name);
}

static void attach_kprobe(struct target *target)
{
	struct perf_event_attr attr = {.size = sizeof(attr), .config1 = (uintptr_t)target->name};
	int64_t type;
	int event;

	check(file_number(NULL, "/sys/bus/event_source/devices/kprobe/type", &type), "kprobe",
	      "type");
	attr.type = type;
	event = check(syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC),
		      "kprobe", target->name);
	target->program = check(load_empty(BPF_PROG_TYPE_KPROBE, 0, 0), "load", target->name);
	check(bpf_link_create(target->program, event, BPF_PERF_EVENT, NULL), "attach",
	      target->name);
}

static void attach_kprobe_multi(struct target *target)
{
	const char *name = target->name;
	LIBBPF_OPTS(bpf_link_create_opts, options, .kprobe_multi.syms = &name,
		    .kprobe_multi.cnt = 1);

	target->program = check(load_empty(BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, 0), "load",
				target->name);
	check(bpf_link_create(target->program, 0, BPF_TRACE_KPROBE_MULTI, &options), "attach",
	      target->name);
}

/* Tracepoints stay what they are, whatever the functions' hooks become. */
static void attach_empty(const char *mode)
{
	for (size_t i = 0; i < nr_targets; i++) {
		struct target *target = &targets[i];

		show_progress(NULL, i, nr_targets);
		if (!is_function(target)) {
			attach_same(target);
		} else if (!strcmp(mode, "kprobe")) {
			attach_kprobe(target);
		} else if (!strcmp(mode, "kprobe-multi")) {
			attach_kprobe_multi(target);
		} else {
			if (!strcmp(mode, "fentry"))
				target->way = BPF_TRACE_FENTRY;
			if (!strcmp(mode, "fexit"))
				target->way = BPF_TRACE_FEXIT;
			attach_same(target);
		}
	}
}

static pid_t start(const char *column, char **command)
{
	pid_t pid;

	printf("column %s\n", column);
	fflush(stdout);
	pid = check(fork(), "fork", "");

	if (pid)
		return pid;
	execvp(command[0], command);
	die("%s: %s", command[0], strerror(errno));
}

static void finish(pid_t pid)
{
	int status;

	check(waitpid(pid, &status, 0), "wait", "");
	if (status)
		die("the program failed");
}

/* The hooks stay armed no longer than somebody says so. */
static void finish_armed(pid_t pid, struct programs *programs)
{
	struct timespec moment = {.tv_nsec = 500000000};
	int status;

	while (!check(waitpid(pid, &status, WNOHANG), "wait", "")) {
		if (!programs_renew(programs))
			die("the hooks disarmed themselves");
		nanosleep(&moment, NULL);
	}
	if (status)
		die("the program failed");
}

static uint64_t empty_runs(void)
{
	uint64_t sum = 1; /* never 0, which is for "nobody counts" */

	for (size_t i = 0; i < nr_targets; i++) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		check(bpf_obj_get_info_by_fd(targets[i].program, &info, &len), "info of",
		      targets[i].name);
		sum += info.run_cnt;
	}
	return sum;
}

/* CMD writes a byte when it wants to know, and closes when it ends. */
static void run_counted(char **command)
{
	int ask[2], answer[2];
	char fds[32], byte;
	pid_t pid;

	check(bpf_enable_stats(BPF_STATS_RUN_TIME), "switch on", "BPF statistics");
	check(pipe(ask) | pipe(answer), "make", "pipes");
	snprintf(fds, sizeof(fds), "%d,%d", ask[1], answer[0]);
	setenv("OPS_EVENTS", fds, 1);
	pid = start("events", command);
	close(ask[1]);
	while (read(ask[0], &byte, 1) == 1) {
		uint64_t sum = empty_runs();

		check(write(answer[1], &sum, sizeof(sum)), "answer", "");
	}
	finish(pid);
}

static void run_lockvane(const char *mode, char **command)
{
	bool all = !strcmp(mode, "all");
	bool spin = !strcmp(mode, "spin");
	struct programs *programs =
		attach_lockvane(all ? NULL : spin ? "spin,rw" : "spin,rw,mutex,rwsem,sock");

	if (all) {
		finish(start("disarmed", command));
		if (recorded(programs))
			die("events were recorded without being armed");
	}
	programs_start(programs);
	finish_armed(start(all ? "lockvane" : mode, command), programs);
	if (!recorded(programs))
		die("no events were recorded");
	programs_finish(programs);
}

static void run_empty(const char *mode, char **command)
{
	struct programs *programs = attach_lockvane(NULL);

	find_targets();
	programs_finish(programs);
	attach_empty(mode);
	fprintf(stderr, "hooked: %zu empty programs attached\n", nr_targets);
	finish(start(mode, command));
	if (!strcmp(mode, "empty"))
		run_counted(command);
}

static bool is_one_of(const char *word, const char *const *words, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	static const char *const lockvanes[] = {"all", "spin", "locks"};
	static const char *const empties[] = {"empty", "fentry", "fexit", "kprobe", "kprobe-multi"};

	if (argc > 2 && is_one_of(argv[1], lockvanes, 3)) {
		run_lockvane(argv[1], argv + 2);
		return 0;
	}
	if (argc > 2 && is_one_of(argv[1], empties, 5)) {
		run_empty(argv[1], argv + 2);
		return 0;
	}
	fprintf(stderr, "usage: hooked MODE CMD ARG...\n");
	return 2;
}
