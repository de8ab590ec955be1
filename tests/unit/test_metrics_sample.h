/* SPDX-License-Identifier: GPL-2.0-only */
/* A snapshot in which every number is known and none is like another. */
#ifndef LOCKVANE_TEST_METRICS_SAMPLE_H
#define LOCKVANE_TEST_METRICS_SAMPLE_H

#include "publish/metrics.h"

static const struct metrics_program sample_programs[] = {
	{"_raw_spin_lock", 900001, 3, 900000, 81000000},
	{"mutex_unlock", 100002, 0, 100002, 9000000},
};

static inline void sample_metrics(struct metrics *m)
{
	metrics_init(m);
	m->version = "0.1";
	m->kernel_release = "6.12.1-test";
	m->kernel_version = "#1 SMP of \"today\" \\ and\ntomorrow \x01\xff";
	m->machine = "x86_64";
	m->preempts = true;
	m->started_ms = 1700000000250;
	m->findings[FINDING_CIRCULAR][FINDING_LIKELY] = 2;
	m->findings[FINDING_IRQ_INVERSION][FINDING_CONFIRMED] = 1;
	m->suppressed[FINDING_RECURSIVE] = 4;
	m->sightings = 1003;
	m->newest_ms = 1700000100000;
	m->suppressions = 5;
	m->suppressions_idle = 1;
	m->classes = 1201;
	m->ambiguous_classes = 77;
	m->edges = 5302;
	m->findings_cut_short = 6;
	m->mode = METRICS_MODE_ARMED;
	m->events = 1000003;
	for (int kind = 0; kind < LV_LOSS_KINDS; kind++)
		m->lost[kind] = 10 + kind;
	m->armed_ns = 12500000000;
	m->watched_ns = 3600000000000;
	m->windows = 361;
	m->attachments = 42;
	m->lapses = 43;
	m->slowest_ns = 2500000000;
	m->coverage_time = 0.0035;
	m->coverage_events = 0.0041;
	for (int table = 0; table < METRICS_TABLES; table++)
		m->table_used[table] = 100 + table;
	m->pinned_bytes = 12484608;
	m->waits_resting = 70001;
	m->waits_armed = 70002;
	m->contention_stops = 44;
	m->budget = 0.005;
	m->budget_used = 0.0043;
	m->event_cost_seconds = 1.25e-7;
	m->cost_seconds = 31.5;
	m->budget_stops = 8;
	m->programs = sample_programs;
	m->nr_programs = sizeof(sample_programs) / sizeof(sample_programs[0]);
	m->runs_known = true;
	m->state_bytes = 1048576;
	m->state_limit_bytes = 67108864;
	m->state_errors = 9;
	m->state_in_memory = true;
	m->reloads = 12;
	m->reloads_failed = 2;
	m->config_stale = true;
}

#endif
