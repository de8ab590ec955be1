// SPDX-License-Identifier: GPL-2.0-only
#include "sites/island.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/lockpath.h"

#define ISLANDS 24		       /* for one node */
#define JOINS 2			       /* PHIs that facts are carried over */
#define CLIMB 4			       /* structs in structs */
#define IMAGE_VARIABLES INT64_C(-4096) /* constants below are addresses */
#define FACTS 400		       /* facts of a node that are looked at */
#define FROM_LIBRARY 64		       /* containers of a library type that are looked at */

struct collect {
	struct solver *s;
	uint32_t node;
	int facts;
	bool joined;
};

static bool add_island(struct collect *c, uint32_t type, int64_t off, uint8_t strength)
{
	struct solver *s = c->s;
	struct memo *memo = &s->memo[c->node];
	struct island *is = s->island + memo->island;

	if (!types_is_struct(s->f->btf, type))
		return false;
	for (uint32_t i = 0; i < memo->nr_islands; i++) {
		if (is[i].off != off || !types_same(s->f->btf, is[i].type, type))
			continue;
		if (strength < is[i].strength)
			is[i].strength = strength;
		is[i].joined &= c->joined;
		return false;
	}
	if (memo->nr_islands == ISLANDS)
		return false;
	is[memo->nr_islands++] =
		(struct island){type, off, strength, types_is_library(s->f->btf, type), c->joined};
	return true;
}

static uint32_t pointee(struct solver *s, uint32_t type)
{
	return type ? types_pointee(s->f->im->types, s->f->btf, type) : 0;
}

/* The type that a fact says to lie where it is; 0: none. */
static uint32_t told_type(struct solver *s, const struct fact *fact)
{
	struct place at;

	switch (fact->kind) {
	case FACT_GIVEN:
		if (s->f->call[fact->call].to && s->f->call[fact->call].to->lock == LOCK_ARG)
			return 0;
		return pointee(s, solve_param(s, fact->call, fact->arg));
	case FACT_RETURNED:
		return pointee(s, flow_param(s->f, s->f->self, FLOW_RETURN));
	case FACT_STORED:
		if (fact->where.base <= NODE_STACK)
			return 0;
		at = solve_place(s, fact->where);
		if (!at.type || at.off < 0 || at.strength == SITES_BY_HINT)
			return 0;
		return pointee(s, types_member(s->f->btf, at.type, at.off, 8));
	default:
		return 0;
	}
}

static void collect_joined(struct collect *c, uint32_t node, int64_t shift, int joins);

/* The node is `shift` bytes behind the one that is asked about. */
static void collect(struct collect *c, uint32_t node, int64_t shift, int joins)
{
	const struct flow *f = c->s->f;
	const struct node *n = &f->nodes.node[node];

	for (uint32_t i = n->facts; i && c->facts; i = f->fact[i - 1].next, c->facts--) {
		const struct fact *fact = &f->fact[i - 1];

		if (fact->indexed)
			continue;
		if (fact->kind == FACT_JOINS) {
			if (joins && !fact->where.off)
				collect_joined(c, fact->where.base, shift + fact->off, joins - 1);
			continue;
		}
		if (fact->kind != FACT_ACCESS)
			add_island(c, told_type(c->s, fact), shift + fact->off, SITES_BY_USE);
	}
	if (n->kind != NODE_PHI || !joins)
		return;
	for (uint8_t i = 0; i < n->nr_inputs; i++) {
		struct value in = nodes_inputs(&f->nodes, node)[i];

		if (in.base > NODE_STACK && in.base != c->node && !in.index)
			collect_joined(c, in.base, shift - in.off, 0);
	}
}

static void collect_joined(struct collect *c, uint32_t node, int64_t shift, int joins)
{
	bool was = c->joined;

	c->joined = true;
	collect(c, node, shift, joins);
	c->joined = was;
}

uint32_t islands_of(struct solver *s, uint32_t node)
{
	struct memo *memo = &s->memo[node];
	struct collect c = {.s = s, .node = node, .facts = FACTS};
	struct place to;

	if (memo->islands_state != MEMO_NONE)
		return memo->nr_islands;
	if (s->nr_islands + ISLANDS > s->room_islands) {
		uint32_t room = s->room_islands ? s->room_islands * 2 : 64 * ISLANDS;
		struct island *more = realloc(s->island, room * sizeof(*more));

		if (!more) {
			s->failed = true;
			return 0;
		}
		s->island = more;
		s->room_islands = room;
	}
	memo->islands_state = MEMO_BUSY;
	memo->island = s->nr_islands;
	s->nr_islands += ISLANDS;
	to = solve_pointee(s, node);
	if (to.type)
		add_island(&c, to.type, -to.off, to.strength);
	for (uint32_t i = 0; to.type && i < s->nr_opened; i++) {
		const struct opened *o = &s->opened[i];

		if (o->kind != OPENED_MEMBER && types_same(s->f->btf, o->type, to.type))
			add_island(&c, o->to,
				   (o->kind == OPENED_TAIL ? (int64_t)o->off : -(int64_t)o->off) -
					   to.off,
				   SITES_BY_HINT);
	}
	collect(&c, node, 0, to.type && !types_is_library(s->f->btf, to.type) ? 0 : JOINS);
	memo->islands_state = MEMO_DONE;
	return memo->nr_islands;
}

bool lock_at(const struct solver *s, uint32_t type, int64_t off, uint32_t family)
{
	struct kbtf_type t = {s->f->btf, type};
	struct lockpath lock;

	if (!types_covers(s->f->btf, type, off))
		return false;
	lockpath_at(s->f->im->src.btf, t, off, family, &lock);
	return lock.what != LOCKPATH_NONE;
}

/* The pointer at a place leads to a link: the place of the head, or of another link. */
static bool is_list_place(struct solver *s, struct place at, uint32_t *ret_off)
{
	const struct btf *btf = s->f->btf;
	uint32_t member, link;

	if (!at.type || at.off < 0 || at.off > INT32_MAX || types_is_library(btf, at.type) ||
	    at.strength == SITES_BY_HINT)
		return false;
	member = types_member(btf, at.type, at.off, 8);
	link = member ? types_pointee(s->f->im->types, btf, member) : 0;
	if (!link || !types_is_link(btf, link))
		return false;
	*ret_off = at.off; /* `prev`: the head is 8 bytes before */
	if (at.off >= 8 && !types_has_at(btf, at.type, at.off, link) &&
	    types_has_at(btf, at.type, at.off - 8, link))
		*ret_off = at.off - 8;
	return true;
}

bool solve_list_head(struct solver *s, struct value at, struct opened *ret)
{
	uint32_t off;
	struct place place;

	if (!at.base && !at.index && at.off < IMAGE_VARIABLES) {
		*ret = (struct opened){.off = at.off, .kind = OPENED_LIST};
		return true;
	}
	if (at.base <= NODE_STACK)
		return false;
	place = solve_place(s, at);
	if (!is_list_place(s, place, &off))
		return false;
	*ret = (struct opened){.type = place.type, .off = off, .kind = OPENED_LIST};
	return true;
}

struct climb {
	struct solver *s;
	struct value v;
	enum container_for what;
	uint32_t operand;
	int64_t start; /* start of the type that is contained, from the node */
	uint32_t node;
	int depth, nr_seen;
	struct place found;
	bool several;
};

/* Do all reads and writes through the node fit members of that struct there? */
bool accesses_fit(const struct solver *s, uint32_t node, uint32_t type, int64_t start)
{
	const struct flow *f = s->f;
	int facts = FACTS;

	for (uint32_t i = f->nodes.node[node].facts; i && facts--; i = f->fact[i - 1].next) {
		const struct fact *fact = &f->fact[i - 1];
		int64_t off = fact->off - start;

		if (fact->kind != FACT_ACCESS || fact->indexed)
			continue;
		if (!types_covers(f->btf, type, off) ||
		    !types_access_fits(f->btf, type, off, fact->size))
			return false;
	}
	return true;
}

/* Does all that the function does with the node fit that struct there? */
static bool fits(struct climb *c, uint32_t outer, int64_t start)
{
	const struct btf *btf = c->s->f->btf;
	const struct memo *memo = &c->s->memo[c->node];

	if (!accesses_fit(c->s, c->node, outer, start))
		return false;
	for (uint32_t i = 0; i < memo->nr_islands; i++) {
		const struct island *is = &c->s->island[memo->island + i];

		if (!types_covers(btf, outer, is->off - start) ||
		    !types_has_at(btf, outer, is->off - start, is->type))
			return false;
	}
	return true;
}

/* Two structs that have the same lock, as a member of a third, are no two answers. */
static bool same_lock(struct climb *c, uint32_t type, int64_t off)
{
	const struct btf *btf = c->s->f->btf;
	uint32_t a, b, a_off, b_off;

	if (!types_inner(btf, c->found.type, c->found.off, &a, &a_off) ||
	    !types_inner(btf, type, off, &b, &b_off))
		return false;
	return a_off == b_off && types_same(btf, a, b);
}

static void try_outer(void *arg, uint32_t outer, uint32_t off)
{
	struct climb *c = arg;
	const struct btf *btf = c->s->f->btf;
	int64_t start = c->start - off, at = 0;
	bool in = solve_offset_in(c->s->f, outer, start, c->v, &at);

	if (c->several || c->s->steps++ > SOLVE_STEPS)
		return;
	if (in &&
	    (c->what == CONTAINER_LOCK ? lock_at(c->s, outer, at, c->operand)
				       : types_access_fits(btf, outer, at, c->operand)) &&
	    fits(c, outer, start)) {
		if (c->found.type && (c->what != CONTAINER_LOCK || !same_lock(c, outer, at)) &&
		    !(types_same(btf, c->found.type, outer) && c->found.off == at))
			c->several = true;
		if (!c->found.type)
			c->found = (struct place){outer, at, SITES_BY_TYPE};
		return;
	}
	if (c->depth < CLIMB && (!in || types_is_library(btf, outer))) {
		int64_t old = c->start;

		c->start = start;
		c->depth++;
		types_each_container(c->s->f->im->types, btf, outer, try_outer, c);
		c->depth--;
		c->start = old;
	}
}

/* Types that functions are called back with: their containers are told apart by what they do. */
static bool is_callback_type(const struct btf *btf, uint32_t type)
{
	static const char *const names[] = {"work_struct",    "timer_list",	"hrtimer",
					    "callback_head",  "kthread_work",	"irq_work",
					    "notifier_block", "tasklet_struct", "kref",
					    "kobject",	      "percpu_ref",	"delayed_work"};
	const struct btf_type *t = btf__type_by_id(btf, type);
	const char *name = t ? btf__name_by_offset(btf, t->name_off) : NULL;

	for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

struct place container_place(struct solver *s, struct value v, enum container_for what,
			     uint32_t operand)
{
	struct climb c = {.s = s, .v = v, .what = what, .operand = operand, .node = v.base};
	uint32_t nr = islands_of(s, v.base);

	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < nr; i++) {
			const struct island is = s->island[s->memo[v.base].island + i];
			int64_t in;

			if (is.library != pass || (pass && !is_callback_type(s->f->btf, is.type)))
				continue;
			if (solve_offset_in(s->f, is.type, is.off, v, &in))
				continue;
			c.start = is.off;
			c.found = (struct place){};
			c.several = false;
			types_each_container(s->f->im->types, s->f->btf, is.type, try_outer, &c);
			if (c.found.type && !c.several) {
				c.found.strength = pass ? SITES_BY_USE : is.strength;
				return c.found;
			}
		}
	}
	return (struct place){.strength = SITES_BY_HINT};
}
