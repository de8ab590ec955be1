// SPDX-License-Identifier: GPL-2.0-only
#include "cli/recording.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "trace/arming.h"

static const struct timespec moment = { .tv_nsec = 200000000 };

static uint64_t elapsed(const struct recording *r)
{
	return arming_now_ns() - r->armed_ns;
}

void recording_begin(struct recording *r, uint64_t loaded_ns)
{
	valve_begin(&r->valve, r->contention, r->cpus, loaded_ns, 0);
	valve_look(&r->valve, arming_now_ns(), programs_waits(r->programs), false);
}

static void show_progress(const struct recording *r)
{
	struct tables tables;

	if (!r->show_progress)
		return;
	programs_tables(r->programs, &tables);
	fprintf(stderr, "\rtracing: %.0f s, %llu lock events \033[K", elapsed(r) / 1e9,
		(unsigned long long)tables_events(tables.cpus, tables.nr_cpus));
}

static void end_progress(const struct recording *r)
{
	if (r->show_progress)
		fprintf(stderr, "\r\033[K");
}

static void go_on(struct recording *r, const char *why)
{
	uint64_t gap = programs_resume(r->programs);

	r->missed_ns += gap;
	end_progress(r);
	fprintf(stderr, "lockvane: %s: %.1f s were not recorded\n", why, gap / 1e9);
}

/* Ctrl-Z: stop as asked, but leave nothing armed behind. */
static void suspend(struct recording *r)
{
	programs_stop(r->programs);
	end_progress(r);
	kill(getpid(), SIGSTOP);
	go_on(r, "continued");
}

/* Telling one takes longer than a lease lasts. */
static void look_at_waits(struct recording *r)
{
	if (waits_look(r->waits) <= 0)
		return;
	programs_stop(r->programs);
	end_progress(r);
	r->tell_deadlocks(r->arg);
	go_on(r, "a deadlock was told");
}

/* Do others wait for locks more often than before? True if it is time to end. */
static bool is_in_the_way(struct recording *r)
{
	struct valve *v = &r->valve;
	bool over = valve_look(v, arming_now_ns(), programs_waits(r->programs), true);

	if (!v->factor || (!over && (r->warned || valve_growth(v) <= v->factor / 2)))
		return false;
	r->warned = true;
	end_progress(r);
	fprintf(stderr,
		"lockvane: locks are waited for %.0f times a second, %.1f times as often as is "
		"usual here%s\n",
		v->armed, valve_growth(v),
		over ? ": recording ends (--contention 0: go on whatever happens)" : "");
	return over;
}

static bool ends(int signal)
{
	return signal == SIGINT || signal == SIGTERM || signal == SIGHUP;
}

static void watch(struct recording *r)
{
	for (;;) {
		int signal = sigtimedwait(r->signals, NULL, &moment);

		if (ends(signal))
			return;
		if (signal == SIGTSTP)
			suspend(r);
		else if (!programs_renew(r->programs))
			go_on(r, "was stopped, or did not get to run, and the hooks disarmed "
				 "themselves");
		if (r->child && child_ended(r->child))
			return;
		if (r->longest_ns && elapsed(r) >= r->longest_ns)
			return;
		look_at_waits(r);
		if (r->live)
			live_look(r->live);
		r->contended = is_in_the_way(r);
		if (r->contended)
			return;
		show_progress(r);
	}
}

/* Disarmed, but not to the program's harm. */
static void let_child_end(struct recording *r)
{
	while (r->child && !child_ended(r->child) &&
	       !ends(sigtimedwait(r->signals, NULL, &moment)))
		;
}

void recording_run(struct recording *r)
{
	r->armed_ns = arming_now_ns();
	programs_start(r->programs);
	if (r->child)
		child_release(r->child);
	if (r->live)
		live_begin(r->live);
	watch(r);
	programs_stop(r->programs);
	if (r->live)
		live_end(r->live);
	r->duration_ns = elapsed(r) - r->missed_ns;
	end_progress(r);
	if (r->contended)
		let_child_end(r);
}
