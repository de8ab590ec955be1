// SPDX-License-Identifier: GPL-2.0-only
#include "sites/others.h"

#define MOST_FILLED 256	/* bytes of a struct on the stack that another function fills in */
#define MOST_FILLERS 16 /* calls that are given it */

/* Is the address of the stack slot, or of a struct around it, an argument of the call? Which; -1: none. */
static int filled_argument(const struct flow_call *c, int64_t slot)
{
	for (uint32_t k = 0; c->to && k < FLOW_ARGS; k++) {
		const struct value *v = &c->arg[k];

		if (v->base == NODE_STACK && !v->index && v->off <= slot &&
		    slot - v->off < MOST_FILLED)
			return k;
	}
	return -1;
}

/*
 * The value that a call left in a stack slot whose address, or that of a struct around it, it was given.
 * Where several functions were given a struct ("vm_fault"), each may have filled in another lock: what one is
 * known to leave there is a guess then, and nothing where two leave different ones.
 */
static struct place ask_filler(struct outside *o, const struct flow *f, int64_t slot)
{
	struct place sum = {.strength = SITES_BY_HINT}, none = sum;
	const struct target *asked = NULL;
	bool several = false;
	int nr = 0;

	for (uint32_t i = 0; i < f->nr_calls; i++) {
		const struct flow_call *c = &f->call[i];
		int k = filled_argument(c, slot);
		struct place at;

		if (k < 0 || c->to == asked)
			continue;
		several |= asked != NULL;
		asked = c->to;
		if (++nr > MOST_FILLERS)
			return none;
		at = outside_stored(o, f, c->to, k, slot - c->arg[k].off);
		if (!at.type)
			continue;
		if (sum.type && (sum.off != at.off || !types_same(f->btf, sum.type, at.type)))
			return none;
		sum = at;
	}
	if (several)
		sum.strength = SITES_BY_HINT;
	return sum;
}

static struct place ask_callee(struct outside *o, const struct flow *f, uint64_t ip)
{
	for (uint32_t i = 0; i < f->nr_calls; i++)
		if (f->call[i].ip == ip && f->call[i].to)
			return outside_result(o, f, f->call[i].to);
	return (struct place){.strength = SITES_BY_HINT};
}

/* Ask other functions what a value is that an answer is wanting for. True: they knew. */
static bool ask_outside(struct outside *o, struct solver *solver, struct value v)
{
	uint32_t node = solve_origin(solver, v);
	const struct flow *f = solver->f;
	const struct node *n = &f->nodes.node[node];
	struct place at = {.strength = SITES_BY_HINT};

	if (!node || solver->nr_told == SOLVE_TOLD)
		return false;
	if (n->kind == NODE_RESULT)
		at = ask_callee(o, f, n->key);
	else if (n->kind == NODE_LOAD)
		at = ask_filler(o, f, n->off);
	else if (!solve_arg_is_lock(solver, n->off))
		at = outside_argument(o, f, n->off);
	solver_tell(solver, node, at);
	return true;
}

static bool was_asked(const struct solver *solver, const struct opened *what)
{
	for (uint32_t i = 0; i < solver->nr_opened; i++) {
		const struct opened *known = &solver->opened[i];

		if (known->type == what->type && known->kind == what->kind &&
		    (what->kind == OPENED_TAIL || what->kind == OPENED_AROUND ||
		     known->off == what->off))
			return true;
	}
	return false;
}

/* Ask functions of a like name what an open pointer is that an answer hangs on. */
static bool ask_opened(struct outside *o, struct solver *solver, struct value v)
{
	struct opened what;

	if (!solve_open(solver, v, &what))
		return false;
	/* beyond a struct lies private data, or a larger struct that it is a member of */
	for (uint32_t kind = what.kind; kind <= OPENED_LIST; kind++) {
		struct opened found = what;

		found.kind = kind;
		if (solver->nr_opened == SOLVE_OPENED || was_asked(solver, &found))
			return false;
		if (!outside_opened(o, solver->f, &found))
			found.to = 0;
		solver->opened[solver->nr_opened++] = found;
		solver_again(solver);
		if (found.to)
			return true;
		if (kind != OPENED_TAIL)
			return false;
	}
	return false;
}

bool others_ask(struct outside *o, struct solver *solver, struct value v)
{
	return ask_outside(o, solver, v) || ask_opened(o, solver, v);
}
