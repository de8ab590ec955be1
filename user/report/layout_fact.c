// SPDX-License-Identifier: GPL-2.0-only
/* wait-context, bad-unlock, held-freed, held-at-exit. */
#include "report/parts.h"

#include <inttypes.h>

/* The stack of the event: a fact's own, the dependency's or the usage's. */
static uint32_t event_stack(const struct parts *p)
{
	const struct finding_chain *chain = &p->f->chain;

	if (p->f->stack != LV_NONE)
		return p->f->stack;
	if (chain->nr_edges)
		return p->c->edges[chain->edges[0]].stack;
	if (chain->safe != FINDING_NO_USAGE)
		return p->c->classes[chain->classes[0]].usage_stack[chain->safe];
	return LV_NONE;
}

static uint64_t event_addr(const struct parts *p)
{
	const struct finding_chain *chain = &p->f->chain;

	if (p->f->addr)
		return p->f->addr;
	if (chain->nr_edges)
		return p->c->edges[chain->edges[0]].to_addr;
	if (chain->safe != FINDING_NO_USAGE)
		return p->c->classes[chain->classes[0]].usage_addr[chain->safe];
	return 0;
}

static uint32_t last_class(const struct parts *p)
{
	return p->f->chain.classes[p->f->chain.nr_classes - 1];
}

void layout_wait_context(const struct parts *p)
{
	const struct finding_chain *chain = &p->f->chain;
	uint32_t stack = event_stack(p);

	parts_heading(p, '-', "[ BUG: Invalid wait context ]");
	parts_task(p, stack);
	fputs(" is trying to lock:\n", p->out);
	parts_lock(p, last_class(p), event_addr(p), stack);
	fputs("other info that might help us debug this:\n", p->out);
	if (p->f->atomic) {
		fputs("this lock can sleep, and preemption or softirqs are off\n", p->out);
	} else if (p->f->in_irq) {
		fprintf(p->out, "this lock can sleep, and the context is an interrupt%s%s\n",
			chain->safe == FINDING_NO_USAGE ? "" : ": ",
			chain->safe == FINDING_NO_USAGE ? "" : words_irq_state(chain->safe));
	} else {
		const struct capture_edge *edge =
			chain->nr_edges ? &p->c->edges[chain->edges[0]] : NULL;

		fputs("this lock can sleep, and the task holds one that spins:\n", p->out);
		if (edge)
			parts_holder(p, edge);
		else
			parts_lock(p, chain->classes[0], 0,
				   words_some_stack(p->c, chain->classes[0], 0));
	}
	parts_backtrace(p, stack);
}

void layout_bad_unlock(const struct parts *p)
{
	uint32_t stack = event_stack(p);

	parts_heading(p, '-', "WARNING: bad unlock balance detected!");
	parts_task(p, stack);
	fputs(" is trying to release lock (", p->out);
	parts_name(p, last_class(p));
	fputs(") at:\n", p->out);
	parts_place_addr(p, stack);
	words_put(p->out, words_place(words_stack(p->c, stack), NULL));
	fputs("\nbut there are no more locks to release!\n", p->out);
	parts_backtrace(p, stack);
}

void layout_held_freed(const struct parts *p)
{
	uint32_t stack = event_stack(p);

	parts_heading(p, '-', "WARNING: held lock freed!");
	parts_task(p, stack);
	fputs(" is freeing memory, with a lock still held there!\n", p->out);
	parts_lock(p, last_class(p), event_addr(p), stack);
	parts_backtrace(p, stack);
}

void layout_held_at_exit(const struct parts *p)
{
	uint32_t stack = event_stack(p);

	parts_heading(p, '-', p->f->died ? "BUG: a task ends with locks still held!" :
					   "WARNING: lock held when returning to user space!");
	parts_task(p, stack);
	fputs(p->f->died ? " ends, and nobody will give its locks back:\n" :
			   " is leaving the kernel with locks still held!\n",
	      p->out);
	parts_lock(p, last_class(p), event_addr(p), stack);
	parts_backtrace(p, stack);
}
