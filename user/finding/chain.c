// SPDX-License-Identifier: GPL-2.0-only
#include "finding/chain.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "finding/annotated.h"
#include "finding/sighting.h"

#define BIT(n) (1u << (n))
#define MAX_OPTIONS 24 /* sightings of recorded edges looked at for one step of the chain */
#define IMPOSSIBLE INT_MIN
#define APART (-1000) /* for a join that an annotation denies: it is picked last */

/*
 * Each step of the chain was recorded once or more: by several kinds of
 * dependency, between several instances. A choice of one a step is picked that
 * is a strong path and in which most steps join, that is, speak of the same
 * instance of the class between them.
 */
struct option {
	uint32_t edge;	 /* the capture's */
	struct lv_pair at; /* the instances of one of its sightings */
	int joins;	 /* most joins of a choice that ends in it, IMPOSSIBLE: none does */
	uint32_t before; /* the option of the step before that gives them */
};

struct step {
	struct option options[MAX_OPTIONS];
	uint32_t nr;
};

void finding_chain_done(struct finding_chain *chain)
{
	free(chain->classes);
	free(chain->edges);
	free(chain->graded_down);
	*chain = (struct finding_chain){0};
}

enum finding_confidence finding_confidence_of(const struct capture *c,
					      const struct finding_chain *chain)
{
	if (chain->grade == CAPTURE_AMBIGUOUS)
		return FINDING_WEAK;
	if (chain->grade == CAPTURE_INFERRED || finding_holders_unsure(c, chain))
		return FINDING_LIKELY;
	return FINDING_CERTAIN;
}

static void set_confidence(struct finding_chain *chain, const struct capture *c, bool joined,
			   bool closes)
{
	chain->confidence = finding_confidence_of(c, chain);
	if (chain->confidence == FINDING_CERTAIN && joined)
		chain->confidence = FINDING_CONFIRMED;
	chain->confidence = finding_judge_sightings(c, chain, closes, chain->confidence);
}

static const struct capture_edge *edge_of(const struct finding_model *m, const struct option *o)
{
	return &m->c->edges[o->edge];
}

static bool strong(const struct capture_edge *before, const struct capture_edge *after)
{
	return before->dep & GRAPH_DEPS_N || after->dep & GRAPH_DEPS_E;
}

static bool same(uint64_t a, uint64_t b)
{
	return a && a == b;
}

/* How well a step goes on from the one before: 1, they speak of one instance. */
static int join(struct finding_model *m, const struct option *before, const struct option *after)
{
	const struct capture_edge *into = edge_of(m, before), *from = edge_of(m, after);
	struct annotated_side in = annotated_taken(m->c, into);
	struct annotated_side out = annotated_held(m->c, from);
	bool joined = same(before->at.to, after->at.from);

	finding_model_spend(m, 1 + annotated_cost(m, from->from, &in, &out));
	if (annotated_apart(m, from->from, &in, &out, joined, NULL))
		return APART;
	return joined;
}

/* An edge is an option for each two instances that it is known to have been seen with. */
static void add_options(const struct capture_edge *edge, uint32_t index, struct step *step)
{
	const struct lv_pair pairs[] = {
		{edge->from_addr, edge->to_addr}, edge->low[0], edge->low[1]};

	for (int i = 0; i < 3 && step->nr < MAX_OPTIONS; i++)
		if (!i || (pairs[i].from && memcmp(&pairs[i], &pairs[0], sizeof(pairs[i]))))
			step->options[step->nr++] = (struct option){.edge = index, .at = pairs[i]};
}

/* The first of each kind, so that no strong path is lost; then what fits. */
static void list_options(struct finding_model *m, uint32_t graph_edge, struct step *step)
{
	for (int again = 0; again < 2; again++) {
		uint32_t kinds = 0; /* kinds of the edges before */

		for (uint32_t e = m->first_edge[graph_edge]; e != LV_NONE && step->nr < MAX_OPTIONS;
		     e = m->next_edge[e]) {
			bool known = m->c->edges[e].dep & kinds;

			if (known == again)
				add_options(&m->c->edges[e], e, step);
			kinds |= m->c->edges[e].dep & GRAPH_DEPS;
			finding_model_spend(m, 1);
		}
	}
}

static struct step *list_steps(struct finding_model *m, const uint32_t *edges, uint32_t nr)
{
	struct step *steps = calloc(nr, sizeof(*steps));

	for (uint32_t i = 0; steps && i < nr; i++)
		list_options(m, edges[i], &steps[i]);
	return steps;
}

/* The best way to each option of a step from those of the step before; none, once that is too much work. */
static void advance(struct finding_model *m, const struct step *before, struct step *step)
{
	for (uint32_t i = 0; i < step->nr; i++) {
		const struct capture_edge *next = edge_of(m, &step->options[i]);
		struct option *o = &step->options[i];

		o->joins = IMPOSSIBLE;
		for (uint32_t j = 0; j < before->nr && !finding_model_overworked(m); j++) {
			const struct option *p = &before->options[j];
			const struct capture_edge *prev = edge_of(m, p);
			int joins;

			if (p->joins == IMPOSSIBLE || !strong(prev, next))
				continue;
			joins = p->joins + join(m, p, o);
			if (joins <= o->joins)
				continue;
			o->joins = joins;
			o->before = j;
		}
	}
}

static bool used(const struct capture_class *class, enum lv_usage bit, uint64_t addr)
{
	return same(class->usage_addr[bit], addr) || same(class->usage_low[bit], addr);
}

/* The usage of a class that fits the edge beside it; LV_NONE when none does. */
static uint32_t pick_usage(const struct capture_class *class, uint32_t usage,
			   enum lv_usage write_bit, bool read_fits, uint64_t addr, bool *ret_joined)
{
	enum lv_usage read_bit = write_bit + 1;
	bool write = usage & BIT(write_bit);
	bool read = read_fits && usage & BIT(read_bit);

	*ret_joined = true;
	if (write && used(class, write_bit, addr))
		return write_bit;
	if (read && used(class, read_bit, addr))
		return read_bit;
	*ret_joined = false;
	if (write)
		return write_bit;
	return read ? read_bit : LV_NONE;
}

struct irq_choice {
	int joins;
	uint32_t last; /* option of the last step */
	uint32_t safe, unsafe;
};

static uint32_t safe_use(const struct finding_model *m, uint32_t graph_class,
			 const struct option *o, enum lv_usage bit, bool *ret_joined)
{
	return pick_usage(finding_class(m, graph_class), finding_model_usage(m, graph_class), bit,
			  edge_of(m, o)->dep & GRAPH_DEPS_E, o->at.from, ret_joined);
}

static uint32_t unsafe_use(const struct finding_model *m, uint32_t graph_class,
			   const struct option *o, enum lv_usage bit, bool *ret_joined)
{
	return pick_usage(finding_class(m, graph_class), finding_model_usage(m, graph_class), bit,
			  edge_of(m, o)->dep & GRAPH_DEPS_N, o->at.to, ret_joined);
}

/* Runs through the steps for one kind of irq; the best choice, if any. */
static struct irq_choice choose_irq(struct finding_model *m, const struct graph_path *path,
				    struct step *steps, enum lv_usage in, enum lv_usage on)
{
	struct irq_choice best = {.joins = IMPOSSIBLE};
	uint32_t last = path->nr - 2;
	bool joined;

	for (uint32_t i = 0; i < steps[0].nr; i++) {
		struct option *o = &steps[0].options[i];
		uint32_t use = safe_use(m, path->classes[0], o, in, &joined);

		o->joins = use == LV_NONE ? IMPOSSIBLE : joined;
	}
	for (uint32_t i = 1; i <= last; i++)
		advance(m, &steps[i - 1], &steps[i]);
	for (uint32_t i = 0; i < steps[last].nr; i++) {
		const struct option *o = &steps[last].options[i];
		uint32_t use = unsafe_use(m, path->classes[last + 1], o, on, &joined);

		if (o->joins == IMPOSSIBLE || use == LV_NONE || o->joins + joined <= best.joins)
			continue;
		best = (struct irq_choice){o->joins + joined, i, LV_NONE, use};
	}
	return best;
}

static bool comes_twice(struct finding_model *m, const struct graph_path *path)
{
	m->round++;
	for (uint32_t i = 0; i < path->nr; i++) {
		if (m->mark[path->classes[i]] == m->round)
			return true;
		m->mark[path->classes[i]] = m->round;
	}
	return false;
}

static int start_chain(struct finding_model *m, const struct graph_path *path, uint32_t nr_edges,
		       const uint8_t *grades, struct finding_chain *chain)
{
	finding_model_spend_path(m, path);
	chain->classes = calloc(path->nr, sizeof(*chain->classes));
	chain->edges = calloc(nr_edges, sizeof(*chain->edges));
	if (!chain->classes || !chain->edges) {
		finding_chain_done(chain);
		return -ENOMEM;
	}
	chain->nr_classes = path->nr;
	chain->nr_edges = nr_edges;
	chain->safe = FINDING_NO_USAGE;
	chain->unsafe = FINDING_NO_USAGE;
	chain->suppressed_by = LV_NONE;
	chain->apart = LV_NONE;
	chain->gate = LV_NONE;
	chain->told = LV_NONE;
	if (comes_twice(m, path))
		chain->grade = CAPTURE_AMBIGUOUS;
	for (uint32_t i = 0; i < path->nr; i++) {
		chain->classes[i] = m->capture_class[path->classes[i]];
		if (grades[path->classes[i]] > chain->grade)
			chain->grade = grades[path->classes[i]];
	}
	return 0;
}

/* Follows the options back from the last step, to the first's. */
static const struct option *take_edges(struct finding_chain *chain, const struct step *steps,
				       uint32_t last)
{
	const struct option *first = NULL;

	for (uint32_t i = chain->nr_edges; i-- > 0;) {
		first = &steps[i].options[last];
		chain->edges[i] = first->edge;
		last = first->before;
	}
	return first;
}

static int take_irq(struct finding_model *m, const struct graph_path *path, struct step *steps,
		    enum lv_usage in, enum lv_usage on, struct finding_chain *ret_chain)
{
	struct irq_choice choice = choose_irq(m, path, steps, in, on);
	bool joined = choice.joins == (int)path->nr, used_so;
	struct finding_chain chain = {0};
	const struct option *first;
	int err;

	if (choice.joins == IMPOSSIBLE)
		return -ENOENT;
	err = start_chain(m, path, path->nr - 1, m->grade, &chain);
	if (err)
		return err;
	first = take_edges(&chain, steps, choice.last);
	chain.safe = safe_use(m, path->classes[0], first, in, &used_so);
	chain.unsafe = choice.unsafe;
	err = annotated_grade(m, false, joined, &chain);
	if (err) {
		finding_chain_done(&chain);
		return err;
	}
	set_confidence(&chain, m->c, joined, false);
	*ret_chain = chain;
	return 0;
}

int finding_chain_irq(struct finding_model *m, const struct graph_path *path, uint32_t kinds,
		      struct finding_chain *ret_chain)
{
	struct finding_chain hard = {0}, soft = {0};
	struct step *steps = list_steps(m, path->edges, path->nr - 1);
	int hard_err = -ENOENT, soft_err = -ENOENT;

	if (!steps)
		return -ENOMEM;
	if (kinds & GRAPH_HARD)
		hard_err = take_irq(m, path, steps, LV_USED_IN_HARDIRQ, LV_ENABLED_HARDIRQ, &hard);
	if (kinds & GRAPH_SOFT)
		soft_err = take_irq(m, path, steps, LV_USED_IN_SOFTIRQ, LV_ENABLED_SOFTIRQ, &soft);
	free(steps);
	if (!hard_err && (soft_err || hard.confidence >= soft.confidence)) {
		finding_chain_done(&soft);
		*ret_chain = hard;
		return 0;
	}
	finding_chain_done(&hard);
	if (!soft_err)
		*ret_chain = soft;
	return soft_err;
}

/* The best choice whose first step is the given option, and which closes. */
static int choose_closed(struct finding_model *m, struct step *steps, uint32_t nr,
			 uint32_t first, uint32_t *ret_last)
{
	const struct capture_edge *head = edge_of(m, &steps[0].options[first]);
	int best = IMPOSSIBLE;

	for (uint32_t i = 0; i < steps[0].nr; i++)
		steps[0].options[i].joins = i == first ? 0 : IMPOSSIBLE;
	for (uint32_t i = 1; i < nr; i++)
		advance(m, &steps[i - 1], &steps[i]);
	for (uint32_t i = 0; i < steps[nr - 1].nr; i++) {
		const struct option *o = &steps[nr - 1].options[i];
		const struct capture_edge *tail = edge_of(m, o);
		int joins;

		if (o->joins == IMPOSSIBLE || !strong(tail, head))
			continue;
		joins = o->joins + join(m, o, &steps[0].options[first]);
		if (joins <= best)
			continue;
		best = joins;
		*ret_last = i;
	}
	return best;
}

/*
 * That devices' locks nest in each other leaves open which of them is meant, unless the same instances
 * were seen all around.
 */
static void trust_instances(struct finding_model *m, const struct graph_path *path,
			    struct finding_chain *chain)
{
	if (comes_twice(m, path))
		return;
	chain->grade = CAPTURE_EXACT;
	for (uint32_t i = 0; i < path->nr; i++) {
		uint32_t class = path->classes[i];
		bool tree = annotated_unvalidated(m, m->capture_class[class]);
		uint8_t grade = tree ? m->grade[class] : m->cycle_grade[class];

		if (grade > chain->grade)
			chain->grade = grade;
	}
}

int finding_chain_circular(struct finding_model *m, const struct graph_path *path,
			   struct finding_chain *ret_chain)
{
	struct step *steps = list_steps(m, path->edges, path->nr);
	struct finding_chain chain = {0};
	uint32_t best_first = 0, last = 0;
	int best = IMPOSSIBLE, err;

	if (!steps)
		return -ENOMEM;
	err = start_chain(m, path, path->nr, m->cycle_grade, &chain);
	for (uint32_t i = 0; !err && i < steps[0].nr; i++) {
		int joins = choose_closed(m, steps, path->nr, i, &last);

		if (joins <= best)
			continue;
		best = joins;
		best_first = i;
	}
	if (!err && best == IMPOSSIBLE)
		err = -ENOENT;
	if (!err) {
		choose_closed(m, steps, path->nr, best_first, &last);
		take_edges(&chain, steps, last);
		if (best == (int)path->nr)
			trust_instances(m, path, &chain);
		err = annotated_grade(m, true, best == (int)path->nr, &chain);
	}
	if (!err) {
		set_confidence(&chain, m->c, best == (int)path->nr, true);
		*ret_chain = chain;
	} else {
		finding_chain_done(&chain);
	}
	free(steps);
	return err;
}

int finding_chain_plain(const struct finding_model *m, const uint32_t *classes, uint32_t nr_classes,
			uint32_t edge, struct finding_chain *ret_chain)
{
	struct finding_chain chain = {
		.classes = calloc(nr_classes, sizeof(*chain.classes)),
		.edges = calloc(1, sizeof(*chain.edges)),
		.nr_classes = nr_classes,
		.nr_edges = edge != LV_NONE,
		.safe = FINDING_NO_USAGE,
		.unsafe = FINDING_NO_USAGE,
		.suppressed_by = LV_NONE,
		.apart = LV_NONE,
		.gate = LV_NONE,
		.told = LV_NONE,
	};

	if (!chain.classes || !chain.edges) {
		finding_chain_done(&chain);
		return -ENOMEM;
	}
	memcpy(chain.classes, classes, nr_classes * sizeof(*classes));
	chain.edges[0] = edge;
	for (uint32_t i = 0; i < nr_classes; i++) {
		uint8_t grade = finding_grade(m->c, &m->c->classes[classes[i]]);

		if (grade > chain.grade)
			chain.grade = grade;
	}
	set_confidence(&chain, m->c, false, false);
	*ret_chain = chain;
	return 0;
}
