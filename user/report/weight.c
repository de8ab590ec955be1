// SPDX-License-Identifier: GPL-2.0-only
#include "report/weight.h"

#include <string.h>

#include "report/words.h"

#define SOURCES 8 /* captures that are named for one part of a chain, most */
#define LINE 64 /* is added to a name or a frame: indent, punctuation, a JSON object */

/* Adds up until there is too much; what is beyond that is not looked at. */
struct weight {
	const struct capture *c;
	uint64_t sum, most;
};

static void add_text(struct weight *w, const char *text)
{
	w->sum += LINE + (text ? strlen(text) : 0);
}

static void add_stack(struct weight *w, uint32_t index)
{
	const struct capture_stack *stack = words_stack(w->c, index);

	for (uint32_t i = 0; stack && i < stack->nr_frames && w->sum <= w->most; i++)
		add_text(w, stack->frames[i].text);
}

static void add_class(struct weight *w, const struct capture_class *class)
{
	add_text(w, class->name);
	add_text(w, class->key);
	add_text(w, class->alias);
	for (int bit = 0; bit < LV_USAGES; bit++)
		if (class->usage & 1u << bit)
			add_stack(w, class->usage_stack[bit]);
}

static void add_edge(struct weight *w, const struct capture_edge *edge)
{
	add_stack(w, edge->stack);
	if (edge->from_stack == LV_NONE) /* one is looked for in all of them */
		w->sum += w->c->nr_edges;
	if (w->c->nr_sources) /* those that saw it are looked for, too, which is quicker, and named */
		w->sum += w->c->nr_edges / 16 + SOURCES * LINE;
}

static void add_chain(struct weight *w, const struct finding_chain *chain)
{
	for (uint32_t i = 0; i < chain->nr_classes && w->sum <= w->most; i++)
		add_class(w, &w->c->classes[chain->classes[i]]);
	for (uint32_t i = 0; i < chain->nr_edges && w->sum <= w->most; i++)
		add_edge(w, &w->c->edges[chain->edges[i]]);
}

bool weight_fits(const struct capture *c, const struct finding *f, uint64_t *room)
{
	struct weight w = { c, 0, *room };

	add_chain(&w, &f->chain);
	add_stack(&w, f->stack);
	for (uint32_t i = 0; i < f->nr_also && w.sum <= w.most; i++)
		add_chain(&w, &f->also[i]);
	for (uint32_t i = 0; i < f->nr_beyond && w.sum <= w.most; i++)
		add_text(&w, c->classes[f->beyond[i]].name);
	if (w.sum > w.most)
		return false;
	*room -= w.sum;
	return true;
}
