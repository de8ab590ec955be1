// SPDX-License-Identifier: GPL-2.0-only
#include "sites/leaves.h"

#include <string.h>

static void add_leaf(struct leaves *l, struct value v)
{
	for (uint32_t i = 0; i < l->nr; i++)
		if (value_equal(l->leaf[i], v))
			return;
	if (l->nr == SOLVE_LEAVES)
		l->many = true;
	else
		l->leaf[l->nr++] = v;
}

static void add_phi(struct leaves *l, uint32_t phi, int64_t shift)
{
	for (uint32_t i = 0; i < l->nr_phis; i++) {
		if (l->phi[i] != phi)
			continue;
		l->many |= l->shift[i] != shift; /* a loop that walks an array */
		return;
	}
	if (l->nr_phis == LEAF_PHIS) {
		l->many = true;
		return;
	}
	l->phi[l->nr_phis] = phi;
	l->shift[l->nr_phis++] = shift;
}

static void find_leaves(const struct flow *f, uint32_t phi, struct leaves *ret)
{
	memset(ret, 0, sizeof(*ret));
	add_phi(ret, phi, 0);
	for (uint32_t p = 0; p < ret->nr_phis; p++) {
		const struct node *n = &f->nodes.node[ret->phi[p]];

		ret->many |= n->many;
		for (uint8_t i = 0; i < n->nr_inputs; i++) {
			struct value in = nodes_inputs(&f->nodes, ret->phi[p])[i];

			in.off += ret->shift[p];
			if (f->nodes.node[in.base].kind == NODE_PHI && !in.index)
				add_phi(ret, in.base, in.off);
			else
				add_leaf(ret, in);
		}
	}
}

/* All that the function stored in a stack slot, for a load after something may have changed it. */
static void find_stored(const struct flow *f, int64_t off, struct leaves *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < f->nr_slots; i++)
		if (f->slot[i].off == off)
			add_leaf(ret, f->slot[i].value);
}

bool leaves_of(const struct flow *f, uint32_t node, struct leaves *ret)
{
	const struct node *n = &f->nodes.node[node];

	if (n->kind == NODE_PHI) {
		find_leaves(f, node, ret);
		return true;
	}
	if (n->kind != NODE_LOAD || n->base != NODE_STACK || n->scale)
		return false;
	find_stored(f, n->off, ret);
	return ret->nr;
}
