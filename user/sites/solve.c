// SPDX-License-Identifier: GPL-2.0-only
#include "sites/solve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sites/island.h"
#include "sites/leaves.h"

#define MAX_DEPTH 48
#define TRIES 3
#define ORIGIN_DEPTH 10

int solver_init(struct solver *s, const struct flow *f)
{
	memset(s, 0, sizeof(*s));
	s->f = f;
	s->memo = calloc(f->nodes.nr, sizeof(*s->memo));
	return s->memo ? 0 : -ENOMEM;
}

void solver_free(struct solver *s)
{
	free(s->memo);
	free(s->island);
	memset(s, 0, sizeof(*s));
}

void solver_again(struct solver *s)
{
	memset(s->memo, 0, s->f->nodes.nr * sizeof(*s->memo));
	s->nr_islands = 0;
}

static uint8_t weaker(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}

static struct place nowhere(void)
{
	return (struct place){.strength = SITES_BY_HINT};
}

static uint32_t stride_of(struct value v)
{
	return v.scale < 0 ? -(int64_t)v.scale : v.scale;
}

static bool element_at(const struct flow *f, uint32_t type, int64_t off, uint32_t stride,
		       int64_t *ret)
{
	uint32_t in;

	if (!types_covers(f->btf, type, off) || !types_element(f->btf, type, off, stride, &in))
		return false;
	*ret = in;
	return true;
}

bool solve_offset_in(const struct flow *f, uint32_t type, int64_t start, struct value v,
		     int64_t *ret)
{
	int64_t off = v.off - start, size = types_size(f->btf, type);
	uint32_t stride = stride_of(v);

	if (!size)
		return false;
	if (!v.index) {
		*ret = off;
		return types_covers(f->btf, type, off);
	}
	if (element_at(f, type, off, stride, ret))
		return true;
	*ret = (off % size + size) % size;
	return stride % size == 0 || element_at(f, type, off + stride, stride, ret); /* a[i - 1] */
}

/* The declared type of the value that is loaded from a place. */
static uint32_t loaded_type(const struct flow *f, struct place at)
{
	if (!at.type || at.off < 0 || at.off > INT32_MAX)
		return 0;
	return types_member(f->btf, at.type, at.off, 8);
}

static struct place percpu_place(struct solver *s, int64_t addr)
{
	uint32_t off = 0, type = image_percpu(s->f->im, addr, &off);

	return (struct place){.type = type, .off = off, .strength = SITES_BY_TYPE};
}

/* The raw type of what a node holds, and how sure that is. */
static uint32_t node_type(struct solver *s, uint32_t node, uint8_t *ret_strength);

/* The struct that a global pointer points to, of the few that are listed. */
static uint32_t global_pointee(struct solver *s, uint64_t addr)
{
	static const char *const globals[][2] = {
#define GLOBAL_POINTER(symbol, type) {#symbol, #type},
#include "sites/globals.def"
#undef GLOBAL_POINTER
	};
	const struct ksym *sym = ksyms_find(s->f->im->src.ksyms, addr);
	struct kbtf_type type = {NULL, 0};

	for (size_t i = 0; sym && i < sizeof(globals) / sizeof(*globals); i++)
		if (sym->addr == addr && !strcmp(sym->name, globals[i][0]) &&
		    kbtf_next(s->f->im->src.btf, globals[i][1], 1 << BTF_KIND_STRUCT, &type))
			return type.id;
	return 0;
}

static uint32_t load_type(struct solver *s, const struct node *n, uint8_t *ret_strength)
{
	struct value at = {.base = n->base, .off = n->off, .scale = n->scale};
	struct place place;

	at.index = n->scale ? NODE_ANY : 0;
	if (!n->base)
		return 0;
	if (n->base == NODE_PERCPU)
		place = percpu_place(s, n->off);
	else
		place = solve_place(s, at);
	*ret_strength = place.strength;
	return loaded_type(s->f, place);
}

/* The prototype behind a function pointer. */
static uint32_t pointed_proto(struct solver *s, struct value callee)
{
	const struct btf *btf = s->f->btf;
	const struct btf_type *t;
	uint8_t strength;
	uint32_t id;

	if (!callee.base || callee.off || callee.index)
		return 0;
	id = types_bare(btf, node_type(s, callee.base, &strength));
	t = btf__type_by_id(btf, id);
	if (!t || !btf_is_ptr(t))
		return 0;
	id = types_bare(btf, t->type);
	t = btf__type_by_id(btf, id);
	return t && btf_is_func_proto(t) ? id : 0;
}

uint32_t solve_param(struct solver *s, uint32_t call, uint32_t arg)
{
	const struct flow_call *c = &s->f->call[call];
	uint32_t proto;

	if (c->to)
		return flow_param(s->f, c->to, arg);
	proto = pointed_proto(s, c->callee);
	return proto ? flow_proto_param(s->f->btf, proto, arg) : 0;
}

static uint32_t result_type(struct solver *s, const struct node *n)
{
	if (n->declared)
		return n->declared;
	for (uint32_t i = 0; i < s->f->nr_calls; i++)
		if (s->f->call[i].ip == n->key && !s->f->call[i].to)
			return solve_param(s, i, FLOW_RETURN);
	return 0;
}

static uint32_t node_type(struct solver *s, uint32_t node, uint8_t *ret_strength)
{
	const struct node *n = &s->f->nodes.node[node];

	*ret_strength = SITES_BY_TYPE;
	if (n->kind == NODE_LOAD) {
		uint32_t type = load_type(s, n, ret_strength);

		if (type || !n->declared)
			return type;
		*ret_strength = SITES_BY_TYPE; /* from an array of pointers, which is no struct */
		return n->declared;
	}
	if (n->kind == NODE_RESULT)
		return result_type(s, n);
	return n->declared;
}

uint32_t solve_node_pointee(struct solver *s, uint32_t node)
{
	uint8_t strength;
	uint32_t type = node_type(s, node, &strength);

	return type ? types_pointee(s->f->im->types, s->f->btf, type) : 0;
}

uint32_t solve_leaves(struct solver *s, uint32_t node, struct value ret[SOLVE_LEAVES])
{
	struct leaves l;

	if (!leaves_of(s->f, node, &l) || l.many)
		return 0;
	memcpy(ret, l.leaf, l.nr * sizeof(*ret));
	return l.nr;
}

/*
 * All leaves of a PHI lead to one type. Those that depend on the PHI itself (a list that is
 * walked) are passed over at first, and must agree in the end.
 */
static struct place join_leaves(struct solver *s, const struct leaves *l, bool *ret_open)
{
	struct place sum = nowhere();

	*ret_open = l->many;
	for (uint32_t i = 0; i < l->nr; i++) {
		size_t busy = s->busy;
		struct place at = solve_place(s, l->leaf[i]);

		if (!at.type && s->busy != busy)
			continue;
		if (!at.type || (at.off && !sum.type)) {
			*ret_open = true;
			continue;
		}
		if (at.off) { /* the object may be a part of another */
			if (!types_has_at(s->f->btf, at.type, at.off, sum.type))
				return nowhere();
			continue;
		}
		if (sum.type && !types_same(s->f->btf, sum.type, at.type))
			return nowhere();
		at.strength = sum.type ? weaker(at.strength, sum.strength) : at.strength;
		sum = at;
	}
	return sum;
}

static struct place joined_pointee(struct solver *s, uint32_t node)
{
	struct place sum, again;
	struct leaves l;
	bool open;

	if (!leaves_of(s->f, node, &l))
		return nowhere();
	sum = join_leaves(s, &l, &open);
	if (!sum.type)
		return sum;
	s->memo[node].state = MEMO_DONE;
	s->memo[node].pointee = sum;
	again = join_leaves(s, &l, &open);
	s->memo[node].state = MEMO_BUSY;
	if (!again.type)
		return again;
	if (open)
		sum.strength = weaker(sum.strength, SITES_BY_USE);
	return sum;
}

/* Does the open pointer, or the link of another of its elements, lie there? */
static bool opened_at(const struct solver *s, const struct opened *o, const struct opened *at)
{
	const struct btf *btf = s->f->btf;

	if (o->kind != at->kind)
		return false;
	if (o->kind == OPENED_LIST && at->type && o->to && o->link == at->off &&
	    types_same(btf, o->to, at->type))
		return true;
	return o->off == at->off &&
	       (o->type == at->type || (o->type && types_same(btf, o->type, at->type)));
}

/* The type that other functions give an open member, or the head of a list, to point to. */
static struct place opened_pointee(struct solver *s, const struct node *n)
{
	struct value at = {.base = n->base, .off = n->off, .scale = n->scale};
	struct place place = nowhere();
	struct opened what;

	if (!s->nr_opened || n->kind != NODE_LOAD || (n->base && n->base <= NODE_STACK))
		return place;
	at.index = n->scale ? NODE_ANY : 0;
	if (!solve_list_head(s, at, &what)) {
		place = solve_place(s, at);
		what = (struct opened){place.type, place.off, 0, OPENED_MEMBER, 0};
		if (!place.type)
			return nowhere();
	}
	for (uint32_t i = 0; i < s->nr_opened; i++)
		if (s->opened[i].to && opened_at(s, &s->opened[i], &what))
			return (struct place){s->opened[i].to, s->opened[i].link, SITES_BY_HINT};
	return nowhere();
}

static struct place told_place(const struct solver *s, uint32_t node)
{
	for (uint32_t i = 0; i < s->nr_told; i++)
		if (s->told[i].node == node)
			return s->told[i].place;
	return nowhere();
}

struct place solve_pointee(struct solver *s, uint32_t node)
{
	const struct node *n = &s->f->nodes.node[node];
	struct memo *memo = &s->memo[node];
	struct place to = nowhere();
	uint8_t strength = SITES_BY_TYPE;
	uint32_t type;
	size_t busy;

	if (memo->state == MEMO_DONE)
		return memo->pointee;
	if (memo->state == MEMO_BUSY || s->depth > MAX_DEPTH || s->steps++ > SOLVE_STEPS) {
		s->busy++;
		return to;
	}
	busy = s->busy;
	memo->state = MEMO_BUSY;
	s->depth++;
	to = told_place(s, node);
	if (!to.type) {
		type = node_type(s, node, &strength);
		to.type = type ? types_pointee(s->f->im->types, s->f->btf, type) : 0;
		if (n->kind == NODE_LOAD && !n->base && !n->scale)
			to.type = global_pointee(s, n->off);
		if (!types_is_struct(s->f->btf, to.type))
			to.type = 0;
		to.strength = strength;
		if (!to.type || types_is_library(s->f->btf, to.type)) {
			struct place open = opened_pointee(s, n);

			to = open.type ? open : to;
		}
		if (!to.type)
			to = joined_pointee(s, node);
	}
	s->depth--;
	/*
	 * an answer that was not found for want of something that is being asked may be found later
	 */
	memo->state = !to.type && s->busy != busy && memo->tries++ < TRIES ? MEMO_NONE : MEMO_DONE;
	memo->pointee = to;
	return to;
}

/* Each leaf of a PHI leads to the same place. */
struct place solve_joined(struct solver *s, struct value v)
{
	struct place sum = nowhere();
	struct leaves l;

	if (!leaves_of(s->f, v.base, &l) || l.many || s->memo[v.base].state == MEMO_BUSY)
		return sum;
	s->memo[v.base].state = MEMO_BUSY;
	for (uint32_t i = 0; i < l.nr; i++) {
		struct value in = l.leaf[i];
		size_t busy = s->busy;
		struct place at;

		in.off += v.off;
		if (in.index && v.index)
			break;
		if (v.index) {
			in.index = v.index;
			in.scale = v.scale;
		}
		at = solve_place(s, in);
		if (!at.type && s->busy != busy)
			continue;
		if (!at.type || (sum.type && (sum.off != at.off ||
					      !types_same(s->f->btf, sum.type, at.type)))) {
			sum = nowhere();
			break;
		}
		at.strength = sum.type ? weaker(at.strength, sum.strength) : at.strength;
		sum = at;
	}
	s->memo[v.base].state = MEMO_NONE;
	return sum;
}

static struct place place_by_declaration(struct solver *s, struct value v)
{
	struct place to = solve_pointee(s, v.base), at = nowhere();

	if (to.type && solve_offset_in(s->f, to.type, -to.off, v, &at.off)) {
		at.type = to.type;
		at.strength = to.strength;
		return at;
	}
	return solve_joined(s, v);
}

/* The largest island around the value. Others that differ in what lies there: none. */
static struct place place_by_use(struct solver *s, struct value v)
{
	struct place sum = nowhere();
	uint32_t nr = islands_of(s, v.base);

	for (uint32_t i = 0; i < nr; i++) {
		const struct island *is = &s->island[s->memo[v.base].island + i];
		struct place at = {.type = is->type, .strength = is->strength};

		if (is->library || !solve_offset_in(s->f, is->type, is->off, v, &at.off))
			continue;
		if (is->joined && !accesses_fit(s, v.base, is->type, is->off))
			continue;
		if (!sum.type || types_size(s->f->btf, at.type) > types_size(s->f->btf, sum.type)) {
			if (sum.type &&
			    !types_has_at(s->f->btf, at.type, at.off - sum.off, sum.type))
				return nowhere();
			sum = at;
		} else if (at.off > sum.off ||
			   !types_has_at(s->f->btf, sum.type, sum.off - at.off, at.type)) {
			if (!types_same(s->f->btf, sum.type, at.type) || at.off != sum.off)
				return nowhere();
		}
	}
	return sum;
}

struct place solve_place(struct solver *s, struct value v)
{
	struct place at = nowhere();

	if (v.base == NODE_PERCPU && !v.index)
		return percpu_place(s, v.off);
	if (v.base <= NODE_PERCPU || s->depth > MAX_DEPTH || s->steps++ > SOLVE_STEPS)
		return at;
	s->depth++;
	at = place_by_declaration(s, v);
	if (!at.type || types_is_library(s->f->btf, at.type)) {
		struct place use = place_by_use(s, v);

		if (!use.type)
			use = container_place(s, v, CONTAINER_ACCESS, 8);
		if (use.type)
			at = use;
	}
	s->depth--;
	return at;
}

static bool was_told(const struct solver *s, uint32_t node)
{
	for (uint32_t i = 0; i < s->nr_told; i++)
		if (s->told[i].node == node)
			return true;
	return false;
}

static uint32_t find_origin(struct solver *s, struct value v, int depth)
{
	const struct node *n = &s->f->nodes.node[v.base];
	struct value at = {.base = n->base, .off = n->off, .scale = n->scale};
	struct place to;
	uint32_t found;

	if (v.base <= NODE_STACK || depth > ORIGIN_DEPTH)
		return 0;
	to = solve_pointee(s, v.base);
	if (to.type && !types_is_library(s->f->btf, to.type) &&
	    types_covers(s->f->btf, to.type, v.off + to.off))
		return 0;
	if (n->kind == NODE_ARG || n->kind == NODE_RESULT ||
	    (n->kind == NODE_LOAD && n->base == NODE_STACK))
		return was_told(s, v.base) ? 0 : v.base;
	at.index = n->scale ? NODE_ANY : 0;
	if (n->kind == NODE_LOAD)
		return find_origin(s, at, depth + 1);
	for (uint8_t i = 0; n->kind == NODE_PHI && i < n->nr_inputs; i++) {
		struct value in = nodes_inputs(&s->f->nodes, v.base)[i];

		in.off += v.off;
		found = find_origin(s, in, depth + 1);
		if (found)
			return found;
	}
	return 0;
}

uint32_t solve_origin(struct solver *s, struct value v)
{
	return find_origin(s, v, 0);
}

void solver_tell(struct solver *s, uint32_t node, struct place place)
{
	if (s->nr_told < SOLVE_TOLD)
		s->told[s->nr_told++] = (struct solve_told){node, place};
	if (place.type)
		solver_again(s);
}

bool solve_arg_is_lock(const struct solver *s, uint32_t arg)
{
	uint32_t type = flow_param(s->f, s->f->self, arg), inner, off;

	type = types_pointee(s->f->im->types, s->f->btf, type);
	return type && types_is_library(s->f->btf, type) &&
	       types_inner(s->f->btf, type, 0, &inner, &off) == false &&
	       lock_at(s, type, 0, LOCKPATH_ANY);
}
