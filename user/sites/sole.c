// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only struct that has such a lock there, and members for all that a function does with the
 * pointer: for a pointer of which no function says more. A hint. So is the only one of an object's size.
 */
#include <bpf/btf.h>
#include <string.h>

#include "abi.h"
#include "kernel/lockpath.h"
#include "sites/island.h"
#include "sites/solve.h"

#define HOLDERS 24	 /* nodes that hold the pointer */
#define VISITS_A_STEP 64 /* most are passed over for their offset */
#define LINK_BYTES 16
#define EMBED_DEPTH 4	 /* structs in structs */
#define MOST_STEPS 60000 /* structs that are looked at for one lock */

/* A node that points `shift` bytes behind the one that is asked about. */
struct holder {
	uint32_t node;
	int64_t shift;
};

enum begins {
	BEGINS_UNKNOWN,
	BEGINS_LINK, /* the pointer is to a link of a list or tree, somewhere in the struct */
	BEGINS_HERE, /* to the struct's start */
};

struct sole {
	struct solver *s;
	struct value v;
	uint32_t family;
	struct holder holder[HOLDERS];
	uint32_t nr_holders;
	enum begins begins;
	uint32_t link;	  /* type of one, 0: none */
	int64_t link_off; /* offset of its link, from the pointer */
	bool mixed;	  /* two variables in one: they have their links at different offsets */
	bool is_private;  /* void to BTF: in a module, a type of its own */
	bool own;	  /* only the module's own structs */
	uint32_t off;	  /* offset of the lock in the struct that is looked at */
	int depth;
	uint32_t steps;
	struct place found;
	bool several;
	const struct object *object; /* NULL: nothing is known of the memory */
};

static void add_holder(struct sole *c, uint32_t node, int64_t shift)
{
	if (node > NODE_STACK && c->nr_holders < HOLDERS)
		c->holder[c->nr_holders++] = (struct holder){node, shift};
}

static bool is_near(int64_t off)
{
	return off >= -INT32_MAX && off <= INT32_MAX;
}

static void find_holders(struct sole *c, const struct value *leaf, uint32_t nr)
{
	add_holder(c, c->v.base, 0);
	for (uint32_t i = 0; i < nr; i++)
		if (!leaf[i].index && leaf[i].base != c->v.base && is_near(leaf[i].off))
			add_holder(c, leaf[i].base, -leaf[i].off);
}

/* Where the struct begins, by one of the values that the pointer may have. */
static enum begins begins_at(struct sole *c, struct value v)
{
	const struct flow *f = c->s->f;
	const struct node *n = &f->nodes.node[v.base];
	uint32_t type;

	if (v.base <= NODE_STACK || v.index || !is_near(v.off) ||
	    (n->kind != NODE_LOAD && n->kind != NODE_RESULT && n->kind != NODE_ARG))
		return BEGINS_UNKNOWN;
	type = solve_node_pointee(c->s, v.base);
	if (type && types_is_library(f->btf, type) && !lock_at(c->s, type, 0, LOCKPATH_ANY)) {
		c->mixed |= c->link && c->link_off != -v.off;
		c->link = type;
		c->link_off = -v.off;
	} else if (type && v.off >= 0) {
		return BEGINS_UNKNOWN;
	}
	if (v.off < 0)
		return BEGINS_HERE;
	if (!type)
		c->is_private |= solve_is_void(c->s, v.base);
	if (v.off)
		return BEGINS_UNKNOWN;
	return type ? BEGINS_LINK : BEGINS_HERE;
}

/* Does all that is done with the pointer fit a struct that begins `start` bytes behind it? */
static bool all_fits(struct sole *c, uint32_t outer, int64_t start)
{
	const struct btf *btf = c->s->f->btf;
	const struct memo *memo = &c->s->memo[c->v.base];

	if (c->link &&
	    (c->link_off < start || !types_has_at(btf, outer, c->link_off - start, c->link)))
		return false;
	for (uint32_t i = 0; i < c->nr_holders; i++)
		if (!accesses_fit(c->s, c->holder[i].node, outer, start - c->holder[i].shift))
			return false;
	for (uint32_t i = 0; i < memo->nr_islands; i++) {
		const struct island *is = &c->s->island[memo->island + i];

		if (is->joined)
			continue;
		if (is->off < start || !types_has_at(btf, outer, is->off - start, is->type))
			return false;
	}
	return true;
}

/* Is anything of the struct used besides the lock and the link? */
static bool uses_more(const struct sole *c)
{
	const struct flow *f = c->s->f;

	for (uint32_t h = 0; h < c->nr_holders; h++)
		for (uint32_t i = f->nodes.node[c->holder[h].node].facts; i;
		     i = f->fact[i - 1].next) {
			const struct fact *fact = &f->fact[i - 1];
			int64_t off;

			if (!is_near(fact->off))
				continue;
			off = fact->off + c->holder[h].shift;
			if (fact->kind == FACT_ACCESS && !fact->indexed && off != c->v.off &&
			    (!c->link || off < c->link_off || off >= c->link_off + LINK_BYTES))
				return true;
		}
	return false;
}

static bool same_lock(const struct sole *c, uint32_t type, uint32_t off)
{
	const struct btf *btf = c->s->f->btf;
	uint32_t a, b, a_off, b_off;

	return types_inner(btf, c->found.type, c->found.off, &a, &a_off) &&
	       types_inner(btf, type, off, &b, &b_off) && a_off == b_off && types_same(btf, a, b);
}

static void try_outer(void *arg, uint32_t outer, uint32_t in)
{
	struct sole *c = arg;
	const struct btf *btf = c->s->f->btf, *base = btf__base_btf(btf);
	uint32_t off = c->off + in;
	int64_t start = c->v.off - off;

	if (c->several || c->steps++ > MOST_STEPS)
		return;
	if ((c->begins == BEGINS_HERE ? !start : start <= 0) && !types_is_library(btf, outer) &&
	    (!c->own || outer >= btf__type_cnt(base)) && lock_at(c->s, outer, off, c->family) &&
	    all_fits(c, outer, start)) {
		if (!c->found.type)
			c->found = (struct place){outer, off, SITES_BY_HINT};
		else if (!same_lock(c, outer, off))
			c->several = true;
	}
	if (c->depth == EMBED_DEPTH || (c->begins == BEGINS_HERE && off > c->v.off))
		return;
	c->off = off;
	c->depth++;
	types_each_container(c->s->f->im->types, btf, outer, try_outer, c);
	c->depth--;
	c->off = off - in;
}

/* Try the structs that hold such a lock. */
static void each_with(struct sole *c, const char *lock)
{
	struct kbtf_type type = {NULL, 0};

	c->off = 0;
	if (kbtf_next(c->s->f->im->src.btf, lock, 1 << BTF_KIND_STRUCT, &type))
		types_each_container(c->s->f->im->types, c->s->f->btf, type.id, try_outer, c);
}

static struct place only_one(struct sole *c)
{
	static const char *const locks[] = {
		"raw_spinlock",	       "mutex",		"rw_semaphore", "qrwlock",
		"percpu_rw_semaphore", "rt_mutex_base", "ww_mutex"};
	const struct kbtf *k = c->s->f->im->src.btf;

	c->found = (struct place){.strength = SITES_BY_HINT};
	c->several = false;
	if (c->family == LV_RWLOCK) /* its struct has no name */
		each_with(c, "qrwlock");
	for (size_t i = 0; i < sizeof(locks) / sizeof(*locks); i++) {
		struct kbtf_type type = {NULL, 0};

		if (kbtf_next(k, locks[i], 1 << BTF_KIND_STRUCT, &type) &&
		    lock_at(c->s, type.id, 0, c->family))
			each_with(c, locks[i]);
	}
	if (c->several)
		c->found.type = 0;
	return c->found;
}

struct place sole_place(struct solver *s, struct value v, uint32_t family)
{
	struct sole c = {.s = s, .v = v, .family = family};
	struct value leaf[SOLVE_LEAVES];
	uint32_t nr = solve_leaves(s, v.base, leaf);
	struct place found = {.strength = SITES_BY_HINT};

	if (v.base <= NODE_STACK || v.index || !is_near(v.off) || s->steps > SOLVE_STEPS)
		return found;
	for (uint32_t i = 0; i < nr; i++) {
		enum begins at = begins_at(&c, leaf[i]);

		c.begins = at > c.begins ? at : c.begins;
	}
	if (!nr)
		c.begins = begins_at(&c, value_node(v.base));
	if (!v.off && c.link) /* an element's link, a pointer to its lock may be kept */
		c.begins = BEGINS_LINK;
	if (c.mixed || c.begins == BEGINS_UNKNOWN || (c.begins == BEGINS_HERE && v.off < 0))
		return found;
	find_holders(&c, leaf, nr);
	c.own = c.is_private && btf__base_btf(s->f->btf);
	if ((c.begins == BEGINS_LINK || (c.is_private && !c.own)) && !uses_more(&c))
		return found;
	islands_of(s, v.base);
	found = only_one(&c);
	s->steps += c.steps / VISITS_A_STEP;
	return found;
}

/* Two that have the lock by one part of theirs: that part. */
static void try_of_size(struct sole *c, uint32_t type, uint32_t off)
{
	uint32_t inner, inner_off;

	if (!c->found.type) {
		c->found = (struct place){type, off, SITES_BY_HINT};
		return;
	}
	c->several |= !same_lock(c, type, off);
	if (types_inner(c->s->f->btf, type, off, &inner, &inner_off))
		c->found = (struct place){inner, inner_off, SITES_BY_HINT};
}

/* Does such a struct fit the object, what a function takes there, and what is done with the pointer? */
static bool fits_object(struct sole *c, uint32_t type)
{
	const struct btf *btf = c->s->f->btf;
	const struct object *o = c->object;

	return lock_at(c->s, type, o->at.off, c->family) &&
	       (!o->guest || types_has_at(btf, type, o->guest_off, o->guest)) &&
	       (c->v.base <= NODE_STACK || all_fits(c, type, c->v.off - (int64_t)o->at.off));
}

static int try_object(struct kbtf_type type, void *arg)
{
	struct sole *c = arg;
	const struct btf *btf = c->s->f->btf;

	if ((type.btf == btf || type.btf == btf__base_btf(btf)) && kbtf_name(type)[0] &&
	    !types_is_library(btf, type.id) && fits_object(c, type.id))
		try_of_size(c, type.id, c->object->at.off);
	return c->several;
}

/*
 * A function that is given a lock, or a library type with one, does with the pointer the same whatever that lies in;
 * a link says where in the struct it is.
 */
static bool is_guest(struct sole *c, uint32_t node)
{
	uint32_t type = solve_node_pointee(c->s, node);

	return type && types_is_library(c->s->f->btf, type) && !types_is_link(c->s->f->btf, type);
}

/* The uses of the pointer whose memory is known. False: none that would tell. */
static bool object_sole(struct solver *s, struct value v, const struct object *object,
			struct sole *ret)
{
	struct value leaf[SOLVE_LEAVES];
	uint32_t nr;

	*ret = (struct sole){.s = s, .v = v, .family = object->at.family, .object = object};
	ret->found.strength = SITES_BY_HINT;
	if (v.base <= NODE_STACK)
		return object->guest;
	if (v.index || !is_near(v.off) || s->steps > SOLVE_STEPS || is_guest(ret, v.base))
		return false;
	nr = solve_leaves(s, v.base, leaf);
	for (uint32_t i = 0; i < nr; i++)
		begins_at(ret, leaf[i]);
	if (!nr)
		begins_at(ret, value_node(v.base));
	find_holders(ret, leaf, nr);
	islands_of(s, v.base);
	return !ret->mixed;
}

struct place object_place(struct solver *s, struct value v, const struct object *object)
{
	struct sole c;

	if (object_sole(s, v, object, &c))
		kbtf_each_struct(s->f->im->src.btf, object->at.off + 1, object->at.size, try_object,
				 &c);
	if (c.several)
		c.found.type = 0;
	return c.found;
}

bool object_may_be(struct solver *s, struct value v, const struct object *object, uint32_t type)
{
	struct sole c;

	return !object_sole(s, v, object, &c) || fits_object(&c, type);
}
