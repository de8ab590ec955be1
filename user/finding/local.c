// SPDX-License-Identifier: GPL-2.0-only
/* Rules that need no path: one class, one dependency or one fact is enough. */
#include "finding/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "finding/annotated.h"
#include "finding/waits.h"

#define BIT(n) (1u << (n))

/* A reader that recurses does not wait for a reader of the same lock. */
static bool waits(const struct capture_edge *e)
{
	return e->dep & (GRAPH_DEPS & ~LV_DEP_SR);
}

/*
 * Where instances are what was seen, unrelated locks in the class do not matter. But
 * memory that is freed comes back as another object, perhaps in another role: a
 * directory's inode where a file's was. Two orders of two such addresses prove little, unless
 * they turned again and again while the objects around them stayed as they were.
 */
static enum finding_confidence confidence_of_instances(const struct capture *c,
						       const struct capture_class *class,
						       bool same)
{
	bool permanent = finding_is_permanent(class);

	if (!permanent && !same)
		return class->flags & LV_CLASS_SELF_SURE ? FINDING_LIKELY : FINDING_WEAK;
	return permanent && !c->unlocks_hidden ? FINDING_CONFIRMED : FINDING_LIKELY;
}

static bool is_twin_of(const struct capture_class *twin, const struct capture_class *class)
{
	return twin->subclass & LV_SUBCLASS_TWIN &&
	       twin->subclass == (class->subclass ^ LV_SUBCLASS_TWIN) &&
	       twin->family == class->family &&
	       !strcmp(twin->kind, class->kind) && !strcmp(twin->key, class->key);
}

/* A capture edge from the class to its twin that waits; LV_NONE: there is none. */
static uint32_t twin_edge(const struct finding_model *m, uint32_t class)
{
	const struct graph_arcs *out = &m->g->classes[class].out;

	for (uint32_t i = 0; i < out->nr; i++) {
		if (!is_twin_of(finding_class(m, out->items[i].class), finding_class(m, class)))
			continue;
		for (uint32_t e = m->first_edge[out->items[i].edge]; e != LV_NONE;
		     e = m->next_edge[e])
			if (waits(&m->c->edges[e]))
				return e;
	}
	return LV_NONE;
}

/* How much a nesting says: the same lock twice, two orders that nobody told of, two others. */
static int worth(const struct finding_model *m, const struct capture_edge *edge)
{
	if (finding_same_instance(edge))
		return 2;
	return annotated_nesting(m, edge, NULL) ? 0 : 1;
}

static uint32_t find_nesting(const struct finding_model *m, uint32_t class)
{
	/* Locks that a function puts in an order are not in two orders by their addresses. */
	bool both_orders = finding_class(m, class)->flags & LV_CLASS_SELF_ORDER &&
			   !annotated_ordered(m, m->capture_class[class]);
	uint32_t found = both_orders ? twin_edge(m, class) : LV_NONE;

	for (uint32_t e = m->first_self[class]; e != LV_NONE; e = m->next_edge[e]) {
		const struct capture_edge *edge = &m->c->edges[e];

		if (!waits(edge) || !(m->c->annotated || both_orders || finding_same_instance(edge)))
			continue;
		if (found == LV_NONE || worth(m, edge) > worth(m, &m->c->edges[found]))
			found = e;
	}
	return found;
}

/*
 * As sure as the instances are; a nesting that lockdep is told of is weak. And two locks of a class whose subclasses
 * are computed may come in either order, by what they are at the time: which nesting was seen so, is not known.
 */
static int grade_nesting(const struct finding_model *m, uint32_t class, uint32_t edge,
			 struct finding_chain *chain)
{
	bool same = finding_same_instance(&m->c->edges[edge]);
	AUTO_STRBUF why = STRBUF_INIT;

	if (m->c->annotated)
		return 0;
	chain->confidence = confidence_of_instances(m->c, finding_class(m, class), same);
	if (annotated_nesting(m, &m->c->edges[edge], &why) || (!same && annotated_computed(m, m->capture_class[class], &why)))
		chain->confidence = FINDING_WEAK;
	else if (chain->confidence == FINDING_WEAK)
		strbuf_add(&why, "between their two orders the memory of these locks may have become other objects");
	else
		return 0;
	chain->graded_down = strbuf_take(&why);
	return chain->graded_down ? 0 : -ENOMEM;
}

/*
 * lockdep is told when a class may nest in itself; a production kernel is not.
 * So there a class in itself is nothing, the same lock twice is something, and
 * so are two locks of the class taken in both orders.
 */
int finding_rule_recursive(struct finding_model *m, uint32_t class, struct finding_set *set)
{
	uint32_t found = find_nesting(m, class);
	struct finding_chain chain;
	struct finding *f;
	int err;

	if (found == LV_NONE)
		return 0;
	err = finding_chain_plain(m, &m->capture_class[class], 1, found, &chain);
	if (err)
		return err;
	err = grade_nesting(m, class, found, &chain);
	if (err) {
		finding_chain_done(&chain);
		return err;
	}
	err = finding_set_add(set, FINDING_RECURSIVE, &chain, &f);
	if (!err)
		f->same_instance = finding_same_instance(&m->c->edges[found]);
	return err;
}

int finding_rule_wait_edge(struct finding_model *m, uint32_t edge, struct finding_set *set)
{
	const struct graph_edge *e = &m->g->edges[edge];
	uint32_t classes[] = {m->capture_class[e->from], m->capture_class[e->to]};
	struct finding_chain chain;
	int err;

	if (!finding_waits_wrongly(m->c, &m->c->classes[classes[0]], &m->c->classes[classes[1]]))
		return 0;
	err = finding_chain_plain(m, classes, 2, m->first_edge[edge], &chain);
	return err ?: finding_set_add(set, FINDING_WAIT_CONTEXT, &chain, NULL);
}

/* IN bits are not set by trylocks, so one on a sleeping lock says it can sleep there. */
int finding_rule_wait_irq(struct finding_model *m, uint32_t class, struct finding_set *set)
{
	static const enum lv_usage in[] = {LV_USED_IN_HARDIRQ, LV_USED_IN_HARDIRQ_READ,
					   LV_USED_IN_SOFTIRQ, LV_USED_IN_SOFTIRQ_READ};
	const struct capture_class *seen = finding_class(m, class);
	/* Softirqs are threads on PREEMPT_RT. */
	size_t nr = m->c->rt ? 2 : 4;
	struct finding_chain chain;
	struct finding *f;
	int err;

	if (!finding_sleeps(m->c, seen) || seen->family == LV_PSEUDO)
		return 0;
	for (size_t i = 0; i < nr; i++) {
		if (!(seen->usage & BIT(in[i])))
			continue;
		err = finding_chain_plain(m, &m->capture_class[class], 1, LV_NONE, &chain);
		if (err)
			return err;
		chain.safe = in[i];
		err = finding_set_add(set, FINDING_WAIT_CONTEXT, &chain, &f);
		if (!err)
			f->in_irq = true;
		return err;
	}
	return 0;
}

static const enum finding_rule fact_rules[CAPTURE_FACT_KINDS] = {
	[CAPTURE_WAIT_CONTEXT] = FINDING_WAIT_CONTEXT,
	[CAPTURE_BAD_UNLOCK] = FINDING_BAD_UNLOCK,
	[CAPTURE_HELD_FREED] = FINDING_HELD_FREED,
	[CAPTURE_HELD_AT_EXIT] = FINDING_HELD_AT_EXIT,
	[CAPTURE_WAIT_ATOMIC] = FINDING_WAIT_CONTEXT,
	[CAPTURE_HELD_AT_DEATH] = FINDING_HELD_AT_EXIT,
};

int finding_rule_fact(struct finding_model *m, const struct capture_fact *fact,
		      struct finding_set *set)
{
	enum finding_rule rule = fact_rules[fact->kind];
	bool nested = rule == FINDING_WAIT_CONTEXT && fact->class2 != LV_NONE;
	uint32_t classes[2] = {nested ? fact->class2 : fact->class, fact->class};
	struct finding_chain chain;
	struct finding *f;
	int err = finding_chain_plain(m, classes, nested ? 2 : 1, LV_NONE, &chain);

	err = err ?: finding_set_add(set, rule, &chain, &f);
	if (err)
		return err;
	f->stack = fact->stack;
	f->addr = fact->addr;
	f->atomic = fact->kind == CAPTURE_WAIT_ATOMIC;
	f->died = fact->kind == CAPTURE_HELD_AT_DEATH;
	f->in_irq = rule == FINDING_WAIT_CONTEXT && !nested && !f->atomic;
	return 0;
}

/* --- tasks that wait for each other: it was seen (trace/rings.h), nothing is concluded */

static const char *name_at(const struct finding_model *m, size_t first, size_t nr, size_t i)
{
	return m->c->classes[m->c->waits[first + i % nr].class].name;
}

/* Does the ring, begun at a, come before itself, begun at b? */
static bool comes_first(const struct finding_model *m, size_t first, size_t nr, size_t a, size_t b)
{
	for (size_t i = 0; i < nr; i++) {
		int order = strcmp(name_at(m, first, nr, a + i), name_at(m, first, nr, b + i));

		if (order)
			return order < 0;
	}
	return false;
}

/* A ring has no beginning: where the names say, so that the id is the same each time. */
static size_t find_start(const struct finding_model *m, size_t first, size_t nr)
{
	size_t start = 0;

	for (size_t i = 1; i < nr; i++)
		if (comes_first(m, first, nr, i, start))
			start = i;
	return start;
}

int finding_rule_deadlock(struct finding_model *m, size_t first, struct finding_set *set)
{
	size_t nr = capture_ring_len(m->c, first), start = find_start(m, first, nr);
	uint32_t *classes = calloc(nr, sizeof(*classes));
	struct finding_chain chain;
	struct finding *f;
	int err;

	if (!classes)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		classes[i] = m->c->waits[first + (start + i) % nr].class;
	err = finding_chain_plain(m, classes, nr, LV_NONE, &chain);
	free(classes);
	if (err)
		return err;
	/* Which locks they are was seen; how sure their names are does not matter. */
	chain.confidence = FINDING_OBSERVED;
	err = finding_set_add(set, FINDING_DEADLOCK, &chain, &f);
	if (err)
		return err;
	f->ring = first;
	f->ring_start = start;
	return 0;
}
