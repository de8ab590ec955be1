// SPDX-License-Identifier: GPL-2.0-only
#include "trace/attempts.h"

#include <errno.h>
#include <string.h>

#define INNER ".wait_lock"
#define FRAMES 3 /* the lock's function, and what the compiler made of the one that waits */

static const struct {
	const char *function; /* what its name begins with */
	uint32_t family, dep;
} waiters[] = {
	{"__mutex_lock", LV_MUTEX, LV_DEP_EN},
	{"rwsem_down_read_slowpath", LV_RWSEM, LV_DEP_SN},
	{"rwsem_down_write_slowpath", LV_RWSEM, LV_DEP_EN},
};

#define NR_WAITERS (sizeof(waiters) / sizeof(waiters[0]))

/* "a.mutex [m]" for "a.mutex.wait_lock [m]"? */
static bool is_inner_of(const char *inner, const char *outer)
{
	size_t len = strcspn(outer, " @#");

	return !strncmp(inner, outer, len) && !strncmp(inner + len, INNER, strlen(INNER)) &&
	       !strcmp(inner + len + strlen(INNER), outer + len);
}

/* Which of the waiters took it there? NR_WAITERS: none. */
static size_t find_waiter(const struct capture *c, uint32_t stack, uint32_t family)
{
	const struct capture_stack *s = stack < c->nr_stacks ? &c->stacks[stack] : NULL;

	for (uint32_t i = 0; s && i < s->nr_frames && i < FRAMES; i++)
		for (size_t w = 0; w < NR_WAITERS; w++)
			if (waiters[w].family == family &&
			    !strncmp(s->frames[i].text, waiters[w].function,
				     strlen(waiters[w].function)))
				return w;
	return NR_WAITERS;
}

static bool is_there(const struct capture *c, uint32_t from, uint32_t to, uint32_t dep)
{
	for (size_t i = 0; i < c->nr_edges; i++)
		if (c->edges[i].from == from && c->edges[i].to == to && c->edges[i].dep == dep)
			return true;
	return false;
}

static int add_attempt(struct capture *c, uint32_t from, uint32_t to, uint32_t stack)
{
	size_t w = find_waiter(c, stack, c->classes[from].family);
	struct capture_edge *edge;

	if (w == NR_WAITERS || is_there(c, from, to, waiters[w].dep))
		return 0;
	edge = capture_add_edge(c);
	if (!edge)
		return -ENOMEM;
	edge->from = from;
	edge->to = to;
	edge->dep = waiters[w].dep;
	edge->count = 1; /* at least */
	edge->stack = stack;
	return 0;
}

/* Where the inner lock was taken: its first uses, and under which others. */
static int add_attempts(struct capture *c, uint32_t from, uint32_t to)
{
	size_t nr = c->nr_edges;
	int err = 0;

	for (int i = 0; !err && i < LV_USAGES; i++)
		err = add_attempt(c, from, to, c->classes[to].usage_stack[i]);
	for (size_t i = 0; !err && i < nr; i++)
		if (c->edges[i].to == to)
			err = add_attempt(c, from, to, c->edges[i].stack);
	return err;
}

static bool is_inner(const struct capture_class *class)
{
	return (class->family == LV_SPIN || class->family == LV_RAWSPIN) &&
	       strstr(class->name, INNER);
}

int attempts_add(struct capture *c)
{
	int err = 0;

	for (uint32_t to = 0; to < c->nr_classes; to++) {
		if (!is_inner(&c->classes[to]))
			continue;
		for (uint32_t from = 0; !err && from < c->nr_classes; from++)
			if ((c->classes[from].family == LV_MUTEX ||
			     c->classes[from].family == LV_RWSEM) &&
			    is_inner_of(c->classes[to].name, c->classes[from].name))
				err = add_attempts(c, from, to);
	}
	return err;
}
