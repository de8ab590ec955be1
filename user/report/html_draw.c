// SPDX-License-Identifier: GPL-2.0-only
/* A finding's chain as nodes and edges: what is taken under what, where, and which interrupt closes it. */
#include <stdlib.h>
#include <string.h>

#include "report/frame.h"
#include "report/html_internal.h"
#include "report/words.h"

#define CHAIN_HEAD 12 /* locks of a long chain that are drawn */
#define CHAIN_TAIL 12

void html_place(const struct capture *c, uint32_t stack, char *ret, size_t room)
{
	const struct capture_stack *seen = words_stack(c, stack);
	struct frame f;

	ret[0] = '\0';
	if (!seen || !seen->nr_frames)
		return;
	f = frame_parse(words_place(seen, NULL));
	if (f.symbol.len)
		snprintf(ret, room, "%.*s%s%.*s%s", (int)f.symbol.len, f.symbol.at,
			 f.module.len ? " [" : "", (int)f.module.len,
			 f.module.len ? f.module.at : "", f.module.len ? "]" : "");
	else
		snprintf(ret, room, "%s", words_place(seen, NULL));
}

/* "task/12, CPU 3" */
static void task_of(const struct capture *c, uint32_t stack, char *ret, size_t room)
{
	const struct capture_stack *seen = words_stack(c, stack);

	ret[0] = '\0';
	if (seen)
		snprintf(ret, room, "%.*s/%u, CPU %u", LV_COMM_LEN, seen->comm, seen->pid, seen->cpu);
}

static void add_edge(const struct capture *c, struct drawing *d, uint32_t from, uint32_t to,
		     uint32_t stack)
{
	char place[256], task[64];

	html_place(c, stack, place, sizeof(place));
	task_of(c, stack, task, sizeof(task));
	drawing_add_edge(d, from, to, place, task);
}

static enum drawing_kind kind_of(const struct finding_chain *chain, uint32_t i)
{
	if (!i && chain->safe != FINDING_NO_USAGE)
		return DRAWING_SAFE;
	if (i + 1 == chain->nr_classes && chain->unsafe != FINDING_NO_USAGE)
		return DRAWING_UNSAFE;
	return DRAWING_PLAIN;
}

/* The interrupt comes while the last lock is held, and wants the first. */
static void add_irq(const struct capture *c, const struct finding_chain *chain, struct drawing *d,
		    uint32_t first, uint32_t last)
{
	const struct capture_class *safe = &c->classes[chain->classes[0]];
	const struct capture_class *unsafe = &c->classes[chain->classes[chain->nr_classes - 1]];
	uint32_t irq;

	if (chain->safe == FINDING_NO_USAGE || chain->unsafe == FINDING_NO_USAGE)
		return;
	irq = drawing_add_node(d, DRAWING_IRQ, words_irq_state(chain->safe));
	add_edge(c, d, irq, first, safe->usage_stack[chain->safe]);
	add_edge(c, d, last, irq, unsafe->usage_stack[chain->unsafe]);
}

/* A deadlock: each task leads from a lock that it holds to the one that it waits for. */
static void add_ring(const struct capture *c, const struct finding *f, struct drawing *d)
{
	uint32_t nr = f->chain.nr_classes;

	if (f->rule != FINDING_DEADLOCK || nr > CHAIN_HEAD + CHAIN_TAIL)
		return;
	for (uint32_t i = 0; i < nr; i++)
		add_edge(c, d, (i + nr - 1) % nr, i, words_wait(c, f, i)->stack);
}

void html_draw(const struct capture *c, const struct finding *f, struct drawing *ret)
{
	const struct finding_chain *chain = &f->chain;
	uint32_t first = 0, last = 0, nr = chain->nr_classes;

	*ret = (struct drawing){};
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t node = drawing_add_node(ret, kind_of(chain, i),
						 c->classes[chain->classes[i]].name);

		if (!i)
			first = node;
		else if (i - 1 < chain->nr_edges)
			add_edge(c, ret, last, node, c->edges[chain->edges[i - 1]].stack);
		last = node;
		if (nr > CHAIN_HEAD + CHAIN_TAIL && i + 1 == CHAIN_HEAD) {
			char more[32];

			snprintf(more, sizeof(more), "%u more", nr - CHAIN_HEAD - CHAIN_TAIL);
			node = drawing_add_node(ret, DRAWING_PLAIN, more);
			drawing_add_edge(ret, last, node, NULL, NULL);
			last = node;
			i = nr - CHAIN_TAIL - 1;
		}
	}
	if (chain->nr_edges >= nr)
		add_edge(c, ret, last, first, c->edges[chain->edges[nr - 1]].stack);
	add_irq(c, chain, ret, first, last);
	add_ring(c, f, ret);
}
