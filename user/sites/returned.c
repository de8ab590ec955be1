// SPDX-License-Identifier: GPL-2.0-only
#include "sites/returned.h"

#include "sites/flow.h"
#include "sites/leaves.h"

#define MOST_BYTES 320 /* larger functions are not looked at */

/* The argument that a value is, or that pointers lead to it from. */
static bool follow(const struct flow *f, struct value v, struct returned *ret)
{
	int64_t off[RETURNED_LOADS + 1];
	uint8_t nr = 0;

	for (;;) {
		const struct node *n = &f->nodes.node[v.base];

		if (v.index)
			return false;
		off[nr] = v.off;
		if (n->kind == NODE_ARG && n->off < FLOW_ARGS) {
			ret->arg = n->off;
			break;
		}
		if (n->kind != NODE_LOAD || n->scale || nr == RETURNED_LOADS)
			return false;
		v = (struct value){.base = n->base, .off = n->off};
		nr++;
	}
	ret->nr_loads = nr;
	for (uint8_t i = 0; i <= nr; i++)
		ret->off[i] = off[nr - i];
	return true;
}

void returned_find(struct image *im, const struct ksym *sym, struct returned *ret)
{
	struct leaves l;
	struct flow flow;

	if (sym->size > MOST_BYTES || flow_run(im, sym, &flow))
		return;
	if (flow.returned.base && leaves_of(&flow, flow.returned.base, &l) && l.nr == 1 && !l.many)
		ret->known = follow(&flow, l.leaf[0], ret);
	flow_free(&flow);
}
