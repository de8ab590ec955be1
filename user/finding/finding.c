// SPDX-License-Identifier: GPL-2.0-only
#include "finding/finding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "finding/joined.h"
#include "finding/rules.h"

static const char *const rule_names[] = {
#define X(id, name) [FINDING_##id] = name,
	FINDING_RULES_X(X)
#undef X
};

static const char *const confidence_names[] = {
	[FINDING_WEAK] = "weak",
	[FINDING_LIKELY] = "likely",
	[FINDING_CERTAIN] = "certain",
	[FINDING_CONFIRMED] = "confirmed",
	[FINDING_OBSERVED] = "observed",
};

const char *finding_rule_name(enum finding_rule rule)
{
	return rule_names[rule];
}

enum finding_rule finding_rule_of(const char *name, size_t len)
{
	enum finding_rule rule = 0;

	while (rule < FINDING_RULES &&
	       (strlen(rule_names[rule]) != len || memcmp(rule_names[rule], name, len)))
		rule++;
	return rule;
}

const char *finding_confidence_name(enum finding_confidence confidence)
{
	return confidence_names[confidence];
}

int finding_confidence_parse(const char *name, enum finding_confidence *ret)
{
	for (int i = 0; i < FINDING_CONFIDENCES; i++) {
		if (strcmp(name, confidence_names[i]))
			continue;
		*ret = i;
		return 0;
	}
	return -EINVAL;
}

void finding_done(struct finding *f)
{
	finding_chain_done(&f->chain);
	for (uint32_t i = 0; i < f->nr_also; i++)
		finding_chain_done(&f->also[i]);
	free(f->also);
	free(f->beyond);
}

void findings_free(struct findings *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; i < f->nr; i++)
		finding_done(&f->items[i]);
	free(f->items);
	free(f);
}

uint32_t findings_keep(struct findings *f, bool (*wanted)(const struct finding *f, void *arg),
		       void *arg)
{
	uint32_t kept = 0, had = f->nr;

	for (uint32_t i = 0; i < had; i++) {
		if (wanted(&f->items[i], arg))
			f->items[kept++] = f->items[i];
		else
			finding_done(&f->items[i]);
	}
	f->nr = kept;
	return had - kept;
}

int finding_set_add(struct finding_set *set, enum finding_rule rule, struct finding_chain *chain,
		    struct finding **ret_finding)
{
	struct findings *all = set->findings;
	struct finding *f;

	if (all->nr == set->room) {
		uint32_t room = set->room ? set->room * 2 : 8;
		struct finding *grown = reallocarray(all->items, room, sizeof(*grown));

		if (!grown) {
			finding_chain_done(chain);
			return -ENOMEM;
		}
		all->items = grown;
		set->room = room;
	}
	f = &all->items[all->nr++];
	*f = (struct finding){
		.rule = rule,
		.chain = *chain,
		.confidence = chain->confidence,
		.suppressed_by = LV_NONE,
		.stack = LV_NONE,
		.ring = LV_NONE,
	};
	if (ret_finding)
		*ret_finding = f;
	return 0;
}

/* Grows by doubling, as capture.c's arrays do. */
int finding_add_also(struct finding *f, struct finding_chain *chain)
{
	if ((f->nr_also & (f->nr_also - 1)) == 0) {
		uint32_t room = f->nr_also ? f->nr_also * 2 : 1;
		struct finding_chain *grown = reallocarray(f->also, room, sizeof(*grown));

		if (!grown) {
			finding_chain_done(chain);
			return -ENOMEM;
		}
		f->also = grown;
	}
	f->also[f->nr_also++] = *chain;
	return 0;
}

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
