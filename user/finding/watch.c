// SPDX-License-Identifier: GPL-2.0-only
#include "finding/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "finding/fault.h"
#include "finding/pseudo.h"
#include "finding/rules.h"
#include "finding/told.h"
#include "graph/order.h"

#define UNTOLD UINT8_MAX

/*
 * A wrong dependency closes a cycle with nearly each new one. After so many
 * cycles told it is left out of the search for others.
 */
#define CROWD 16

/* An unsafe class that the event under way can be reached from. */
struct ahead {
	uint32_t class;
	uint32_t kinds;
};

struct finding_watch {
	struct finding_model *m;
	struct graph_order *order;
	/* Reachability without what has been told and what lies beyond it. */
	struct graph_reach *open;
	bool stale;	 /* it could do without more than it does */
	uint64_t wasted; /* arcs looked at for nothing since it was renewed */
	uint8_t *told;	 /* by graph class: grade of the inversion told of it, or UNTOLD */
	uint8_t *faults; /* by graph class: 1 + confidence of the cycle told of its faults, or 0 */
	struct ahead *ahead;
	uint32_t nr_ahead;
	uint32_t room; /* entries in told; ahead has twice as much */
	struct told_ids ids;
	uint8_t *cycles; /* by graph edge: cycles told that have it */
	bool *crowded;	 /* by graph edge: in CROWD of them */
	uint32_t room_edges;
};

int finding_watch_new(const struct capture *c, struct finding_watch **ret_watch)
{
	struct finding_watch *w = calloc(1, sizeof(*w));
	int err = w ? finding_model_new(c, &w->m) : -ENOMEM;

	if (!err) {
		w->order = graph_order_new();
		w->open = graph_reach_new();
		err = w->order && w->open ? 0 : -ENOMEM;
	}
	if (err) {
		finding_watch_free(w);
		return err;
	}
	*ret_watch = w;
	return 0;
}

void finding_watch_free(struct finding_watch *w)
{
	if (!w)
		return;
	finding_model_free(w->m);
	graph_order_free(w->order);
	graph_reach_free(w->open);
	free(w->told);
	free(w->faults);
	free(w->ahead);
	told_ids_done(&w->ids);
	free(w->cycles);
	free(w->crowded);
	free(w);
}

/*
 * Findings that the rules add in one step, before it is known whether they are news. Each step has
 * the whole budget.
 */
static int begin(struct finding_watch *w, struct finding_set *set)
{
	finding_model_reset_work(w->m);
	*set = (struct finding_set){.findings = calloc(1, sizeof(*set->findings))};
	return set->findings ? 0 : -ENOMEM;
}

static int append(struct findings *all, const struct finding *f)
{
	struct finding *grown = reallocarray(all->items, all->nr + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	all->items = grown;
	all->items[all->nr++] = *f;
	return 0;
}

/* Hands over what is news and frees the rest. */
static int finish(struct finding_watch *w, struct finding_set *set, int err,
		  struct findings *ret_new)
{
	struct findings *found = set->findings;
	uint32_t kept = 0;

	for (uint32_t i = 0; found && i < found->nr; i++) {
		struct finding f = found->items[i];
		int news = 0;

		if (!err) {
			finding_set_id(w->m->c, &f);
			news = told_ids_is_news(&w->ids, &f);
		}
		if (news > 0)
			news = append(ret_new, &f) ?: 1;
		if (news < 0)
			err = news;
		if (news <= 0)
			found->items[kept++] = f;
	}
	if (found)
		found->nr = kept;
	findings_free(found);
	return err;
}

static int reserve(struct finding_watch *w)
{
	uint32_t nr = w->m->g->nr_classes, room = w->room ? w->room : 64;
	uint8_t *told, *faults;
	struct ahead *ahead;

	while (room < nr)
		room *= 2;
	if (room == w->room)
		return 0;
	told = realloc(w->told, room);
	if (!told)
		return -ENOMEM;
	w->told = told;
	memset(told + w->room, UNTOLD, room - w->room);
	faults = realloc(w->faults, room);
	if (!faults)
		return -ENOMEM;
	w->faults = faults;
	memset(faults + w->room, 0, room - w->room);
	ahead = reallocarray(w->ahead, room, 2 * sizeof(*ahead));
	if (!ahead)
		return -ENOMEM;
	w->ahead = ahead;
	w->room = room;
	return 0;
}

/*
 * The unsafe classes a place leads to, in classes of at most this grade, of
 * which nothing as sure has been told. Those beyond one that is unsafe for
 * every holder are that one's.
 */
static int look_ahead(struct finding_watch *w, struct graph_place at, uint32_t kinds, uint8_t grade)
{
	struct finding_model *m = w->m;
	struct graph_limit limit = {
		.grade = m->grade,
		.max_grade = grade,
		.need = w->open->unsafe_after,
		.need_bits = GRAPH_REACH_FREE(kinds) | GRAPH_REACH_BOUND(kinds),
	};
	int err = graph_walk_begin(m->walk, m->g, false, at, &limit);

	w->nr_ahead = 0;
	while (!err && graph_walk_next(m->walk, &at)) {
		uint32_t usage = finding_model_usage(m, at.class);
		uint32_t found = graph_unsafe_kinds(usage, at.bound) & kinds;

		if (found && w->told[at.class] > grade)
			w->ahead[w->nr_ahead++] = (struct ahead){at.class, found};
		if (graph_unsafe_kinds(usage, true) == (GRAPH_HARD | GRAPH_SOFT))
			graph_walk_stop_here(m->walk);
	}
	return err;
}

/* The kinds of safe classes that lead to a place, not by way of unsafe ones. */
static int look_behind(struct finding_watch *w, struct graph_place at, uint32_t kinds,
		       uint8_t grade, uint32_t *ret_kinds)
{
	struct finding_model *m = w->m;
	struct graph_limit limit = {
		.grade = m->grade,
		.max_grade = grade,
		.need = w->open->safe_before,
		.need_bits = GRAPH_REACH_FREE(kinds) | GRAPH_REACH_BOUND(kinds),
	};
	int err = graph_walk_begin(m->walk, m->g, true, at, &limit);

	*ret_kinds = 0;
	while (!err && (*ret_kinds & kinds) != kinds && graph_walk_next(m->walk, &at)) {
		uint32_t usage = finding_model_usage(m, at.class);

		*ret_kinds |= graph_safe_kinds(usage, at.bound);
		if (finding_ends_inversion(usage, GRAPH_HARD, at.bound) &&
		    finding_ends_inversion(usage, GRAPH_SOFT, at.bound))
			graph_walk_stop_here(m->walk);
	}
	return err;
}

static bool always_unsafe(const struct finding_model *m, uint32_t class)
{
	return graph_unsafe_kinds(finding_model_usage(m, class), true) == (GRAPH_HARD | GRAPH_SOFT);
}

static void shut(struct finding_watch *w, uint32_t class, uint8_t how)
{
	if (!always_unsafe(w->m, class))
		return;
	graph_reach_shut(w->open, class, how);
	w->stale = true;
}

/* The inversion that ends in an unsafe class, if there is one surer than was told. */
static int tell_unsafe(struct finding_watch *w, uint32_t class, struct finding_set *set)
{
	uint32_t before = set->findings->nr;
	int err = finding_rule_inversion(w->m, class, set);

	if (err || set->findings->nr == before)
		return err;
	w->told[class] = set->findings->items[before].chain.grade;
	if (w->told[class] <= w->m->grade[class]) /* none can be surer */
		shut(w, class, GRAPH_SHUT_UNSAFE);
	return 0;
}

static int tell_joined_at(struct finding_watch *w, struct graph_place behind,
			  struct graph_place ahead, uint32_t kinds, uint8_t grade,
			  struct finding_set *set)
{
	uint32_t safe;
	int err = look_behind(w, behind, kinds, grade, &safe);

	w->nr_ahead = 0;
	if (!err && safe & kinds)
		err = look_ahead(w, ahead, kinds & safe, grade);
	for (uint32_t i = 0; !err && i < w->nr_ahead; i++)
		if (w->told[w->ahead[i].class] > grade)
			err = tell_unsafe(w, w->ahead[i].class, set);
	return err;
}

static void count_waste(struct finding_watch *w, uint64_t cost)
{
	w->wasted += cost;
	if (!w->stale || w->wasted < 4 * (uint64_t)w->m->g->nr_edges)
		return;
	graph_reach_renew(w->open, w->m->g);
	w->stale = false;
	w->wasted = 0;
}

/* A step from a place to another joined what was behind to what is ahead. */
static int tell_joined(struct finding_watch *w, struct graph_place behind, struct graph_place ahead,
		       struct finding_set *set)
{
	struct finding_model *m = w->m;
	uint32_t kinds = graph_reach_passed_before(w->open, m->g, behind.class, behind.bound) &
			 graph_reach_passed_after(w->open, ahead.class, ahead.bound);
	uint64_t cost = graph_walk_cost(m->walk);
	uint32_t before = set->findings->nr;
	uint8_t grade = m->grade[behind.class];
	int err = 0;

	if (!kinds)
		return 0;
	if (m->grade[ahead.class] > grade)
		grade = m->grade[ahead.class];
	for (; !err && grade <= CAPTURE_AMBIGUOUS; grade++)
		err = tell_joined_at(w, behind, ahead, kinds, grade, set);
	if (!err && set->findings->nr == before)
		count_waste(w, graph_walk_cost(m->walk) - cost);
	return err;
}

static void say_usage(struct finding_set *set, enum finding_event event)
{
	for (uint32_t i = 0; i < set->findings->nr; i++)
		set->findings->items[i].event = event;
}

/* The class is used in irqs now: everything unsafe it leads to. */
static int tell_safe_use(struct finding_watch *w, uint32_t at, uint32_t new,
			 struct finding_set *set)
{
	struct graph_place free = {at, false}, bound = {at, true};
	int err = 0;

	/* A reader in an irq is no head of a chain that begins with a reader. */
	if (graph_safe_kinds(new, true))
		err = tell_joined(w, bound, free, set);
	if (!err && graph_safe_kinds(new, false))
		err = tell_joined(w, free, bound, set);
	if (!err)
		say_usage(set, FINDING_BY_SAFE_USE);
	return err;
}

static int tell_unsafe_use(struct finding_watch *w, uint32_t at, uint32_t new,
			   struct finding_set *set)
{
	uint32_t kinds =
		graph_unsafe_kinds(new, false) & graph_reach_before(w->m->reach, at, false);

	/* Nothing can be surer than what has the class's own grade. */
	if (!kinds || w->told[at] <= w->m->grade[at])
		return 0;
	return tell_unsafe(w, at, set);
}

static int tell_use(struct finding_watch *w, uint32_t at, uint32_t new, struct finding_set *set)
{
	int err;

	graph_reach_usage(w->open, w->m->g, at);
	if (graph_unsafe_kinds(new, true))
		shut(w, at, GRAPH_SHUT_SAFE);
	err = tell_safe_use(w, at, new, set);
	err = err ?: tell_unsafe_use(w, at, new, set);
	err = err ?: finding_rule_inconsistent(w->m, at, set);
	err = err ?: finding_rule_recursive(w->m, at, set);
	return err ?: finding_rule_wait_irq(w->m, at, set);
}

int finding_watch_class(struct finding_watch *w, uint32_t class, struct findings *ret_new)
{
	struct finding_set set;
	int err = finding_model_add_class(w->m, class);

	err = err ?: reserve(w);
	err = err ?: graph_order_classes(w->order, w->m->g);
	err = err ?: graph_reach_classes(w->open, w->m->g);
	if (err)
		return err;
	err = begin(w, &set);
	err = err ?: tell_use(w, w->m->graph_class[class], w->m->c->classes[class].usage, &set);
	return finish(w, &set, err, ret_new);
}

int finding_watch_usage(struct finding_watch *w, uint32_t class, struct findings *ret_new)
{
	struct finding_model *m = w->m;
	struct finding_set set;
	uint32_t at, new;
	int err;

	if (class >= m->c->nr_classes || class >= m->room_classes ||
	    m->graph_class[class] == LV_NONE)
		return -EINVAL;
	at = m->graph_class[class];
	new = graph_add_usage(m->g, at, finding_usage(m->c, &m->c->classes[class]));
	graph_reach_usage(m->reach, m->g, at);
	err = begin(w, &set);
	err = err ?: tell_use(w, at, new, &set);
	return finish(w, &set, err, ret_new);
}

static int reserve_edges(struct finding_watch *w)
{
	uint32_t nr = w->m->g->nr_edges, room = w->room_edges ? w->room_edges : 64;
	uint8_t *cycles;
	bool *crowded;

	while (room < nr)
		room *= 2;
	if (room == w->room_edges)
		return 0;
	cycles = reallocarray(w->cycles, room, sizeof(*cycles));
	if (!cycles)
		return -ENOMEM;
	w->cycles = cycles;
	crowded = reallocarray(w->crowded, room, sizeof(*crowded));
	if (!crowded)
		return -ENOMEM;
	w->crowded = crowded;
	memset(cycles + w->room_edges, 0, (room - w->room_edges) * sizeof(*cycles));
	memset(crowded + w->room_edges, 0, (room - w->room_edges) * sizeof(*crowded));
	w->room_edges = room;
	return 0;
}

static int count_cycle(struct finding_watch *w, const struct graph_path *path)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < path->nr; i++) {
		uint32_t edge = path->edges[i];

		if (w->crowded[edge] || ++w->cycles[edge] < CROWD)
			continue;
		w->crowded[edge] = true;
		err = graph_order_forget(w->order, w->m->g, edge);
	}
	return err;
}

/* The surest cycle that the new kinds of an edge close. */
static int find_cycle(struct finding_watch *w, uint32_t edge, uint32_t dep,
		      struct graph_path *ret_path)
{
	struct finding_model *m = w->m;
	const struct graph_edge *e = &m->g->edges[edge];
	struct graph_limit limit = {.grade = m->cycle_grade, .without = w->crowded};
	int err = 0;

	limit.max_grade = m->cycle_grade[e->from];
	if (m->cycle_grade[e->to] > limit.max_grade)
		limit.max_grade = m->cycle_grade[e->to];
	for (; !err && !ret_path->nr && limit.max_grade <= CAPTURE_AMBIGUOUS; limit.max_grade++)
		err = finding_cycle_through(m, edge, dep, &limit, ret_path);
	return err;
}

/* A class that is held over page faults is told once, for whatever they then take (fold.h). */
static bool is_news_of_faults(struct finding_watch *w, const struct graph_path *path,
			      enum finding_confidence confidence)
{
	bool told = false;

	for (uint32_t i = 0; i < path->nr; i++) {
		uint8_t *best = &w->faults[w->m->g->edges[path->edges[i]].from];

		if (!fault_is_all_of(w->m, path->edges[i]))
			continue;
		told |= *best > confidence;
		if (*best <= confidence)
			*best = 1 + confidence;
	}
	return !told;
}

static int tell_cycle(struct finding_watch *w, uint32_t edge, uint32_t dep, struct finding_set *set)
{
	struct graph_path path = {0};
	struct finding_chain chain;
	int err = 0;

	if (w->crowded[edge] || !graph_order_may_close(w->order, w->m->g, edge))
		return 0;
	err = find_cycle(w, edge, dep, &path);
	if (!err && path.nr) {
		err = finding_chain_circular(w->m, &path, &chain);
		if (!err && is_news_of_faults(w, &path, chain.confidence))
			err = finding_set_add(set, FINDING_CIRCULAR, &chain, NULL);
		else if (!err)
			finding_chain_done(&chain);
		err = err ?: count_cycle(w, &path);
	}
	graph_path_done(&path);
	return err == -ENOENT ? 0 : err;
}

/* Where in the finding's chain the new edge stands, if it does. */
static void say_edge(const struct finding_watch *w, struct finding_set *set, uint32_t edge)
{
	const struct capture_edge *new = &w->m->c->edges[edge];

	for (uint32_t i = 0; i < set->findings->nr; i++) {
		struct finding *f = &set->findings->items[i];

		for (uint32_t j = 0; j < f->chain.nr_edges; j++) {
			const struct capture_edge *e = &w->m->c->edges[f->chain.edges[j]];

			if (e->from != new->from || e->to != new->to)
				continue;
			f->event = FINDING_BY_EDGE;
			f->event_edge = j;
		}
	}
}

static int tell_edge(struct finding_watch *w, uint32_t edge, uint32_t dep, struct finding_set *set)
{
	const struct graph_edge *e = &w->m->g->edges[edge];
	struct graph_place behind = {e->from, !(dep & GRAPH_DEPS_E)};
	struct graph_place ahead = {e->to, !(dep & GRAPH_DEPS_N)};
	int err = tell_cycle(w, edge, dep, set);

	graph_reach_edge(w->open, w->m->g, edge);
	err = err ?: tell_joined(w, behind, ahead, set);
	return err ?: finding_rule_wait_edge(w->m, edge, set);
}

int finding_watch_edge(struct finding_watch *w, uint32_t edge, struct findings *ret_new)
{
	uint32_t nr_edges = w->m->g->nr_edges, added, dep;
	struct finding_set set;
	int err = finding_model_add_edge(w->m, edge, &added);

	if (err < 0 || finding_pseudo_refutes(w->m->c, &w->m->c->edges[edge]))
		return err;
	if (w->m->g->nr_edges > nr_edges)
		err = reserve_edges(w) ?: graph_order_edge(w->order, w->m->g, added);
	else if (err == 0 && added != LV_NONE)
		return 0; /* a kind known: no new path */
	else
		err = 0;
	if (err)
		return err;
	dep = w->m->c->edges[edge].dep & GRAPH_DEPS;
	err = begin(w, &set);
	if (!err && added == LV_NONE)
		err = finding_rule_recursive(w->m, w->m->graph_class[w->m->c->edges[edge].from],
					     &set);
	else if (!err)
		err = tell_edge(w, added, dep, &set);
	if (!err)
		say_edge(w, &set, edge);
	return finish(w, &set, err, ret_new);
}

int finding_watch_fact(struct finding_watch *w, uint32_t fact, struct findings *ret_new)
{
	const struct capture *c = w->m->c;
	struct finding_set set;
	int err;

	if (fact >= c->nr_facts || c->facts[fact].kind >= CAPTURE_FACT_KINDS ||
	    c->facts[fact].class >= c->nr_classes ||
	    (c->facts[fact].class2 != LV_NONE && c->facts[fact].class2 >= c->nr_classes))
		return -EINVAL;
	err = begin(w, &set);
	err = err ?: finding_rule_fact(w->m, &c->facts[fact], &set);
	return finish(w, &set, err, ret_new);
}

int finding_watch_ring(struct finding_watch *w, uint32_t first, struct findings *ret_new)
{
	const struct capture *c = w->m->c;
	struct finding_set set;
	int err;

	if (first >= c->nr_waits)
		return -EINVAL;
	for (size_t i = first; i < first + capture_ring_len(c, first); i++)
		if (c->waits[i].class >= c->nr_classes)
			return -EINVAL;
	err = begin(w, &set);
	err = err ?: finding_rule_deadlock(w->m, first, &set);
	return finish(w, &set, err, ret_new);
}

/* The cycle's chain, by the best of its sightings. */
static int judge_cycle(struct finding_model *m, const struct finding_chain *told,
		       struct finding_set *set)
{
	struct graph_path path = {
		.classes = calloc(told->nr_classes, sizeof(*path.classes)),
		.edges = calloc(told->nr_classes, sizeof(*path.edges)),
		.nr = told->nr_classes,
	};
	int err = path.classes && path.edges ? 0 : -ENOMEM;
	struct finding_chain chain;

	for (uint32_t i = 0; !err && i < path.nr; i++) {
		path.classes[i] = m->graph_class[told->classes[i]];
		path.edges[i] = graph_find_edge(
			m->g, path.classes[i],
			m->graph_class[told->classes[(i + 1) % path.nr]]);
	}
	err = err ?: finding_chain_circular(m, &path, &chain);
	err = err ?: finding_set_add(set, FINDING_CIRCULAR, &chain, NULL);
	graph_path_done(&path);
	return err;
}

int finding_watch_again(struct finding_watch *w, const struct finding *f, struct findings *ret_new)
{
	const struct finding_chain *told = &f->chain;
	uint32_t last = w->m->graph_class[told->classes[told->nr_classes - 1]];
	struct finding_set set;
	int err = begin(w, &set);

	if (!err && f->rule == FINDING_CIRCULAR)
		err = judge_cycle(w->m, told, &set);
	else if (!err && f->rule == FINDING_IRQ_INVERSION)
		err = finding_rule_inversion(w->m, last, &set);
	else if (!err && f->rule == FINDING_INCONSISTENT)
		err = finding_rule_inconsistent(w->m, last, &set);
	for (uint32_t i = 0; !err && i < set.findings->nr; i++) {
		set.findings->items[i].event = f->event;
		set.findings->items[i].event_edge = f->event_edge;
	}
	return finish(w, &set, err, ret_new);
}

size_t finding_watch_memory(const struct finding_watch *w)
{
	const struct finding_model *m = w->m;
	size_t sum = sizeof(*w) + sizeof(*m);

	sum += graph_memory(m->g) + graph_reach_memory(m->reach) + graph_reach_memory(w->open) +
	       graph_walk_memory(m->walk);
	sum += graph_order_memory(w->order);
	if (m->annotations)
		sum += annotations_memory(m->annotations);
	sum += m->room_classes * (4 * sizeof(uint32_t) + sizeof(*m->member) + 3) +
	       m->room_edges * 2 * sizeof(uint32_t);
	sum += w->room_edges * (sizeof(*w->cycles) + sizeof(*w->crowded));
	return sum + w->room * (2 + 2 * sizeof(*w->ahead)) + told_ids_memory(&w->ids);
}
