// SPDX-License-Identifier: GPL-2.0-only
/*
 * kill -9 of `lockvane trace` at random moments of its life: each time the kernel must be as
 * clean as before. Says which phase of that life each kill met. The moments are uniform over
 * the whole life, but for the last ones, which go to phases not met until then. If there are
 * not kills enough for all phases, it is chance that chooses.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "left.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define SHORT 0.3 /* seconds into a phase, where there is no time to measure it first */
#define BEGAN "/tmp/kills.began" /* what is traced makes these */
#define ENDED "/tmp/kills.ended"

enum phase {
	STARTING,  /* reads the kernel's types and symbols */
	LOADING,   /* programs go through the verifier */
	ATTACHING, /* some hooks are there */
	TRACING,   /* armed, a program runs */
	DRAINING,  /* it has ended: tables are read */
	LEAVING,   /* hooks are gone, some or all; in the end it reports */
	PHASES,
};

static const char *const names[] = {
	"starting", "loading", "attaching", "tracing", "draining", "leaving",
};

struct victim {
	pid_t pid;
	double born, died;
	int status; /* wait's, once it has ended */
};

static int all_links; /* as many as were ever seen */
static char **trace_args;
static int nr_trace_args;

static void count_fds(pid_t pid, int *ret_programs, int *ret_links)
{
	char path[300], target[64];
	struct dirent *entry;
	DIR *dir;

	*ret_programs = *ret_links = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		ssize_t size = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[size > 0 ? size : 0] = '\0';
		*ret_programs += !!strstr(target, "bpf-prog");
		*ret_links += !!strstr(target, "bpf_link") || !!strstr(target, "bpf-link");
	}
	if (dir)
		closedir(dir);
}

static enum phase phase_of(const struct victim *victim)
{
	bool began = access(BEGAN, F_OK) == 0, ended = access(ENDED, F_OK) == 0;
	int programs, links;

	count_fds(victim->pid, &programs, &links);
	all_links = links > all_links ? links : all_links;
	if (began && !ended)
		return TRACING;
	if (ended)
		return links < all_links ? LEAVING : DRAINING;
	return links ? ATTACHING : programs ? LOADING : STARTING;
}

static void start(struct victim *victim)
{
	static char script[] = "touch " BEGAN "; sleep 1; touch " ENDED;
	char *const tail[] = { "--", "sh", "-c", script, NULL };
	char *args[2 + nr_trace_args + ARRAY_SIZE(tail)];

	args[0] = "lockvane";
	args[1] = "trace";
	memcpy(args + 2, trace_args, nr_trace_args * sizeof(*args));
	memcpy(args + 2 + nr_trace_args, tail, sizeof(tail));
	unlink(BEGAN);
	unlink(ENDED);
	*victim = (struct victim){ .born = left_clock() };
	victim->pid = fork();
	if (victim->pid)
		return;
	if (!freopen("/tmp/kills.out", "w", stdout) || !freopen("/tmp/kills.err", "w", stderr))
		_exit(126);
	execvp(args[0], args);
	_exit(127);
}

static bool has_ended(struct victim *victim)
{
	return waitpid(victim->pid, &victim->status, WNOHANG) == victim->pid;
}

/* By itself, with a report. */
static bool ended_well(const struct victim *victim)
{
	if (WIFEXITED(victim->status) &&
	    (WEXITSTATUS(victim->status) == 0 || WEXITSTATUS(victim->status) == 3))
		return true;
	fprintf(stderr, "kills: lockvane ended by itself, with status %#x\n", victim->status);
	return false;
}

/* A whole life: when each phase begins, and at [PHASES] its end. Unseen ones: 0 long. */
static int measure(double *at)
{
	enum phase reached = STARTING;
	struct victim victim;

	start(&victim);
	at[STARTING] = 0;
	while (!has_ended(&victim)) {
		enum phase phase = phase_of(&victim);

		while (reached < phase)
			at[++reached] = left_clock() - victim.born;
		left_nap(0.01);
	}
	while (reached < PHASES)
		at[++reached] = left_clock() - victim.born;
	if (!ended_well(&victim))
		return -1;
	for (int i = 0; i < PHASES; i++)
		printf("%s %.2f s, ", names[i], at[i + 1] - at[i]);
	printf("in all %.2f s\n", at[PHASES]);
	fflush(stdout);
	return 0;
}

static void guess(double *at)
{
	for (int i = 0; i < PHASES; i++)
		at[i + 1] = at[i] + SHORT;
}

/* Until the moment has come, of the whole life or of a phase. False: it was over before. */
static bool await(struct victim *victim, int aim, double moment)
{
	double from = victim->born;

	while (aim >= 0 && (int)phase_of(victim) < aim) {
		if (has_ended(victim))
			return false;
		left_nap(0.01); /* looking costs the victim its CPU, when emulated */
	}
	if (aim >= 0)
		from = left_clock();
	while (left_clock() - from < moment) {
		double rest = moment - (left_clock() - from);

		if (has_ended(victim))
			return false;
		left_nap(rest < 0.02 ? rest : 0.02);
	}
	return !has_ended(victim);
}

/* Returns the phase it was in, -1 if it had ended by itself. */
static int kill_one(struct victim *victim, int aim, double moment)
{
	int phase;

	if (!await(victim, aim, moment))
		return -1;
	phase = phase_of(victim);
	kill(victim->pid, SIGKILL);
	victim->died = left_clock();
	waitpid(victim->pid, &victim->status, 0);
	return WIFSIGNALED(victim->status) ? phase : -1;
}

/* What was traced is an orphan now, and ours: it must end, before the next begins. */
static bool orphans_ended(void)
{
	double start = left_clock();
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
		if (left_clock() - start > LEFT_SETTLES)
			return false;
		left_nap(pid ? 0 : 0.01);
	}
	return true;
}

static int count_missed(const int *met)
{
	int missed = 0;

	for (int i = 0; i < PHASES; i++)
		missed += !met[i];
	return missed;
}

/* Any one of them. */
static int draw_missed(const int *met)
{
	int skip = drand48() * count_missed(met), phase = 0;

	while (met[phase] || skip-- > 0)
		phase++;
	return phase;
}

static int torture(int rounds, const double *at, int *met)
{
	double slowest = 0;

	for (int done = 0, tries = 0; done < rounds; tries++) {
		int aim = rounds - done <= count_missed(met) ? draw_missed(met) : -1;
		double span = aim < 0 ? at[PHASES] : at[aim + 1] - at[aim];
		double moment = span * drand48();
		struct victim victim;
		char left[200];
		double clean;
		int phase;

		if (tries > 3 * rounds + 20)
			return fprintf(stderr, "kills: it always ends before it is killed\n"), -1;
		start(&victim);
		phase = kill_one(&victim, aim, moment);
		if (left_settle(left, sizeof(left)) < 0)
			return fprintf(stderr, "kills: left after %s at %.3f s: %s\n",
				       phase < 0 ? "an end" : names[phase], moment, left), -1;
		clean = left_clock();
		if (!orphans_ended())
			return fprintf(stderr, "kills: what was traced does not end\n"), -1;
		if (phase < 0 && !ended_well(&victim))
			return -1;
		if (phase < 0)
			continue;
		slowest = clean - victim.died > slowest ? clean - victim.died : slowest;
		met[phase]++;
		printf("kill %d of %d: %s, %.2f s old; clean %.2f s later\n", ++done, rounds,
		       names[phase], victim.died - victim.born, clean - victim.died);
		fflush(stdout);
	}
	printf("kills: %d, slowest to be clean %.2f s:", rounds, slowest);
	for (int i = 0; i < PHASES; i++)
		printf(" %s %d%s", names[i], met[i], i + 1 < PHASES ? "," : "\n");
	return 0;
}

int main(int argc, char **argv)
{
	int rounds = argc >= 3 ? atoi(argv[1]) : 0, met[PHASES] = {};
	double at[PHASES + 1] = {};
	char left[200];

	if (rounds < 1)
		return fprintf(stderr, "usage: kills ROUNDS SEED [TRACE-ARG...]\n"), 2;
	trace_args = argv + 3;
	nr_trace_args = argc - 3;
	srand48(atol(argv[2]));
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (left_now(left, sizeof(left)))
		return fprintf(stderr, "kills: not clean at the start: %s\n", left), 1;
	if (rounds < PHASES)
		guess(at);
	else if (measure(at))
		return 1;
	if (torture(rounds, at, met))
		return 1;
	if (rounds >= PHASES && count_missed(met))
		return fprintf(stderr, "kills: never hit: %s\n", names[draw_missed(met)]), 1;
	return 0;
}
