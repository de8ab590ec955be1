// SPDX-License-Identifier: GPL-2.0-only
#include "knowledge/excerpt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where classes and edges of the whole have gone, or LV_NONE. */
struct moves {
	const struct capture *whole;
	uint32_t *classes, *edges;
};

static uint32_t move_class(struct moves *m, struct excerpt *e, uint32_t class)
{
	if (m->classes[class] == LV_NONE) {
		m->classes[class] = e->c.nr_classes;
		e->c.classes[e->c.nr_classes++] = m->whole->classes[class];
	}
	return m->classes[class];
}

static uint32_t move_edge(struct moves *m, struct excerpt *e, uint32_t edge)
{
	struct capture_edge *to;

	if (m->edges[edge] == LV_NONE) {
		m->edges[edge] = e->c.nr_edges;
		to = &e->c.edges[e->c.nr_edges++];
		*to = m->whole->edges[edge];
		to->from = move_class(m, e, to->from);
		to->to = move_class(m, e, to->to);
	}
	return m->edges[edge];
}

static int move_chain(struct moves *m, struct excerpt *e, const struct finding_chain *from,
		      struct finding_chain *to)
{
	*to = *from;
	to->classes = calloc(from->nr_classes + 1, sizeof(*to->classes));
	to->edges = calloc(from->nr_edges + 1, sizeof(*to->edges));
	if (!to->classes || !to->edges)
		return -ENOMEM;
	for (uint32_t i = 0; i < from->nr_classes; i++)
		to->classes[i] = move_class(m, e, from->classes[i]);
	for (uint32_t i = 0; i < from->nr_edges; i++)
		to->edges[i] = move_edge(m, e, from->edges[i]);
	return 0;
}

/* Room is there for all waits of the whole. */
static void move_ring(struct moves *m, struct excerpt *e, uint32_t first)
{
	size_t nr = capture_ring_len(m->whole, first);

	e->f.ring = 0;
	for (size_t i = 0; i < nr; i++) {
		struct capture_wait *to = &e->c.waits[e->c.nr_waits++];

		*to = m->whole->waits[first + i];
		to->class = move_class(m, e, to->class);
	}
}

static int move_finding(struct moves *m, struct excerpt *e, const struct finding *f)
{
	int code;

	e->f = *f;
	e->f.also = NULL;
	e->f.beyond = NULL;
	e->f.ring = LV_NONE;
	e->f.nr_also = e->f.nr_beyond = 0;
	code = move_chain(m, e, &f->chain, &e->f.chain);
	if (code)
		return code;
	if (f->ring != LV_NONE)
		move_ring(m, e, f->ring);
	e->f.also = calloc(f->nr_also + 1, sizeof(*e->f.also));
	e->f.beyond = calloc(f->nr_beyond + 1, sizeof(*e->f.beyond));
	if (!e->f.also || !e->f.beyond)
		return -ENOMEM;
	for (uint32_t i = 0; !code && i < f->nr_also; i++)
		code = move_chain(m, e, &f->also[i], &e->f.also[e->f.nr_also++]);
	for (uint32_t i = 0; !code && i < f->nr_beyond; i++)
		e->f.beyond[e->f.nr_beyond++] = move_class(m, e, f->beyond[i]);
	return code;
}

int excerpt_make(const struct capture *whole, const struct finding *f, struct excerpt *ret)
{
	struct moves m = {.whole = whole};
	int code = -ENOMEM;

	*ret = (struct excerpt){.c = *whole};
	ret->c.nr_classes = ret->c.nr_edges = ret->c.nr_facts = ret->c.nr_waits = 0;
	ret->c.classes = calloc(whole->nr_classes + 1, sizeof(*ret->c.classes));
	ret->c.edges = calloc(whole->nr_edges + 1, sizeof(*ret->c.edges));
	ret->c.waits = calloc(whole->nr_waits + 1, sizeof(*ret->c.waits));
	m.classes = malloc((whole->nr_classes + 1) * sizeof(*m.classes));
	m.edges = malloc((whole->nr_edges + 1) * sizeof(*m.edges));
	if (ret->c.classes && ret->c.edges && ret->c.waits && m.classes && m.edges) {
		memset(m.classes, 0xff, whole->nr_classes * sizeof(*m.classes));
		memset(m.edges, 0xff, whole->nr_edges * sizeof(*m.edges));
		code = move_finding(&m, ret, f);
	}
	free(m.classes);
	free(m.edges);
	if (code)
		excerpt_done(ret);
	return code;
}

static void chain_done(struct finding_chain *chain)
{
	free(chain->classes);
	free(chain->edges);
}

void excerpt_done(struct excerpt *e)
{
	chain_done(&e->f.chain);
	for (uint32_t i = 0; i < e->f.nr_also; i++)
		chain_done(&e->f.also[i]);
	free(e->f.also);
	free(e->f.beyond);
	free(e->c.classes);
	free(e->c.edges);
	free(e->c.waits);
	*e = (struct excerpt){};
}
