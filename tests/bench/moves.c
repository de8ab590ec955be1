// SPDX-License-Identifier: GPL-2.0-only
/*
 * The time that hooks take to come and to go. Guests only: tools/moves.
 *
 *	moves CMD ARG...
 *
 * CMD is the load that is recorded, so that it is known which hooks see most events. A line
 * "move NAME HOOKS OWN_NS BUSY_NS WALL_NS LEFT" for each: how many hooks, CPU time of this
 * process, CPU time of all, and the share of all events whose hooks are in place afterwards.
 * "share HOOKS SHARE": the share of all events that so many hooks see, the hottest first.
 *
 * After lockvane's own, empty programs at the same functions: one by one, and, where the kernel has
 * tracing_multi links (7.2), all that are attached the same way by one link.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "attach.h"

/* Newer than libbpf's own header. */
#define TRACE_FENTRY_MULTI 59
#define TRACE_FEXIT_MULTI 60

#define ROUNDS 3 /* of each move that repeats */
#define PART 0.02 /* of all events, whose hooks stay in place at a partial rest, at most */

struct clocks {
	uint64_t own, busy, wall; /* ns */
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* What CPUs were busy, from what the kernel says of idle time: a hundredth of a second exact. */
static struct clocks look(void)
{
	struct clocks now = {clock_ns(CLOCK_PROCESS_CPUTIME_ID), 0, clock_ns(CLOCK_MONOTONIC)};
	FILE *f = fopen("/proc/uptime", "re");
	double up, idle;

	if (!f || fscanf(f, "%lf %lf", &up, &idle) != 2)
		die("cannot read /proc/uptime");
	fclose(f);
	now.busy = (up * sysconf(_SC_NPROCESSORS_ONLN) - idle) * 1e9;
	return now;
}

static void say(const char *name, size_t hooks, const struct clocks *from, double left)
{
	struct clocks now = look();

	printf("move %s %zu %llu %llu %llu %.5f\n", name, hooks,
	       (unsigned long long)(now.own - from->own),
	       (unsigned long long)(now.busy - from->busy),
	       (unsigned long long)(now.wall - from->wall), left);
	fflush(stdout);
}

static void count(void *arg, size_t done, size_t all)
{
	*(size_t *)arg = done;
}

static void detach(struct programs *programs, const char *name, double leave)
{
	struct clocks from = look();
	size_t hooks = 0;

	if (!programs_detach(programs, leave, count, &hooks))
		die("a hook was slow to go");
	say(name, hooks, &from, programs_in_place(programs));
}

static void attach(struct programs *programs, const struct plan *plan, const char *name, size_t hooks)
{
	struct clocks from = look();
	struct error err = {};

	if (programs_attach(programs, plan, NULL, NULL, &err))
		die("%s", err.text);
	say(name, hooks, &from, programs_in_place(programs));
}

static void run_armed(struct programs *programs, char **command)
{
	struct timespec moment = {.tv_nsec = 200000000};
	struct clocks from = look();
	pid_t pid;

	programs_start(programs);
	say("arm", 0, &from, 1);
	pid = check(fork(), "fork", "");
	if (!pid) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(command[0], command);
		die("%s: %s", command[0], strerror(errno));
	}
	while (!check(waitpid(pid, NULL, WNOHANG), "wait", "")) {
		programs_renew(programs);
		nanosleep(&moment, NULL);
	}
	from = look();
	programs_stop(programs);
	say("disarm", 0, &from, 1);
	if (!recorded(programs))
		die("no events were recorded");
}

/*
 * How many hooks see nearly all; and the share that a partial rest leaves in place
 * here, as the monitor may at a budget that pays for it.
 */
static double say_shares(const struct programs *programs)
{
	double left[LV_HOOKS + 2], leave = 0;
	unsigned int nr = programs_left(programs, left);

	for (unsigned int n = nr; n; n--)
		if (left[n] <= PART)
			leave = left[n];
	for (unsigned int n = 1; n <= nr; n++)
		printf("share %u %.5f\n", n, 1 - left[n]);
	return leave;
}

static void lockvane_moves(struct programs *programs, const struct plan *plan, double leave)
{
	size_t all = 1;

	for (int i = 0; i < LV_HOOKS; i++)
		all += plan->hooks[i].present;
	for (int i = 0; i < ROUNDS; i++) {
		detach(programs, "detach-all", 0);
		attach(programs, plan, "attach-all", all);
	}
	for (int i = 0; i < ROUNDS; i++) {
		detach(programs, "detach-part", leave);
		attach(programs, plan, "attach-part", 0);
	}
}

static void close_all(const int *fds, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		close(fds[i]);
}

static void load_functions(void)
{
	size_t nr = 0;

	for (size_t i = 0; i < nr_targets; i++)
		if (is_function(&targets[i]))
			targets[nr++] = targets[i];
	nr_targets = nr;
	for (size_t i = 0; i < nr; i++)
		targets[i].program = check(load_empty(targets[i].type, targets[i].way, targets[i].btf_id),
					   "load", targets[i].name);
}

static void empties_one_by_one(void)
{
	struct clocks from = look();
	int links[MAX_TARGETS];

	for (size_t i = 0; i < nr_targets; i++)
		links[i] = check(bpf_raw_tracepoint_open(NULL, targets[i].program), "attach",
				 targets[i].name);
	say("attach-empty", nr_targets, &from, 1);
	from = look();
	close_all(links, nr_targets);
	say("detach-empty", nr_targets, &from, 0);
}

/* BPF_LINK_CREATE of linux/bpf.h, as of 7.2. */
struct link_multi {
	__u32 prog_fd, target_fd, attach_type, flags;
	__aligned_u64 ids, cookies;
	__u32 cnt, zero;
};

static int attach_multi(int program, enum bpf_attach_type multi, enum bpf_attach_type way)
{
	__u32 ids[MAX_TARGETS];
	struct link_multi attr = {.prog_fd = program, .attach_type = multi, .ids = (uintptr_t)ids};

	for (size_t i = 0; i < nr_targets; i++)
		if (targets[i].way == way)
			ids[attr.cnt++] = targets[i].btf_id;
	return check(syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr)), "attach", "multi");
}

static bool empties_at_once(void)
{
	int entry = load_empty(BPF_PROG_TYPE_TRACING, TRACE_FENTRY_MULTI, 0);
	int exit = load_empty(BPF_PROG_TYPE_TRACING, TRACE_FEXIT_MULTI, 0);
	struct clocks from = look();
	int links[2];

	if (entry < 0 || exit < 0)
		return false;
	links[0] = attach_multi(entry, TRACE_FENTRY_MULTI, BPF_TRACE_FENTRY);
	links[1] = attach_multi(exit, TRACE_FEXIT_MULTI, BPF_TRACE_FEXIT);
	say("attach-multi", nr_targets, &from, 1);
	from = look();
	close_all(links, 2);
	say("detach-multi", nr_targets, &from, 0);
	close(entry);
	close(exit);
	return true;
}

int main(int argc, char **argv)
{
	struct programs *programs;
	struct plan plan;
	bool multi = true;

	if (argc < 2) {
		fprintf(stderr, "usage: moves CMD ARG...\n");
		return 2;
	}
	programs = attach_lockvane(NULL, &plan);
	find_targets();
	run_armed(programs, argv + 1);
	lockvane_moves(programs, &plan, say_shares(programs));
	programs_finish(programs);
	load_functions();
	for (int i = 0; i < ROUNDS; i++) {
		empties_one_by_one();
		multi = multi && empties_at_once();
	}
	return 0;
}
