// SPDX-License-Identifier: GPL-2.0-only
/* Pointers that BTF calls void: which of them an answer hangs on, and what they turn out to be. */
#include "sites/island.h"
#include "sites/solve.h"

#define MAX_DEPTH 12
#define ALIGNED 8 /* private data begins on such a boundary at least */

static bool is_open_member(const struct solver *s, struct place at)
{
	const struct btf *btf = s->f->btf;
	uint32_t member;

	if (!at.type || at.off < 0 || at.off > INT32_MAX || types_is_library(btf, at.type))
		return false;
	member = types_member(btf, at.type, at.off, 8);
	return member && !types_pointee(s->f->im->types, btf, member);
}

bool solve_is_void(struct solver *s, uint32_t node)
{
	const struct node *n = &s->f->nodes.node[node];
	struct value at = {.base = n->base, .off = n->off, .scale = n->scale};

	if (solve_pointee(s, node).type)
		return false;
	if (n->kind == NODE_RESULT || n->kind == NODE_ARG)
		return n->declared && types_is_pointer(s->f->btf, n->declared) &&
		       !types_pointee(s->f->im->types, s->f->btf, n->declared);
	at.index = n->scale ? NODE_ANY : 0;
	return n->kind == NODE_LOAD && n->base > NODE_STACK &&
	       is_open_member(s, solve_place(s, at));
}

static bool find_open(struct solver *s, struct value v, struct opened *ret, int depth)
{
	const struct node *n = &s->f->nodes.node[v.base];
	struct value at = {.base = n->base, .off = n->off, .scale = n->scale};
	struct place place, to;

	if (depth > MAX_DEPTH || v.base <= NODE_STACK)
		return false;
	to = solve_pointee(s, v.base);
	if (to.type && !types_is_library(s->f->btf, to.type)) {
		int64_t off = v.off + to.off;

		if (off < 0)
			*ret = (struct opened){to.type, 0, 0, OPENED_AROUND, 0};
		else
			*ret = (struct opened){to.type, off, 0, OPENED_TAIL, 0};
		return off < INT32_MAX && !types_covers(s->f->btf, to.type, off);
	}
	if (n->kind == NODE_PHI)
		for (uint8_t i = 0; i < n->nr_inputs; i++) {
			struct value in = nodes_inputs(&s->f->nodes, v.base)[i];

			in.off += v.off;
			if (find_open(s, in, ret, depth + 1))
				return true;
		}
	if (n->kind != NODE_LOAD || (n->base && n->base <= NODE_STACK))
		return false;
	at.index = n->scale ? NODE_ANY : 0;
	if (solve_list_head(s, at, ret))
		return true;
	place = solve_place(s, at);
	if (!place.type)
		return n->base && find_open(s, at, ret, depth + 1);
	if (!is_open_member(s, place))
		return false;
	*ret = (struct opened){place.type, place.off, 0, OPENED_MEMBER, 0};
	return true;
}

bool solve_open(struct solver *s, struct value v, struct opened *ret)
{
	return find_open(s, v, ret, 0);
}

/* The struct that begins at the node, by all that is done with it; 0: none, or several. */
static uint32_t used_as(struct solver *s, uint32_t node, int64_t off)
{
	uint32_t nr = islands_of(s, node), found = 0;

	for (uint32_t i = 0; i < nr; i++) {
		const struct island *is = &s->island[s->memo[node].island + i];

		if (is->library || is->joined || is->off != off || is->strength == SITES_BY_HINT)
			continue;
		if (found && !types_same(s->f->btf, found, is->type))
			return 0;
		found = is->type;
	}
	return found;
}

/* Structs around, or private data behind, one: the node leads to it, and is used as the other. */
static void each_related(struct solver *s, uint32_t node,
			 void (*each)(void *arg, const struct opened *o), void *arg)
{
	struct place to = solve_pointee(s, node);
	uint32_t nr;

	if (!to.type || to.off || types_is_library(s->f->btf, to.type))
		return;
	nr = islands_of(s, node);
	for (uint32_t i = 0; i < nr; i++) {
		const struct island is = s->island[s->memo[node].island + i];

		if (is.library || is.joined || is.strength == SITES_BY_HINT || is.off % ALIGNED ||
		    is.off > INT32_MAX || is.off < -INT32_MAX)
			continue;
		if (is.off >= types_size(s->f->btf, to.type))
			each(arg, &(struct opened){to.type, is.off, is.type, OPENED_TAIL, 0});
		else if (is.off <= 0 && !types_same(s->f->btf, is.type, to.type) &&
			 types_has_at(s->f->btf, is.type, -is.off, to.type))
			each(arg, &(struct opened){to.type, -is.off, is.type, OPENED_AROUND, 0});
	}
}

static uint32_t pointed(const struct btf *btf, uint32_t pointer)
{
	const struct btf_type *t = btf__type_by_id(btf, types_bare(btf, pointer));

	return t && btf_is_ptr(t) ? types_bare(btf, t->type) : 0;
}

/* Does the struct have a link at the offset? */
static bool has_link(const struct btf *btf, uint32_t type, int64_t off)
{
	uint32_t member;

	if (off < 0 || off >= types_size(btf, type))
		return false;
	member = types_member(btf, type, off, 8);
	return member && types_is_link(btf, pointed(btf, member));
}

/* An object of the type begins `start` bytes behind the node: which list does its link stand in? */
static void each_listed(struct solver *s, uint32_t node, uint32_t type, int64_t start,
			void (*each)(void *arg, const struct opened *o), void *arg)
{
	const struct flow *f = s->f;
	struct value leaf[SOLVE_LEAVES];
	uint32_t nr = solve_leaves(s, node, leaf);
	struct opened o;

	if (!nr)
		leaf[nr++] = value_node(node);
	for (uint32_t i = 0; i < nr; i++) {
		const struct node *n = &f->nodes.node[leaf[i].base];
		struct value at = {.base = n->base, .off = n->off, .scale = n->scale};
		int64_t link;

		if (leaf[i].off > INT32_MAX || leaf[i].off < -INT32_MAX)
			continue;
		link = -(leaf[i].off + start);
		at.index = n->scale ? NODE_ANY : 0;
		if (n->kind != NODE_LOAD || leaf[i].index || !has_link(f->btf, type, link) ||
		    !solve_list_head(s, at, &o))
			continue;
		o.to = type;
		o.link = link;
		each(arg, &o);
	}
	for (uint32_t i = f->nodes.node[node].facts; i; i = f->fact[i - 1].next) {
		const struct fact *fact = &f->fact[i - 1];

		if (fact->kind != FACT_STORED || fact->indexed || fact->off > INT32_MAX ||
		    fact->off < -INT32_MAX || !has_link(f->btf, type, fact->off - start) ||
		    !solve_list_head(s, fact->where, &o))
			continue;
		o.to = type;
		o.link = fact->off - start;
		each(arg, &o);
	}
}

static void each_element(struct solver *s, uint32_t node, struct place to,
			 void (*each)(void *arg, const struct opened *o), void *arg)
{
	uint32_t nr;

	if (to.type && to.strength != SITES_BY_HINT && !types_is_library(s->f->btf, to.type)) {
		each_listed(s, node, to.type, -to.off, each, arg);
		return;
	}
	nr = islands_of(s, node);
	for (uint32_t i = 0; i < nr; i++) {
		const struct island is = s->island[s->memo[node].island + i];

		if (!is.library && !is.joined && is.strength != SITES_BY_HINT && is.off <= 0 &&
		    is.off >= -INT32_MAX)
			each_listed(s, node, is.type, is.off, each, arg);
	}
}

static void each_stored(struct solver *s, uint32_t node, uint32_t type,
			void (*each)(void *arg, const struct opened *o), void *arg)
{
	const struct flow *f = s->f;

	for (uint32_t i = f->nodes.node[node].facts; i; i = f->fact[i - 1].next) {
		const struct fact *fact = &f->fact[i - 1];
		struct place at;

		if (fact->kind != FACT_STORED || fact->off || fact->indexed ||
		    fact->where.base <= NODE_STACK)
			continue;
		at = solve_place(s, fact->where);
		if (is_open_member(s, at) && at.strength != SITES_BY_HINT)
			each(arg, &(struct opened){at.type, at.off, type, OPENED_MEMBER, 0});
	}
}

void solve_each_opened(struct solver *s, void (*each)(void *arg, const struct opened *o), void *arg)
{
	for (uint32_t node = NODE_STACK + 1; node < s->f->nodes.nr; node++) {
		const struct node *n = &s->f->nodes.node[node];
		struct value at = {.base = n->base, .off = n->off, .scale = n->scale};
		struct place to, place;
		uint32_t type;

		if (!n->facts)
			continue;
		to = solve_pointee(s, node);
		each_element(s, node, to, each, arg);
		type = to.type && !to.off && to.strength != SITES_BY_HINT ? to.type
									  : used_as(s, node, 0);
		if (!type || types_is_library(s->f->btf, type))
			continue;
		each_stored(s, node, type, each, arg);
		each_related(s, node, each, arg);
		if (n->kind != NODE_LOAD || n->base <= NODE_STACK || to.type)
			continue;
		at.index = n->scale ? NODE_ANY : 0;
		place = solve_place(s, at);
		if (is_open_member(s, place) && place.strength != SITES_BY_HINT)
			each(arg, &(struct opened){place.type, place.off, type, OPENED_MEMBER, 0});
	}
}
