// SPDX-License-Identifier: GPL-2.0-only
#include "graph/feedback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Classes are put in a row: one that nothing left comes after goes to the end,
 * one that nothing left comes before to the front, and else the one whose
 * edges go out most and come in least to the front. Edges that then point
 * backwards are the set.
 */
struct row {
	const struct graph *g;
	const uint32_t *region;
	uint32_t *out, *in;    /* by class: edges to and from classes not yet placed */
	uint32_t *place;       /* by class: its place in the row; LV_NONE: not yet */
	uint32_t *first;       /* by bucket: a class */
	uint32_t *next, *prev; /* by class: its neighbours in the bucket */
	uint32_t *bucket;      /* by class */
	uint32_t nr_buckets, top;
	uint32_t front, back;
};

/* Bucket 0 is for those that nothing comes after, the last for those nothing comes before. */
static uint32_t bucket_of(const struct row *r, uint32_t class)
{
	uint32_t middle = r->nr_buckets / 2, most = middle - 2;
	uint32_t out = r->out[class], in = r->in[class];

	if (!out)
		return 0;
	if (!in)
		return r->nr_buckets - 1;
	if (out >= in)
		return middle + (out - in < most ? out - in : most);
	return middle - (in - out < most ? in - out : most);
}

static void take_out(struct row *r, uint32_t class)
{
	uint32_t next = r->next[class], prev = r->prev[class];

	if (next != LV_NONE)
		r->prev[next] = prev;
	if (prev != LV_NONE)
		r->next[prev] = next;
	else
		r->first[r->bucket[class]] = next;
}

static void put_in(struct row *r, uint32_t class)
{
	uint32_t bucket = bucket_of(r, class), head = r->first[bucket];

	r->bucket[class] = bucket;
	r->next[class] = head;
	r->prev[class] = LV_NONE;
	if (head != LV_NONE)
		r->prev[head] = class;
	r->first[bucket] = class;
	if (bucket > r->top)
		r->top = bucket;
}

static bool counts(const struct row *r, uint32_t class, uint32_t other)
{
	return r->region[class] == r->region[other] && r->place[other] == LV_NONE;
}

static void set_place(struct row *r, uint32_t class, uint32_t place)
{
	const struct graph_class *c = &r->g->classes[class];

	take_out(r, class);
	r->place[class] = place;
	for (uint32_t i = 0; i < c->out.nr; i++) {
		uint32_t other = c->out.items[i].class;

		if (!counts(r, class, other))
			continue;
		take_out(r, other);
		r->in[other]--;
		put_in(r, other);
	}
	for (uint32_t i = 0; i < c->in.nr; i++) {
		uint32_t other = c->in.items[i].class;

		if (!counts(r, class, other))
			continue;
		take_out(r, other);
		r->out[other]--;
		put_in(r, other);
	}
}

static void count_edges(struct row *r)
{
	for (uint32_t i = 0; i < r->g->nr_edges; i++) {
		const struct graph_edge *e = &r->g->edges[i];

		if (r->region[e->from] == LV_NONE || r->region[e->from] != r->region[e->to])
			continue;
		r->out[e->from]++;
		r->in[e->to]++;
	}
}

static void line_up(struct row *r)
{
	count_edges(r);
	memset(r->place, 0xff, r->g->nr_classes * sizeof(*r->place));
	memset(r->first, 0xff, r->nr_buckets * sizeof(*r->first));
	for (uint32_t i = r->g->nr_classes; i-- > 0;)
		if (r->region[i] != LV_NONE)
			put_in(r, i);
	r->back = r->g->nr_classes;
	for (;;) {
		if (r->first[0] != LV_NONE) {
			set_place(r, r->first[0], --r->back);
			continue;
		}
		while (r->top && r->first[r->top] == LV_NONE)
			r->top--;
		if (!r->top)
			break;
		set_place(r, r->first[r->top], r->front++);
	}
}

static void mark(const struct row *r, bool *ret_feedback)
{
	for (uint32_t i = 0; i < r->g->nr_edges; i++) {
		const struct graph_edge *e = &r->g->edges[i];

		ret_feedback[i] = r->region[e->from] != LV_NONE &&
				  r->region[e->from] == r->region[e->to] &&
				  r->place[e->from] > r->place[e->to];
	}
}

int graph_feedback(const struct graph *g, const uint32_t *region, bool *ret_feedback)
{
	struct row r = {.g = g, .region = region, .nr_buckets = 256};
	size_t nr = (size_t)g->nr_classes + 1;
	uint32_t *all = calloc(nr * 6 + r.nr_buckets, sizeof(*all));

	if (!all)
		return -ENOMEM;
	r.out = all;
	r.in = all + nr;
	r.place = all + nr * 2;
	r.next = all + nr * 3;
	r.prev = all + nr * 4;
	r.bucket = all + nr * 5;
	r.first = all + nr * 6;
	line_up(&r);
	mark(&r, ret_feedback);
	free(all);
	return 0;
}
