// SPDX-License-Identifier: GPL-2.0-only
/* From a value that a lock function is given to an answer. */
#include <stdio.h>
#include <string.h>

#include "kernel/lockpath.h"
#include "sites/island.h"
#include "sites/solve.h"

#define IMAGE_LOW 0xffffffff80000000ull
#define LEAST_PERCPU 4096 /* smaller offsets in the per-CPU section may be numbers of any kind */

/* Structs that lie over struct page (mm_types.h): a lock that one lacks may be the other's. */
static const char *const overlays[] = {"page", "folio", "ptdesc"};

#define NR_OVERLAYS (sizeof(overlays) / sizeof(*overlays))

/* The i-th of them, if the type is one; 0: it is none, or there is no such. */
static uint32_t overlay(const struct solver *s, uint32_t id, size_t i)
{
	struct kbtf_type type = {s->f->btf, id}, other = {NULL, 0};
	bool is_one = false;

	for (size_t k = 0; k < NR_OVERLAYS; k++)
		is_one |= !strcmp(kbtf_name(type), overlays[k]);
	if (!is_one ||
	    !kbtf_next(s->f->im->src.btf, overlays[i], 1 << BTF_KIND_STRUCT, &other))
		return 0;
	return other.id;
}

static uint32_t overlay_with_lock(struct solver *s, struct place at, uint32_t family)
{
	for (size_t i = 0; i < NR_OVERLAYS; i++) {
		uint32_t other = overlay(s, at.type, i);

		if (other && lock_at(s, other, at.off, family))
			return other;
	}
	return at.type;
}

static bool answer_member(struct solver *s, struct place at, uint32_t family,
			  struct sites_answer *ret)
{
	const struct btf *btf = s->f->btf;
	const struct kbtf *k = s->f->im->src.btf;
	struct kbtf_type type = {btf, 0}, inner = {btf, 0};
	struct lockpath path, inner_path;
	uint32_t inner_off;

	if (!at.type || at.off < 0 || at.off > INT32_MAX || types_is_library(btf, at.type))
		return false;
	type.id = at.type = overlay_with_lock(s, at, family);
	lockpath_at(k, type, at.off, family, &path);
	if (path.what == LOCKPATH_NONE ||
	    (path.ambiguous && !types_one_inner(btf, at.type, at.off)))
		return false;
	if (!types_inner(btf, at.type, at.off, &inner.id, &inner_off)) {
		inner.id = at.type;
		inner_off = at.off;
	}
	lockpath_at(k, inner, inner_off, family, &inner_path);
	lockpath_collapse(path.path);
	lockpath_collapse(inner_path.path);
	ret->kind = SITES_MEMBER;
	ret->strength = at.strength;
	ret->type = type;
	ret->offset = at.off;
	ret->size = types_size(btf, at.type);
	ret->inner_offset = inner_off;
	ret->inner_size = types_size(btf, inner.id);
	snprintf(ret->name, sizeof(ret->name), "%.60s%s%s", kbtf_name(type),
		 lockpath_joint(path.path), path.path);
	snprintf(ret->inner, sizeof(ret->inner), "%.60s%s%s", kbtf_name(inner),
		 lockpath_joint(inner_path.path), inner_path.path);
	return true;
}

/* Keys of lockdep's, and other empty things, share the address of what follows. */
static const struct ksym *telling_symbol(const struct ksyms *k, uint64_t addr)
{
	const struct ksym *sym = ksyms_find(k, addr);

	for (size_t i = 0; sym && i < ksyms_names_at(k, sym); i++)
		if (strncmp(sym[i].name, "__", 2) && !strstr(sym[i].name, "_key."))
			return sym + i;
	return sym;
}

/*
 * A variable that is called as a struct, and has its size, is one: "struct sctp_globals sctp_globals". The name of
 * the lock that elements of an array begin with, where it has a pointer to them: "sctp_globals.ep_hashtable[].lock".
 */
static bool add_pointer(const struct kbtf *btf, const struct ksym *sym, uint32_t off,
			struct sites_answer *ret)
{
	struct kbtf_type type = {NULL, 0}, element;
	char pointer[LOCKPATH_LEN];
	struct lockpath lock;

	if (!kbtf_next(btf, sym->name, 1 << BTF_KIND_STRUCT, &type) ||
	    !ksym_may_have_size(sym, kbtf_size(type)) ||
	    !lockpath_pointer(btf, type, off, &element, pointer))
		return false;
	lockpath_at(btf, element, 0, LOCKPATH_ANY, &lock);
	if (lock.what == LOCKPATH_NONE || lock.ambiguous)
		return false;
	snprintf(ret->name, sizeof(ret->name), "%.60s.%.60s[]%s%.60s", sym->name, pointer,
		 lockpath_joint(lock.path), lock.path);
	return true;
}

static void set_symbol(uint64_t addr, struct sites_answer *ret)
{
	ret->kind = SITES_SYMBOL;
	ret->strength = SITES_BY_TYPE;
	ret->symbol = addr;
}

/* The first lock of elements that a variable, or an array in it, points to: of "a[i - 1]" the array begins behind. */
static bool answer_elements(struct solver *s, const struct node *n, struct sites_answer *ret)
{
	for (int i = 0; i <= (n->scale != 0); i++) {
		uint64_t addr = n->off + (int64_t)i * n->scale;
		const struct ksym *sym = telling_symbol(s->f->im->src.ksyms, addr);

		if (!sym || !add_pointer(s->f->im->src.btf, sym, (uint32_t)(addr - sym->addr), ret))
			continue;
		set_symbol(addr, ret);
		return true;
	}
	return false;
}

static bool answer_symbol(struct solver *s, uint64_t addr, const char *how,
			  struct sites_answer *ret)
{
	const struct ksym *sym = telling_symbol(s->f->im->src.ksyms, addr);
	char off[24] = "";

	if (!sym || (sym->text && addr >= IMAGE_LOW))
		return false;
	if (addr != sym->addr)
		snprintf(off, sizeof(off), "+0x%lx", (unsigned long)(addr - sym->addr));
	set_symbol(addr, ret);
	snprintf(ret->name, sizeof(ret->name), "%.120s%s%s", sym->name, off, how);
	return true;
}

/* A variable, a per-CPU one, or what a global pointer points to. */
static bool answer_static(struct solver *s, struct value v, struct sites_answer *ret)
{
	const struct ksyms_bounds *b = &s->f->im->bounds;
	const struct node *n = &s->f->nodes.node[v.base];
	char how[32];
	bool percpu = (uint64_t)v.off >= b->percpu_start && (uint64_t)v.off < b->percpu_end;

	/* a CPU's displacement may be an index whose origin is not known */
	if (v.base == NODE_PERCPU || (!v.base && v.index && v.off >= LEAST_PERCPU && percpu))
		return percpu && answer_symbol(s, v.off, "", ret);
	if (!v.base)
		return (uint64_t)v.off >= IMAGE_LOW && answer_symbol(s, v.off, "", ret);
	if (n->kind != NODE_LOAD || (n->base && n->base != NODE_PERCPU))
		return false;
	if (v.index && !v.off) {
		if (answer_elements(s, n, ret))
			return true;
		snprintf(how, sizeof(how), "[]");
	} else {
		snprintf(how, sizeof(how), "->%s0x%lx", v.off < 0 ? "-" : "",
			 (unsigned long)(v.off < 0 ? -v.off : v.off));
	}
	return answer_symbol(s, n->off, how, ret);
}

/* One of several values, of which all that are known are one variable. */
static bool answer_statics(struct solver *s, struct value v, struct sites_answer *ret)
{
	struct value in[SOLVE_LEAVES];
	struct sites_answer one = *ret;
	uint32_t nr = solve_leaves(s, v.base, in);
	bool any = false;

	for (uint32_t i = 0; i < nr; i++) {
		in[i].off += v.off;
		if (in[i].base > NODE_PERCPU || !answer_static(s, in[i], &one)) {
			if (in[i].base > NODE_PERCPU &&
			    s->f->nodes.node[in[i].base].kind != NODE_OPAQUE)
				return false;
			continue;
		}
		if (any && (one.symbol != ret->symbol))
			return false;
		any = true;
		*ret = one;
	}
	if (any)
		ret->strength = SITES_BY_USE;
	return any;
}

/*
 * One of several values, of which all whose type is known lie in one kind of struct, wherever
 * that is a part of.
 */
static struct place shared_inner(struct solver *s, struct value v, uint32_t family)
{
	const struct btf *btf = s->f->btf;
	struct value leaf[SOLVE_LEAVES];
	uint32_t nr = solve_leaves(s, v.base, leaf), inner, off;
	struct place sum = {.strength = SITES_BY_USE}, none = {.strength = SITES_BY_HINT};

	if (v.index || v.off > INT32_MAX || v.off < -INT32_MAX)
		return none;
	for (uint32_t i = 0; i < nr; i++) {
		struct place at;

		if (leaf[i].off > INT32_MAX || leaf[i].off < -INT32_MAX)
			return none;
		leaf[i].off += v.off;
		at = solve_place(s, leaf[i]);
		if (!at.type || at.off < 0) {
			sum.strength = SITES_BY_HINT;
			continue;
		}
		if (!lock_at(s, at.type, at.off, family) ||
		    !types_one_inner(btf, at.type, at.off) ||
		    !types_inner(btf, at.type, at.off, &inner, &off) ||
		    (sum.type && (sum.off != off || !types_same(btf, sum.type, inner))))
			return none;
		sum.type = inner;
		sum.off = off;
		sum.strength = at.strength > sum.strength ? at.strength : sum.strength;
	}
	return sum.type ? sum : none;
}

static bool is_bare_type(struct solver *s, uint32_t node)
{
	struct place to = solve_pointee(s, node);

	return !to.type || types_is_library(s->f->btf, to.type);
}

/* Is the value a part of the argument that is noted already, or the first that is? */
static bool note_argument(struct solver *s, struct value v, bool *any, struct sites_answer *ret)
{
	const struct node *n = &s->f->nodes.node[v.base];

	if (n->kind != NODE_ARG || !is_bare_type(s, v.base) || v.off < 0 || v.off > INT32_MAX ||
	    (*any && (ret->arg != n->off || ret->arg_offset != v.off)))
		return false;
	ret->arg = n->off;
	ret->arg_offset = v.off;
	*any = true;
	return true;
}

/* The values that were stored in the stack slot that a value was read from; else the value itself. */
static uint32_t stored_values(struct solver *s, struct value v, struct value ret[SOLVE_LEAVES])
{
	const struct node *n = &s->f->nodes.node[v.base];
	uint32_t nr = n->kind == NODE_LOAD && n->base == NODE_STACK ? solve_leaves(s, v.base, ret) : 0;

	for (uint32_t i = 0; i < nr; i++)
		ret[i].off += v.off;
	if (!nr)
		ret[nr++] = v;
	return nr;
}

/* The argument that the value is a part of, and where: of several values, all that are known. */
static bool find_argument(struct solver *s, struct value v, struct sites_answer *ret)
{
	struct value leaf[SOLVE_LEAVES], in[SOLVE_LEAVES];
	uint32_t nr = solve_leaves(s, v.base, leaf);
	bool any = false;

	if (!nr)
		leaf[nr++] = value_node(v.base);
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t nr_in;

		leaf[i].off += v.off;
		nr_in = stored_values(s, leaf[i], in);
		for (uint32_t k = 0; k < nr_in; k++)
			if (in[k].base > NODE_PERCPU &&
			    s->f->nodes.node[in[k].base].kind != NODE_OPAQUE &&
			    !note_argument(s, in[k], &any, ret))
				return false;
	}
	return any;
}

/*
 * A bare lock, or a library type, behind a member that points to it: "ptdesc.ptl". Not the struct that it may
 * lie in, and members of many objects may point to locks of many kinds: never more than a guess.
 */
static bool answer_pointed(struct solver *s, struct value v, uint32_t family,
			   struct sites_answer *ret)
{
	const struct kbtf *k = s->f->im->src.btf;
	const struct node *n = &s->f->nodes.node[v.base];
	struct value where = {.base = n->base, .off = n->off, .scale = n->scale};
	struct kbtf_type type = {s->f->btf, 0}, to;
	struct lockpath lock;
	char path[LOCKPATH_LEN];
	struct place at;

	where.index = n->scale ? NODE_ANY : 0;
	if (n->kind != NODE_LOAD || n->base <= NODE_PERCPU || v.off < 0 || v.off > INT32_MAX)
		return false;
	at = solve_place(s, where);
	if (!at.type || at.off < 0 || at.off > INT32_MAX)
		return false;
	for (size_t i = 0; i <= NR_OVERLAYS; i++) {
		type.id = i ? overlay(s, at.type, i - 1) : at.type;
		if (type.id && lockpath_pointer(k, type, at.off, &to, path) &&
		    types_is_library(s->f->btf, types_bare(s->f->btf, to.id))) {
			lockpath_at(k, to, v.off, family, &lock);
			if (lock.what == LOCKPATH_NONE)
				continue;
			ret->kind = SITES_MEMBER;
			ret->type = type;
			ret->offset = ret->inner_offset = v.off;
			ret->size = v.index ? UINT32_MAX : types_size(s->f->btf, to.id);
			ret->pointed = true;
			snprintf(ret->name, sizeof(ret->name), "%.40s.%.80s%s%s%.80s", kbtf_name(type),
				 path, v.index ? "[]" : "", lockpath_joint(lock.path), lock.path);
			memcpy(ret->inner, ret->name, sizeof(ret->inner));
			return true;
		}
	}
	return false;
}

static bool answer_generic(struct solver *s, struct value v, struct sites_answer *ret)
{
	const struct node *n = &s->f->nodes.node[v.base];
	uint32_t declared = flow_declared_pointee(s->f, v.base);

	if (find_argument(s, v, ret)) {
		ret->kind = SITES_GENERIC;
		return true;
	}
	ret->arg = SITES_NO_ARG;
	if ((n->kind != NODE_LOAD && n->kind != NODE_RESULT) || !declared ||
	    !types_is_library(s->f->btf, declared) || v.off < 0 ||
	    v.off >= types_size(s->f->btf, declared))
		return false;
	ret->kind = SITES_GENERIC;
	return true;
}

void solve_lock(struct solver *s, struct value v, uint32_t family, struct sites_answer *ret)
{
	struct place at;

	memset(ret, 0, sizeof(*ret));
	ret->strength = SITES_BY_HINT;
	ret->arg = SITES_NO_ARG;
	if (v.base <= NODE_PERCPU) {
		answer_static(s, v, ret);
		return;
	}
	at = solve_place(s, v);
	if (answer_member(s, at, family, ret))
		return;
	at = solve_joined(s, v);
	if (answer_member(s, at, family, ret))
		return;
	at = container_place(s, v, CONTAINER_LOCK, family);
	if (answer_member(s, at, family, ret) || answer_static(s, v, ret) ||
	    answer_statics(s, v, ret) || answer_generic(s, v, ret)) {
		if (ret->kind == SITES_GENERIC && ret->arg == SITES_NO_ARG)
			answer_pointed(s, v, family, ret);
		return;
	}
	if (answer_member(s, shared_inner(s, v, family), family, ret) ||
	    answer_member(s, sole_place(s, v, family), family, ret) ||
	    answer_pointed(s, v, family, ret))
		return;
	if (v.base == NODE_STACK && !v.index) {
		ret->own = true;
		snprintf(ret->name, sizeof(ret->name), "%.120s", s->f->sym->name);
	}
}

void solve_object(struct solver *s, struct value v, const struct object *object,
		  struct sites_answer *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->strength = SITES_BY_HINT;
	ret->arg = SITES_NO_ARG;
	answer_member(s, object_place(s, v, object), object->at.family, ret);
}

void solve_sock(struct solver *s, struct value v, uint32_t family, struct sites_answer *ret)
{
	struct kbtf_field field;

	if (kbtf_field(s->f->im->src.btf, "sock", "sk_lock", &field))
		field.offset = 0;
	v.off += field.offset;
	solve_lock(s, v, family, ret);
}
