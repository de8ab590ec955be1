// SPDX-License-Identifier: GPL-2.0-only
/* circular and recursive. */
#include "report/parts.h"

#define CPU1 "                               "

static void put_call(const struct parts *p, const char *indent, bool read, uint32_t class)
{
	fprintf(p->out, "%s%slock(", indent, read ? "r" : "");
	parts_name(p, class);
	fputs(");\n", p->out);
}

/*
 * Where the chain begins: it closes with the dependency that was seen last, or
 * when that is not known, with the one that ends in its first class.
 */
static uint32_t chain_start(const struct parts *p)
{
	return p->f->event == FINDING_BY_EDGE ? p->f->event_edge + 1 : 0;
}

static uint32_t class_at(const struct parts *p, uint32_t i)
{
	const struct finding_chain *chain = &p->f->chain;

	return chain->classes[(chain_start(p) + i) % chain->nr_classes];
}

/* The edge to the next class; of the last class the one that closes. */
static const struct capture_edge *edge_at(const struct parts *p, uint32_t i)
{
	const struct finding_chain *chain = &p->f->chain;

	return &p->c->edges[chain->edges[(chain_start(p) + i) % chain->nr_edges]];
}

static void put_circular_scenario(const struct parts *p, const struct capture_edge *closing)
{
	uint32_t nr = p->f->chain.nr_classes;
	uint32_t first = class_at(p, 0), last = class_at(p, nr - 1);

	fputs("Chain exists of:\n  ", p->out);
	for (uint32_t i = 0; i < nr; i = parts_next(p, i, nr, "(%u more) --> ")) {
		parts_name(p, class_at(p, i));
		fputs(i + 1 < nr ? " --> " : "\n\n", p->out);
	}
	fputs(" Possible unsafe locking scenario:\n\n"
	      "       CPU0                    CPU1\n"
	      "       ----                    ----\n",
	      p->out);
	put_call(p, "  ", closing->dep & (LV_DEP_SR | LV_DEP_SN), last);
	put_call(p, CPU1, false, class_at(p, nr - 2));
	put_call(p, CPU1, false, last);
	put_call(p, "  ", closing->dep & (LV_DEP_SR | LV_DEP_ER), first);
	fputs("\n *** DEADLOCK ***\n\n", p->out);
}

/* The dependencies from the last to the first, each with where it was taken. */
static void put_reverse_chain(const struct parts *p)
{
	uint32_t nr = p->f->chain.nr_classes;

	for (uint32_t n = 0; n < nr; n = parts_next(p, n, nr, "\n-> (%u more)\n")) {
		uint32_t i = nr - 1 - n;
		const struct capture_edge *into = edge_at(p, i ? i - 1 : nr - 1);

		fprintf(p->out, "\n-> #%u", i);
		parts_class(p, class_at(p, i));
		fputs(":\n", p->out);
		parts_stack(p, into->stack, 7);
	}
}

void layout_circular(const struct parts *p)
{
	uint32_t nr = p->f->chain.nr_classes;
	const struct capture_edge *closing = edge_at(p, nr - 1);

	parts_heading(p, '-', "WARNING: possible circular locking dependency detected");
	parts_task(p, closing->stack);
	fputs(" is trying to acquire lock:\n", p->out);
	parts_lock(p, closing->to, closing->to_addr, closing->stack);
	fputs("\nbut task is already holding lock:\n", p->out);
	parts_holder(p, closing);
	fputs("\nwhich lock already depends on the new lock.\n\n"
	      "\nthe existing dependency chain (in reverse order) is:\n",
	      p->out);
	put_reverse_chain(p);
	fputs("\nother info that might help us debug this:\n\n", p->out);
	put_circular_scenario(p, closing);
	fputs("the locks of this chain:\n", p->out);
	for (uint32_t i = 0; i < nr; i = parts_next(p, i, nr, "-> (%u more)\n"))
		parts_class_block(p, class_at(p, i), 0);
	parts_backtrace(p, closing->stack);
}

void layout_recursive(const struct parts *p)
{
	uint32_t class = p->f->chain.classes[0];
	const struct capture_edge *edge = &p->c->edges[p->f->chain.edges[0]];
	bool both_orders = !p->c->annotated && !p->f->same_instance;

	parts_heading(p, '-', "WARNING: possible recursive locking detected");
	parts_task(p, edge->stack);
	fputs(" is trying to acquire lock:\n", p->out);
	parts_lock(p, class, edge->to_addr, edge->stack);
	fputs("\nbut task is already holding lock:\n", p->out);
	parts_holder(p, edge);
	fputs("\nother info that might help us debug this:\n"
	      " Possible unsafe locking scenario:\n\n",
	      p->out);
	if (both_orders) {
		fputs("       CPU0                    CPU1\n"
		      "       ----                    ----\n",
		      p->out);
		put_call(p, "  ", false, class);
		put_call(p, CPU1, false, class);
		put_call(p, "  ", false, class);
		put_call(p, CPU1, false, class);
		fputs("\n *** DEADLOCK ***\n\n"
		      " The same two locks of this class were taken in both orders.\n",
		      p->out);
	} else {
		fputs("       CPU0\n       ----\n", p->out);
		put_call(p, "  ", edge->dep & (LV_DEP_SR | LV_DEP_SN), class);
		put_call(p, "  ", edge->dep & (LV_DEP_SR | LV_DEP_ER), class);
		fputs("\n *** DEADLOCK ***\n\n", p->out);
		fputs(p->f->same_instance ? " It was the same lock both times.\n"
					  : " May be due to missing lock nesting notation\n",
		      p->out);
	}
	fputs("\nthe locks of this chain:\n", p->out);
	parts_class_block(p, class, 0);
	parts_backtrace(p, edge->stack);
}
