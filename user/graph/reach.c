// SPDX-License-Identifier: GPL-2.0-only
#include "graph/reach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BIT(n) (1u << (n))

static uint32_t kinds_of(uint32_t usage, enum lv_usage hard, enum lv_usage soft, bool bound)
{
	uint32_t reads = bound ? 0 : usage >> 1; /* a read bit follows its write bit */
	uint32_t bits = usage | reads;

	return (bits & BIT(hard) ? GRAPH_HARD : 0) | (bits & BIT(soft) ? GRAPH_SOFT : 0);
}

uint32_t graph_safe_kinds(uint32_t usage, bool bound)
{
	return kinds_of(usage, LV_USED_IN_HARDIRQ, LV_USED_IN_SOFTIRQ, bound);
}

uint32_t graph_unsafe_kinds(uint32_t usage, bool bound)
{
	return kinds_of(usage, LV_ENABLED_HARDIRQ, LV_ENABLED_SOFTIRQ, bound);
}

struct graph_reach *graph_reach_new(void)
{
	return calloc(1, sizeof(struct graph_reach));
}

void graph_reach_free(struct graph_reach *r)
{
	if (!r)
		return;
	free(r->safe_before);
	free(r->unsafe_after);
	free(r->shut);
	free(r->queue);
	free(r->queued);
	free(r);
}

static int grow(void **items, uint32_t room, size_t size)
{
	void *grown = reallocarray(*items, room, size);

	if (!grown)
		return -ENOMEM;
	*items = grown;
	return 0;
}

int graph_reach_classes(struct graph_reach *r, const struct graph *g)
{
	uint32_t room = r->room ? r->room : 64;
	uint32_t new = g->nr_classes - r->nr_classes;
	int err = 0;

	while (room < g->nr_classes)
		room *= 2;
	if (room != r->room) {
		err = err ?: grow((void **)&r->safe_before, room, 1);
		err = err ?: grow((void **)&r->unsafe_after, room, 1);
		err = err ?: grow((void **)&r->shut, room, 1);
		err = err ?: grow((void **)&r->queue, room, sizeof(*r->queue));
		err = err ?: grow((void **)&r->queued, room, sizeof(*r->queued));
		if (err)
			return err;
		r->room = room;
	}
	memset(r->safe_before + r->nr_classes, 0, new);
	memset(r->unsafe_after + r->nr_classes, 0, new);
	memset(r->shut + r->nr_classes, 0, new);
	memset(r->queued + r->nr_classes, 0, new * sizeof(*r->queued));
	r->nr_classes = g->nr_classes;
	return 0;
}

static uint32_t kinds_at(uint8_t both, bool bound)
{
	return (bound ? both >> GRAPH_KINDS : both) & (BIT(GRAPH_KINDS) - 1);
}

uint32_t graph_reach_before(const struct graph_reach *r, uint32_t class, bool bound)
{
	return kinds_at(r->safe_before[class], bound);
}

uint32_t graph_reach_after(const struct graph_reach *r, uint32_t class, bool bound)
{
	return kinds_at(r->unsafe_after[class], bound);
}

/*
 * A class learns this over an edge from its neighbour's kinds: `any` are the kinds of dependency a
 * free place uses, `bound` those a bound one may, and `freeing` those that lead to the neighbour's
 * free place.
 */
static uint8_t learn(uint32_t dep, uint8_t kinds, uint32_t bound, uint32_t freeing)
{
	uint32_t free_kinds = kinds_at(kinds, !(dep & freeing));
	uint32_t bound_kinds = 0;

	if (dep & bound)
		bound_kinds = kinds_at(kinds, !(dep & bound & freeing));
	return GRAPH_REACH_FREE(free_kinds) | GRAPH_REACH_BOUND(bound_kinds);
}

static uint8_t own_safe(uint32_t usage)
{
	return GRAPH_REACH_FREE(graph_safe_kinds(usage, false)) |
	       GRAPH_REACH_BOUND(graph_safe_kinds(usage, true));
}

static uint8_t own_unsafe(uint32_t usage)
{
	return GRAPH_REACH_FREE(graph_unsafe_kinds(usage, false)) |
	       GRAPH_REACH_BOUND(graph_unsafe_kinds(usage, true));
}

static uint8_t passed_unsafe(const struct graph_reach *r, uint32_t class)
{
	return r->shut[class] & GRAPH_SHUT_UNSAFE ? 0 : r->unsafe_after[class];
}

static uint8_t passed_safe(const struct graph_reach *r, const struct graph *g, uint32_t class)
{
	if (r->shut[class] & GRAPH_SHUT_SAFE)
		return own_safe(g->classes[class].usage);
	return r->safe_before[class];
}

uint32_t graph_reach_passed_after(const struct graph_reach *r, uint32_t class, bool bound)
{
	return kinds_at(passed_unsafe(r, class), bound);
}

uint32_t graph_reach_passed_before(const struct graph_reach *r, const struct graph *g,
				   uint32_t class, bool bound)
{
	return kinds_at(passed_safe(r, g, class), bound);
}

static void push(struct graph_reach *r, uint32_t *tail, uint32_t class)
{
	if (r->queued[class])
		return;
	r->queued[class] = true;
	r->queue[(*tail)++ % r->room] = class;
}

/* Tells the predecessors what can be reached, and theirs, until nobody learns. */
static void spread_unsafe(struct graph_reach *r, const struct graph *g, uint32_t class)
{
	uint32_t head = 0, tail = 0;

	push(r, &tail, class);
	while (head != tail) {
		uint32_t at = r->queue[head++ % r->room];
		const struct graph_arcs *in = &g->classes[at].in;

		r->queued[at] = false;
		for (uint32_t i = 0; i < in->nr; i++) {
			uint8_t *mine = &r->unsafe_after[in->items[i].class];
			uint8_t kinds = learn(in->items[i].dep, passed_unsafe(r, at), GRAPH_DEPS_E,
					      GRAPH_DEPS_N);

			if (!(kinds & ~*mine))
				continue;
			*mine |= kinds;
			push(r, &tail, in->items[i].class);
		}
	}
}

static void spread_safe(struct graph_reach *r, const struct graph *g, uint32_t class)
{
	uint32_t head = 0, tail = 0;

	push(r, &tail, class);
	while (head != tail) {
		uint32_t at = r->queue[head++ % r->room];
		const struct graph_arcs *out = &g->classes[at].out;

		r->queued[at] = false;
		for (uint32_t i = 0; i < out->nr; i++) {
			uint8_t *mine = &r->safe_before[out->items[i].class];
			uint8_t kinds = learn(out->items[i].dep, passed_safe(r, g, at),
					      GRAPH_DEPS_N, GRAPH_DEPS_E);

			if (!(kinds & ~*mine))
				continue;
			*mine |= kinds;
			push(r, &tail, out->items[i].class);
		}
	}
}

void graph_reach_usage(struct graph_reach *r, const struct graph *g, uint32_t class)
{
	uint8_t safe = own_safe(g->classes[class].usage);
	uint8_t unsafe = own_unsafe(g->classes[class].usage);

	if (safe & ~r->safe_before[class]) {
		r->safe_before[class] |= safe;
		spread_safe(r, g, class);
	}
	if (unsafe & ~r->unsafe_after[class]) {
		r->unsafe_after[class] |= unsafe;
		spread_unsafe(r, g, class);
	}
}

void graph_reach_edge(struct graph_reach *r, const struct graph *g, uint32_t edge)
{
	const struct graph_edge *e = &g->edges[edge];
	uint8_t unsafe = learn(e->dep, passed_unsafe(r, e->to), GRAPH_DEPS_E, GRAPH_DEPS_N);
	uint8_t safe = learn(e->dep, passed_safe(r, g, e->from), GRAPH_DEPS_N, GRAPH_DEPS_E);

	if (unsafe & ~r->unsafe_after[e->from]) {
		r->unsafe_after[e->from] |= unsafe;
		spread_unsafe(r, g, e->from);
	}
	if (safe & ~r->safe_before[e->to]) {
		r->safe_before[e->to] |= safe;
		spread_safe(r, g, e->to);
	}
}

void graph_reach_shut(struct graph_reach *r, uint32_t class, uint8_t shut)
{
	r->shut[class] |= shut;
}

void graph_reach_renew(struct graph_reach *r, const struct graph *g)
{
	memset(r->safe_before, 0, r->nr_classes);
	memset(r->unsafe_after, 0, r->nr_classes);
	for (uint32_t i = 0; i < r->nr_classes; i++)
		graph_reach_usage(r, g, i);
}

size_t graph_reach_memory(const struct graph_reach *r)
{
	return sizeof(*r) + (size_t)r->room * (3 + sizeof(*r->queue) + sizeof(*r->queued));
}
