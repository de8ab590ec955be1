// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "test_metrics_sample.h"

static char *print(const struct metrics *m, enum metrics_format format)
{
	struct strbuf sb = STRBUF_INIT;

	metrics_print(m, format, &sb);
	return strbuf_take(&sb);
}

/* A whole line of the text. */
static bool has(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return true;
	return false;
}

#define assert_line(text, line)                                                                    \
	do {                                                                                       \
		if (!has(text, line))                                                              \
			fail_msg("no line \"%s\" in:\n%s", line, text);                            \
	} while (0)

static void test_numbers(void **state)
{
	static const char *const lines[] = {
		"lockvane_build_info{version=\"0.1\"} 1",
		"lockvane_findings{rule=\"irq-inversion\",confidence=\"confirmed\"} 1",
		"lockvane_findings{rule=\"circular\",confidence=\"likely\"} 2",
		"lockvane_findings{rule=\"circular\",confidence=\"weak\"} 0",
		"lockvane_suppressed_findings{rule=\"recursive\"} 4",
		"lockvane_finding_sightings_total 1003",
		"lockvane_newest_finding_timestamp_seconds 1.7000001e+09",
		"lockvane_suppressions 5",
		"lockvane_idle_suppressions 1",
		"lockvane_classes 1201",
		"lockvane_ambiguous_classes 77",
		"lockvane_edges 5302",
		"lockvane_searches_cut_short_total 6",
		"lockvane_mode{mode=\"armed\"} 1",
		"lockvane_mode{mode=\"stopped\"} 0",
		"lockvane_events_total 1000003",
		"lockvane_lost_total{kind=\"guard\"} 10",
		"lockvane_lost_total{kind=\"recursion_misses\"} 30",
		"lockvane_armed_seconds_total 12.5",
		"lockvane_watched_seconds_total 3600",
		"lockvane_windows_total 361",
		"lockvane_attachments_total 42",
		"lockvane_coverage_time_ratio 0.0035",
		"lockvane_coverage_events_ratio 0.0041",
		"lockvane_table_slots{table=\"edges\"} 32768",
		"lockvane_table_slots_used{table=\"classes\"} 100",
		"lockvane_pinned_bytes 12484608",
		"lockvane_budget_ratio 0.005",
		"lockvane_budget_used_ratio 0.0043",
		"lockvane_event_cost_seconds 1.25e-07",
		"lockvane_cost_seconds_total 31.5",
		"lockvane_budget_stops_total 8",
		"lockvane_program_events_total{function=\"_raw_spin_lock\"} 900001",
		"lockvane_program_misses_total{function=\"_raw_spin_lock\"} 3",
		"lockvane_program_runs_total{function=\"mutex_unlock\"} 100002",
		"lockvane_program_run_seconds_total{function=\"_raw_spin_lock\"} 0.081",
		"lockvane_lapses_total 43",
		"lockvane_slowest_move_seconds 2.5",
		"lockvane_lost_total{kind=\"lapsed_ms\"} 29",
		"lockvane_contentions_total{hooks=\"resting\"} 70001",
		"lockvane_contentions_total{hooks=\"armed\"} 70002",
		"lockvane_contention_stops_total 44",
		"lockvane_state_bytes 1048576",
		"lockvane_state_limit_bytes 67108864",
		"lockvane_state_errors_total 9",
		"lockvane_state_in_memory 1",
		"lockvane_reloads_total 12",
		"lockvane_reload_failures_total 2",
		"lockvane_config_stale 1",
	};
	AUTO_FREE char *plain = NULL, *open = NULL;
	struct metrics m;

	sample_metrics(&m);
	plain = print(&m, METRICS_PROMETHEUS);
	open = print(&m, METRICS_OPENMETRICS);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_line(plain, lines[i]);
		assert_line(open, lines[i]);
	}
}

static void test_escaping(void **state)
{
	static const char line[] =
		"lockvane_kernel_info{release=\"6.12.1-test\","
		"version=\"#1 SMP of \\\"today\\\" \\\\ and\\ntomorrow ??\",machine=\"x86_64\","
		"rt=\"no\",preempts=\"yes\",unlocks_hidden=\"no\",irqs_unseen=\"no\"} 1";
	AUTO_FREE char *text = NULL;
	struct metrics m;

	sample_metrics(&m);
	text = print(&m, METRICS_PROMETHEUS);
	assert_line(text, line);
}

static void test_formats_differ(void **state)
{
	AUTO_FREE char *plain = NULL, *open = NULL;
	struct metrics m;

	sample_metrics(&m);
	plain = print(&m, METRICS_PROMETHEUS);
	open = print(&m, METRICS_OPENMETRICS);
	assert_line(plain, "# TYPE lockvane_events_total counter");
	assert_line(plain, "# TYPE lockvane_build_info gauge");
	assert_null(strstr(plain, "# UNIT"));
	assert_null(strstr(plain, "# EOF"));
	assert_line(open, "# TYPE lockvane_events counter");
	assert_line(open, "# TYPE lockvane_build info");
	assert_line(open, "# UNIT lockvane_armed_seconds seconds");
	assert_string_equal(open + strlen(open) - 6, "# EOF\n");
}

/* What is not known is not there, and is no zero. */
static void test_unknown(void **state)
{
	static const char *const absent[] = {
		"lockvane_coverage",
		"lockvane_budget_ratio",
		"lockvane_budget_used",
		"lockvane_event_cost",
		"lockvane_cost_seconds",
		"lockvane_newest",
		"lockvane_program",
		"lockvane_state_limit",
		"nan",
		"NaN",
		"(null)",
	};
	AUTO_FREE char *text = NULL;
	struct metrics m;

	metrics_init(&m);
	text = print(&m, METRICS_OPENMETRICS);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		assert_null(strstr(text, absent[i]));
	assert_line(text, "lockvane_mode{mode=\"starting\"} 1");
}

static void test_huge(void **state)
{
	AUTO_FREE char *text = NULL;
	struct metrics m;

	sample_metrics(&m);
	m.events = UINT64_MAX;
	m.budget = 1e300;
	m.budget_used = INFINITY;
	text = print(&m, METRICS_PROMETHEUS);
	assert_line(text, "lockvane_events_total 18446744073709551615");
	assert_line(text, "lockvane_budget_ratio 1e+300");
	assert_null(strstr(text, "lockvane_budget_used_ratio"));
}

/* Nothing that looks like a kernel address: twelve hex digits on end beginning with ffff. */
static void test_no_address(void **state)
{
	AUTO_FREE char *text = NULL;
	struct metrics m;

	sample_metrics(&m);
	text = print(&m, METRICS_PROMETHEUS);
	assert_null(strstr(text, "0x"));
	for (const char *at = text; (at = strstr(at, "ffff")); at++)
		assert_true(strspn(at, "0123456789abcdef") < 12);
}

static void test_negotiation(void **state)
{
	static const struct {
		const char *accept;
		enum metrics_format format;
	} cases[] = {
		{NULL, METRICS_PROMETHEUS},
		{"", METRICS_PROMETHEUS},
		{"*/*", METRICS_PROMETHEUS},
		{"text/html", METRICS_PROMETHEUS},
		{"application/openmetrics-text", METRICS_OPENMETRICS},
		{"Application/OpenMetrics-Text ; Version=1.0.0", METRICS_OPENMETRICS},
		{"application/openmetrics-text;version=0.0.1", METRICS_PROMETHEUS},
		{"application/openmetrics-text;q=0", METRICS_PROMETHEUS},
		{"application/openmetrics-text;q=0.5,text/plain;q=0.6", METRICS_PROMETHEUS},
		{"text/plain,application/openmetrics-text", METRICS_OPENMETRICS},
		/* Prometheus 2.42's own */
		{"application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		 "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		 METRICS_OPENMETRICS},
		/* What makes no sense */
		{",,;;q=,q=1;;", METRICS_PROMETHEUS},
		{"application/openmetrics-text;q=banana", METRICS_PROMETHEUS},
		{"application/openmetrics-text;q=0.99999999999999", METRICS_PROMETHEUS},
		{"application/openmetrics-text;q=-1", METRICS_PROMETHEUS},
		{"application/openmetrics-text;q=nan", METRICS_PROMETHEUS},
		{"application/openmetrics-textual", METRICS_PROMETHEUS},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (metrics_negotiate(cases[i].accept) != cases[i].format)
			fail_msg("wrong for \"%s\"", cases[i].accept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),	       cmocka_unit_test(test_escaping),
		cmocka_unit_test(test_formats_differ), cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_huge),	       cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_negotiation),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
