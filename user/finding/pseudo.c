// SPDX-License-Identifier: GPL-2.0-only
#include "finding/pseudo.h"

#include <string.h>

#include "traits.h"

uint32_t finding_pseudo_kind(const struct capture_class *class)
{
	return class->family == LV_PSEUDO ? LV_PSEUDO_KIND_OF(class->subclass) : LV_PSEUDO_NONE;
}

enum capture_certainty finding_pseudo_grade(const struct capture *c,
					    const struct capture_class *class)
{
	uint32_t kind = finding_pseudo_kind(class), traits = pseudo_traits(kind);

	/* What may be allocated with which flags is known by the caller alone. */
	if (kind == LV_PSEUDO_RECLAIM)
		return CAPTURE_INFERRED;
	if (!kind || traits & (LV_PSEUDO_BY_STACK | LV_PSEUDO_BY_WORD))
		return CAPTURE_EXACT;
	return c->preempts && !c->misses_asked ? CAPTURE_AMBIGUOUS : CAPTURE_INFERRED;
}

/* The functions that run while a pseudo-lock of the kind is held: one of them is on each stack. */
static const struct {
	uint32_t kind;
	const char *function;
} holders[] = {
	{LV_PSEUDO_WORK, "process_one_work"},
	{LV_PSEUDO_WORK, "process_scheduled_works"},
	{LV_PSEUDO_WQ, "process_one_work"},
	{LV_PSEUDO_WQ, "process_scheduled_works"},
	{LV_PSEUDO_TIMER, "call_timer_fn"},
	{LV_PSEUDO_RECLAIM, "try_to_free_pages"},
	{LV_PSEUDO_RECLAIM, "balance_pgdat"},
	{LV_PSEUDO_RECLAIM, "node_reclaim"},
	{LV_PSEUDO_SB_PAGEFAULTS, "do_page_mkwrite"},
	{LV_PSEUDO_CPUHP_UP, "cpuhp_thread_fun"},
	{LV_PSEUDO_CPUHP_DOWN, "cpuhp_thread_fun"},
};

/* "function+0x4dc/0x620", "function.isra.0+0x4dc/0x620" */
static bool begins_with(const char *text, const char *function, size_t len)
{
	return !strncmp(text, function, len) && strchr("+. ", text[len]);
}

static bool is_frame_of(const char *text, const char *function)
{
	return begins_with(text, function, strlen(function));
}

static bool is_holder(const char *text, const struct capture_class *class)
{
	uint32_t kind = finding_pseudo_kind(class);
	const char *own = strstr(class->name, ") ");

	for (size_t i = 0; i < sizeof(holders) / sizeof(*holders); i++)
		if (holders[i].kind == kind && is_frame_of(text, holders[i].function))
			return true;
	/* "(work) function [module]": a class that is called like what runs. */
	return own && (kind == LV_PSEUDO_WORK || kind == LV_PSEUDO_TIMER) &&
	       begins_with(text, own + 2, strcspn(own + 2, " #+"));
}

/* vfs_write() asks others, who may wait for user space, before it takes the level. */
static bool is_before_writing(const struct capture_stack *stack)
{
	for (uint32_t i = 0; i < stack->nr_frames; i++)
		if (is_frame_of(stack->frames[i].text, "rw_verify_area") ||
		    is_frame_of(stack->frames[i].text, "security_file_permission"))
			return true;
	return false;
}

bool finding_pseudo_in_irqs(const struct capture_class *class)
{
	return !(pseudo_traits(finding_pseudo_kind(class)) & LV_PSEUDO_TOLD);
}

bool finding_pseudo_refutes(const struct capture *c, const struct capture_edge *edge)
{
	const struct capture_class *from = &c->classes[edge->from];
	uint32_t kind = finding_pseudo_kind(from);
	const struct capture_stack *stack =
		edge->stack < c->nr_stacks ? &c->stacks[edge->stack] : NULL;

	if (kind == LV_PSEUDO_SB_WRITERS && stack)
		return is_before_writing(stack);
	if (!(pseudo_traits(kind) & LV_PSEUDO_BY_STACK) || !c->nr_stacks)
		return false;
	if (!stack)
		return true;
	for (uint32_t i = 0; i < stack->nr_frames; i++)
		if (is_holder(stack->frames[i].text, from))
			return false;
	/* A scenario's frames are not the kernel's. */
	return stack->nr_frames && strstr(stack->frames[stack->nr_frames - 1].text, "+0x");
}
