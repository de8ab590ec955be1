// SPDX-License-Identifier: GPL-2.0-only
/*
 * Circular dependencies. A graph can hold more cycles than anybody can list;
 * what is reported is, for each dependency that lies on a cycle, a shortest
 * one through it. That names every dependency that takes part.
 *
 * One wrong dependency in a big graph can make thousands take part. There the
 * ones that most cycles have are looked for, taken for the wrong ones, and only
 * their cycles reported, until the rest is small.
 */
#include "finding/rules.h"
#include "graph/scc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * One wrong dependency in a big graph closes many cycles. So many that share
 * a dependency are findings of their own; further ones are listed with the
 * first of them.
 */
#define SHARED_FINDINGS 3

#define BIG_REGION 512 /* dependencies; in a smaller one all are searched for */
#define SAMPLES 12     /* cycles looked at to tell which dependency most have */
#define MAX_CULPRITS 96

struct found_cycle {
	struct graph_path path; /* graph classes, the first by name first */
	uint8_t grade;
};

struct cycles {
	struct finding_model *m;
	struct found_cycle *items;
	uint32_t nr, room;
	uint8_t *done; /* by graph edge: lies on a cycle that was found */
	bool *culprit; /* by graph edge: taken for a wrong one */
	uint32_t nr_culprits;
	uint32_t *region;	/* by place: 2 * graph class + bound */
	uint32_t *region_edges; /* by region: how many */
	uint32_t *uses;		/* by graph edge: findings with it */
	uint32_t *first;	/* by graph edge: the first of them */
	bool cut_short;
};

/* The shortest strong path back from the edge's end to its start. */
static int walk_back(struct finding_model *m, const struct graph_edge *e, uint32_t dep,
		     const struct graph_limit *limit, struct graph_path *ret_path)
{
	struct graph_place at = {e->to, !(dep & GRAPH_DEPS_N)};
	int err = graph_walk_begin(m->walk, m->g, false, at, limit);

	while (!err && graph_walk_next(m->walk, &at)) {
		if (at.class != e->from)
			continue;
		/* It closes unless -(xR)-> meets -(Sx)-> at the start. */
		if (!at.bound || dep & GRAPH_DEPS_E)
			return graph_walk_path(m->walk, at, ret_path);
	}
	return err;
}

static void reverse(uint32_t *items, uint32_t nr)
{
	for (uint32_t i = 0; i < nr / 2; i++) {
		uint32_t item = items[i];

		items[i] = items[nr - 1 - i];
		items[nr - 1 - i] = item;
	}
}

/* The first so many go behind the others. */
static void rotate(uint32_t *items, uint32_t nr, uint32_t first)
{
	reverse(items, first);
	reverse(items + first, nr - first);
	reverse(items, nr);
}

/* Turns the cycle so that it begins with its first class by number. */
static void turn(struct graph_path *path)
{
	uint32_t first = 0;

	for (uint32_t i = 1; i < path->nr; i++)
		if (path->classes[i] < path->classes[first])
			first = i;
	rotate(path->classes, path->nr, first);
	rotate(path->edges, path->nr, first);
}

int finding_cycle_through(struct finding_model *m, uint32_t edge, uint32_t dep,
			  const struct graph_limit *limit, struct graph_path *ret_path)
{
	const struct graph_edge *e = &m->g->edges[edge];
	struct graph_path best = {0};
	int err = 0;

	/* EN can do what the others can. */
	if (dep & LV_DEP_EN)
		dep = LV_DEP_EN;
	for (uint32_t kind = LV_DEP_EN; !err && kind; kind >>= 1) {
		struct graph_path path = {0};

		if (!(dep & kind))
			continue;
		err = walk_back(m, e, kind, limit, &path);
		if (!err && path.nr && (!best.nr || path.nr < best.nr)) {
			graph_path_done(&best);
			best = path;
		} else {
			graph_path_done(&path);
		}
	}
	if (best.nr) {
		best.edges[best.nr - 1] = edge; /* from the last back to the first */
		turn(&best);
	}
	*ret_path = best;
	return err;
}

static int compare_paths(const struct graph_path *a, const struct graph_path *b)
{
	if (a->nr != b->nr)
		return a->nr < b->nr ? -1 : 1;
	for (uint32_t i = 0; i < a->nr; i++)
		if (a->classes[i] != b->classes[i])
			return a->classes[i] < b->classes[i] ? -1 : 1;
	return 0;
}

static int by_worth(const void *a, const void *b)
{
	const struct found_cycle *left = a, *right = b;

	if (left->grade != right->grade)
		return left->grade < right->grade ? -1 : 1;
	return compare_paths(&left->path, &right->path);
}

static int keep(struct cycles *cs, struct graph_path *path, uint8_t grade)
{
	if (cs->nr == cs->room) {
		uint32_t room = cs->room ? cs->room * 2 : 16;
		struct found_cycle *grown = reallocarray(cs->items, room, sizeof(*grown));

		if (!grown) {
			graph_path_done(path);
			return -ENOMEM;
		}
		cs->items = grown;
		cs->room = room;
	}
	finding_model_spend_path(cs->m, path);
	for (uint32_t i = 0; i < path->nr; i++)
		cs->done[path->edges[i]] |= 1u << grade;
	cs->items[cs->nr++] = (struct found_cycle){.path = *path, .grade = grade};
	return 0;
}

/* An edge is searched for unless a surer cycle explains it. */
static bool wanted(const struct cycles *cs, uint32_t edge, uint8_t grade)
{
	if (cs->culprit[edge] || graph_edge_region(cs->m->g, cs->region, edge) == LV_NONE)
		return false;
	if (cs->done[edge] & ((1u << grade) - 1))
		return false;
	return grade < CAPTURE_AMBIGUOUS || !cs->done[edge];
}

/* The number of dependencies in each region; the biggest in *ret_biggest. */
static void count_regions(struct cycles *cs, uint32_t nr_regions, uint32_t *ret_biggest)
{
	memset(cs->region_edges, 0, nr_regions * sizeof(*cs->region_edges));
	*ret_biggest = 0;
	for (uint32_t i = 0; i < cs->m->g->nr_edges; i++) {
		uint32_t region =
			cs->culprit[i] ? LV_NONE : graph_edge_region(cs->m->g, cs->region, i);

		if (region == LV_NONE)
			continue;
		if (++cs->region_edges[region] > cs->region_edges[*ret_biggest])
			*ret_biggest = region;
	}
}

static int search(struct cycles *cs, uint32_t edge, struct graph_limit *limit,
		  struct graph_path *ret_path)
{
	limit->region_id = graph_edge_region(cs->m->g, cs->region, edge);
	return finding_cycle_through(cs->m, edge, cs->m->g->edges[edge].dep, limit, ret_path);
}

/* The dependency that most of some cycles of the region have. */
static int find_culprit(struct cycles *cs, uint32_t region, struct graph_limit *limit,
			uint32_t *ret_edge)
{
	uint32_t nr = cs->region_edges[region], stride = nr / SAMPLES, best = LV_NONE;
	uint32_t *hits = calloc(cs->m->g->nr_edges, sizeof(*hits));
	int err = hits ? 0 : -ENOMEM;

	for (uint32_t i = 0, seen = 0; !err && i < cs->m->g->nr_edges; i++) {
		struct graph_path path;

		if (cs->culprit[i] || graph_edge_region(cs->m->g, cs->region, i) != region ||
		    seen++ % stride)
			continue;
		err = search(cs, i, limit, &path);
		for (uint32_t j = 0; !err && j < path.nr; j++) {
			uint32_t edge = path.edges[j];

			hits[edge]++;
			if (best == LV_NONE || hits[edge] > hits[best] ||
			    (hits[edge] == hits[best] && edge < best))
				best = edge;
		}
		if (!err)
			graph_path_done(&path);
	}
	free(hits);
	*ret_edge = best;
	return err;
}

static int keep_cycle(struct cycles *cs, uint32_t edge, uint8_t grade, struct graph_limit *limit)
{
	struct graph_path path;
	int err = search(cs, edge, limit, &path);

	if (!err && path.nr)
		err = keep(cs, &path, grade);
	return err;
}

/* Takes culprits out of the big regions until none is big. */
static int break_regions(struct cycles *cs, uint8_t grade, struct graph_limit *limit)
{
	uint32_t nr_regions, biggest, edge;
	int err;

	for (;;) {
		err = graph_regions(cs->m->g, limit, cs->region, &nr_regions);
		if (err || !nr_regions)
			return err;
		count_regions(cs, nr_regions, &biggest);
		if (cs->region_edges[biggest] <= BIG_REGION)
			return 0;
		if (cs->nr_culprits++ >= MAX_CULPRITS || finding_model_tired(cs->m)) {
			cs->cut_short = true;
			return 0;
		}
		err = find_culprit(cs, biggest, limit, &edge);
		if (!err && edge != LV_NONE)
			err = keep_cycle(cs, edge, grade, limit);
		if (err || edge == LV_NONE)
			return err;
		cs->culprit[edge] = true;
	}
}

/* Cycles in the classes of at most this grade. */
static int find_cycles(struct cycles *cs, uint8_t grade)
{
	struct finding_model *m = cs->m;
	struct graph_limit limit = {
		.grade = m->cycle_grade,
		.max_grade = grade,
		.region = cs->region,
		.without = cs->culprit,
	};
	int err = break_regions(cs, grade, &limit);

	for (uint32_t i = 0; !err && i < m->g->nr_edges; i++) {
		uint32_t region = graph_edge_region(m->g, cs->region, i);

		if (!wanted(cs, i, grade) || cs->region_edges[region] > BIG_REGION)
			continue;
		if (finding_model_tired(m)) {
			cs->cut_short = true;
			break;
		}
		err = keep_cycle(cs, i, grade, &limit);
	}
	return err;
}

/* The edge of the cycle that most findings have, if that is enough of them. */
static uint32_t crowded_edge(const struct cycles *cs, const struct graph_path *path)
{
	uint32_t best = LV_NONE;

	for (uint32_t i = 0; i < path->nr; i++) {
		uint32_t edge = path->edges[i];

		if (cs->uses[edge] < SHARED_FINDINGS)
			continue;
		if (best == LV_NONE || cs->uses[edge] > cs->uses[best])
			best = edge;
	}
	return best;
}

/* Those that an annotation graded down are a round of their own, after the others. */
static int report_cycle(struct cycles *cs, const struct graph_path *path, bool graded_down,
			struct finding_set *set)
{
	uint32_t crowded = crowded_edge(cs, path);
	struct finding_chain chain;
	int err = finding_chain_circular(cs->m, path, &chain);

	if (err)
		return err == -ENOENT ? 0 : err;
	if (graded_down != (chain.graded_down != NULL)) {
		finding_chain_done(&chain);
		return 0;
	}
	if (crowded != LV_NONE)
		return finding_add_also(&set->findings->items[cs->first[crowded]], &chain);
	for (uint32_t i = 0; i < path->nr; i++)
		if (!cs->uses[path->edges[i]]++)
			cs->first[path->edges[i]] = set->findings->nr;
	return finding_set_add(set, FINDING_CIRCULAR, &chain, NULL);
}

static int report_cycles(struct cycles *cs, struct finding_set *set)
{
	int err = 0;

	if (cs->nr)
		qsort(cs->items, cs->nr, sizeof(*cs->items), by_worth);
	for (uint32_t i = 0; !err && i < 2 * cs->nr; i++) {
		uint32_t at = i % cs->nr;

		if (finding_model_overworked(cs->m)) {
			cs->cut_short = true;
			break;
		}
		if (!at || compare_paths(&cs->items[at - 1].path, &cs->items[at].path))
			err = report_cycle(cs, &cs->items[at].path, i >= cs->nr, set);
	}
	if (cs->cut_short)
		set->findings->cut_short = true;
	return err;
}

int finding_rule_circular(struct finding_model *m, struct finding_set *set)
{
	size_t edges = m->g->nr_edges + 1, classes = m->g->nr_classes + 1;
	struct cycles cs = {
		.m = m,
		.done = calloc(edges, 1),
		.culprit = calloc(edges, sizeof(*cs.culprit)),
		.region = calloc(classes * 2, sizeof(*cs.region)),
		.region_edges = calloc(classes * 2, sizeof(*cs.region_edges)),
		.uses = calloc(edges, sizeof(*cs.uses)),
		.first = calloc(edges, sizeof(*cs.first)),
	};
	int err = 0;

	if (!cs.done || !cs.culprit || !cs.region || !cs.region_edges || !cs.uses || !cs.first)
		err = -ENOMEM;
	for (uint8_t grade = CAPTURE_EXACT; !err && grade <= CAPTURE_AMBIGUOUS; grade++)
		err = find_cycles(&cs, grade);
	err = err ?: report_cycles(&cs, set);
	for (uint32_t i = 0; i < cs.nr; i++)
		graph_path_done(&cs.items[i].path);
	free(cs.items);
	free(cs.done);
	free(cs.culprit);
	free(cs.region);
	free(cs.region_edges);
	free(cs.uses);
	free(cs.first);
	return err;
}
