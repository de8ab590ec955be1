// SPDX-License-Identifier: GPL-2.0-only
/* Stacks, and the names of the hooked functions in them. */
#include "capture/tables_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hooks.h"

/* A program may be called otherwise than its function, which may have several. */
struct hook_name {
	const char *id;
	const char *function; /* NULL: a tracepoint */
};

#define PLAIN(function) {#function, #function}
#define FUNCTION_fentry(function) #function
#define FUNCTION_fexit(function) #function
#define FUNCTION_tp_btf(function) NULL

static const struct hook_name hook_names[] = {
#define LV_ACQUIRE(function, family, mode, irq) PLAIN(function),
#define LV_TRY(function, family, mode, irq) PLAIN(function),
#define LV_RELEASE(function, family, irq) PLAIN(function),
#define LV_NAME(function, family) PLAIN(function),
#define LV_SLEEP(function, family, mode, lock, when, how) PLAIN(function),
#define LV_SLEEP_RELEASE(function, family, lock, how) PLAIN(function),
#define LV_DOWNGRADE(function, family) PLAIN(function),
#define LV_HAND_OVER(function, family) PLAIN(function),
#define LV_PSEUDO(id, way, function, needs, unless) {#id, FUNCTION_##way(function)},
#include "hooks.def"
	PLAIN(sched_switch),
};

_Static_assert(sizeof(hook_names) / sizeof(hook_names[0]) == LV_HOOKS + 1, "hooks.h");

const char *tables_hook(uint32_t hook)
{
	return hook <= LV_HOOKS ? hook_names[hook].id : NULL;
}

const char *tables_hook_function(uint32_t hook)
{
	return hook <= LV_HOOKS ? hook_names[hook].function : NULL;
}

int tables_add_frame(struct capture_stack *stack, uint64_t ip, char *text)
{
	if (!text)
		return -ENOMEM;
	stack->frames[stack->nr_frames].ip = ip;
	stack->frames[stack->nr_frames++].text = text;
	return 0;
}

bool tables_is_in(const char *text, const char *function)
{
	size_t len = strlen(function);

	return !strncmp(text, function, len) && (text[len] == '\0' || text[len] == '+');
}

/*
 * The frames, without the tracer's own on top. A function that was seen on
 * its return is not on the stack any more: it is put back, without an offset.
 */
static int fill_frames(const struct moved *m, const struct lv_stack *from,
		       struct capture_stack *to)
{
	const char *hook = from->hook < LV_HOOKS ? tables_hook_function(from->hook) : NULL;
	uint32_t nr = from->nr < LV_STACK_DEPTH ? from->nr : LV_STACK_DEPTH;
	uint32_t i = 0;
	char *first;
	int err;

	while (m->words->is_own_frame && i < nr &&
	       m->words->is_own_frame(m->words->arg, from->ip[i]))
		i++;
	to->frames = calloc(nr - i + 1, sizeof(*to->frames));
	if (!to->frames)
		return -ENOMEM;
	first = i < nr ? m->words->symbol(m->words->arg, from->ip[i]) : NULL;
	if (i < nr && !first)
		return -ENOMEM;
	if (hook && !(first && tables_is_in(first, hook))) {
		err = tables_add_frame(to, 0, strdup(hook));
		if (err) {
			free(first);
			return err;
		}
	}
	if (first)
		tables_add_frame(to, from->ip[i++], first);
	for (; i < nr; i++) {
		err = tables_add_frame(to, from->ip[i], m->words->symbol(m->words->arg, from->ip[i]));
		if (err)
			return err;
	}
	return 0;
}

int tables_move_stack(struct moved *m, uint32_t id, uint32_t *ret)
{
	const struct lv_stack *from;
	struct capture_stack *to;

	*ret = LV_NONE;
	if (id >= LV_MAX_STACKS)
		return 0;
	if (m->stacks[id] != LV_NONE) {
		*ret = m->stacks[id];
		return 0;
	}
	from = &m->tables->stacks[id];
	to = capture_add_stack(m->capture);
	if (!to)
		return -ENOMEM;
	to->pid = from->pid;
	to->cpu = from->cpu;
	memcpy(to->comm, from->comm, sizeof(to->comm));
	to->comm[sizeof(to->comm) - 1] = '\0';
	*ret = m->stacks[id] = m->capture->nr_stacks - 1;
	return fill_frames(m, from, to);
}
