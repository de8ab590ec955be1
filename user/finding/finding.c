// SPDX-License-Identifier: GPL-2.0-only
#include "finding/finding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "finding/joined.h"
#include "finding/rules.h"

static int run_classes(struct finding_model *m, struct finding_set *set)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < m->g->nr_classes; i++) {
		err = err ?: finding_rule_inconsistent(m, i, set);
		err = err ?: finding_rule_recursive(m, i, set);
		err = err ?: finding_rule_wait_irq(m, i, set);
		if (!err && !finding_model_tired(m))
			err = finding_rule_inversion(m, i, set);
	}
	return err;
}

static int run_rules(struct finding_model *m, struct finding_set *set)
{
	int err = finding_rule_circular(m, set);

	err = err ?: run_classes(m, set);
	err = err ?: finding_rule_beyond(m, set);
	for (uint32_t i = 0; !err && i < m->g->nr_edges; i++)
		err = finding_rule_wait_edge(m, i, set);
	for (uint32_t i = 0; !err && i < m->c->nr_facts; i++)
		err = finding_rule_fact(m, &m->c->facts[i], set);
	for (size_t i = 0; !err && i < m->c->nr_waits; i += capture_ring_len(m->c, i))
		err = finding_rule_deadlock(m, i, set);
	for (uint32_t i = 0; !err && i < set->findings->nr; i++)
		finding_set_id(m->c, &set->findings->items[i]);
	if (finding_model_tired(m))
		set->findings->cut_short = true;
	return err;
}

static int compare_names(const struct capture *c, const struct finding_chain *a,
			 const struct finding_chain *b)
{
	for (uint32_t i = 0; i < a->nr_classes && i < b->nr_classes; i++) {
		int order = strcmp(c->classes[a->classes[i]].name, c->classes[b->classes[i]].name);

		if (order)
			return order;
	}
	return (a->nr_classes > b->nr_classes) - (a->nr_classes < b->nr_classes);
}

static int by_worth(const void *a, const void *b, void *capture)
{
	const struct finding *left = a, *right = b;
	int order;

	if (left->confidence != right->confidence)
		return left->confidence > right->confidence ? -1 : 1;
	if (left->rule != right->rule)
		return left->rule < right->rule ? -1 : 1;
	order = compare_names(capture, &left->chain, &right->chain);
	if (order)
		return order;
	/* Doubles: the one that shows more comes first, and stays. */
	if (left->chain.nr_edges != right->chain.nr_edges)
		return left->chain.nr_edges > right->chain.nr_edges ? -1 : 1;
	if (left->stack != right->stack)
		return left->stack < right->stack ? -1 : 1;
	return (left->addr > right->addr) - (left->addr < right->addr);
}

static int by_id(const void *a, const void *b, void *findings)
{
	const struct finding *all = findings;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	int order = strcmp(all[left].id, all[right].id);

	return order ? order : (left > right) - (left < right);
}

/* Which findings have an id that one before them has. */
static void mark_doubles(const struct findings *all, uint32_t *sorted, bool *ret_doubled)
{
	for (uint32_t i = 0; i < all->nr; i++)
		sorted[i] = i;
	qsort_r(sorted, all->nr, sizeof(*sorted), by_id, all->items);
	for (uint32_t i = 1; i < all->nr; i++)
		ret_doubled[sorted[i]] =
			!strcmp(all->items[sorted[i]].id, all->items[sorted[i - 1]].id);
}

/* One finding an id: a fact may say what the graph said, or come twice. */
static int drop_doubles(struct findings *all)
{
	uint32_t *sorted = calloc((size_t)all->nr + 1, sizeof(*sorted)), kept = 0;
	bool *doubled = calloc((size_t)all->nr + 1, sizeof(*doubled));
	int err = sorted && doubled ? 0 : -ENOMEM;

	if (!err)
		mark_doubles(all, sorted, doubled);
	for (uint32_t i = 0; !err && i < all->nr; i++) {
		if (doubled[i])
			finding_done(&all->items[i]);
		else
			all->items[kept++] = all->items[i];
	}
	if (!err)
		all->nr = kept;
	free(sorted);
	free(doubled);
	return err;
}

static int sort(const struct capture *c, struct findings *all)
{
	if (!all->nr)
		return 0;
	qsort_r(all->items, all->nr, sizeof(*all->items), by_worth, (void *)c);
	return drop_doubles(all);
}

int finding_analyse(const struct capture *c, struct findings **ret_findings)
{
	struct finding_set set = {.findings = calloc(1, sizeof(*set.findings))};
	struct finding_model *m = NULL;
	int err;

	if (!set.findings)
		return -ENOMEM;
	err = finding_model_new(c, &m);
	err = err ?: finding_model_fill(m);
	err = err ?: run_rules(m, &set);
	err = err ?: joined_judge(c, set.findings);
	err = err ?: sort(c, set.findings);
	finding_model_free(m);
	if (err) {
		findings_free(set.findings);
		return err;
	}
	*ret_findings = set.findings;
	return 0;
}

bool finding_shown(const struct finding *f, enum finding_confidence least)
{
	return f->confidence >= least && f->suppressed_by == LV_NONE;
}

uint32_t findings_shown(const struct findings *f, enum finding_confidence least)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < f->nr; i++)
		nr += finding_shown(&f->items[i], least);
	return nr;
}
