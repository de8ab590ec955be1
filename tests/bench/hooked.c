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

#include "base/file.h"
#include "attach.h"

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

static uint64_t runs_of(const struct target *target)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	check(bpf_obj_get_info_by_fd(target->program, &info, &len), "info of", target->name);
	return info.run_cnt;
}

static uint64_t empty_runs(void)
{
	uint64_t sum = 1; /* never 0, which is for "nobody counts" */

	for (size_t i = 0; i < nr_targets; i++)
		sum += runs_of(&targets[i]);
	return sum;
}

static void list_runs(void)
{
	for (size_t i = 0; i < nr_targets; i++)
		if (runs_of(&targets[i]))
			printf("runs %s %s %llu\n", targets[i].name,
			       targets[i].way == BPF_TRACE_FEXIT ? "fexit" : "entry",
			       (unsigned long long)runs_of(&targets[i]));
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
	list_runs();
}

static void run_lockvane(const char *mode, char **command)
{
	bool all = !strcmp(mode, "all");
	bool spin = !strcmp(mode, "spin");
	struct plan plan;
	struct programs *programs = attach_lockvane(
		all ? NULL : spin ? "spin,rw" : "spin,rw,mutex,rwsem,sock", &plan);

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
	struct plan plan;
	struct programs *programs = attach_lockvane(NULL, &plan);

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
