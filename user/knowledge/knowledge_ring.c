// SPDX-License-Identifier: GPL-2.0-only
#include "knowledge/knowledge_internal.h"

#include <errno.h>

static uint32_t pid_of(const struct capture *c, const struct capture_wait *wait)
{
	return wait->stack < c->nr_stacks ? c->stacks[wait->stack].pid : 0;
}

/* The same lock waited for by the same task, in the same place of the ring. */
static bool is_same(const struct adding *a, size_t known, size_t seen)
{
	const struct capture_wait *k = &a->p->c->waits[known], *s = &a->seen->waits[seen];

	return k->class == a->classes[s->class] && k->addr == s->addr && k->mode == s->mode &&
	       pid_of(a->p->c, k) == pid_of(a->seen, s);
}

static bool is_known(const struct adding *a, size_t first, size_t nr)
{
	const struct capture *c = a->p->c;

	for (size_t i = 0; i < c->nr_waits; i += capture_ring_len(c, i)) {
		size_t same = 0;

		if (capture_ring_len(c, i) != nr)
			continue;
		while (same < nr && is_same(a, i + same, first + same))
			same++;
		if (same == nr)
			return true;
	}
	return false;
}

static bool has_classes(const struct adding *a, size_t first, size_t nr)
{
	for (size_t i = first; i < first + nr; i++)
		if (a->classes[a->seen->waits[i].class] == LV_NONE)
			return false;
	return true;
}

static int add_wait(struct adding *a, const struct capture_wait *from, uint32_t ring)
{
	struct capture_wait *to = capture_add_wait(a->p->c);

	if (!to)
		return -ENOMEM;
	*to = *from;
	to->ring = ring;
	to->class = a->classes[from->class];
	return knowledge_add_stack(a, from->stack, &to->stack);
}

static int add_ring(struct adding *a, size_t first, size_t nr)
{
	struct capture *c = a->p->c;
	uint32_t ring = c->nr_waits ? c->waits[c->nr_waits - 1].ring + 1 : 0;
	size_t at = c->nr_waits;
	int code = 0;

	for (size_t i = 0; !code && i < nr; i++)
		code = add_wait(a, &a->seen->waits[first + i], ring);
	return code ? code : knowledge_tell_watch(a->p, finding_watch_ring, at);
}

int knowledge_add_rings(struct adding *a)
{
	const struct capture *seen = a->seen;
	size_t nr;
	int code = 0;

	for (size_t i = 0; !code && i < seen->nr_waits; i += nr) {
		nr = capture_ring_len(seen, i);
		if (!has_classes(a, i, nr) || is_known(a, i, nr))
			continue;
		if (a->p->c->nr_waits + nr > LV_MAX_WAITS)
			a->p->full = true;
		else
			code = add_ring(a, i, nr);
	}
	return code;
}
