// SPDX-License-Identifier: GPL-2.0-only
#include "finding/select.h"

#include <string.h>

#include "base/glob.h"
#include "finding/chain.h"
#include "finding/rules.h"

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static bool id_fits(const struct finding_select *s, const char *id, const char *fingerprint)
{
	return !s->id || begins(id, s->id) || begins(fingerprint, s->id);
}

static bool class_fits(const struct finding_select *s, const struct capture_class *class)
{
	return glob_fits(s->lock, class->name) || (class->alias && glob_fits(s->lock, class->alias));
}

/* A frame of a module's code ends in " [module]", a line of the source may follow. */
static bool is_of_module(const char *frame, const char *module)
{
	size_t len = strlen(module);

	for (const char *at = frame; (at = strstr(at, " [")); at += 2)
		if (!strncmp(at + 2, module, len) && (at[2 + len] == ']' || at[2 + len] == ' '))
			return true;
	return false;
}

static bool stack_has(const struct finding_select *s, const struct capture *c, uint32_t index)
{
	const struct capture_stack *stack = index == LV_NONE ? NULL : &c->stacks[index];

	for (uint32_t i = 0; stack && i < stack->nr_frames; i++)
		if (is_of_module(stack->frames[i].text, s->module))
			return true;
	return false;
}

static bool usage_has(const struct finding_select *s, const struct capture *c, uint32_t class,
		      uint32_t usage)
{
	return usage != FINDING_NO_USAGE && stack_has(s, c, c->classes[class].usage_stack[usage]);
}

static bool chain_has_lock(const struct finding_select *s, const struct capture *c,
			   const struct finding_chain *chain)
{
	for (uint32_t i = 0; i < chain->nr_classes; i++)
		if (class_fits(s, &c->classes[chain->classes[i]]))
			return true;
	return false;
}

static bool chain_has_module(const struct finding_select *s, const struct capture *c,
			     const struct finding_chain *chain)
{
	for (uint32_t i = 0; i < chain->nr_edges; i++) {
		const struct capture_edge *edge = &c->edges[chain->edges[i]];

		if (stack_has(s, c, edge->stack) || stack_has(s, c, edge->from_stack))
			return true;
	}
	return usage_has(s, c, chain->classes[0], chain->safe) ||
	       usage_has(s, c, chain->classes[chain->nr_classes - 1], chain->unsafe);
}

static bool chains_fit(const struct finding_select *s, const struct capture *c,
		       const struct finding *f,
		       bool (*fits)(const struct finding_select *s, const struct capture *c,
				    const struct finding_chain *chain))
{
	if (fits(s, c, &f->chain))
		return true;
	for (uint32_t i = 0; i < f->nr_also; i++)
		if (fits(s, c, &f->also[i]))
			return true;
	return false;
}

bool finding_select_fits(const struct finding_select *s, const struct capture *c,
			 const struct finding *f)
{
	return (s->rule == FINDING_RULES || s->rule == f->rule) &&
	       id_fits(s, f->id, f->fingerprint) &&
	       (!s->lock || chains_fit(s, c, f, chain_has_lock)) &&
	       (!s->module || stack_has(s, c, f->stack) || chains_fit(s, c, f, chain_has_module));
}

static bool text_has_lock(const struct finding_select *s, const char *chain)
{
	static const char arrow[] = " --> ";

	while (chain) {
		const char *end = strstr(chain, arrow);

		if (glob_fits_part(s->lock, chain, end ? (size_t)(end - chain) : strlen(chain)))
			return true;
		chain = end ? end + strlen(arrow) : NULL;
	}
	return false;
}

bool finding_select_fits_text(const struct finding_select *s, const char *id,
			      const char *fingerprint, enum finding_rule rule, const char *chain)
{
	return (s->rule == FINDING_RULES || s->rule == rule) && id_fits(s, id, fingerprint) &&
	       (!s->lock || text_has_lock(s, chain));
}

struct asked {
	const struct finding_select *s;
	const struct capture *c;
};

static bool is_asked(const struct finding *f, void *arg)
{
	const struct asked *asked = arg;

	return finding_select_fits(asked->s, asked->c, f);
}

void finding_select_apply(const struct finding_select *s, const struct capture *c,
			  struct findings *f)
{
	struct asked asked = {s, c};

	f->not_selected += findings_keep(f, is_asked, &asked);
}
