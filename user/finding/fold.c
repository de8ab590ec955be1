// SPDX-License-Identifier: GPL-2.0-only
#include "finding/fold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "finding/fault.h"
#include "finding/pseudo.h"

#define SHARED_FINDINGS 3

/* A cycle as a chain. */
struct cycle {
	const struct graph_path *path;
	struct finding_chain chain;
	uint32_t common; /* locks of it that say little: pseudo-locks, and mmap_lock in a fault */
};

/*
 * A cause is what a cure would take away: a dependency, or that a class is held over page faults.
 * Causes are numbered: graph edges, then by holder the faults.
 */
struct fold {
	struct finding_model *m;
	struct cycle *cycles;
	uint32_t nr;
	uint32_t *uses;   /* by cause: findings with it */
	uint32_t *first;  /* by cause: the first of them */
	uint32_t *has;    /* by cause: cycles with it, of those counted */
	uint32_t *parent; /* by graph class: towards the class that stands for all connected ones */
	uint32_t *in;     /* by such a class: cycles, of those counted */
};

static int compare_paths(const struct graph_path *a, const struct graph_path *b)
{
	if (a->nr != b->nr)
		return a->nr < b->nr ? -1 : 1;
	for (uint32_t i = 0; i < a->nr; i++)
		if (a->classes[i] != b->classes[i])
			return a->classes[i] < b->classes[i] ? -1 : 1;
	return 0;
}

static int by_grade(const void *a, const void *b)
{
	const struct fold_cycle *left = a, *right = b;

	if (left->grade != right->grade)
		return left->grade < right->grade ? -1 : 1;
	return compare_paths(&left->path, &right->path);
}

/* Those that an annotation graded down come after all others. */
static int by_worth(const void *a, const void *b)
{
	const struct cycle *left = a, *right = b;

	if (!left->chain.graded_down != !right->chain.graded_down)
		return left->chain.graded_down ? 1 : -1;
	if (left->chain.confidence != right->chain.confidence)
		return left->chain.confidence > right->chain.confidence ? -1 : 1;
	if (left->chain.grade != right->chain.grade)
		return left->chain.grade < right->chain.grade ? -1 : 1;
	if (left->path->nr == right->path->nr && left->common != right->common)
		return left->common < right->common ? -1 : 1;
	return compare_paths(left->path, right->path);
}

static uint32_t cause_of(const struct fold *f, uint32_t edge)
{
	return fault_is_all_of(f->m, edge) ? f->m->g->nr_edges + f->m->g->edges[edge].from : edge;
}

static bool is_fault_cause(const struct fold *f, uint32_t cause)
{
	return cause >= f->m->g->nr_edges;
}

static uint32_t count_common(struct fold *f, const struct graph_path *path)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < path->nr; i++) {
		const struct capture_class *class = finding_class(f->m, path->classes[i]);
		uint32_t into = path->edges[(i + path->nr - 1) % path->nr];

		nr += finding_pseudo_kind(class) ||
		      (!strcmp(class->name, "mm_struct.mmap_lock") &&
		       is_fault_cause(f, cause_of(f, into)));
	}
	return nr;
}

/* The chains of all different cycles, as far as the budget goes. */
static int make_chains(struct fold *f, struct fold_cycle *items, uint32_t nr,
		       struct findings *findings)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < nr; i++) {
		struct cycle *cycle = &f->cycles[f->nr];

		if (finding_model_overworked(f->m)) {
			findings->cut_short = true;
			break;
		}
		if (i && !compare_paths(&items[i - 1].path, &items[i].path))
			continue;
		err = finding_chain_circular(f->m, &items[i].path, &cycle->chain);
		if (!err) {
			cycle->path = &items[i].path;
			cycle->common = count_common(f, cycle->path);
			f->nr++;
		} else if (err == -ENOENT) {
			err = 0;
		}
	}
	return err;
}

static uint32_t stands_for(struct fold *f, uint32_t class)
{
	while (f->parent[class] != class)
		class = f->parent[class] = f->parent[f->parent[class]];
	return class;
}

static void connect(struct fold *f, const struct graph_path *path)
{
	for (uint32_t i = 1; i < path->nr; i++)
		f->parent[stands_for(f, path->classes[i])] = stands_for(f, path->classes[0]);
}

/* How many of the first so many cycles have each cause, and are connected to each other. */
static void count_causes(struct fold *f, uint32_t nr)
{
	memset(f->has, 0, (f->m->g->nr_edges + f->m->g->nr_classes) * sizeof(*f->has));
	memset(f->in, 0, f->m->g->nr_classes * sizeof(*f->in));
	for (uint32_t i = 0; i < f->m->g->nr_classes; i++)
		f->parent[i] = i;
	for (uint32_t i = 0; i < nr; i++) {
		connect(f, f->cycles[i].path);
		for (uint32_t j = 0; j < f->cycles[i].path->nr; j++)
			f->has[cause_of(f, f->cycles[i].path->edges[j])]++;
	}
	for (uint32_t i = 0; i < nr; i++)
		f->in[stands_for(f, f->cycles[i].path->classes[0])]++;
}

static bool is_one_finding(struct fold *f, const struct graph_path *path, uint32_t cause)
{
	if (!f->uses[cause])
		return false;
	return f->uses[cause] >= SHARED_FINDINGS || is_fault_cause(f, cause) ||
	       f->has[cause] == f->in[stands_for(f, path->classes[0])];
}

/* The cause that makes the cycle one with an earlier finding, the one of most; LV_NONE: none does. */
static uint32_t shared_cause(struct fold *f, const struct graph_path *path)
{
	uint32_t best = LV_NONE;

	for (uint32_t i = 0; i < path->nr; i++) {
		uint32_t cause = cause_of(f, path->edges[i]);

		if (is_one_finding(f, path, cause) &&
		    (best == LV_NONE || f->uses[cause] > f->uses[best]))
			best = cause;
	}
	return best;
}

/* The chain is the set's from here on. */
static int add(struct fold *f, struct cycle *cycle, struct finding_set *set)
{
	uint32_t shared = shared_cause(f, cycle->path);
	struct finding_chain chain = cycle->chain;

	cycle->chain = (struct finding_chain){0};
	if (shared != LV_NONE)
		return finding_add_also(&set->findings->items[f->first[shared]], &chain);
	for (uint32_t i = 0; i < cycle->path->nr; i++) {
		uint32_t cause = cause_of(f, cycle->path->edges[i]);

		if (!f->uses[cause]++)
			f->first[cause] = set->findings->nr;
	}
	return finding_set_add(set, FINDING_CIRCULAR, &chain, NULL);
}

/* Cycles that are shown by default are folded first, without regard to weak ones. */
static int add_all(struct fold *f, struct finding_set *set)
{
	uint32_t shown = 0;
	int err = 0;

	while (shown < f->nr && f->cycles[shown].chain.confidence >= FINDING_LIKELY)
		shown++;
	count_causes(f, shown);
	for (uint32_t i = 0; !err && i < f->nr; i++) {
		if (i == shown)
			count_causes(f, f->nr);
		err = add(f, &f->cycles[i], set);
	}
	return err;
}

static int allocate(struct fold *f, uint32_t nr)
{
	size_t classes = f->m->g->nr_classes + 1, causes = f->m->g->nr_edges + classes;

	f->cycles = calloc((size_t)nr + 1, sizeof(*f->cycles));
	f->uses = calloc(causes, sizeof(*f->uses));
	f->first = calloc(causes, sizeof(*f->first));
	f->has = calloc(causes, sizeof(*f->has));
	f->parent = calloc(classes, sizeof(*f->parent));
	f->in = calloc(classes, sizeof(*f->in));
	if (!f->cycles || !f->uses || !f->first || !f->has || !f->parent || !f->in)
		return -ENOMEM;
	return 0;
}

static void release(struct fold *f)
{
	for (uint32_t i = 0; i < f->nr; i++)
		finding_chain_done(&f->cycles[i].chain);
	free(f->cycles);
	free(f->uses);
	free(f->first);
	free(f->has);
	free(f->parent);
	free(f->in);
}

int fold_cycles(struct finding_model *m, struct fold_cycle *items, uint32_t nr,
		struct finding_set *set)
{
	struct fold f = {.m = m};
	int err = allocate(&f, nr);

	if (nr)
		qsort(items, nr, sizeof(*items), by_grade);
	err = err ?: make_chains(&f, items, nr, set->findings);
	if (!err && f.nr)
		qsort(f.cycles, f.nr, sizeof(*f.cycles), by_worth);
	err = err ?: add_all(&f, set);
	release(&f);
	return err;
}
