// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/monitor_internal.h"

#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "daemon/tell.h"

#define PING_NS 5000000000ull
#define FAILURES 3 /* to attach in a row, until it gives up */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

uint64_t monitor_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t monitor_time_ms(void)
{
	return clock_ns(CLOCK_REALTIME) / 1000000;
}

uint64_t monitor_own_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void monitor_ping(struct monitor *m)
{
	uint64_t now = monitor_now();

	if (now - m->pinged_ns < PING_NS)
		return;
	m->pinged_ns = now;
	sd_notify(0, "WATCHDOG=1");
}

static void look(const struct monitor *m, struct budget_look *ret)
{
	ret->now_ns = monitor_now();
	ret->events = tables_events(m->tables.cpus, m->tables.nr_cpus);
	ret->own_ns = monitor_own_ns();
}

static void attaching(void *arg, size_t done, size_t all)
{
	monitor_ping(arg);
}

int monitor_attach(struct monitor *m, struct error *err)
{
	uint64_t own = monitor_own_ns();
	int code = programs_attach(m->programs, m->setup->plan, attaching, m, err);

	m->attached = !code;
	m->attachments += m->attached;
	m->budget.costs.cycle = m->detach_ns + (monitor_own_ns() - own);
	/* The hooks' trampolines are others now, and have symbols. */
	words_forget(m->words);
	return code;
}

void monitor_disarm(struct monitor *m)
{
	if (!m->attached)
		return;
	programs_stop(m->programs);
	monitor_learn(m, false);
	picture_count(m->picture, &m->tables, m->budget.armed_ns);
	monitor_review(m);
}

static void detach(struct monitor *m)
{
	if (!m->attached)
		return;
	m->detach_ns = monitor_own_ns();
	programs_detach(m->programs);
	m->detach_ns = monitor_own_ns() - m->detach_ns;
	m->attached = false;
}

static void give_up(struct monitor *m, const char *why)
{
	m->budget.mode = BUDGET_STOPPED;
	m->budget.why = why;
}

static void arm(struct monitor *m)
{
	struct error err = {};

	if (!m->attached && monitor_attach(m, &err)) {
		m->failures++;
		tell(CONFIG_ERROR, TELL_GENERAL, "cannot attach again: %s", err.text);
		if (m->failures >= FAILURES)
			give_up(m, "its hooks cannot be attached any more");
		else
			m->budget.mode = BUDGET_DETACHED;
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
	     m->budget.why, m->budget.rate < 0 ? 0 : m->budget.rate, m->budget.costs.armed,
	     m->budget.set.share * 100, m->budget.set.cpus);
	sd_notifyf(0, "STATUS=stopped: %s", m->budget.why);
}

static void rest(struct monitor *m, enum budget_mode mode)
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

void monitor_follow_budget(struct monitor *m)
{
	enum budget_mode before = m->budget.mode, mode;
	struct budget_look now;

	look(m, &now);
	mode = budget_next(&m->budget, &now);
	if (mode == before)
		return;
	if (mode == BUDGET_ARMED)
		arm(m);
	else
		rest(m, mode);
	/* It may have failed to follow, and stopped for that. */
	if (m->budget.mode == BUDGET_STOPPED && mode != BUDGET_STOPPED)
		say_stopped(m);
	look(m, &now);
	budget_settle(&m->budget, &now);
}

/* Those that run: there may be many more possible ones, which have no time to give. */
unsigned int monitor_cpus(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus > 0 ? cpus : 1;
}

void monitor_set_budget(struct monitor *m)
{
	const struct config *c = &m->setup->config;
	struct budget_settings set = {c->budget, monitor_cpus(), c->window_ns};
	struct budget_costs costs = m->budget.costs;
	struct budget_look now;

	if (!m->budget.set.cpus) {
		look(m, &now);
		budget_begin(&m->budget, &set, &costs, &now);
		return;
	}
	budget_set(&m->budget, &set);
	if (m->budget.mode == BUDGET_STOPPED) {
		m->failures = 0;
		m->budget.mode = BUDGET_DETACHED;
		m->budget.rest_from = monitor_now();
	}
}
