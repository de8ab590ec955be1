// SPDX-License-Identifier: GPL-2.0-only
#include "finding/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "finding/pseudo.h"

#define BIT(n) (1u << (n))
#define SEARCH_BUDGET 100000000u /* arcs: seconds; lockdep's largest graph has 32,768 */
#define NO_INVERSION (CAPTURE_AMBIGUOUS + 1) /* a grade that no search of inversions goes through */
#define WORK_BUDGET 500000000u	 /* seconds, too */
#define WORK_ELEMENT 100	 /* for a chain: its memory, an id's hash, a place in the sort */
#define HARDIRQ_BITS                                                                               \
	(BIT(LV_USED_IN_HARDIRQ) | BIT(LV_USED_IN_HARDIRQ_READ) | BIT(LV_ENABLED_HARDIRQ) |        \
	 BIT(LV_ENABLED_HARDIRQ_READ))

enum capture_certainty finding_grade(const struct capture *c, const struct capture_class *class)
{
	bool shared = class->usage & (1u << LV_USED_READ);
	bool sleeps = class->family == LV_RWSEM || class->family == LV_PERCPU_RWSEM ||
		      (c->rt && class->family == LV_RWLOCK);
	enum capture_certainty grade;

	if (class->flags & LV_CLASS_HANDED)
		return CAPTURE_AMBIGUOUS;
	if (c->preempts && !c->misses_asked && ((sleeps && shared) || class->family == LV_SOCK))
		return CAPTURE_AMBIGUOUS;
	/* The memory is something else's as soon as the function returns: its word proves nothing. */
	if (c->unlocks_hidden && class->kind && !strcmp(class->kind, "stack"))
		return CAPTURE_AMBIGUOUS;
	grade = finding_pseudo_grade(c, class);
	return grade > class->certainty ? grade : class->certainty;
}

uint32_t finding_usage(const struct capture *c, const struct capture_class *class)
{
	if (!finding_pseudo_in_irqs(class))
		return 0;
	if (!c->rt)
		return class->usage;
	/* Softirqs are threads there, and so are the users of all other locks. */
	return class->family == LV_RAWSPIN ? class->usage & HARDIRQ_BITS : 0;
}

bool finding_same_instance(const struct capture_edge *edge)
{
	return edge->from_addr && edge->from_addr == edge->to_addr;
}

bool finding_is_permanent(const struct capture_class *class)
{
	return class->kind && (!strcmp(class->kind, "static") || !strcmp(class->kind, "percpu"));
}

const struct capture_class *finding_class(const struct finding_model *m, uint32_t graph_class)
{
	return &m->c->classes[m->capture_class[graph_class]];
}

bool finding_model_tired(const struct finding_model *m)
{
	return graph_walk_cost(m->walk) > SEARCH_BUDGET || finding_model_overworked(m);
}

void finding_model_spend(struct finding_model *m, uint64_t work)
{
	m->work += work;
}

void finding_model_spend_path(struct finding_model *m, const struct graph_path *path)
{
	for (uint32_t i = 0; i < path->nr; i++)
		m->work += WORK_ELEMENT + strlen(finding_class(m, path->classes[i])->name);
}

void finding_model_reset_work(struct finding_model *m)
{
	m->work = 0;
}

bool finding_model_overworked(const struct finding_model *m)
{
	return m->work > WORK_BUDGET;
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
	annotations_free(m->annotations);
	free(m->member);
	free(m->inner);
	free(m->first_edge);
	free(m->next_edge);
	free(m->fault);
	free(m->first_self);
	free(m->mark);
	free(m);
}

static bool class_valid(const struct capture_class *class)
{
	return class->name && class->certainty <= CAPTURE_AMBIGUOUS;
}

static bool edge_valid(const struct capture *c, const struct capture_edge *edge)
{
	return edge->from < c->nr_classes && edge->to < c->nr_classes && edge->dep & GRAPH_DEPS;
}

static bool fact_valid(const struct capture *c, const struct capture_fact *fact)
{
	return fact->class < c->nr_classes && fact->kind < CAPTURE_FACT_KINDS &&
	       (fact->class2 == LV_NONE || fact->class2 < c->nr_classes);
}

static bool wait_valid(const struct capture *c, const struct capture_wait *wait)
{
	return wait->class < c->nr_classes && wait->mode <= LV_READ && wait->held <= LV_READ &&
	       wait->ends < CAPTURE_WAIT_ENDS;
}

static int valid(const struct capture *c)
{
	bool good = c->nr_classes < LV_NONE / 4 && c->nr_edges < BIT(28);

	for (size_t i = 0; good && i < c->nr_classes; i++)
		good = class_valid(&c->classes[i]);
	for (size_t i = 0; good && i < c->nr_edges; i++)
		good = edge_valid(c, &c->edges[i]);
	for (size_t i = 0; good && i < c->nr_facts; i++)
		good = fact_valid(c, &c->facts[i]);
	for (size_t i = 0; good && i < c->nr_waits; i++)
		good = wait_valid(c, &c->waits[i]);
	return good ? 0 : -EINVAL;
}

/* New items are all ones: LV_NONE. */
static int grow(void **items, size_t had, size_t room, size_t size)
{
	char *grown = reallocarray(*items, room, size);

	if (!grown)
		return -ENOMEM;
	memset(grown + had * size, 0xff, (room - had) * size);
	*items = grown;
	return 0;
}

static size_t more_room(size_t had, size_t wanted)
{
	size_t room = had ? had : 64;

	while (room < wanted)
		room *= 2;
	return room;
}

static int reserve(struct finding_model *m)
{
	size_t classes = more_room(m->room_classes, m->c->nr_classes), had = m->room_classes;
	size_t edges = more_room(m->room_edges, m->c->nr_edges);
	int err = 0;

	if (classes != had) {
		err = err ?: grow((void **)&m->capture_class, had, classes, sizeof(uint32_t));
		err = err ?: grow((void **)&m->graph_class, had, classes, sizeof(uint32_t));
		err = err ?: grow((void **)&m->first_self, had, classes, sizeof(uint32_t));
		err = err ?: grow((void **)&m->mark, had, classes, sizeof(uint32_t));
		err = err ?: grow((void **)&m->grade, had, classes, 1);
		err = err ?: grow((void **)&m->cycle_grade, had, classes, 1);
		err = err ?: grow((void **)&m->member, had, classes, sizeof(*m->member));
		err = err ?: grow((void **)&m->inner, had, classes, 1);
	}
	if (!err)
		m->room_classes = (uint32_t)classes;
	if (!err && edges != m->room_edges) {
		err = err ?: grow((void **)&m->first_edge, m->room_edges, edges, sizeof(uint32_t));
		err = err ?: grow((void **)&m->next_edge, m->room_edges, edges, sizeof(uint32_t));
		err = err ?: grow((void **)&m->fault, m->room_edges, edges, 1);
	}
	if (!err)
		m->room_edges = (uint32_t)edges;
	return err;
}

/*
 * Where nesting is not annotated, a twin, or a class that nests in itself, stands for
 * several of lockdep's: what goes in and what comes out need not be one lock.
 */
static void grade_nesting(struct finding_model *m, uint32_t graph_class)
{
	if (m->grade[graph_class] < CAPTURE_INFERRED)
		m->grade[graph_class] = CAPTURE_INFERRED;
	m->cycle_grade[graph_class] = CAPTURE_AMBIGUOUS;
}

static void look_up_annotations(struct finding_model *m, uint32_t graph_class, const char *name)
{
	bool inner = false;

	m->member[graph_class] =
		m->annotations ? annotations_find(m->annotations, name, &inner) : NULL;
	m->inner[graph_class] = inner;
}

int finding_model_add_class(struct finding_model *m, uint32_t class)
{
	const struct capture_class *seen = &m->c->classes[class];
	uint32_t added;
	int err = class < m->c->nr_classes && class_valid(seen) ? reserve(m) : -EINVAL;

	err = err ?: graph_add_class(m->g, &added);
	err = err ?: graph_reach_classes(m->reach, m->g);
	if (err)
		return err;
	m->capture_class[added] = class;
	m->graph_class[class] = added;
	m->grade[added] = finding_grade(m->c, seen);
	m->cycle_grade[added] = m->grade[added];
	if (!finding_pseudo_in_irqs(seen))
		m->grade[added] = NO_INVERSION;
	if (!m->c->annotated && seen->subclass & LV_SUBCLASS_TWIN)
		grade_nesting(m, added);
	look_up_annotations(m, added, seen->name);
	graph_add_usage(m->g, added, finding_usage(m->c, seen));
	graph_reach_usage(m->reach, m->g, added);
	return 0;
}

int finding_model_add_edge(struct finding_model *m, uint32_t edge, uint32_t *ret_edge)
{
	const struct capture_edge *seen = &m->c->edges[edge];
	int new = edge < m->c->nr_edges &&edge_valid(m->c, seen) ? reserve(m) : -EINVAL;
	uint32_t from, to, *first;

	if (new)
		return new;
	*ret_edge = LV_NONE;
	if (finding_pseudo_refutes(m->c, seen))
		return 0;
	from = m->graph_class[seen->from];
	to = m->graph_class[seen->to];
	new = graph_add_edge(m->g, from, to, seen->dep & GRAPH_DEPS, ret_edge);
	if (new < 0)
		return new;
	first = *ret_edge == LV_NONE ? &m->first_self[from] : &m->first_edge[*ret_edge];
	m->next_edge[edge] = *first;
	*first = edge;
	if (*ret_edge != LV_NONE)
		m->fault[*ret_edge] = FINDING_NOT_ASKED;
	if (from == to && !m->c->annotated && !finding_same_instance(seen))
		grade_nesting(m, from);
	if (from != to && new)
		graph_reach_edge(m->reach, m->g, *ret_edge);
	return new;
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
	uint32_t *sorted = calloc(m->c->nr_classes + 1, sizeof(*sorted));
	int err = sorted ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < m->c->nr_classes; i++)
		sorted[i] = i;
	if (!err)
		qsort_r(sorted, m->c->nr_classes, sizeof(*sorted), by_name, (void *)m->c);
	for (uint32_t i = 0; !err && i < m->c->nr_classes; i++)
		err = finding_model_add_class(m, sorted[i]);
	free(sorted);
	return err;
}

/* A capture edge with its ends as the graph counts them. */
struct ranked {
	uint32_t from, to;
	uint32_t edge;
};

/* Alternatives of one step backwards: the last added is the first listed. */
static int by_ends(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;

	if (left->from != right->from)
		return left->from < right->from ? -1 : 1;
	if (left->to != right->to)
		return left->to < right->to ? -1 : 1;
	return (left->edge < right->edge) - (left->edge > right->edge);
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
	for (uint32_t i = 0; err >= 0 && i < m->c->nr_edges; i++) {
		uint32_t added;

		err = finding_model_add_edge(m, ranked[i].edge, &added);
	}
	free(ranked);
	return err < 0 ? err : 0;
}

int finding_model_new(const struct capture *c, struct finding_model **ret_model)
{
	struct finding_model *m = calloc(1, sizeof(*m));
	int err = m ? valid(c) : -ENOMEM;

	if (!err) {
		m->c = c;
		m->g = graph_new();
		m->reach = graph_reach_new();
		m->walk = graph_walk_new();
		err = m->g && m->reach && m->walk ? reserve(m) : -ENOMEM;
		if (!err && !c->annotated)
			err = annotations_builtin(c->kernel, &m->annotations);
	}
	if (err) {
		finding_model_free(m);
		return err;
	}
	*ret_model = m;
	return 0;
}

int finding_model_fill(struct finding_model *m)
{
	int err = add_classes(m);

	return err ?: add_edges(m);
}
