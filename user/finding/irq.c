// SPDX-License-Identifier: GPL-2.0-only
#include "finding/rules.h"
#include "finding/sighting.h"

#include <errno.h>
#include <stdlib.h>

#include "finding/annotated.h"

#define BIT(n) (1u << (n))

/* One class: IN and ON exclude each other unless both are reads. */
struct conflict {
	enum lv_usage in, on;
};

/* Best first: hardirq before softirq, writes before reads. */
static const struct conflict conflicts[] = {
	{LV_USED_IN_HARDIRQ, LV_ENABLED_HARDIRQ},
	{LV_USED_IN_HARDIRQ, LV_ENABLED_HARDIRQ_READ},
	{LV_USED_IN_HARDIRQ_READ, LV_ENABLED_HARDIRQ},
	{LV_USED_IN_SOFTIRQ, LV_ENABLED_SOFTIRQ},
	{LV_USED_IN_SOFTIRQ, LV_ENABLED_SOFTIRQ_READ},
	{LV_USED_IN_SOFTIRQ_READ, LV_ENABLED_SOFTIRQ},
};

static bool same_instance(const struct capture_class *class, const struct conflict *conflict)
{
	const uint64_t in[] = {class->usage_addr[conflict->in], class->usage_low[conflict->in]};
	const uint64_t on[] = {class->usage_addr[conflict->on], class->usage_low[conflict->on]};

	return (in[0] && (in[0] == on[0] || in[0] == on[1])) ||
	       (in[1] && (in[1] == on[0] || in[1] == on[1]));
}

int finding_rule_inconsistent(struct finding_model *m, uint32_t class, struct finding_set *set)
{
	const struct capture_class *seen = finding_class(m, class);
	uint32_t usage = finding_model_usage(m, class);
	const struct conflict *best = NULL;
	struct finding_chain chain;
	int err;

	for (size_t i = 0; i < sizeof(conflicts) / sizeof(*conflicts); i++) {
		const struct conflict *found = &conflicts[i];

		if (!(usage & BIT(found->in)) || !(usage & BIT(found->on)))
			continue;
		if (!best || (same_instance(seen, found) && !same_instance(seen, best)))
			best = found;
	}
	if (!best)
		return 0;
	err = finding_chain_plain(m, &m->capture_class[class], 1, LV_NONE, &chain);
	if (err)
		return err;
	chain.safe = best->in;
	chain.unsafe = best->on;
	chain.grade = m->grade[class];
	err = annotated_grade(m, false, same_instance(seen, best), &chain);
	if (err) {
		finding_chain_done(&chain);
		return err;
	}
	chain.confidence = finding_confidence_of(m->c, &chain);
	if (chain.confidence == FINDING_CERTAIN && same_instance(seen, best))
		chain.confidence = FINDING_CONFIRMED;
	chain.confidence = finding_judge_sightings(m->c, &chain, false, chain.confidence);
	return finding_set_add(set, FINDING_INCONSISTENT, &chain, NULL);
}

/* The safe classes found to reach an unsafe one, each by its best path. */
struct head {
	uint32_t class;
	uint32_t kinds;
	uint8_t grade;
	struct graph_path path;
};

#define MAX_HEADS 16

struct heads {
	struct head items[MAX_HEADS];
	uint32_t nr;
	uint32_t more; /* that found no room */
};

static struct head *find_head(struct heads *heads, uint32_t class)
{
	for (uint32_t i = 0; i < heads->nr; i++)
		if (heads->items[i].class == class)
			return &heads->items[i];
	return NULL;
}

static bool same_path(const struct graph_path *a, const struct graph_path *b)
{
	if (a->nr != b->nr)
		return false;
	for (uint32_t i = 0; i < a->nr; i++)
		if (a->classes[i] != b->classes[i])
			return false;
	return true;
}

/* Is a path from this class worth to be looked at? Counts what finds no room. */
static bool wants_head(struct finding_model *m, struct heads *heads, uint32_t class, uint8_t grade)
{
	struct head *known = find_head(heads, class);

	if (known)
		return known->grade == grade;
	if (heads->nr < MAX_HEADS)
		return true;
	heads->more += m->mark[class] != m->round;
	m->mark[class] = m->round;
	return false;
}

/* A class is a head once, by the surest and then the shortest of its paths. */
static void take_head(struct heads *heads, struct head new)
{
	struct head *known = find_head(heads, new.class);

	if (!known) {
		heads->items[heads->nr++] = new;
		return;
	}
	if (same_path(&known->path, &new.path))
		known->kinds |= new.kinds;
	if (known->path.nr > new.path.nr) {
		graph_path_done(&known->path);
		*known = new;
		return;
	}
	graph_path_done(&new.path);
}

bool finding_ends_inversion(uint32_t usage, uint32_t kind, bool bound)
{
	/* A recursive reader that arrives would not wait for the reader there. */
	uint32_t free = graph_unsafe_kinds(usage, true);

	return (bound ? graph_unsafe_kinds(usage, false) : free) & kind;
}

/*
 * All heads of one kind of irq, in classes of at most this grade. A chain that
 * comes through another unsafe class is that class's: it begins with a shorter
 * inversion, by the same dependencies.
 */
static int walk_heads(struct finding_model *m, uint32_t unsafe, uint32_t kind, uint8_t grade,
		      struct heads *heads)
{
	struct graph_limit limit = {
		.grade = m->grade,
		.max_grade = grade,
		.need = m->reach->safe_before,
		.need_bits = GRAPH_REACH_FREE(kind) | GRAPH_REACH_BOUND(kind),
	};
	uint32_t usage = finding_model_usage(m, unsafe);
	struct graph_place at = {unsafe, !(graph_unsafe_kinds(usage, true) & kind)};
	int err = graph_walk_begin(m->walk, m->g, true, at, &limit);

	while (!err && graph_walk_next(m->walk, &at)) {
		struct head head = {.class = at.class, .kinds = kind, .grade = grade};

		if (at.class == unsafe)
			continue;
		usage = finding_model_usage(m, at.class);
		if (finding_ends_inversion(usage, kind, at.bound))
			graph_walk_stop_here(m->walk);
		if (!(graph_safe_kinds(usage, at.bound) & kind) ||
		    !wants_head(m, heads, at.class, grade))
			continue;
		err = graph_walk_path(m->walk, at, &head.path);
		if (!err)
			take_head(heads, head);
	}
	return err;
}

static int find_heads(struct finding_model *m, uint32_t unsafe, struct heads *heads)
{
	uint32_t kinds = graph_unsafe_kinds(finding_model_usage(m, unsafe), false) &
			 graph_reach_before(m->reach, unsafe, false);
	int err = 0;

	for (uint8_t grade = m->grade[unsafe]; grade <= CAPTURE_AMBIGUOUS; grade++)
		for (uint32_t kind = GRAPH_HARD; !err && kind <= GRAPH_SOFT; kind <<= 1)
			if (kinds & kind)
				err = walk_heads(m, unsafe, kind, grade, heads);
	return err;
}

/* Surest, shortest, then by name: classes are numbered in that order. */
static int by_worth(const void *a, const void *b)
{
	const struct head *left = a, *right = b;

	if (left->grade != right->grade)
		return left->grade < right->grade ? -1 : 1;
	if (left->path.nr != right->path.nr)
		return left->path.nr < right->path.nr ? -1 : 1;
	return (left->class > right->class) - (left->class < right->class);
}

/* A chain that comes through a class twice is surer by its classes than it is. */
static void show_surest(struct finding *f)
{
	for (uint32_t i = 0; i < f->nr_also; i++) {
		struct finding_chain chain = f->also[i];

		if (chain.grade >= f->chain.grade)
			continue;
		f->also[i] = f->chain;
		f->chain = chain;
		f->confidence = chain.confidence;
	}
}

static int report_heads(struct finding_model *m, struct heads *heads, struct finding_set *set)
{
	struct finding *f = NULL;
	int err = 0;

	qsort(heads->items, heads->nr, sizeof(*heads->items), by_worth);
	for (uint32_t i = 0; !err && i < heads->nr; i++) {
		struct finding_chain chain;

		err = finding_chain_irq(m, &heads->items[i].path, heads->items[i].kinds, &chain);
		if (err == -ENOENT) { /* more edges a step than we look at */
			err = 0;
			continue;
		}
		if (!err && !f)
			err = finding_set_add(set, FINDING_IRQ_INVERSION, &chain, &f);
		else if (!err)
			err = finding_add_also(f, &chain);
	}
	if (!f)
		return err;
	f->nr_more = heads->more;
	show_surest(f);
	return err;
}

int finding_rule_inversion(struct finding_model *m, uint32_t unsafe, struct finding_set *set)
{
	struct heads heads;
	int err;

	heads.nr = 0;
	heads.more = 0;
	m->round++;
	err = find_heads(m, unsafe, &heads);
	if (!err && heads.nr)
		err = report_heads(m, &heads, set);
	for (uint32_t i = 0; i < heads.nr; i++)
		graph_path_done(&heads.items[i].path);
	return err;
}

/* Is it the unsafe end of some inversion, be it one that goes on from another? */
static bool conflicts_somehow(const struct finding_model *m, uint32_t class)
{
	uint32_t usage = finding_model_usage(m, class);

	return (graph_unsafe_kinds(usage, true) & graph_reach_before(m->reach, class, false)) ||
	       (graph_unsafe_kinds(usage, false) & graph_reach_before(m->reach, class, true));
}

static int add_beyond(struct finding *f, uint32_t capture_class)
{
	if (f->nr_beyond == FINDING_MAX_BEYOND) {
		f->nr_beyond_more++;
		return 0;
	}
	if (!f->beyond)
		f->beyond = calloc(FINDING_MAX_BEYOND, sizeof(*f->beyond));
	if (!f->beyond)
		return -ENOMEM;
	f->beyond[f->nr_beyond++] = capture_class;
	return 0;
}

/* Marks the unsafe classes after this finding's that no finding has yet. */
static int claim_beyond(struct finding_model *m, struct finding *f, bool *open)
{
	struct graph_limit limit = {
		.need = m->reach->unsafe_after,
		.need_bits = GRAPH_REACH_FREE(GRAPH_HARD | GRAPH_SOFT),
	};
	struct graph_place at = {m->graph_class[f->chain.classes[f->chain.nr_classes - 1]], false};
	int err = graph_walk_begin(m->walk, m->g, false, at, &limit);

	while (!err && graph_walk_next(m->walk, &at)) {
		if (!open[at.class])
			continue;
		open[at.class] = false;
		err = add_beyond(f, m->capture_class[at.class]);
	}
	return err;
}

int finding_rule_beyond(struct finding_model *m, struct finding_set *set)
{
	bool *open = calloc((size_t)m->g->nr_classes + 1, sizeof(*open));
	struct findings *all = set->findings;
	int err = open ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < m->g->nr_classes; i++)
		open[i] = conflicts_somehow(m, i);
	for (uint32_t i = 0; !err && i < all->nr; i++) {
		const struct finding_chain *chain = &all->items[i].chain;

		if (all->items[i].rule == FINDING_IRQ_INVERSION)
			open[m->graph_class[chain->classes[chain->nr_classes - 1]]] = false;
	}
	for (uint32_t i = 0; !err && i < all->nr; i++)
		if (all->items[i].rule == FINDING_IRQ_INVERSION && !finding_model_tired(m))
			err = claim_beyond(m, &all->items[i], open);
	free(open);
	return err;
}
