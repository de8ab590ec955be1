// SPDX-License-Identifier: GPL-2.0-only
#include "finding/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BIT(n) (1u << (n))
#define SEARCH_BUDGET 300000000u /* arcs: seconds; lockdep's largest graph has 32,768 */
#define HARDIRQ_BITS                                                                               \
	(BIT(LV_USED_IN_HARDIRQ) | BIT(LV_USED_IN_HARDIRQ_READ) | BIT(LV_ENABLED_HARDIRQ) |        \
	 BIT(LV_ENABLED_HARDIRQ_READ))

uint32_t finding_usage(const struct capture *c, const struct capture_class *class)
{
	if (!c->rt)
		return class->usage;
	/* Softirqs are threads there, and so are the users of all other locks. */
	return class->family == LV_RAWSPIN ? class->usage & HARDIRQ_BITS : 0;
}

const struct capture_class *finding_class(const struct finding_model *m, uint32_t graph_class)
{
	return &m->c->classes[m->capture_class[graph_class]];
}

void finding_model_free(struct finding_model *m)
{
	if (!m)
		return;
	graph_free(m->g);
	graph_reach_free(m->reach);
	graph_walk_free(m->walk);
	free(m->capture_class);
	free(m->graph_class);
	free(m->grade);
	free(m->cycle_grade);
	free(m->first_edge);
	free(m->next_edge);
	free(m->first_self);
	free(m->mark);
	free(m);
}

bool finding_model_tired(const struct finding_model *m)
{
	return graph_walk_cost(m->walk) > SEARCH_BUDGET;
}

static int valid(const struct capture *c)
{
	if (c->nr_classes >= LV_NONE / 4 || c->nr_edges >= BIT(28))
		return -EINVAL;
	for (size_t i = 0; i < c->nr_classes; i++)
		if (!c->classes[i].name || c->classes[i].certainty > CAPTURE_AMBIGUOUS)
			return -EINVAL;
	for (size_t i = 0; i < c->nr_edges; i++)
		if (c->edges[i].from >= c->nr_classes || c->edges[i].to >= c->nr_classes ||
		    !(c->edges[i].dep & GRAPH_DEPS))
			return -EINVAL;
	for (size_t i = 0; i < c->nr_facts; i++)
		if (c->facts[i].class >= c->nr_classes || c->facts[i].kind >= CAPTURE_FACT_KINDS ||
		    (c->facts[i].class2 != LV_NONE && c->facts[i].class2 >= c->nr_classes))
			return -EINVAL;
	return 0;
}

static uint32_t *new_indices(size_t nr)
{
	uint32_t *indices = calloc(nr ? nr : 1, sizeof(*indices));

	if (indices)
		memset(indices, 0xff, nr * sizeof(*indices));
	return indices;
}

static int allocate(struct finding_model *m)
{
	size_t nr = m->c->nr_classes;

	m->g = graph_new();
	m->reach = graph_reach_new();
	m->walk = graph_walk_new();
	m->capture_class = new_indices(nr);
	m->graph_class = new_indices(nr);
	m->first_self = new_indices(nr);
	m->mark = calloc(nr ? nr : 1, sizeof(*m->mark));
	m->grade = calloc(nr ? nr : 1, 1);
	m->cycle_grade = calloc(nr ? nr : 1, 1);
	m->first_edge = new_indices(m->c->nr_edges);
	m->next_edge = new_indices(m->c->nr_edges);
	if (!m->g || !m->reach || !m->walk || !m->capture_class || !m->graph_class ||
	    !m->first_self || !m->mark || !m->grade || !m->cycle_grade || !m->first_edge ||
	    !m->next_edge)
		return -ENOMEM;
	return 0;
}

static int by_name(const void *a, const void *b, void *capture)
{
	const struct capture *c = capture;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	int order = strcmp(c->classes[left].name, c->classes[right].name);

	return order ? order : (left > right) - (left < right);
}

static int add_classes(struct finding_model *m)
{
	for (uint32_t i = 0; i < m->c->nr_classes; i++)
		m->capture_class[i] = i;
	qsort_r(m->capture_class, m->c->nr_classes, sizeof(*m->capture_class), by_name,
		(void *)m->c);
	for (uint32_t i = 0; i < m->c->nr_classes; i++) {
		const struct capture_class *class = &m->c->classes[m->capture_class[i]];
		uint32_t added;
		int err = graph_add_class(m->g, &added);

		if (err)
			return err;
		m->graph_class[m->capture_class[i]] = i;
		graph_add_usage(m->g, i, finding_usage(m->c, class));
		m->grade[i] = class->certainty;
		m->cycle_grade[i] = class->certainty;
	}
	return graph_reach_classes(m->reach, m->g);
}

/* A capture edge with its ends as the graph counts them. */
struct ranked {
	uint32_t from, to;
	uint32_t edge;
};

static int by_ends(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;

	if (left->from != right->from)
		return left->from < right->from ? -1 : 1;
	if (left->to != right->to)
		return left->to < right->to ? -1 : 1;
	return (left->edge > right->edge) - (left->edge < right->edge);
}

static int add_edge(struct finding_model *m, const struct ranked *r)
{
	uint32_t dep = m->c->edges[r->edge].dep & GRAPH_DEPS;
	uint32_t edge, *first;
	int err = graph_add_edge(m->g, r->from, r->to, dep, &edge);

	if (err < 0)
		return err;
	first = edge == LV_NONE ? &m->first_self[r->from] : &m->first_edge[edge];
	m->next_edge[r->edge] = *first;
	*first = r->edge;
	return 0;
}

static int add_edges(struct finding_model *m)
{
	struct ranked *ranked = calloc(m->c->nr_edges + 1, sizeof(*ranked));
	int err = ranked ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < m->c->nr_edges; i++) {
		ranked[i].from = m->graph_class[m->c->edges[i].from];
		ranked[i].to = m->graph_class[m->c->edges[i].to];
		ranked[i].edge = i;
	}
	if (!err)
		qsort(ranked, m->c->nr_edges, sizeof(*ranked), by_ends);
	/* Backwards, so that each list of alternatives begins with the first. */
	for (uint32_t i = 0, j; !err && i < m->c->nr_edges; i = j) {
		for (j = i; j < m->c->nr_edges && ranked[j].from == ranked[i].from &&
			    ranked[j].to == ranked[i].to;)
			j++;
		for (uint32_t k = j; !err && k-- > i;)
			err = add_edge(m, &ranked[k]);
	}
	free(ranked);
	return err;
}

/*
 * Where nesting is not annotated, a class that nests in itself stands for
 * several of lockdep's: what goes in and what comes out need not be one lock.
 */
static void grade_selves(struct finding_model *m)
{
	for (uint32_t i = 0; !m->c->annotated && i < m->g->nr_classes; i++) {
		if (!m->g->classes[i].self)
			continue;
		if (m->grade[i] < CAPTURE_INFERRED)
			m->grade[i] = CAPTURE_INFERRED;
		m->cycle_grade[i] = CAPTURE_AMBIGUOUS;
	}
}

static int fill(struct finding_model *m)
{
	int err = allocate(m);

	err = err ?: add_classes(m);
	err = err ?: add_edges(m);
	if (err)
		return err;
	grade_selves(m);
	for (uint32_t i = 0; i < m->g->nr_classes; i++)
		graph_reach_usage(m->reach, m->g, i);
	return 0;
}

int finding_model_new(const struct capture *c, struct finding_model **ret_model)
{
	struct finding_model *m;
	int err = valid(c);

	if (err)
		return err;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->c = c;
	err = fill(m);
	if (err) {
		finding_model_free(m);
		return err;
	}
	*ret_model = m;
	return 0;
}
