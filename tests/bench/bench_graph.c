// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long the rules take on a graph of lockdep's maxima, and on one ten times
 * that. The graph is made like a real one: sparse, in layers, what is taken
 * last (run queues, timers) used in irqs and taken under much, what is taken
 * first used with irqs on; and a few defects in it.
 *
 * Exit status 1 when a limit is missed: at 8,192 classes and 32,768 edges a
 * whole analysis under 100 ms, a new edge under 50 us in the median and 2 ms
 * at the 99th percentile, memory under 64 MiB.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "finding/finding.h"
#include "finding/watch.h"

#define BIT(n) (1u << (n))
#define LAYERS 64
#define HUBS 24
#define RUNS 5
#define WRONG_EDGES 6 /* against the layers */
#define WRONG_USES 4  /* with irqs on, of what irqs use */

static uint64_t seed = 20190702;

static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % below;
}

/* CPU time: other work on the machine does not count. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *checked(void *made)
{
	if (!made) {
		fputs("bench_graph: no memory\n", stderr);
		exit(2);
	}
	return made;
}

static uint32_t layer_size(uint32_t classes)
{
	return classes / LAYERS;
}

static uint32_t use_of(uint32_t layer)
{
	if (layer < LAYERS / 2)
		return BIT(LV_ENABLED_HARDIRQ) | BIT(LV_ENABLED_SOFTIRQ);
	if (layer < LAYERS * 3 / 4)
		return draw(2) ? BIT(LV_USED_IN_SOFTIRQ) : 0;
	return BIT(LV_USED_IN_SOFTIRQ) | (draw(2) ? BIT(LV_USED_IN_HARDIRQ) : 0);
}

static void make_classes(struct capture *c, uint32_t classes)
{
	for (uint32_t i = 0; i < classes; i++) {
		struct capture_class *class = checked(capture_add_class(c));
		char name[32];

		snprintf(name, sizeof(name), "type%05u.lock%05u", draw(99999), i);
		class->name = checked(strdup(name));
		class->usage = BIT(LV_USED) | use_of(i / layer_size(classes));
		/* As it is on a production kernel: some are not quite sure. */
		class->certainty = draw(8) ? CAPTURE_EXACT : CAPTURE_INFERRED;
	}
	for (int i = 0; i < WRONG_USES; i++)
		c->classes[classes - 1 - draw(classes / 4)].usage |= BIT(LV_ENABLED_SOFTIRQ);
}

/* A class of a deeper layer: mostly one of the next few, or one of the hubs. */
static uint32_t deeper(uint32_t classes, uint32_t from)
{
	uint32_t layer = from / layer_size(classes), step = 1;

	if (!draw(6))
		return classes - 1 - draw(HUBS);
	while (step < 8 && draw(2))
		step++;
	if (layer + step >= LAYERS)
		return classes - 1 - draw(HUBS);
	return (layer + step) * layer_size(classes) + draw(layer_size(classes));
}

static void make_edge(struct capture *c, uint32_t from, uint32_t to)
{
	struct capture_edge *edge = checked(capture_add_edge(c));

	edge->from = from;
	edge->to = to;
	/* Most locks are exclusive; some holders read, some takers recurse. */
	edge->dep = draw(10) ? LV_DEP_EN : BIT(draw(4));
	edge->from_addr = 0x1000 + 64 * (uint64_t)from;
	edge->to_addr = 0x1000 + 64 * (uint64_t)to;
}

static struct capture *make_capture(uint32_t classes, uint32_t edges)
{
	struct capture *c = checked(capture_new());

	c->kernel = checked(strdup("6.12.0"));
	c->build = checked(strdup("#1"));
	make_classes(c, classes);
	while (c->nr_edges < edges - WRONG_EDGES) {
		uint32_t from = draw(classes - HUBS), to = deeper(classes, from);

		make_edge(c, from, to);
	}
	for (int i = 0; i < WRONG_EDGES; i++) {
		uint32_t from = classes / 4 + draw(classes / 2);

		make_edge(c, deeper(classes, from), from - draw(layer_size(classes)));
	}
	/* In no order. */
	for (uint32_t i = 0; i < edges; i++) {
		uint32_t j = draw(edges);
		struct capture_edge kept = c->edges[i];

		c->edges[i] = c->edges[j];
		c->edges[j] = kept;
	}
	return c;
}

static int by_size(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* The median of some runs over the whole capture, in seconds. */
static double time_analysis(const struct capture *c, uint32_t *ret_findings)
{
	double times[RUNS];

	for (int i = 0; i < RUNS; i++) {
		struct findings *f;
		double start = now();

		if (finding_analyse(c, &f)) {
			fputs("bench_graph: analysis failed\n", stderr);
			exit(2);
		}
		times[i] = now() - start;
		*ret_findings = f->nr;
		if (f->cut_short)
			fputs("bench_graph: the analysis was cut short\n", stderr);
		findings_free(f);
	}
	qsort(times, RUNS, sizeof(*times), by_size);
	return times[RUNS / 2];
}

struct timing {
	double median, p99, worst, sum;
};

static struct timing sum_up(double *times, size_t nr)
{
	struct timing t = {0};

	qsort(times, nr, sizeof(*times), by_size);
	for (size_t i = 0; i < nr; i++)
		t.sum += times[i];
	t.median = times[nr / 2];
	t.p99 = times[nr * 99 / 100];
	t.worst = times[nr - 1];
	return t;
}

static void print_timing(const char *what, struct timing t)
{
	printf("  %-28s median %8.2f us, p99 %8.2f us, worst %8.2f us\n", what, t.median * 1e6,
	       t.p99 * 1e6, t.worst * 1e6);
}

/* Every edge told to a watch, one by one. Whole and last tenth. */
static size_t time_edges(const struct capture *c, struct timing *ret_all, struct timing *ret_last,
			 uint32_t *ret_findings)
{
	double *times = checked(calloc(c->nr_edges, sizeof(*times)));
	struct findings *told = checked(calloc(1, sizeof(*told)));
	size_t tenth = c->nr_edges / 10, memory;
	struct finding_watch *w;
	int err = finding_watch_new(c, &w);

	for (uint32_t i = 0; !err && i < c->nr_classes; i++)
		err = finding_watch_class(w, i, told);
	for (uint32_t i = 0; !err && i < c->nr_edges; i++) {
		double start = now();

		err = finding_watch_edge(w, i, told);
		times[i] = now() - start;
	}
	if (err) {
		fputs("bench_graph: watch failed\n", stderr);
		exit(2);
	}
	*ret_last = sum_up(times + c->nr_edges - tenth, tenth);
	*ret_all = sum_up(times, c->nr_edges);
	*ret_findings = told->nr;
	memory = finding_watch_memory(w);
	finding_watch_free(w);
	findings_free(told);
	free(times);
	return memory;
}

static bool within(const char *what, double value, double limit)
{
	if (value < limit)
		return true;
	printf("  MISSED: %s is %g, the limit %g\n", what, value, limit);
	return false;
}

static bool bench(uint32_t classes, uint32_t edges, bool limited)
{
	struct capture *c = make_capture(classes, edges);
	uint32_t found, told;
	double whole = time_analysis(c, &found);
	struct timing all, last;
	size_t memory = time_edges(c, &all, &last, &told);
	bool good = true;

	printf("%" PRIu32 " classes, %" PRIu32 " edges\n", classes, edges);
	printf("  %-28s %8.2f ms, %" PRIu32 " findings\n", "whole analysis", whole * 1e3, found);
	print_timing("new edge", all);
	print_timing("the last tenth of them", last);
	printf("  %-28s %8.2f ms, told %" PRIu32 "\n", "all edges one by one", all.sum * 1e3, told);
	printf("  %-28s %8.2f MiB\n", "memory of the watch", (double)memory / (1 << 20));
	if (limited) {
		good &= within("whole analysis, ms", whole * 1e3, 100);
		good &= within("median new edge, us", last.median * 1e6, 50);
		good &= within("p99 new edge, us", last.p99 * 1e6, 2000);
		good &= within("memory, MiB", (double)memory / (1 << 20), 64);
	}
	capture_free(c);
	return good;
}

int main(void)
{
	bool good = bench(LV_MAX_CLASSES, LV_MAX_EDGES, true);

	bench(LV_MAX_CLASSES * 10, LV_MAX_EDGES * 10, false);
	return good ? 0 : 1;
}
