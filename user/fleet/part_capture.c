// SPDX-License-Identifier: GPL-2.0-only
#include "fleet/part_capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/merge.h"
#include "finding/orders.h"

/* One host's part of a chain, copied out of the graph of all. */
struct copying {
	const struct fleet_graph *g;
	const struct witness *w;
	uint64_t links; /* that this host has */
	struct capture *to;
};

static int copy_text(const char *from, char **to)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static int copy_stack(struct copying *p, uint32_t index, uint32_t *ret)
{
	const struct capture_stack *from;
	struct capture_stack *to;
	int code = 0;

	*ret = LV_NONE;
	if (index == LV_NONE)
		return 0;
	from = &p->g->c->stacks[index];
	to = capture_add_stack(p->to);
	if (!to)
		return -ENOMEM;
	*ret = p->to->nr_stacks - 1;
	to->pid = from->pid;
	to->cpu = from->cpu;
	memcpy(to->comm, from->comm, sizeof(to->comm));
	to->frames = calloc(from->nr_frames + 1, sizeof(*to->frames));
	if (!to->frames)
		return -ENOMEM;
	for (uint32_t i = 0; !code && i < from->nr_frames; i++) {
		code = copy_text(from->frames[i].text, &to->frames[i].text);
		to->nr_frames = i + 1;
	}
	return code;
}

/* Link n of the chain, whatever it is: does this host have it? */
static bool has_link(const struct copying *p, uint32_t unit)
{
	for (uint32_t i = 0; i < p->w->nr; i++)
		if (p->w->units[i] == unit)
			return p->links >> i & 1;
	return false;
}

static int copy_usage(struct copying *p, uint32_t class, struct capture_class *to, uint32_t bit)
{
	const struct capture_class *from = &p->g->c->classes[class];
	uint32_t stack;
	int code;

	if (bit == FINDING_NO_USAGE || !has_link(p, p->g->usage_units[class][bit]))
		return 0;
	to->usage |= 1u << bit;
	to->twice |= from->twice & 1u << bit;
	code = copy_stack(p, from->usage_stack[bit], &stack);
	to->usage_stack[bit] = stack;
	return code;
}

/* The chain's class i becomes the capture's class i. */
static int copy_class(struct copying *p, uint32_t i)
{
	const struct finding_chain *chain = p->w->chain;
	const struct capture_class *from = &p->g->c->classes[chain->classes[i]];
	struct capture_class *to = capture_add_class(p->to);
	int code;

	if (!to)
		return -ENOMEM;
	to->certainty = from->certainty;
	to->family = from->family;
	to->subclass = from->subclass;
	to->flags = from->flags;
	code = copy_text(from->name, &to->name);
	code = code ? code : copy_text(from->alias, &to->alias);
	code = code ? code : copy_text(from->kind, &to->kind);
	code = code ? code : copy_text(from->key, &to->key);
	code = code ? code : copy_text(from->why, &to->why);
	if (!code && !i)
		code = copy_usage(p, chain->classes[i], to, chain->safe);
	if (!code && i == chain->nr_classes - 1)
		code = copy_usage(p, chain->classes[i], to, chain->unsafe);
	return code;
}

static uint32_t place_in(const struct finding_chain *chain, uint32_t class)
{
	for (uint32_t i = 0; i < chain->nr_classes; i++)
		if (chain->classes[i] == class)
			return i;
	return LV_NONE;
}

static int copy_edge(struct copying *p, uint32_t index)
{
	const struct capture_edge *from = &p->g->c->edges[index];
	struct capture_edge *to;
	int code;

	/* A dependency that the kernel tells comes back by itself. */
	if (capture_edge_told(p->g->c, from) || !has_link(p, p->g->edge_units[index]))
		return 0;
	to = capture_add_edge(p->to);
	if (!to)
		return -ENOMEM;
	to->from = place_in(p->w->chain, from->from);
	to->to = place_in(p->w->chain, from->to);
	to->dep = from->dep;
	to->count = from->count;
	to->sure = from->sure;
	code = copy_stack(p, from->stack, &to->stack);
	return code ? code : copy_stack(p, from->from_stack, &to->from_stack);
}

static int copy_part(struct copying *p)
{
	const struct finding_chain *chain = p->w->chain;
	int code = 0;

	for (uint32_t i = 0; !code && i < chain->nr_classes; i++)
		code = copy_class(p, i);
	for (uint32_t i = 0; !code && i < chain->nr_edges; i++)
		code = copy_edge(p, chain->edges[i]);
	return code;
}

static int add_loss(struct capture *c, uint64_t count)
{
	struct capture_loss *loss = count ? capture_add_loss(c) : NULL;

	if (!count)
		return 0;
	if (!loss)
		return -ENOMEM;
	loss->count = count;
	loss->name = strdup("events");
	loss->text = strdup("events that the host lost, of all kinds");
	return loss->name && loss->text ? 0 : -ENOMEM;
}

/* Read a host's run; its name goes to ret_name. */
static int read_run(struct store *s, int32_t run, struct capture *c, int32_t *ret_host, char **ret_name,
		    struct error *err)
{
	char id[16];
	const char *values[] = { id };
	CLEANUP(cleanup_result) PGresult *r = NULL;

	snprintf(id, sizeof(id), "%" PRId32, run);
	r = store_run(s, "SELECT h.id, h.name, started, duration, events, lost, unlocks_hidden, irqs_unseen, "
			 "preempts FROM lockvane.run r JOIN lockvane.host h ON h.id = r.host WHERE r.id = $1",
		      1, values, err);
	if (!r)
		return err->code;
	if (PQntuples(r) != 1)
		return error_set(err, -EAGAIN, "a host went from the store meanwhile");
	*ret_host = store_number(r, 0, 0);
	*ret_name = store_copy(r, 0, 1);
	c->started = store_number(r, 0, 2);
	c->duration = store_number(r, 0, 3);
	c->events = store_number(r, 0, 4);
	c->unlocks_hidden = store_is_true(r, 0, 6);
	c->irqs_unseen = store_is_true(r, 0, 7);
	c->preempts = store_is_true(r, 0, 8);
	if (!*ret_name || add_loss(c, store_number(r, 0, 5)))
		return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int add_host(struct capture_merge *m, struct store *s, const struct fleet_build *build,
		    struct copying *p, int32_t run, int32_t *ret_host, struct error *err)
{
	AUTO_FREE char *name = NULL;
	int code;

	p->to = fleet_graph_empty(build);
	if (!p->to)
		return error_set(err, -ENOMEM, "out of memory");
	code = read_run(s, run, p->to, ret_host, &name, err);
	if (!code && copy_part(p))
		code = error_set(err, -ENOMEM, "out of memory");
	code = code ? code : capture_merge_add(m, p->to, name, err);
	capture_free(p->to);
	return code;
}

int fleet_put_together(struct store *s, const struct fleet_build *build, const struct fleet_graph *g,
		       const struct witness *w, const struct witness_best *chosen, size_t nr, struct capture **ret,
		       int32_t *hosts, struct error *err)
{
	struct capture_merge *m = capture_merge_new();
	struct capture *c = NULL;
	int code = m ? 0 : error_set(err, -ENOMEM, "out of memory");

	for (size_t i = 0; !code && i < nr; i++) {
		struct copying p = { .g = g, .w = w, .links = chosen[i].links };

		code = add_host(m, s, build, &p, chosen[i].run, &hosts[i], err);
	}
	if (!code)
		c = capture_merge_take(m);
	capture_merge_free(m);
	if (c && orders_add(c, c->kernel))
		code = error_set(err, -ENOMEM, "out of memory");
	if (code)
		capture_free(c);
	else
		*ret = c;
	return code;
}
