// SPDX-License-Identifier: GPL-2.0-only
#include "capture/tables_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hooks.h"

/*
 * An edge that is there already: the two orders of a self-edge, or of one to the
 * class's twin, become one, and the class's flag says if they met; and what was
 * several classes' may be one's.
 */
static struct capture_edge *find_edge(struct moved *m, uint32_t from, uint32_t to, uint32_t dep)
{
	struct capture *c = m->capture;

	if (from != to && !(c->classes[to].subclass & LV_SUBCLASS_TWIN) && !m->shared[from] && !m->shared[to])
		return NULL;
	for (size_t i = 0; i < c->nr_edges; i++) {
		struct capture_edge *edge = &c->edges[i];

		if (edge->from == from && edge->to == to && edge->dep == dep)
			return edge;
	}
	return NULL;
}

/* Two elements of what is one class now, nested both ways: as the recorder marks equals. */
static void check_order(struct moved *m, const struct lv_edge *from, const struct capture_edge *to)
{
	if (from->from != from->to && to->from == to->to && to->from_addr == from->to_addr &&
	    to->to_addr == from->from_addr)
		m->capture->classes[to->from].flags |= LV_CLASS_SELF_ORDER;
}

/*
 * Keep the order in which two locks were seen whose classes the recorder had to keep apart, and
 * which are one.
 */
static void keep_order(struct moved *m, const struct lv_edge *from)
{
	uint32_t class = m->classes[from->from];

	if (from->from != from->to && class == m->classes[from->to])
		m->capture->classes[class].flags |= from->order & (LV_CLASS_SELF_ORDER | LV_CLASS_SELF_SURE);
}

static bool is_hooked(const char *text)
{
	for (uint32_t hook = 0; hook < LV_HOOKS; hook++)
		if (tables_hook_function(hook) && tables_is_in(text, tables_hook_function(hook)))
			return true;
	return false;
}

static int add_caller_stack(struct moved *m, uint64_t ip, uint32_t *ret)
{
	char *text = m->words->symbol(m->words->arg, ip);
	struct capture_stack *stack;

	*ret = LV_NONE;
	if (!text)
		return -ENOMEM;
	/* Where the compiler laid the trampoline's frame otherwise, it is the lock's function itself. */
	if (is_hooked(text)) {
		free(text);
		return 0;
	}
	stack = capture_add_stack(m->capture);
	if (stack)
		stack->frames = calloc(1, sizeof(*stack->frames));
	if (!stack || !stack->frames) {
		free(text);
		return -ENOMEM;
	}
	*ret = m->capture->nr_stacks - 1;
	return tables_add_frame(stack, ip, text);
}

/* The stack of a place that the recorder knows by its address alone; one for each place. */
static int move_caller(struct moved *m, uint64_t ip, uint32_t *ret)
{
	struct caller *caller;
	int err;

	*ret = LV_NONE;
	if (!ip)
		return 0;
	HASH_FIND(hh, m->callers, &ip, sizeof(ip), caller);
	if (!caller) {
		caller = calloc(1, sizeof(*caller));
		if (!caller)
			return -ENOMEM;
		caller->ip = ip;
		err = add_caller_stack(m, ip, &caller->stack);
		if (err) {
			free(caller);
			return err;
		}
		HASH_ADD(hh, m->callers, ip, sizeof(caller->ip), caller);
	}
	*ret = caller->stack;
	return 0;
}

void tables_free_callers(struct moved *m)
{
	struct caller *caller, *next;

	HASH_ITER(hh, m->callers, caller, next)
	{
		HASH_DEL(m->callers, caller);
		free(caller);
	}
}

/* Was the holder held? A sleeping lock's release is a function everywhere, and its word names the owner. */
static bool is_sure(const struct moved *m, const struct lv_edge *edge)
{
	uint16_t family = m->tables->classes[edge->from].family;
	bool spins = family == LV_SPIN || family == LV_RWLOCK || family == LV_RAWSPIN;

	return !spins || edge->sure >= LV_EDGE_SURE;
}

/* The evidence of its sightings; without the instances while a CPU is at it. */
static void see_edge(const struct moved *m, const struct lv_edge *from, struct capture_edge *ret)
{
	*ret = (struct capture_edge){.seen_from = from->seen_from,
				     .seen_to = from->seen_to,
				     .sure = is_sure(m, from)};
	memcpy(ret->low, from->low, sizeof(ret->low));
	for (int i = 0; i < LV_GATES; i++) {
		uint32_t class = from->gate_class[i];

		ret->gate_addr[i] = from->gate[i];
		ret->gate_class[i] = from->gate[i] && class < LV_MAX_CLASSES ? m->classes[class] :
									       LV_NONE;
	}
	if (__atomic_load_n(&from->looking, __ATOMIC_ACQUIRE))
		memset(ret->low, 0, sizeof(ret->low));
}

int tables_move_edge(struct moved *m, uint32_t id)
{
	const struct lv_edge *from = &m->tables->edges[id];
	uint32_t dep = from->dep & ~LV_DEP_DOWN;
	struct capture_edge *to, seen;
	uint64_t count = m->totals.edge_hits[id];
	uint32_t stack, caller;
	int err;

	if (from->from >= LV_MAX_CLASSES || from->to >= LV_MAX_CLASSES ||
	    m->classes[from->from] == LV_NONE || m->classes[from->to] == LV_NONE)
		return 0;
	see_edge(m, from, &seen);
	keep_order(m, from);
	to = find_edge(m, m->classes[from->from], m->classes[from->to], dep);
	if (to) {
		to->count += count;
		capture_see_edge(to, &seen);
		check_order(m, from, to);
		return 0;
	}
	to = capture_add_edge(m->capture);
	if (!to)
		return -ENOMEM;
	*to = seen;
	to->from = m->classes[from->from];
	to->to = m->classes[from->to];
	to->dep = dep;
	to->count = count;
	to->from_addr = from->from_addr;
	to->to_addr = from->to_addr;
	err = tables_move_stack(m, from->stack, &stack);
	err = err ? err : move_caller(m, from->from_caller, &caller);
	if (err)
		return err;
	to->stack = stack;
	to->from_stack = caller;
	return 0;
}
