// SPDX-License-Identifier: GPL-2.0-only
/* irq-inversion, under the heading of the event that completed it, and inconsistent-state. */
#include "report/parts.h"

#include <string.h>

#define CPU1 "                               "

static const struct capture_edge *edge_at(const struct parts *p, uint32_t i)
{
	return &p->c->edges[p->f->chain.edges[i]];
}

static void put_lock_call(const struct parts *p, const char *indent, uint32_t class)
{
	fprintf(p->out, "%slock(", indent);
	parts_name(p, class);
	fputs(");\n", p->out);
}

/* Two CPUs; of a longer chain one lock between the ends stands for all. */
static void put_scenario(const struct parts *p)
{
	const struct finding_chain *chain = &p->f->chain;
	uint32_t safe = chain->classes[0], unsafe = chain->classes[chain->nr_classes - 1];

	parts_chain_exists(p, chain->classes, chain->nr_classes);
	fputs(" Possible interrupt unsafe locking scenario:\n\n"
	      "       CPU0                    CPU1\n"
	      "       ----                    ----\n",
	      p->out);
	put_lock_call(p, "  ", unsafe);
	fputs(CPU1 "local_irq_disable();\n", p->out);
	put_lock_call(p, CPU1, safe);
	put_lock_call(p, CPU1, chain->classes[1]);
	fputs("  <Interrupt>\n", p->out);
	put_lock_call(p, "    ", safe);
	fputs("\n *** DEADLOCK ***\n\n", p->out);
}

/* From the first class to the last, each with what was taken under it. */
static void put_chain_blocks(const struct parts *p, uint32_t from, uint32_t to, uint32_t last_stack)
{
	const struct finding_chain *chain = &p->f->chain;
	uint32_t nr = to - from + 1;

	for (uint32_t n = 0; n < nr; n = parts_next(p, n, nr, "-> (%u more)\n\n")) {
		uint32_t i = from + n;
		int depth = parts_depth(to - i);

		parts_class_block(p, chain->classes[i], depth);
		parts_acquired(p, i < to ? edge_at(p, i)->stack : last_stack, depth);
	}
}

/* From the last class to the first, each with how it was taken under the next. */
static void put_chain_blocks_back(const struct parts *p, uint32_t from, uint32_t to,
				  uint32_t first_stack)
{
	const struct finding_chain *chain = &p->f->chain;
	uint32_t nr = to - from + 1;

	for (uint32_t n = 0; n < nr; n = parts_next(p, n, nr, "-> (%u more)\n\n")) {
		uint32_t i = to - n;
		int depth = parts_depth(i - from);

		parts_class_block(p, chain->classes[i], depth);
		parts_acquired(p, i > from ? edge_at(p, i - 1)->stack : first_stack, depth);
	}
}

static uint32_t usage_stack(const struct parts *p, uint32_t class, uint32_t usage)
{
	return p->c->classes[class].usage_stack[usage];
}

/* "just changed the state": the one end's new usage against the other's old one. */
static void put_by_usage(const struct parts *p, bool by_safe)
{
	const struct finding_chain *chain = &p->f->chain;
	uint32_t safe = chain->classes[0], unsafe = chain->classes[chain->nr_classes - 1];
	uint32_t class = by_safe ? safe : unsafe, usage = by_safe ? chain->safe : chain->unsafe;
	uint32_t stack = usage_stack(p, class, usage);

	parts_heading(p, '-', "WARNING: possible irq lock inversion dependency detected");
	parts_task(p, stack);
	fputs(" just changed the state of lock:\n", p->out);
	parts_lock(p, class, p->c->classes[class].usage_addr[usage], stack);
	if (by_safe)
		fprintf(p->out, "but this lock took another, %s-unsafe lock in the past:\n",
			words_irq_state(chain->unsafe));
	else
		fprintf(p->out, "but this lock was taken by another, %s-safe lock in the past:\n",
			words_irq_state(chain->safe));
	parts_class(p, by_safe ? unsafe : safe);
	fputs("\n\n\nand interrupts could create inverse lock ordering between them.\n\n"
	      "\nother info that might help us debug this:\n",
	      p->out);
	put_scenario(p);
	fputs("the shortest dependencies between 2nd lock and 1st lock:\n", p->out);
	if (by_safe)
		put_chain_blocks_back(p, 0, chain->nr_classes - 1, stack);
	else
		put_chain_blocks(p, 0, chain->nr_classes - 1, stack);
	parts_backtrace(p, stack);
}

static void put_end(const struct parts *p, const char *state, const char *what, uint32_t class,
		    uint32_t usage)
{
	parts_class(p, class);
	fprintf(p->out, "\n... which became %s-irq-%s at:\n", state, what);
	parts_stack(p, usage_stack(p, class, usage), 2);
}

/* A new dependency between two locks, somewhere on the chain, joined its ends. */
static void put_by_edge(const struct parts *p)
{
	const struct finding_chain *chain = &p->f->chain;
	uint32_t at = p->f->event_edge < chain->nr_edges ? p->f->event_edge : 0;
	const struct capture_edge *edge = edge_at(p, at);
	uint32_t last = chain->nr_classes - 1;
	const char *state = words_irq_state(chain->safe);
	char heading[80];

	snprintf(heading, sizeof(heading), "WARNING: %s-safe -> %s-unsafe lock order detected",
		 state, state);
	parts_heading(p, '-', heading);
	parts_task(p, edge->stack);
	fputs(" is trying to acquire:\n", p->out);
	parts_lock(p, edge->to, edge->to_addr, edge->stack);
	fputs("\nand this task is already holding:\n", p->out);
	parts_holder(p, edge);
	fputs("which would create a new lock dependency:\n", p->out);
	parts_class(p, edge->from);
	fputs(" ->", p->out);
	parts_class(p, edge->to);
	fprintf(p->out, "\n\nbut this new dependency connects a %s-irq-safe lock:\n", state);
	put_end(p, state, "safe", chain->classes[0], chain->safe);
	fprintf(p->out, "\nto a %s-irq-unsafe lock:\n", state);
	put_end(p, state, "unsafe", chain->classes[last], chain->unsafe);
	fputs("\nother info that might help us debug this:\n\n", p->out);
	put_scenario(p);
	fprintf(p->out, "the dependencies between %s-irq-safe lock and the holding lock:\n", state);
	put_chain_blocks(p, 0, at,
			 edge->from_stack != LV_NONE ?
				 edge->from_stack :
				 words_some_stack(p->c, edge->from, edge->from_addr));
	fprintf(p->out,
		"\nthe dependencies between the lock to be acquired and %s-irq-unsafe lock:\n",
		state);
	put_chain_blocks_back(p, at + 1, last, edge->stack);
	parts_backtrace(p, edge->stack);
}

void layout_inversion(const struct parts *p)
{
	if (p->f->event == FINDING_BY_EDGE)
		put_by_edge(p);
	else
		put_by_usage(p, p->f->event == FINDING_BY_SAFE_USE);
}

void layout_inconsistent(const struct parts *p)
{
	const struct finding_chain *chain = &p->f->chain;
	uint32_t class = chain->classes[0];
	bool by_safe = p->f->event == FINDING_BY_SAFE_USE;
	uint32_t new = by_safe ? chain->safe : chain->unsafe;
	uint32_t old = by_safe ? chain->unsafe : chain->safe;
	uint32_t stack = usage_stack(p, class, new);

	parts_heading(p, '-', "WARNING: inconsistent lock state");
	fprintf(p->out, "inconsistent {%s} -> {%s} usage.\n", words_usage(old), words_usage(new));
	parts_task(p, stack);
	fputs(" takes:\n", p->out);
	parts_lock(p, class, p->c->classes[class].usage_addr[new], stack);
	fprintf(p->out, "{%s} state was registered at:\n", words_usage(old));
	parts_stack(p, usage_stack(p, class, old), 2);
	fputs("\nother info that might help us debug this:\n"
	      " Possible unsafe locking scenario:\n\n"
	      "       CPU0\n"
	      "       ----\n",
	      p->out);
	put_lock_call(p, "  ", class);
	fputs("  <Interrupt>\n", p->out);
	put_lock_call(p, "    ", class);
	fputs("\n *** DEADLOCK ***\n", p->out);
	parts_backtrace(p, stack);
}
