// SPDX-License-Identifier: GPL-2.0-only
/* Classes, and those that are one. */
#include "capture/tables_internal.h"

#include <errno.h>

static void see_usages(const struct lv_class *from, struct capture_class *to)
{
	for (int i = 0; i < LV_USAGES; i++)
		capture_see_usage(to, i, from->usage_low[i], from->usage_seen[i]);
}

/* Sightings of another class go to the one that stands for it. */
static int add_to_class(struct moved *m, uint32_t id, uint32_t index)
{
	const struct lv_class *from = &m->tables->classes[id];
	struct capture_class *to = &m->capture->classes[index];
	uint32_t fresh = from->usage & ~to->usage & ((1u << LV_USAGES) - 1);
	int err = 0;

	to->twice |= (from->twice | (from->usage & to->usage)) & ((1u << LV_USAGES) - 1);
	to->usage |= fresh;
	to->flags |= from->flags;
	see_usages(from, to);
	to->acquisitions += m->totals.acquisitions[id];
	for (int i = 0; !err && i < LV_USAGES; i++) {
		uint32_t stack;

		if (!(fresh & (1u << i)))
			continue;
		to->usage_addr[i] = from->usage_addr[i];
		err = tables_move_stack(m, from->usage_stack[i], &stack);
		m->capture->classes[index].usage_stack[i] = stack;
	}
	m->classes[id] = index;
	m->shared[index] = true;
	if (m->words->class_moved)
		m->words->class_moved(m->words->arg, id, index);
	return err;
}

int tables_move_class(struct moved *m, uint32_t id)
{
	const struct lv_class *from = &m->tables->classes[id];
	uint32_t one = m->words->one_with ? m->words->one_with(m->words->arg, id) : id;
	struct capture_class *to;
	uint32_t index;
	int err;

	if (one < id && m->classes[one] != LV_NONE)
		return add_to_class(m, id, m->classes[one]);
	to = capture_add_class(m->capture);
	index = m->capture->nr_classes - 1;
	if (!to)
		return -ENOMEM;
	to->family = from->family < LV_FAMILIES ? from->family : LV_SPIN;
	to->subclass = from->subclass;
	to->flags = from->flags;
	to->usage = from->usage & ((1u << LV_USAGES) - 1);
	to->twice = from->twice & to->usage;
	see_usages(from, to);
	to->acquisitions = m->totals.acquisitions[id];
	err = m->words->describe_class(m->words->arg, from, to);
	for (int i = 0; !err && i < LV_USAGES; i++) {
		uint32_t stack;

		if (!(to->usage & (1u << i)))
			continue;
		to->usage_addr[i] = from->usage_addr[i];
		err = tables_move_stack(m, from->usage_stack[i], &stack);
		to->usage_stack[i] = stack;
	}
	m->classes[id] = index;
	if (m->words->class_moved)
		m->words->class_moved(m->words->arg, id, index);
	return err;
}
