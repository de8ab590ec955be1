// SPDX-License-Identifier: GPL-2.0-only
/* The graph against searches so plain that they can be read as definitions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "graph/graph.h"
#include "graph/order.h"
#include "graph/reach.h"
#include "graph/scc.h"
#include "graph/walk.h"
#include "test_random.h"

#define BIT(n) (1u << (n))
#define MAX_CLASSES 7
#define ROUNDS 4000

static struct graph *new_graph(uint32_t classes)
{
	struct graph *g = graph_new();
	uint32_t class;

	assert_non_null(g);
	for (uint32_t i = 0; i < classes; i++) {
		assert_int_equal(graph_add_class(g, &class), 0);
		assert_int_equal(class, i);
	}
	return g;
}

static void test_edges(void **state)
{
	struct graph *g = new_graph(3);
	uint32_t ab, again, self;

	assert_int_equal(graph_add_edge(g, 0, 1, LV_DEP_EN, &ab), 1);
	assert_int_equal(graph_add_edge(g, 0, 1, LV_DEP_EN, &again), 0);
	assert_int_equal(again, ab);
	assert_int_equal(graph_add_edge(g, 0, 1, LV_DEP_SR, &again), 1);
	assert_int_equal(g->edges[ab].dep, LV_DEP_EN | LV_DEP_SR);
	assert_int_equal(g->classes[0].out.items[0].dep, LV_DEP_EN | LV_DEP_SR);
	assert_int_equal(g->classes[1].in.items[0].dep, LV_DEP_EN | LV_DEP_SR);
	assert_int_equal(graph_find_edge(g, 0, 1), ab);
	assert_int_equal(graph_find_edge(g, 1, 0), LV_NONE);
	assert_int_equal(graph_add_edge(g, 2, 2, LV_DEP_EN, &self), 1);
	assert_int_equal(self, LV_NONE);
	assert_int_equal(graph_add_edge(g, 2, 2, LV_DEP_EN, &self), 0);
	assert_int_equal(g->nr_edges, 1);
	graph_free(g);
}

static void test_bad_edges(void **state)
{
	struct graph *g = new_graph(2);
	uint32_t edge;

	assert_int_equal(graph_add_edge(g, 0, 2, LV_DEP_EN, &edge), -EINVAL);
	assert_int_equal(graph_add_edge(g, 2, 0, LV_DEP_EN, &edge), -EINVAL);
	assert_int_equal(graph_add_edge(g, 0, 1, 0, &edge), -EINVAL);
	assert_int_equal(graph_add_edge(g, 0, 1, 16, &edge), -EINVAL);
	assert_int_equal(graph_find_edge(g, 0, 1), LV_NONE);
	graph_free(g);
	graph_free(NULL);
}

static void test_usage(void **state)
{
	struct graph *g = new_graph(1);

	assert_int_equal(graph_add_usage(g, 0, 3), 3);
	assert_int_equal(graph_add_usage(g, 0, 6), 4);
	assert_int_equal(g->classes[0].usage, 7);
	graph_free(g);
}

/* All edges are found again after the table has grown many times. */
static void test_many_edges(void **state)
{
	struct graph *g = new_graph(300);
	uint32_t edge, nr = 0;

	for (uint32_t i = 0; i < 300; i++)
		for (uint32_t j = 0; j < 300; j += 7)
			if (i != j)
				assert_int_equal(graph_add_edge(g, i, j, LV_DEP_EN, &edge), 1);
	for (uint32_t i = 0; i < 300; i++)
		for (uint32_t j = 0; j < 300; j++) {
			edge = graph_find_edge(g, i, j);
			assert_int_equal(edge != LV_NONE, i != j && j % 7 == 0);
			nr += edge != LV_NONE;
		}
	assert_int_equal(nr, g->nr_edges);
	graph_free(g);
}

/* One kind of dependency between two classes: what strong paths are made of. */
struct link {
	uint32_t from, to, dep;
};

struct links {
	struct link items[MAX_CLASSES * MAX_CLASSES * 4];
	uint32_t nr;
};

static struct graph *random_graph(struct links *links)
{
	uint32_t classes = 2 + draw(MAX_CLASSES - 1);
	struct graph *g = new_graph(classes);
	uint32_t edge;

	links->nr = 0;
	for (uint32_t n = 1 + draw(classes * 3); n; n--) {
		uint32_t from = draw(classes), to = draw(classes);
		struct link l = {from, to, BIT(draw(4))};

		if (l.from == l.to || graph_add_edge(g, l.from, l.to, l.dep, &edge) != 1)
			continue;
		links->items[links->nr++] = l;
	}
	return g;
}

static int follows(const struct link *before, const struct link *after)
{
	return before->to == after->from &&
	       !(before->dep & (LV_DEP_SR | LV_DEP_ER) && after->dep & (LV_DEP_SR | LV_DEP_SN));
}

/* Links on the shortest strong path from link a to link b, both counted; 0: none. */
static uint32_t distance(const struct links *links, uint32_t a, uint32_t b)
{
	uint32_t far[MAX_CLASSES * MAX_CLASSES * 4] = {0};
	uint32_t round, changed = 1;

	far[a] = 1;
	for (round = 1; changed && !far[b]; round++) {
		changed = 0;
		for (uint32_t i = 0; i < links->nr; i++)
			for (uint32_t j = 0; far[i] == round && j < links->nr; j++)
				if (!far[j] && follows(&links->items[i], &links->items[j])) {
					far[j] = round + 1;
					changed = 1;
				}
	}
	return far[b];
}

static int is_r(const struct link *l)
{
	return !!(l->dep & (LV_DEP_SR | LV_DEP_ER));
}

static int is_s(const struct link *l)
{
	return !!(l->dep & (LV_DEP_SR | LV_DEP_SN));
}

/*
 * Links on the shortest strong path between two places: the first link may not
 * be -(Sx)-> when `e_only`, the last not -(xR)-> when `n_only`.
 */
static uint32_t expected(const struct links *links, uint32_t from, int e_only, uint32_t to,
			 int n_only)
{
	uint32_t best = 0;

	for (uint32_t a = 0; a < links->nr; a++)
		for (uint32_t b = 0; b < links->nr; b++) {
			uint32_t d;

			if (links->items[a].from != from || links->items[b].to != to ||
			    (e_only && is_s(&links->items[a])) ||
			    (n_only && is_r(&links->items[b])))
				continue;
			d = distance(links, a, b);
			if (d && (!best || d < best))
				best = d;
		}
	return best;
}

/* The same by a walk; -1 when it does not get there. */
static int walked(struct graph_walk *w, const struct graph *g, int backwards, uint32_t from,
		  int from_bound, uint32_t to, int to_free)
{
	struct graph_place at = {from, from_bound};
	struct graph_path path;
	int nr;

	assert_int_equal(graph_walk_begin(w, g, backwards, at, NULL), 0);
	while (graph_walk_next(w, &at)) {
		if (at.class != to || (to_free && at.bound))
			continue;
		assert_int_equal(graph_walk_path(w, at, &path), 0);
		nr = (int)path.nr - 1;
		for (int i = 0; i < nr; i++)
			assert_int_equal(path.edges[i],
					 graph_find_edge(g, path.classes[i], path.classes[i + 1]));
		assert_int_equal(path.classes[backwards ? nr : 0], from);
		assert_int_equal(path.classes[backwards ? 0 : nr], to);
		graph_path_done(&path);
		return nr;
	}
	return 0;
}

static void test_walks_are_strong_and_shortest(void **state)
{
	struct graph_walk *w = graph_walk_new();
	struct links links;

	seed = 2019;
	for (int round = 0; round < ROUNDS; round++) {
		struct graph *g = random_graph(&links);
		uint32_t a = draw(g->nr_classes), b = draw(g->nr_classes);
		int e_only = (int)draw(2), n_only = (int)draw(2);

		if (a != b) {
			int want = (int)expected(&links, a, e_only, b, n_only);

			assert_int_equal(walked(w, g, 0, a, e_only, b, n_only), want);
			assert_int_equal(walked(w, g, 1, b, n_only, a, e_only), want);
		}
		graph_free(g);
	}
	graph_walk_free(w);
}

/* lockdep's mark a class loses this one: D is met first by the bound place of C. */
static void test_bound_does_not_hide_free(void **state)
{
	struct graph *g = new_graph(4);
	struct graph_walk *w = graph_walk_new();
	uint32_t edge;

	graph_add_edge(g, 0, 2, LV_DEP_ER, &edge); /* A -(ER)-> C */
	graph_add_edge(g, 0, 1, LV_DEP_EN, &edge);
	graph_add_edge(g, 1, 2, LV_DEP_EN, &edge); /* A -> B -(EN)-> C */
	graph_add_edge(g, 2, 3, LV_DEP_SN, &edge); /* C -(SN)-> D */
	assert_int_equal(walked(w, g, 0, 0, 0, 3, 0), 3);
	graph_walk_free(w);
	graph_free(g);
}

static void test_limits(void **state)
{
	struct graph *g = new_graph(4);
	struct graph_walk *w = graph_walk_new();
	uint8_t grade[] = {0, 2, 0, 0};
	struct graph_limit limit = {.grade = grade, .max_grade = 1};
	struct graph_place at = {0, false};
	uint32_t edge, seen = 0;

	graph_add_edge(g, 0, 1, LV_DEP_EN, &edge);
	graph_add_edge(g, 1, 3, LV_DEP_EN, &edge);
	graph_add_edge(g, 0, 2, LV_DEP_EN, &edge);
	assert_int_equal(graph_walk_begin(w, g, false, at, &limit), 0);
	while (graph_walk_next(w, &at))
		seen |= BIT(at.class);
	assert_int_equal(seen, BIT(0) | BIT(2));
	at = (struct graph_place){1, false};
	assert_int_equal(graph_walk_begin(w, g, false, at, &limit), 0);
	assert_false(graph_walk_next(w, &at));
	graph_walk_free(w);
	graph_free(g);
}

/* The irq's kinds of a usage at a place, by the words of lockdep's comment. */
static uint32_t kinds(uint32_t usage, uint32_t hard, int bound)
{
	uint32_t found = 0;

	for (uint32_t kind = 0; kind < 2; kind++) {
		uint32_t write = hard + 4 * kind;

		if (usage & BIT(write) || (!bound && usage & BIT(write + 1)))
			found |= BIT(kind);
	}
	return found;
}

static void check_reach(const struct graph *g, const struct links *links,
			const struct graph_reach *r)
{
	for (uint32_t a = 0; a < g->nr_classes; a++)
		for (int bound = 0; bound < 2; bound++) {
			uint32_t after = kinds(g->classes[a].usage, LV_ENABLED_HARDIRQ, bound);
			uint32_t before = kinds(g->classes[a].usage, LV_USED_IN_HARDIRQ, bound);

			for (uint32_t b = 0; b < g->nr_classes; b++)
				for (int end = 0; end < 2; end++) {
					uint32_t usage = g->classes[b].usage;

					/* a way that ends free may count reads */
					if (expected(links, a, bound, b, !end))
						after |= kinds(usage, LV_ENABLED_HARDIRQ, end);
					if (expected(links, b, !end, a, bound))
						before |= kinds(usage, LV_USED_IN_HARDIRQ, end);
				}
			assert_int_equal(graph_reach_after(r, a, bound), after);
			assert_int_equal(graph_reach_before(r, a, bound), before);
		}
}

static void test_reach(void **state)
{
	struct links links;

	seed = 338;
	for (int round = 0; round < ROUNDS / 8; round++) {
		struct graph *g = random_graph(&links);
		struct graph_reach *r = graph_reach_new();

		assert_int_equal(graph_reach_classes(r, g), 0);
		/* Uses and edges come mixed. */
		for (uint32_t i = 0; i < g->nr_edges; i++) {
			uint32_t class = draw(g->nr_classes);

			if (draw(2))
				graph_add_usage(g, class, BIT(draw(8)));
			graph_reach_usage(r, g, class);
			graph_reach_edge(r, g, i);
		}
		check_reach(g, &links, r);
		graph_reach_renew(r, g);
		check_reach(g, &links, r);
		graph_reach_free(r);
		graph_free(g);
	}
}

/* A -> B -> C, B shut: neither end hears of what lies beyond it. */
static void test_reach_shut(void **state)
{
	struct graph *g = new_graph(3);
	struct graph_reach *r = graph_reach_new();
	uint32_t edge;

	assert_int_equal(graph_reach_classes(r, g), 0);
	graph_add_usage(g, 0, BIT(LV_USED_IN_HARDIRQ));
	graph_add_usage(g, 1, BIT(LV_USED_IN_SOFTIRQ) | BIT(LV_ENABLED_HARDIRQ));
	graph_add_usage(g, 2, BIT(LV_ENABLED_SOFTIRQ));
	for (uint32_t i = 0; i < 3; i++)
		graph_reach_usage(r, g, i);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(graph_add_edge(g, i, i + 1, LV_DEP_EN, &edge), 1);
		graph_reach_edge(r, g, edge);
	}
	assert_int_equal(graph_reach_after(r, 0, false), GRAPH_HARD | GRAPH_SOFT);
	assert_int_equal(graph_reach_before(r, 2, false), GRAPH_HARD | GRAPH_SOFT);
	graph_reach_shut(r, 1, GRAPH_SHUT_UNSAFE | GRAPH_SHUT_SAFE);
	assert_int_equal(graph_reach_passed_after(r, 1, false), 0);
	assert_int_equal(graph_reach_passed_before(r, g, 1, false), GRAPH_SOFT);
	graph_reach_renew(r, g);
	assert_int_equal(graph_reach_after(r, 0, false), 0);
	assert_int_equal(graph_reach_after(r, 1, false), GRAPH_HARD | GRAPH_SOFT);
	assert_int_equal(graph_reach_before(r, 2, false), GRAPH_SOFT);
	graph_reach_free(r);
	graph_free(g);
}

/* Does any path, strong or not, lead from a to b? */
static int plain_path(const struct graph *g, uint32_t a, uint32_t b)
{
	uint32_t seen = BIT(a), before = 0;

	while (seen != before) {
		before = seen;
		for (uint32_t i = 0; i < g->nr_edges; i++)
			if (seen & BIT(g->edges[i].from))
				seen |= BIT(g->edges[i].to);
	}
	return !!(seen & BIT(b));
}

/* What the order rules out is no cycle; with no cycle yet it rules out all others. */
static void test_order(void **state)
{
	struct links links;
	uint32_t ruled_out = 0;

	seed = 7;
	for (int round = 0; round < ROUNDS; round++) {
		struct graph *all = random_graph(&links), *g = new_graph(all->nr_classes);
		struct graph_order *o = graph_order_new();
		int cyclic = 0;

		assert_int_equal(graph_order_classes(o, g), 0);
		for (uint32_t i = 0; i < all->nr_edges; i++) {
			uint32_t edge, from = all->edges[i].from, to = all->edges[i].to;
			int closes = plain_path(g, to, from);

			assert_int_equal(graph_add_edge(g, from, to, LV_DEP_EN, &edge), 1);
			assert_int_equal(graph_order_edge(o, g, edge), 0);
			if (closes)
				assert_true(graph_order_may_close(o, g, edge));
			else if (!cyclic)
				assert_false(graph_order_may_close(o, g, edge));
			ruled_out += !graph_order_may_close(o, g, edge);
			cyclic |= closes;
		}
		graph_order_free(o);
		graph_free(all);
		graph_free(g);
	}
	assert_true(ruled_out > ROUNDS);
}

/* One edge against many: when it is forgotten, nothing is against any more. */
static void test_order_forgets(void **state)
{
	struct graph *g = new_graph(40);
	struct graph_order *o = graph_order_new();
	uint32_t wrong, edges[38], edge;

	assert_int_equal(graph_order_classes(o, g), 0);
	assert_int_equal(graph_add_edge(g, 39, 0, LV_DEP_EN, &wrong), 1);
	assert_int_equal(graph_order_edge(o, g, wrong), 0);
	for (uint32_t i = 0; i < 38; i++) {
		assert_int_equal(graph_add_edge(g, i + 1, 39, LV_DEP_EN, &edge), 1);
		assert_int_equal(graph_order_edge(o, g, edge), 0);
		assert_int_equal(graph_add_edge(g, 0, i + 1, LV_DEP_EN, &edges[i]), 1);
		assert_int_equal(graph_order_edge(o, g, edges[i]), 0);
		assert_true(graph_order_may_close(o, g, edges[i]));
	}
	assert_int_equal(graph_order_forget(o, g, wrong), 0);
	for (uint32_t i = 0; i < 38; i++)
		assert_false(graph_order_may_close(o, g, edges[i]));
	graph_order_free(o);
	graph_free(g);
}

/* More edges against the order than it keeps: it must not rule anything out. */
static void test_order_gives_up(void **state)
{
	struct graph *g = new_graph(1202);
	struct graph_order *o = graph_order_new();
	uint32_t edge;

	assert_int_equal(graph_order_classes(o, g), 0);
	for (uint32_t i = 0; i < 1200; i += 2) {
		assert_int_equal(graph_add_edge(g, i, i + 1, LV_DEP_EN, &edge), 1);
		assert_int_equal(graph_order_edge(o, g, edge), 0);
		assert_int_equal(graph_add_edge(g, i + 1, i, LV_DEP_EN, &edge), 1);
		assert_int_equal(graph_order_edge(o, g, edge), 0);
		assert_true(graph_order_may_close(o, g, edge));
	}
	graph_order_free(o);
	graph_free(g);
}

/* Can a strong path from the link come back to where it may go on with the link? */
static int on_strong_cycle(const struct links *links, uint32_t link)
{
	for (uint32_t b = 0; b < links->nr; b++)
		if (distance(links, link, b) && follows(&links->items[b], &links->items[link]))
			return 1;
	return 0;
}

/* A dependency has a region when one of its kinds lies on a strong cycle. */
static void test_regions(void **state)
{
	uint32_t region[2 * MAX_CLASSES], nr, cyclic = 0;
	struct graph_limit none = {0};
	struct links links;

	seed = 99;
	for (int round = 0; round < ROUNDS; round++) {
		struct graph *g = random_graph(&links);

		assert_int_equal(graph_regions(g, &none, region, &nr), 0);
		for (uint32_t e = 0; e < g->nr_edges; e++) {
			uint32_t found = graph_edge_region(g, region, e);
			int want = 0;

			for (uint32_t i = 0; i < links.nr; i++)
				if (links.items[i].from == g->edges[e].from &&
				    links.items[i].to == g->edges[e].to)
					want |= on_strong_cycle(&links, i);
			assert_int_equal(found != LV_NONE, want);
			assert_true(found == LV_NONE || found < nr);
			cyclic += want;
		}
		graph_free(g);
	}
	assert_true(cyclic > ROUNDS);
}

static void test_regions_without(void **state)
{
	struct graph *g = new_graph(2);
	uint32_t region[4], nr, ab, ba;
	bool without[2] = {0};
	struct graph_limit limit = {.without = without};

	assert_int_equal(graph_add_edge(g, 0, 1, LV_DEP_EN, &ab), 1);
	assert_int_equal(graph_add_edge(g, 1, 0, LV_DEP_EN, &ba), 1);
	assert_int_equal(graph_regions(g, &limit, region, &nr), 0);
	assert_int_equal(nr, 1);
	without[ba] = true;
	assert_int_equal(graph_regions(g, &limit, region, &nr), 0);
	assert_int_equal(nr, 0);
	assert_int_equal(graph_edge_region(g, region, ab), LV_NONE);
	graph_free(g);
}

/* A long chain: nothing may recurse. */
static void test_deep(void **state)
{
	uint32_t nr = 100000, edge, regions;
	struct graph *g = new_graph(nr);
	uint32_t *region = calloc(nr, 2 * sizeof(*region));
	struct graph_limit none = {0};

	for (uint32_t i = 0; i + 1 < nr; i++)
		assert_int_equal(graph_add_edge(g, i, i + 1, LV_DEP_EN, &edge), 1);
	assert_int_equal(graph_add_edge(g, nr - 1, 0, LV_DEP_EN, &edge), 1);
	assert_int_equal(graph_regions(g, &none, region, &regions), 0);
	assert_int_equal(regions, 1);
	assert_int_equal(region[nr / 2 * 2], region[0]);
	free(region);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_bad_edges),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_many_edges),
		cmocka_unit_test(test_walks_are_strong_and_shortest),
		cmocka_unit_test(test_bound_does_not_hide_free),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_reach_shut),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_order_forgets),
		cmocka_unit_test(test_order_gives_up),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_regions_without),
		cmocka_unit_test(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
