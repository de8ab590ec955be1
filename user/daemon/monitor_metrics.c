// SPDX-License-Identifier: GPL-2.0-only
/* The numbers for the outside, while somebody may ask for them. */
#include "daemon/monitor_internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "daemon/tell.h"
#include "publish/status.h"

#define POST_NS 5000000000ull

/* Losses go on over restarts: those of before are in the graph it began with. */
void monitor_remember_losses(struct monitor *m)
{
	static const char *const names[LV_LOSS_KINDS] = {
#define X(id, name, text) #name,
		LV_LOSSES(X)
#undef X
	};
	const struct capture *c = knowledge_capture(m->knowledge);

	for (size_t i = 0; i < c->nr_losses; i++)
		for (int kind = 0; kind < LV_LOSS_KINDS; kind++)
			if (!strcmp(c->losses[i].name, names[kind]))
				m->losses_before[kind] = c->losses[i].count;
}

void monitor_begin_metrics(struct monitor *m)
{
	const struct config *c = &m->setup->config;
	struct error err = {};

	if (c->metrics && listener_start(c->metrics, c->metrics_mode, &m->listener, &err))
		tell(CONFIG_ERROR, TELL_GENERAL, "no metrics: %s", err.text);
}

void monitor_end_metrics(struct monitor *m)
{
	listener_stop(m->listener);
	m->listener = NULL;
}

void monitor_end_status(struct monitor *m)
{
	status_remove(m->setup->config.state);
}

static void put_findings(const struct monitor *m, struct metrics *ret)
{
	const struct findings *all = knowledge_findings(m->knowledge);
	const struct capture *c = knowledge_capture(m->knowledge);

	for (uint32_t i = 0; i < all->nr; i++) {
		const struct finding *f = &all->items[i];
		const struct known_finding *k = known_find(&m->known, f->id);

		if (f->suppressed_by == LV_NONE)
			ret->findings[f->rule][f->confidence]++;
		else
			ret->suppressed[f->rule]++;
		if (!k)
			continue;
		ret->sightings += k->count;
		if (k->first_ms > ret->newest_ms)
			ret->newest_ms = k->first_ms;
	}
	for (uint32_t i = 0; m->suppressions && i < m->suppressions->nr; i++)
		ret->suppressions_idle += !m->suppressions->items[i].hits;
	ret->suppressions = m->suppressions ? m->suppressions->nr : 0;
	ret->findings_cut_short = all->cut_short;
	ret->classes = c->nr_classes;
	ret->edges = c->nr_edges;
	for (size_t i = 0; i < c->nr_classes; i++)
		ret->ambiguous_classes += c->classes[i].certainty == CAPTURE_AMBIGUOUS;
}

static void put_tables(const struct monitor *m, struct metrics *ret)
{
	const struct tables *t = &m->tables;
	uint64_t stacks = __atomic_load_n(&t->control->next_stack, __ATOMIC_RELAXED);

	for (uint32_t i = 0; i < LV_MAX_CLASSES; i++)
		ret->table_used[METRICS_TABLE_CLASSES] += tables_is_ready(&t->classes[i].state);
	for (uint32_t i = 0; i < LV_MAX_EDGES; i++)
		ret->table_used[METRICS_TABLE_EDGES] += tables_is_ready(&t->edges[i].state);
	for (uint32_t i = 0; i < LV_MAX_NAMES; i++)
		ret->table_used[METRICS_TABLE_NAMES] += tables_is_ready(&t->names[i].state);
	for (uint32_t i = 0; i < LV_MAX_FACTS; i++)
		ret->table_used[METRICS_TABLE_FACTS] += tables_is_ready(&t->facts[i].state);
	ret->table_used[METRICS_TABLE_STACKS] = stacks < LV_MAX_STACKS ? stacks : LV_MAX_STACKS;
	ret->table_used[METRICS_TABLE_TASKS] = tables_tasks(t);
	for (int kind = 0; kind < LV_LOSS_KINDS; kind++) {
		ret->lost[kind] = m->losses_before[kind];
		for (size_t cpu = 0; cpu < t->nr_cpus; cpu++)
			for (int hook = 0; hook < LV_ALL_HOOKS; hook++)
				ret->lost[kind] += t->cpus[cpu].lost[kind][hook];
	}
}

static void put_programs(struct monitor *m, struct metrics_program *programs, struct metrics *ret)
{
	struct programs_runs runs[LV_HOOKS + 1];

	programs_run_counts(m->programs, runs);
	for (int hook = 0; hook <= LV_HOOKS; hook++) {
		struct metrics_program *p = &programs[ret->nr_programs];

		if (hook < LV_HOOKS && !m->setup->plan->hooks[hook].present)
			continue;
		*p = (struct metrics_program){.name = tables_hook(hook),
					      .misses = runs[hook].misses,
					      .runs = runs[hook].runs,
					      .run_ns = runs[hook].ns};
		for (size_t cpu = 0; cpu < m->tables.nr_cpus; cpu++)
			p->events += m->tables.cpus[cpu].events[hook];
		ret->lost[LV_LOSS_RECURSION] += runs[hook].misses;
		ret->runs_known = ret->runs_known || p->runs;
		ret->nr_programs++;
	}
	ret->programs = programs;
}

static void put_kernel(const struct monitor *m, struct metrics *ret)
{
	const struct capture *head = m->setup->head;
	const struct plan *plan = m->setup->plan;

	ret->version = LOCKVANE_VERSION;
	ret->kernel_release = head->kernel;
	ret->kernel_version = head->build;
	ret->machine = head->machine;
	ret->rt = head->rt;
	ret->preempts = head->preempts;
	ret->unlocks_hidden = head->unlocks_hidden;
	ret->irqs_unseen = head->irqs_unseen;
	ret->started_ms = m->began_ms;
	ret->pinned_bytes = plan_pinned_fixed() + plan_pinned_per_cpu() * (uint64_t)plan->nr_cpus;
}

static void put_budget(const struct monitor *m, struct metrics *ret)
{
	static const enum metrics_mode modes[] = {
		[BUDGET_ARMED] = METRICS_MODE_ARMED,
		[BUDGET_DISARMED] = METRICS_MODE_DISARMED,
		[BUDGET_DETACHED] = METRICS_MODE_DETACHED,
		[BUDGET_STOPPED] = METRICS_MODE_STOPPED,
	};
	const struct budget *b = &m->budget;
	struct state_totals t;

	monitor_totals(m, &t);
	ret->mode = modes[b->mode];
	ret->events = b->last.events;
	ret->armed_ns = b->armed_ns;
	ret->watched_ns = b->watched_ns;
	ret->windows = b->windows;
	ret->attachments = m->attachments;
	ret->coverage_time = t.watched_ns ? (double)(monitor_armed_ns(m)) / t.watched_ns : NAN;
	ret->coverage_events = t.seen + t.unseen ? (double)t.seen / (t.seen + t.unseen) : NAN;
	ret->budget = b->set.share;
	ret->budget_used = budget_used(b);
	ret->event_cost_seconds = b->costs.armed / 1e9;
	ret->cost_seconds = b->spent_hooks / 1e9;
	ret->budget_stops = b->cut_short;
	ret->lapses = m->lapses;
	ret->slowest_ns = m->slowest_ns;
}

static void put_waits(const struct monitor *m, struct metrics *ret)
{
	ret->waits_resting = m->valve.waits[false];
	ret->waits_armed = m->valve.waits[true];
	ret->contention_stops = m->contention_stops;
}

static void put_state(const struct monitor *m, struct metrics *ret)
{
	ret->state_bytes = state_bytes(m->state);
	ret->state_limit_bytes = m->setup->config.state_max;
	ret->state_errors = m->state_errors;
	ret->state_in_memory = m->broken;
	ret->reloads = m->reloads;
	ret->reloads_failed = m->reloads_failed;
	ret->config_stale = m->stale;
}

void monitor_post(struct monitor *m, bool at_once)
{
	struct metrics_program programs[LV_HOOKS + 1];
	uint64_t now = monitor_now();
	bool post = m->listener && (at_once || now - m->posted_ns >= POST_NS);
	bool write = now - m->status_ns >= STATUS_WRITE_S * 1000000000ull;
	struct metrics numbers;

	if (!post && !write)
		return;
	metrics_init(&numbers);
	put_kernel(m, &numbers);
	put_findings(m, &numbers);
	put_tables(m, &numbers);
	put_programs(m, programs, &numbers);
	put_budget(m, &numbers);
	put_waits(m, &numbers);
	put_state(m, &numbers);
	if (write) {
		m->status_ns = now;
		status_write(m->setup->config.state, &numbers, monitor_time_ms()); /* or the next one */
	}
	if (!post)
		return;
	m->posted_ns = now;
	/* Without memory for it the older numbers stay: who scrapes sees that they stand still. */
	if (listener_post(m->listener, &numbers) == -EPIPE) {
		tell(CONFIG_ERROR, TELL_GENERAL, "the metrics' process has died: none until a restart");
		monitor_end_metrics(m);
	}
}
