// SPDX-License-Identifier: GPL-2.0-only
/*
 * Formats: https://prometheus.io/docs/instrumenting/exposition_formats/ and
 * OpenMetrics 1.0. They differ here in three things: a counter's family is
 * named without "_total", units are told, and the end is marked.
 */
#include "publish/metrics.h"

#include <inttypes.h>
#include <math.h>

#include "publish/process.h"

enum type { GAUGE, COUNTER, INFO };

struct printer {
	struct strbuf *sb;
	enum metrics_format format;
	const char *family; /* the one whose samples are being printed, with its suffix */
	const char *suffix;
};

static const char *const table_names[] = {
#define X(id, name, slots) name,
	METRICS_TABLES_X(X)
#undef X
};
static const uint64_t table_slots[] = {
#define X(id, name, slots) slots,
	METRICS_TABLES_X(X)
#undef X
};
static const char *const mode_names[] = {
#define X(id, name) name,
	METRICS_MODES_X(X)
#undef X
};
static const char *const loss_names[] = {
#define X(id, name, text) #name,
	LV_LOSSES(X)
#undef X
};

void metrics_init(struct metrics *ret)
{
	*ret = (struct metrics){
		.coverage_time = NAN,
		.coverage_events = NAN,
		.budget = NAN,
		.budget_used = NAN,
		.event_cost_seconds = NAN,
		.cost_seconds = NAN,
	};
}

const char *metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

/* Begin a family: its unit is the last word of its name, or NULL. */
static void family(struct printer *p, const char *name, enum type type, const char *unit,
		   const char *help)
{
	static const char *const types[] = {"gauge", "counter", "info"};
	bool open = p->format == METRICS_OPENMETRICS;
	const char *type_name = types[!open && type == INFO ? GAUGE : type];
	const char *suffix;

	p->family = name;
	p->suffix = type == COUNTER ? "_total" : type == INFO ? "_info" : "";
	suffix = open ? "" : p->suffix;
	strbuf_addf(p->sb, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix,
		    type_name);
	if (open && unit)
		strbuf_addf(p->sb, "# UNIT %s %s\n", name, unit);
}

/* A label's value. A kernel's name for itself is not ours to trust: ASCII only. */
static void add_escaped(struct strbuf *sb, const char *text)
{
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '\\')
			strbuf_add(sb, "\\\\");
		else if (c == '"')
			strbuf_add(sb, "\\\"");
		else if (c == '\n')
			strbuf_add(sb, "\\n");
		else
			strbuf_add_bytes(sb, c < 0x20 || c > 0x7e ? "?" : text, 1);
	}
}

struct label {
	const char *name; /* NULL: the end of a list */
	const char *value;
};

static void begin_sample(struct printer *p, const struct label *labels)
{
	char before = '{';

	strbuf_addf(p->sb, "%s%s", p->family, p->suffix);
	for (; labels->name; labels++, before = ',') {
		strbuf_addf(p->sb, "%c%s=\"", before, labels->name);
		add_escaped(p->sb, labels->value ? labels->value : "");
		strbuf_add(p->sb, "\"");
	}
	strbuf_add(p->sb, before == ',' ? "} " : " ");
}

static void samples(struct printer *p, const struct label *labels, uint64_t n)
{
	begin_sample(p, labels);
	strbuf_addf(p->sb, "%" PRIu64 "\n", n);
}

static void real_samples(struct printer *p, const struct label *labels, double n)
{
	begin_sample(p, labels);
	strbuf_addf(p->sb, "%.9g\n", n);
}

/* With one label, or with none: NULL. */
static void sample(struct printer *p, const char *label, const char *value, uint64_t n)
{
	samples(p, (struct label[]){{label, value}, {}}, n);
}

static void real_sample(struct printer *p, const char *label, const char *value, double n)
{
	real_samples(p, (struct label[]){{label, value}, {}}, n);
}

static void counter(struct printer *p, const char *name, const char *help, uint64_t n)
{
	family(p, name, COUNTER, NULL, help);
	sample(p, NULL, NULL, n);
}

static void gauge(struct printer *p, const char *name, const char *help, uint64_t n)
{
	family(p, name, GAUGE, NULL, help);
	sample(p, NULL, NULL, n);
}

static void bytes(struct printer *p, const char *name, const char *help, uint64_t n)
{
	family(p, name, GAUGE, "bytes", help);
	sample(p, NULL, NULL, n);
}

/* An unknown value is left out, so that nobody takes it for a zero. */
static void real(struct printer *p, const char *name, enum type type, const char *unit,
		 const char *help, double n)
{
	if (!isfinite(n))
		return;
	family(p, name, type, unit, help);
	real_sample(p, NULL, NULL, n);
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static void print_build(struct printer *p, const struct metrics *m)
{
	const struct label kernel[] = {
		{"release", m->kernel_release},
		{"version", m->kernel_version},
		{"machine", m->machine},
		{"rt", yes_no(m->rt)},
		{"preempts", yes_no(m->preempts)},
		{"unlocks_hidden", yes_no(m->unlocks_hidden)},
		{"irqs_unseen", yes_no(m->irqs_unseen)},
		{},
	};

	family(p, "lockvane_build", INFO, NULL, "The version of lockvane.");
	sample(p, "version", m->version, 1);
	family(p, "lockvane_kernel", INFO, NULL, "The kernel that is watched, and what it hides.");
	samples(p, kernel, 1);
}

static void print_findings(struct printer *p, const struct metrics *m)
{
	family(p, "lockvane_findings", GAUGE, NULL,
	       "Findings on this kernel build that are not suppressed.");
	for (int rule = 0; rule < FINDING_RULES; rule++)
		for (int sure = 0; sure < FINDING_CONFIDENCES; sure++) {
			const struct label labels[] = {
				{"rule", finding_rule_name(rule)},
				{"confidence", finding_confidence_name(sure)},
				{},
			};

			samples(p, labels, m->findings[rule][sure]);
		}
	family(p, "lockvane_suppressed_findings", GAUGE, NULL,
	       "Findings on this kernel build that are suppressed.");
	for (int rule = 0; rule < FINDING_RULES; rule++)
		sample(p, "rule", finding_rule_name(rule), m->suppressed[rule]);
	counter(p, "lockvane_finding_sightings", "Times a finding was seen, known ones included.",
		m->sightings);
	if (m->newest_ms)
		real(p, "lockvane_newest_finding_timestamp_seconds", GAUGE, "seconds",
		     "When the newest finding was first seen.", m->newest_ms / 1e3);
	gauge(p, "lockvane_suppressions", "Suppressions in force.", m->suppressions);
	gauge(p, "lockvane_idle_suppressions", "Suppressions that fit no finding.",
	      m->suppressions_idle);
}

static void print_graph(struct printer *p, const struct metrics *m)
{
	gauge(p, "lockvane_classes", "Lock classes in the graph.", m->classes);
	gauge(p, "lockvane_ambiguous_classes", "Lock classes that may hold unrelated locks.",
	      m->ambiguous_classes);
	gauge(p, "lockvane_edges", "Dependencies in the graph.", m->edges);
	counter(p, "lockvane_searches_cut_short", "Searches of the graph given up as too long.",
		m->findings_cut_short);
}

static void print_watching(struct printer *p, const struct metrics *m)
{
	family(p, "lockvane_mode", GAUGE, NULL, "1 for what the daemon is doing, 0 for the rest.");
	for (int mode = 0; mode < METRICS_MODES; mode++)
		sample(p, "mode", mode_names[mode], mode == (int)m->mode);
	real(p, "lockvane_armed_seconds", COUNTER, "seconds", "Time armed.", m->armed_ns / 1e9);
	real(p, "lockvane_watched_seconds", COUNTER, "seconds",
	     "Time since watching began, armed or not.", m->watched_ns / 1e9);
	counter(p, "lockvane_windows", "Times the hooks were armed.", m->windows);
	counter(p, "lockvane_attachments", "Times the hooks were attached.", m->attachments);
	real(p, "lockvane_slowest_move_seconds", GAUGE, "seconds",
	     "The longest that one hook took to come or go.", m->slowest_ns / 1e9);
	counter(p, "lockvane_lapses", "Times the hooks disarmed themselves.", m->lapses);
	real(p, "lockvane_coverage_time_ratio", GAUGE, "ratio", "Share of time that was seen.",
	     m->coverage_time);
	real(p, "lockvane_coverage_events_ratio", GAUGE, "ratio",
	     "Share of lock events that was seen, estimated.", m->coverage_events);
}

static void print_recorder(struct printer *p, const struct metrics *m)
{
	counter(p, "lockvane_events", "Lock events recorded.", m->events);
	family(p, "lockvane_lost", COUNTER, NULL, "Losses by kind: see lockvane(8).");
	for (int kind = 0; kind < LV_LOSS_KINDS; kind++)
		sample(p, "kind", loss_names[kind], m->lost[kind]);
	family(p, "lockvane_table_slots", GAUGE, NULL, "Slots of a table in the kernel.");
	for (int table = 0; table < METRICS_TABLES; table++)
		sample(p, "table", table_names[table], table_slots[table]);
	family(p, "lockvane_table_slots_used", GAUGE, NULL, "Slots of it that are used.");
	for (int table = 0; table < METRICS_TABLES; table++)
		sample(p, "table", table_names[table], m->table_used[table]);
	bytes(p, "lockvane_pinned_bytes", "Memory of the tables, which does not grow.",
	      m->pinned_bytes);
}

static void print_waits(struct printer *p, const struct metrics *m)
{
	family(p, "lockvane_contentions", COUNTER, NULL, "Times anybody had to wait for a lock.");
	sample(p, "hooks", "resting", m->waits_resting);
	sample(p, "hooks", "armed", m->waits_armed);
	counter(p, "lockvane_contention_stops", "Windows ended early because waits grew.",
		m->contention_stops);
}

static void print_cost(struct printer *p, const struct metrics *m)
{
	real(p, "lockvane_budget_ratio", GAUGE, "ratio", "Share of all CPUs it may cost.",
	     m->budget);
	real(p, "lockvane_budget_used_ratio", GAUGE, "ratio",
	     "Share of all CPUs it costs, estimated.", m->budget_used);
	real(p, "lockvane_event_cost_seconds", GAUGE, "seconds",
	     "CPU time of one lock event, calibrated.", m->event_cost_seconds);
	real(p, "lockvane_cost_seconds", COUNTER, "seconds",
	     "CPU time the hooks have cost, estimated.", m->cost_seconds);
	counter(p, "lockvane_budget_stops", "Windows ended early to keep the budget.",
		m->budget_stops);
}

static void print_programs(struct printer *p, const struct metrics *m)
{
	const struct metrics_program *each = m->programs;

	if (!m->nr_programs)
		return;
	family(p, "lockvane_program_events", COUNTER, NULL, "Lock events, by hooked function.");
	for (size_t i = 0; i < m->nr_programs; i++)
		sample(p, "function", each[i].name, each[i].events);
	family(p, "lockvane_program_misses", COUNTER, NULL, "Runs the kernel skipped.");
	for (size_t i = 0; i < m->nr_programs; i++)
		sample(p, "function", each[i].name, each[i].misses);
	if (!m->runs_known)
		return;
	family(p, "lockvane_program_runs", COUNTER, NULL, "Runs that the kernel counted.");
	for (size_t i = 0; i < m->nr_programs; i++)
		sample(p, "function", each[i].name, each[i].runs);
	family(p, "lockvane_program_run_seconds", COUNTER, "seconds",
	       "Time of these runs, without the trampolines.");
	for (size_t i = 0; i < m->nr_programs; i++)
		real_sample(p, "function", each[i].name, each[i].run_ns / 1e9);
}

static void print_daemon(struct printer *p, const struct metrics *m)
{
	bytes(p, "lockvane_state_bytes", "Size of the state database.", m->state_bytes);
	if (m->state_limit_bytes)
		bytes(p, "lockvane_state_limit_bytes", "Limit of its size.", m->state_limit_bytes);
	counter(p, "lockvane_state_errors", "Failures to read or write it.", m->state_errors);
	gauge(p, "lockvane_state_in_memory", "1: it cannot be written, what is new is in memory.",
	      m->state_in_memory);
	counter(p, "lockvane_reloads", "Times the configuration was read again.", m->reloads);
	counter(p, "lockvane_reload_failures", "Times it was wrong.", m->reloads_failed);
	gauge(p, "lockvane_config_stale", "1: the last reload failed, an older one is in force.",
	      m->config_stale);
}

/* The names and meanings are those of Prometheus' own client libraries. */
static void print_process(struct printer *p, const struct metrics *m)
{
	struct process_numbers self;

	process_look(&self);
	real(p, "process_start_time_seconds", GAUGE, "seconds", "When the daemon was started.",
	     m->started_ms / 1e3);
	real(p, "process_cpu_seconds", COUNTER, "seconds", "CPU time of the daemon itself.",
	     self.cpu_seconds);
	if (self.resident_bytes)
		bytes(p, "process_resident_memory_bytes", "Memory of the daemon itself.",
		      self.resident_bytes);
	if (self.open_fds)
		gauge(p, "process_open_fds", "Open file descriptors.", self.open_fds);
	gauge(p, "process_max_fds", "Descriptors it may open.", self.max_fds);
}

void metrics_print(const struct metrics *m, enum metrics_format format, struct strbuf *sb)
{
	struct printer p = {.sb = sb, .format = format};

	print_build(&p, m);
	print_findings(&p, m);
	print_graph(&p, m);
	print_watching(&p, m);
	print_recorder(&p, m);
	print_waits(&p, m);
	print_cost(&p, m);
	print_programs(&p, m);
	print_daemon(&p, m);
	print_process(&p, m);
	if (format == METRICS_OPENMETRICS)
		strbuf_add(sb, "# EOF\n");
}
