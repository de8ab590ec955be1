// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/callsite.h"

#include <bpf/btf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FRAMES 5   /* callers that are asked; who is further away knows other things */
#define EMBEDDED 2 /* structs in structs that are looked into */
#define MAX_TYPES 8
#define LARGEST_GUEST 512 /* bytes of a struct that others embed */
#define FUNCTION_LEN 128

/* Structs that fit, of one stack or of all. */
struct types {
	struct kbtf_type type[MAX_TYPES];
	size_t nr; /* MAX_TYPES: too many to mean anything */
};

static const struct btf_type *skip_mods(const struct btf *btf, uint32_t *id)
{
	const struct btf_type *t = btf__type_by_id(btf, *id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t))) {
		*id = t->type;
		t = btf__type_by_id(btf, *id);
	}
	return t;
}

/* The struct that a type points to; false: none, or none that is known here. */
static bool pointed_struct(const struct kbtf_type pointer, struct kbtf_type *ret)
{
	uint32_t id = pointer.id;
	const struct btf_type *t = skip_mods(pointer.btf, &id);

	if (!t || !btf_is_ptr(t))
		return false;
	id = t->type;
	t = skip_mods(pointer.btf, &id);
	if (!t || !btf_is_struct(t))
		return false;
	ret->btf = pointer.btf;
	ret->id = id;
	return true;
}

static bool is_same(struct kbtf_type a, struct kbtf_type b)
{
	return !strcmp(kbtf_name(a), kbtf_name(b)) && kbtf_size(a) == kbtf_size(b);
}

static void add(struct types *types, struct kbtf_type type)
{
	for (size_t i = 0; i < types->nr; i++)
		if (is_same(types->type[i], type))
			return;
	if (types->nr < MAX_TYPES)
		types->type[types->nr++] = type;
}

/* The one lock of the family that a struct has, members of members and all. */
static bool only_lock(const struct callsite_query *q, struct kbtf_type type, struct lockpath *ret)
{
	uint32_t size = kbtf_size(type), end = 0;
	struct lockpath lock;
	size_t nr = 0;

	for (uint32_t off = 0; off < size && nr < 2; off += 4) {
		lockpath_at(q->btf, type, off, q->family, &lock);
		if (lock.what == LOCKPATH_NONE || (nr && off < end))
			continue;
		*ret = lock;
		end = off + lock.size;
		nr++;
	}
	return nr == 1;
}

static bool find_lock(const struct callsite_query *q, struct kbtf_type type, struct lockpath *ret)
{
	if (q->off == CALLSITE_ANYWHERE)
		return only_lock(q, type, ret);
	lockpath_at(q->btf, type, q->off, q->family, ret);
	return ret->what != LOCKPATH_NONE;
}

/* Has it such a lock there, and the size of what lies there? */
static void add_if_it_fits(const struct callsite_query *q, struct kbtf_type type,
			   struct types *types)
{
	uint32_t size = kbtf_size(type);
	struct lockpath lock;

	if (size < q->min_size || size > q->max_size || !kbtf_name(type)[0])
		return;
	/* A lock alone is no struct to be called by. */
	if (find_lock(q, type, &lock) && lock.path[0] && !lock.ambiguous)
		add(types, type);
}

/* Structs that the members of this one point to, and of those embedded in it. */
static void add_pointed(const struct callsite_query *q, struct kbtf_type type, int depth,
			struct types *types)
{
	const struct btf_type *t = btf__type_by_id(type.btf, type.id);

	for (uint32_t i = 0; t && i < btf_vlen(t); i++) {
		struct kbtf_type member = {type.btf, btf_members(t)[i].type}, to;
		const struct btf_type *inner;

		if (pointed_struct(member, &to)) {
			add_if_it_fits(q, to, types);
			continue;
		}
		inner = skip_mods(member.btf, &member.id);
		if (depth && inner && btf_is_composite(inner))
			add_pointed(q, member, depth - 1, types);
	}
}

/* The function at that address, as BTF knows it: without what a compiler adds. */
static bool find_prototype(const struct callsite_query *q, uint64_t ip, struct kbtf_type *ret)
{
	const struct ksym *sym = ksyms_find(q->ksyms, ip - 1); /* it returns to behind the call */
	struct kbtf_type func = {NULL, 0};
	char name[FUNCTION_LEN];
	const struct btf_type *t;

	if (!sym || !sym->text || ksym_is_generated(sym))
		return false;
	snprintf(name, sizeof(name), "%s", sym->name);
	name[strcspn(name, ".")] = '\0';
	if (!kbtf_next(q->btf, name, 1 << BTF_KIND_FUNC, &func))
		return false;
	t = btf__type_by_id(func.btf, func.id);
	ret->btf = func.btf;
	ret->id = t->type;
	return true;
}

/* Any lock of the family, anywhere in a struct that is not too large for such a search. */
static bool has_lock(const struct callsite_query *q, struct kbtf_type type)
{
	uint32_t size = kbtf_size(type);
	struct lockpath lock;

	for (uint32_t off = 0; size <= LARGEST_GUEST && off < size; off += 4) {
		lockpath_at(q->btf, type, off, q->family, &lock);
		if (lock.what != LOCKPATH_NONE)
			return true;
	}
	return false;
}

/*
 * A function that was given a struct with such a lock, which does not fit here
 * by itself: it may well be embedded in somebody else's ("struct xarray *").
 */
static bool speaks_for_guest(const struct callsite_query *q, uint64_t ip)
{
	const struct btf_type *proto;
	struct kbtf_type type;

	if (!find_prototype(q, ip, &type))
		return false;
	proto = btf__type_by_id(type.btf, type.id);
	for (uint32_t i = 0; proto && btf_is_func_proto(proto) && i < btf_vlen(proto); i++) {
		struct kbtf_type param = {type.btf, btf_params(proto)[i].type}, to;

		if (pointed_struct(param, &to) && has_lock(q, to))
			return true;
	}
	return false;
}

static void ask_function(const struct callsite_query *q, uint64_t ip, struct types *direct,
			 struct types *around)
{
	const struct btf_type *proto;
	struct kbtf_type type;

	if (!find_prototype(q, ip, &type))
		return;
	proto = btf__type_by_id(type.btf, type.id);
	for (uint32_t i = 0; proto && btf_is_func_proto(proto) && i < btf_vlen(proto); i++) {
		struct kbtf_type param = {type.btf, btf_params(proto)[i].type}, to;

		if (!pointed_struct(param, &to))
			continue;
		add_if_it_fits(q, to, direct);
		add_pointed(q, to, EMBEDDED, around);
	}
}

/*
 * The nearest function that has something to say. What it is given counts
 * before what that points to, unless that is said by one nearer by two.
 */
static void ask_stack(const struct callsite_query *q, const struct callsite_stack *stack,
		      struct types *ret, bool *ret_direct)
{
	struct types around = {};
	size_t since = FRAMES;

	ret->nr = 0;
	for (size_t i = 0; i < stack->nr && i < FRAMES && i < since + 2; i++) {
		struct types direct = {}, indirect = {};

		ask_function(q, stack->ip[i], &direct, &indirect);
		if (direct.nr) {
			*ret = direct;
			*ret_direct = true;
			return;
		}
		if (indirect.nr && !around.nr) {
			around = indirect;
			since = i;
		}
	}
	*ret = around;
	*ret_direct = false;
}

static void intersect(struct types *all, const struct types *more)
{
	size_t kept = 0;

	for (size_t i = 0; i < all->nr; i++)
		for (size_t j = 0; j < more->nr; j++)
			if (is_same(all->type[i], more->type[j])) {
				all->type[kept++] = all->type[i];
				break;
			}
	all->nr = kept;
}

/*
 * A place that is one allocation's is one type's, and only its name is asked
 * for: what most stacks have to do with, by far.
 */
static enum callsite_verdict find_common(const struct callsite_query *q, struct kbtf_type *ret_type,
					 struct lockpath *ret_lock)
{
	struct types all = {}, types;
	size_t votes[MAX_TYPES] = {}, voices = 0, best = 0;
	bool direct;

	for (size_t i = 0; i < q->nr_stacks; i++) {
		ask_stack(q, &q->stacks[i], &types, &direct);
		if (types.nr == MAX_TYPES)
			continue;
		voices += types.nr > 0;
		for (size_t j = 0; j < types.nr; j++)
			add(&all, types.type[j]);
		for (size_t j = 0; j < types.nr; j++)
			for (size_t k = 0; k < all.nr; k++)
				votes[k] += is_same(all.type[k], types.type[j]);
	}
	for (size_t k = 1; k < all.nr; k++)
		best = votes[k] > votes[best] ? k : best;
	for (size_t k = 0; k < all.nr; k++)
		if (k != best && 2 * votes[k] > votes[best])
			return CALLSITE_NOTHING;
	if (!all.nr || 2 * votes[best] <= voices)
		return CALLSITE_NOTHING;
	*ret_type = all.type[best];
	find_lock(q, all.type[best], ret_lock);
	return voices > 1 ? CALLSITE_SURE : CALLSITE_LIKELY;
}

enum callsite_verdict callsite_find(const struct callsite_query *q, struct kbtf_type *ret_type,
				    struct lockpath *ret_lock)
{
	struct types all = {}, types;
	size_t voices = 0, direct_voices = 0;
	bool direct = false, guests = false;

	if (!q->ksyms || !q->btf)
		return CALLSITE_NOTHING;
	if (q->off == CALLSITE_ANYWHERE)
		return find_common(q, ret_type, ret_lock);
	for (size_t i = 0; i < q->nr_stacks; i++) {
		ask_stack(q, &q->stacks[i], &types, &direct);
		if (!types.nr)
			guests |= speaks_for_guest(q, q->stacks[i].ip[0]);
		if (!types.nr || types.nr == MAX_TYPES)
			continue;
		if (!voices++)
			all = types;
		else
			intersect(&all, &types);
		direct_voices += direct;
	}
	if (all.nr != 1)
		return CALLSITE_NOTHING;
	*ret_type = all.type[0];
	find_lock(q, all.type[0], ret_lock);
	/* Where nobody was given the struct itself, nobody may be silent either. */
	if (guests)
		return CALLSITE_LIKELY;
	if (direct_voices || (voices > 1 && voices == q->nr_stacks))
		return CALLSITE_SURE;
	return CALLSITE_LIKELY;
}
