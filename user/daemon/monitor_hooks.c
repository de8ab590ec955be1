// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/monitor_internal.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "daemon/tell.h"

#define PING_NS 5000000000ull
#define FAILURES 3 /* to attach in a row, until it gives up */

void monitor_ping(struct monitor *m)
{
	uint64_t now = monitor_now();

	if (now - m->pinged_ns < PING_NS)
		return;
	m->pinged_ns = now;
	sd_notify(0, "WATCHDOG=1");
}

/*
 * CPU time that CPUs were busy, from what /proc/uptime says of idle time. That it counts no
 * waiting for a disk as idle does no harm: a load is known and charged by the same measure.
 */
static uint64_t busy_ns(struct monitor *m, uint64_t now)
{
	FILE *f = fopen("/proc/uptime", "re");
	double idle;

	if (!f || fscanf(f, "%*f %lf", &idle) != 1)
		idle = m->idle; /* all of them are busy: better to see less than to cost more */
	if (f)
		fclose(f);
	if (m->busy_at) {
		m->busy += (double)monitor_cpus() * (now - m->busy_at) - (idle - m->idle) * 1e9;
		m->busy_most = m->busy > m->busy_most ? m->busy : m->busy_most;
	}
	m->busy_at = now;
	m->idle = idle;
	return m->busy_most;
}

static void look(struct monitor *m, struct budget_look *ret)
{
	ret->now_ns = monitor_now();
	ret->events = tables_events(m->tables.cpus, m->tables.nr_cpus);
	ret->own_ns = monitor_own_ns();
	ret->busy_ns = busy_ns(m, ret->now_ns);
}

/* Hooks that come or go: the budget is told of each. */
struct move {
	struct monitor *m;
	double in_place; /* before the last one came or went */
	uint64_t began_ns;
	struct budget_move took;
};

static void moved(void *arg, size_t done, size_t all)
{
	struct move *move = arg;
	struct monitor *m = move->m;
	double in_place = programs_in_place(m->programs);
	struct budget_look now;

	move->took.hooks += in_place != move->in_place; /* each sees something, or may */
	look(m, &now);
	/* The last one to come came at the end of that time, the last to go at its beginning. */
	budget_pass(&m->budget, &now, in_place < move->in_place ? in_place : move->in_place,
		    &move->took);
	move->in_place = in_place;
	monitor_ping(m);
	if (m->began_ns)
		monitor_post(m, false);
}

static void begin_move(struct monitor *m, struct move *ret)
{
	struct budget_look now;

	*ret = (struct move){.m = m, .in_place = programs_in_place(m->programs)};
	look(m, &now);
	ret->began_ns = now.now_ns;
	budget_pass(&m->budget, &now, ret->in_place, NULL);
}

static void say_moved(const struct move *move, const char *what)
{
	tell(CONFIG_DEBUG, TELL_BUDGET,
	     "%s: %.2f s of CPU time in %.1f s; as if all were there for %.2f s", what,
	     move->took.own_ns / 1e9, (move->m->budget.last.now_ns - move->began_ns) / 1e9,
	     move->took.in_place_ns / 1e9);
}

/*
 * The kernel holds mutexes of all of it meanwhile: it is in nobody's interest that we wait for a CPU then.
 * Back to what we were afterwards. Where it is not allowed (RLIMIT_NICE), it is as it is.
 */
static void set_nice(int nice)
{
	setpriority(PRIO_PROCESS, 0, nice);
}

/* Was a hook slow to come or go? Others wait for that: no more of it. */
static void look_at_move(struct monitor *m)
{
	const char *hook = programs_slowest(m->programs, &m->slowest_ns);

	if (m->slowest_ns <= PROGRAMS_SLOW_NS || m->budget.stay)
		return;
	budget_stay(&m->budget);
	tell(CONFIG_ERROR, TELL_BUDGET,
	     "the hook on %s took %.1f s to come or go: some task in the kernel does not let "
	     "others run, or the machine is overloaded, and loading of modules and other tracing "
	     "waited for that. From now on the hooks stay in place, also while they rest", hook,
	     m->slowest_ns / 1e9);
}

static int attach(struct monitor *m, struct error *err)
{
	int nice = getpriority(PRIO_PROCESS, 0), code;
	struct move move;

	begin_move(m, &move);
	set_nice(nice < 0 ? nice : 0);
	code = programs_attach(m->programs, m->setup->plan, moved, &move, err);
	set_nice(nice);
	if (code)
		return code;
	m->attached = true;
	m->attachments++;
	/* The hooks' trampolines are others now, and have symbols. */
	words_forget(m->words);
	words_follow(m->words);
	moved(&move, 0, 0);
	m->budget.costs.attach = move.took;
	say_moved(&move, "took its hooks again");
	look_at_move(m);
	return 0;
}

/* They end by themselves if this is not called in time: then it was not recorded what happened since. */
void monitor_renew(struct monitor *m)
{
	struct budget_look now;
	uint64_t gap;

	if (m->budget.mode != BUDGET_ARMED || programs_renew(m->programs))
		return;
	look(m, &now);
	budget_pass(&m->budget, &now, 1, NULL);
	gap = programs_resume(m->programs);
	m->lapses++;
	tell(CONFIG_WARNING, TELL_BUDGET,
	     "was stopped, or did not get to run: the hooks disarmed themselves, and %.1f s were "
	     "not recorded", gap / 1e9);
}

void monitor_disarm(struct monitor *m)
{
	if (!m->attached)
		return;
	programs_stop(m->programs);
	monitor_learn(m, false);
	knowledge_count(m->knowledge, &m->tables, m->budget.armed_ns);
	monitor_review(m);
}

/*
 * A few hooks see nearly all events, and to move one that sees next to nothing costs as much as to move one of
 * these: they may stay in place. Which these are the windows tell, so the first time all go.
 */
static double choose_left(const struct monitor *m)
{
	double left[LV_HOOKS + 2];
	unsigned int nr = programs_left(m->programs, left);

	return m->budget.windows ? budget_choose_left(&m->budget, left, nr) : 0;
}

static void detach(struct monitor *m)
{
	int nice = getpriority(PRIO_PROCESS, 0);
	struct move move;

	if (!m->attached || m->budget.stay)
		return;
	begin_move(m, &move);
	set_nice(nice < 0 ? nice : 0);
	if (programs_detach(m->programs, choose_left(m), moved, &move))
		m->budget.costs.detach = move.took; /* else it was a part */
	budget_leave(&m->budget, programs_in_place(m->programs));
	set_nice(nice);
	m->attached = false;
	say_moved(&move, "let go of its hooks");
	look_at_move(m);
}

static void give_up(struct monitor *m, const char *why)
{
	m->budget.mode = BUDGET_STOPPED;
	m->budget.why = why;
}

static void arm(struct monitor *m)
{
	struct error err = {};

	if (!m->attached && attach(m, &err)) {
		m->failures++;
		tell(CONFIG_ERROR, TELL_GENERAL, "cannot attach again: %s", err.text);
		if (m->failures >= FAILURES)
			give_up(m, "its hooks cannot be attached any more");
		else
			m->budget.mode = m->budget.stay ? BUDGET_DISARMED : BUDGET_DETACHED;
		return;
	}
	m->failures = 0;
	programs_start(m->programs);
	tell(CONFIG_DEBUG, TELL_BUDGET, "armed");
}

static void say_stopped(const struct monitor *m)
{
	tell(CONFIG_ERROR, TELL_BUDGET,
	     "WATCHING HAS STOPPED: %s (%.0f lock events a second, %.0f ns "
	     "each; budget %.2f%% of %u CPUs). Give it a larger budget or fewer locks, and SIGHUP",
	     m->budget.why, budget_rate(&m->budget), m->budget.costs.armed,
	     m->budget.set.share * 100, m->budget.set.cpus);
	sd_notifyf(0, "STATUS=stopped: %s", m->budget.why);
}

static void begin_rest(struct monitor *m, enum budget_mode mode)
{
	monitor_disarm(m);
	monitor_ping(m);
	if (mode != BUDGET_DISARMED)
		detach(m);
	if (mode == BUDGET_STOPPED)
		say_stopped(m);
	else
		tell(CONFIG_DEBUG, TELL_BUDGET, "rests, %s",
		     mode == BUDGET_DISARMED ? "hooks in place" : "detached");
}

#define MEET_NS 1000000000ull

/* The window ends, and none opens for so long. */
static void hold(struct monitor *m, uint64_t ns)
{
	bool was_armed = m->budget.mode == BUDGET_ARMED;
	enum budget_mode mode = budget_hold(&m->budget, monitor_now() + ns);

	if (!was_armed)
		return;
	begin_rest(m, mode);
	budget_settle(&m->budget);
}

void monitor_make_room(struct monitor *m)
{
	uint64_t now = monitor_now();
	bool trace;

	if (m->budget.mode == BUDGET_STOPPED || now - m->met_ns < MEET_NS)
		return;
	m->met_ns = now;
	trace = presence_of(&m->presence, PRESENCE_TRACE);
	if (trace)
		hold(m, 3 * MEET_NS);
	if (trace != m->makes_room)
		tell(CONFIG_INFO, TELL_BUDGET,
		     trace ? "rests: a trace is at work" : "the trace has ended");
	m->makes_room = trace;
}

void monitor_watch_contention(struct monitor *m)
{
	struct valve *v = &m->valve;
	uint64_t hold_ns;

	if (!valve_look(v, monitor_now(), programs_waits(m->programs),
			m->budget.mode == BUDGET_ARMED))
		return;
	hold_ns = valve_hold_ns(v);
	m->contention_stops++;
	tell(CONFIG_WARNING, TELL_BUDGET,
	     "others wait for locks %.0f times a second, %.1f times as often as is usual here: the "
	     "window is closed, the next opens in %.0f s or later", v->armed, valve_growth(v),
	     hold_ns / 1e9);
	hold(m, hold_ns);
}

void monitor_follow_budget(struct monitor *m)
{
	enum budget_mode before = m->budget.mode, mode;
	struct budget_look now;

	look(m, &now);
	mode = budget_next(&m->budget, &now);
	if (mode == before)
		return;
	if (before == BUDGET_ARMED)
		valve_good(&m->valve);
	if (mode == BUDGET_ARMED)
		arm(m);
	else
		begin_rest(m, mode);
	/* It may have failed to follow, and stopped for that. */
	if (m->budget.mode == BUDGET_STOPPED && mode != BUDGET_STOPPED)
		say_stopped(m);
	budget_settle(&m->budget);
}

/* Those that run: there may be many more possible ones, which have no time to give. */
unsigned int monitor_cpus(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus > 0 ? cpus : 1;
}

/*
 * Hooks are in place. Nothing is in the account yet: if it would have to pay for letting go
 * of them, should the machine get busy, they go now.
 */
static void begin_budget(struct monitor *m, const struct budget_settings *set)
{
	struct budget_costs costs = m->budget.costs;
	struct budget_look now;
	bool stay;

	look(m, &now);
	budget_begin(&m->budget, set, &costs, &now);
	if (m->budget.mode == BUDGET_DETACHED) {
		sd_notify(0, "STATUS=letting go of hooks\nEXTEND_TIMEOUT_USEC=300000000");
		detach(m);
		costs.attach.in_place_ns = m->budget.costs.detach.in_place_ns;
		costs.detach = m->budget.costs.detach;
		look(m, &now);
		stay = m->budget.stay;
		budget_begin(&m->budget, set, &costs, &now);
		if (stay)
			budget_stay(&m->budget);
	}
}

void monitor_set_budget(struct monitor *m)
{
	const struct config *c = &m->setup->config;
	struct budget_settings set = {c->budget, monitor_cpus(), c->window_ns};

	if (!m->budget.set.cpus) {
		begin_budget(m, &set);
		return;
	}
	budget_set(&m->budget, &set);
	if (m->budget.mode == BUDGET_STOPPED) {
		m->failures = 0;
		m->budget.mode = m->budget.stay ? BUDGET_DISARMED : BUDGET_DETACHED;
		m->budget.rest_from = monitor_now();
	}
}
