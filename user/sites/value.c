// SPDX-License-Identifier: GPL-2.0-only
#include "sites/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NODES 65536
#define HASH 8192
#define SMALL 4096		     /* NULL, error pointers, and numbers that are no address */
#define LEAST_STRIDE 8		     /* bytes between elements of an array that is walked */
#define IMAGE (INT64_C(-0x80000000)) /* constants from here to -SMALL are addresses */

int nodes_init(struct nodes *n)
{
	memset(n, 0, sizeof(*n));
	n->room = 256;
	n->node = calloc(n->room, sizeof(*n->node));
	n->hash = calloc(HASH, sizeof(*n->hash));
	if (!n->node || !n->hash) {
		nodes_free(n);
		return -ENOMEM;
	}
	for (n->nr = 0; n->nr <= NODE_STACK; n->nr++)
		n->node[n->nr].kind = n->nr;
	return 0;
}

void nodes_free(struct nodes *n)
{
	free(n->node);
	free(n->hash);
	free(n->inputs);
	memset(n, 0, sizeof(*n));
}

size_t nodes_memory(const struct nodes *n)
{
	return n->room * sizeof(*n->node) + HASH * sizeof(*n->hash) +
	       (size_t)n->room_phis * NODE_INPUTS * sizeof(*n->inputs);
}

static uint32_t hash_of(const struct node *o)
{
	uint64_t h = o->kind;

	h = (h ^ o->base) * 0x9e3779b97f4a7c15;
	h = (h ^ (uint64_t)o->off ^ h >> 29) * 0x9e3779b97f4a7c15;
	h = (h ^ o->key ^ (uint32_t)o->scale ^ h >> 31) * 0x9e3779b97f4a7c15;
	return (h >> 40) & (HASH - 1);
}

static bool add_phi(struct nodes *n, struct node *node)
{
	if (n->nr_phis == n->room_phis) {
		uint32_t room = n->room_phis ? n->room_phis * 2 : 64;
		struct value *more = realloc(n->inputs, (size_t)room * NODE_INPUTS * sizeof(*more));

		if (!more)
			return false;
		n->inputs = more;
		n->room_phis = room;
	}
	node->inputs = n->nr_phis++ * NODE_INPUTS;
	return true;
}

static bool grow(struct nodes *n)
{
	struct node *more;

	if (n->nr < n->room)
		return true;
	if (n->nr >= MAX_NODES)
		return false;
	more = realloc(n->node, (size_t)n->room * 2 * sizeof(*more));
	if (!more)
		return false;
	n->node = more;
	n->room *= 2;
	return true;
}

uint32_t nodes_get(struct nodes *n, const struct node *o)
{
	uint32_t h = hash_of(o), i;
	struct node *node;

	for (i = n->hash[h]; i; i = n->node[i].next) {
		node = &n->node[i];
		if (node->kind == o->kind && node->base == o->base && node->off == o->off &&
		    node->key == o->key && node->scale == o->scale)
			return i;
	}
	if (!grow(n)) {
		n->failed = true;
		return NODE_ANY;
	}
	node = &n->node[n->nr];
	*node = *o;
	node->next = n->hash[h];
	if (node->kind == NODE_PHI && !add_phi(n, node)) {
		n->failed = true;
		return NODE_ANY;
	}
	n->hash[h] = n->nr;
	return n->nr++;
}

struct value value_node(uint32_t node)
{
	return (struct value){.base = node};
}

struct value value_const(int64_t c)
{
	return (struct value){.off = c};
}

bool value_is_const(struct value v)
{
	return !v.base && !v.index;
}

bool value_equal(struct value a, struct value b)
{
	return a.base == b.base && a.index == b.index && a.scale == b.scale && a.off == b.off;
}

static int64_t gcd(int64_t a, int64_t b)
{
	a = a < 0 ? -a : a;
	b = b < 0 ? -b : b;
	while (b) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* A scale that does not fit is that of some number. */
static void set_index(struct value *v, uint32_t index, int64_t scale)
{
	if (scale > INT32_MAX || scale < -INT32_MAX) {
		index = NODE_ANY;
		scale = 1;
	}
	v->index = scale ? index : 0;
	v->scale = scale;
}

static void add_index(struct value *v, uint32_t index, int64_t scale)
{
	if (!index)
		return;
	if (!v->index)
		set_index(v, index, scale);
	else if (v->index == index && index != NODE_ANY)
		set_index(v, index, v->scale + scale);
	else
		set_index(v, NODE_ANY, gcd(v->scale, scale));
}

static int64_t wrap_add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

struct value value_add(struct value a, struct value b, value_rank rank, void *arg)
{
	struct value sum = a;
	uint32_t other = b.base;

	sum.off = wrap_add(a.off, b.off);
	add_index(&sum, b.index, b.scale);
	if (!a.base) {
		sum.base = b.base;
		return sum;
	}
	if (!other)
		return sum;
	if (a.base == other) {
		sum.base = 0;
		add_index(&sum, other, 2);
		return sum;
	}
	/* a per-CPU pointer and a CPU's displacement */
	if (other == NODE_PERCPU)
		return sum;
	if (a.base == NODE_PERCPU) {
		sum.base = other;
		return sum;
	}
	if (rank(arg, other) > rank(arg, a.base)) {
		sum.base = other;
		other = a.base;
	}
	add_index(&sum, other, 1);
	return sum;
}

struct value value_mul(struct value a, int64_t k)
{
	struct value product = {.off = (int64_t)((uint64_t)a.off * (uint64_t)k)};

	if (k > INT32_MAX || k < -INT32_MAX)
		k = 1;
	if (a.index)
		set_index(&product, a.index, a.scale * k);
	if (a.base)
		add_index(&product, a.base, k);
	return product;
}

const struct value *nodes_inputs(const struct nodes *n, uint32_t phi)
{
	return n->inputs + n->node[phi].inputs;
}

void nodes_clear_inputs(struct nodes *n)
{
	for (uint32_t i = 0; i < n->nr; i++) {
		n->node[i].nr_inputs = 0;
		n->node[i].many = false;
	}
}

void nodes_add_input(struct nodes *n, uint32_t phi, struct value in)
{
	struct value *inputs;
	struct node *node = &n->node[phi];

	if (node->kind != NODE_PHI || in.base == phi ||
	    (value_is_const(in) && in.off < SMALL && in.off > -SMALL))
		return;
	inputs = n->inputs + node->inputs;
	for (int i = 0; i < node->nr_inputs; i++)
		if (value_equal(inputs[i], in))
			return;
	if (node->nr_inputs == NODE_INPUTS) {
		node->many = true;
		return;
	}
	inputs[node->nr_inputs++] = in;
}

static bool is_address(int64_t c)
{
	return c >= IMAGE && c < -SMALL;
}

/* The same object at another element: base + off + k * n. False: not that. */
static bool widen(const struct value *to, struct value in, struct value *ret)
{
	int64_t diff = (int64_t)((uint64_t)in.off - (uint64_t)to->off), stride;

	if (to->base != in.base || to->base == NODE_STACK)
		return false;
	if (!to->base && !(is_address(to->off) && is_address(in.off)) &&
	    !(to->index && in.index)) /* multiples of the same */
		return false;
	stride = gcd(gcd(to->scale, in.scale), diff);
	if (stride < LEAST_STRIDE || stride > INT32_MAX)
		return false;
	*ret = *to;
	ret->index = NODE_ANY;
	ret->scale = stride;
	return true;
}

bool value_join(struct nodes *n, struct value *to, struct value in, uint64_t key, int64_t slot)
{
	struct node origin = {.kind = NODE_PHI, .key = key, .off = slot};
	struct value old = *to, wide;
	uint32_t phi;

	if (value_equal(*to, in))
		return false;
	if (value_is_const(in) && !in.off && to->base)
		return false;
	if (value_is_const(*to) && !to->off && in.base) {
		*to = in;
		return true;
	}
	if (widen(to, in, &wide)) {
		if (value_equal(*to, wide))
			return false;
		*to = wide;
		return true;
	}
	phi = nodes_get(n, &origin);
	nodes_add_input(n, phi, in);
	if (to->base == phi) /* the input is one of its values: so it ends */
		return false;
	nodes_add_input(n, phi, old);
	*to = value_node(phi);
	return true;
}
