// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/monitor_internal.h"

#include <time.h>

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

/* Since the budget's last look, which may be some time ago when something is told. */
static uint64_t since_look(const struct monitor *m)
{
	return m->began_ns ? monitor_now() - m->budget.last.now_ns : 0;
}

uint64_t monitor_armed_ns(const struct monitor *m)
{
	return m->armed_before + m->budget.armed_ns +
	       (m->budget.mode == BUDGET_ARMED ? since_look(m) : 0);
}

void monitor_totals(const struct monitor *m, struct state_totals *ret)
{
	*ret = m->before;
	ret->watched_ns += m->budget.watched_ns + since_look(m);
	ret->seen += tables_events(m->tables.cpus, m->tables.nr_cpus);
	ret->unseen += m->budget.unseen;
	ret->saved_ms = monitor_time_ms();
}
