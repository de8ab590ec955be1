// SPDX-License-Identifier: GPL-2.0-only
/* Tasks that wait for each other. */
#include "capture/tables_internal.h"

#include <errno.h>
#include <string.h>

#include "hooks.h"

static enum capture_wait_end wait_ends(uint32_t state)
{
	if (state & LV_TASK_INTERRUPTIBLE)
		return CAPTURE_WAIT_SIGNAL;
	return state & LV_TASK_WAKEKILL ? CAPTURE_WAIT_FATAL_SIGNAL : CAPTURE_WAIT_LOCK_ONLY;
}

static int add_wait_stack(struct moved *m, const struct lv_wait *from, uint32_t *ret)
{
	struct lv_stack stack = {
		.pid = from->pid,
		.hook = LV_HOOK_contention_begin,
		.nr = from->nr,
	};

	memcpy(stack.comm, from->comm, sizeof(stack.comm));
	memcpy(stack.ip, from->ip, sizeof(stack.ip));
	return tables_add_stack(m, &stack, ret);
}

static int move_wait(struct moved *m, const struct tables_wait *from)
{
	uint32_t id = from->wait.class, stack;
	struct capture_wait *to;
	int err = 0;

	if (m->classes[id] == LV_NONE)
		err = tables_move_class(m, id);
	err = err ? err : add_wait_stack(m, &from->wait, &stack);
	to = err ? NULL : capture_add_wait(m->capture);
	if (!to)
		return err ? err : -ENOMEM;
	to->ring = from->ring;
	to->class = m->classes[id];
	to->mode = from->wait.mode;
	to->held = from->held;
	to->ends = wait_ends(from->wait.state);
	to->stack = stack;
	to->addr = from->wait.addr;
	to->waited_ms = from->waited_ms;
	return 0;
}

int tables_move_waits(struct moved *m)
{
	int err = 0;

	for (size_t i = 0; !err && i < m->tables->nr_waits; i++) {
		const struct tables_wait *from = &m->tables->waits[i];

		/* A module that went has taken its locks along. */
		if (from->wait.class < LV_MAX_CLASSES &&
		    tables_is_ready(&m->tables->classes[from->wait.class].state))
			err = move_wait(m, from);
	}
	return err;
}
