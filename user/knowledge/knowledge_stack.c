// SPDX-License-Identifier: GPL-2.0-only
#include "knowledge/knowledge_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int copy_frames(const struct capture_stack *from, struct capture_stack *to)
{
	to->frames = calloc(from->nr_frames + 1, sizeof(*to->frames));
	if (!to->frames)
		return -ENOMEM;
	for (uint32_t i = 0; i < from->nr_frames; i++) {
		to->frames[i].ip = from->frames[i].ip;
		to->frames[i].text = strdup(from->frames[i].text);
		if (!to->frames[i].text)
			return -ENOMEM;
		to->nr_frames++;
	}
	return 0;
}

int knowledge_add_stack(struct adding *a, uint32_t index, uint32_t *ret)
{
	struct knowledge *p = a->p;
	const struct capture_stack *from;
	struct capture_stack *to;

	*ret = LV_NONE;
	if (index >= a->seen->nr_stacks)
		return 0;
	if (a->stacks[index] != LV_NONE) {
		*ret = a->stacks[index];
		return 0;
	}
	if (p->c->nr_stacks >= LV_MAX_STACKS) {
		p->full = true;
		return 0;
	}
	to = capture_add_stack(p->c);
	if (!to)
		return -ENOMEM;
	from = &a->seen->stacks[index];
	to->pid = from->pid;
	to->cpu = from->cpu;
	memcpy(to->comm, from->comm, sizeof(to->comm));
	*ret = a->stacks[index] = p->c->nr_stacks - 1;
	return copy_frames(from, to);
}

static bool is_place(const struct capture_stack *stack, const struct capture_frame *frame)
{
	return stack->nr_frames == 1 && stack->frames[0].ip == frame->ip &&
	       !strcmp(stack->frames[0].text, frame->text);
}

int knowledge_add_place(struct adding *a, uint32_t index, uint32_t *ret)
{
	const struct capture_stack *from = index < a->seen->nr_stacks ? &a->seen->stacks[index] : NULL;

	if (from && from->nr_frames == 1)
		for (size_t i = 0; i < a->p->c->nr_stacks; i++)
			if (is_place(&a->p->c->stacks[i], &from->frames[0])) {
				*ret = i;
				return 0;
			}
	return knowledge_add_stack(a, index, ret);
}
