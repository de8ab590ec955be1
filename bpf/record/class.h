/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a lock's address to its class. The common path is a per-CPU cache;
 * the rare one asks the world where the address lives and finds, or claims,
 * that place's slot in the class table.
 */
#ifndef LOCKVANE_RECORD_CLASS_H
#define LOCKVANE_RECORD_CLASS_H

#include "record/context.h"

#define CLASS_PROBES 32
#define SLOT_LOOKS 4 /* at a slot somebody else is filling */

#define HASH_FACTOR 0x9e3779b97f4a7c15ull /* 2^64 over the golden ratio */

static __always_inline __u32 hash64(__u64 value)
{
	return value * HASH_FACTOR >> 32;
}

static __always_inline int same_place(const struct lv_place *a, const struct lv_place *b)
{
	return a->base == b->base && a->site == b->site && a->off == b->off && a->kind == b->kind;
}

/*
 * A look at one slot of a table, for what it is to hold. The looks are out of
 * line: in the loop over the slots, the verifier would walk each on all paths
 * through those before.
 */
enum probe {
	PROBE_OTHER, /* somebody else's: go on to the next */
	PROBE_FOUND,
	PROBE_MADE, /* it was free, and is filled in now */
	PROBE_RACE, /* somebody is filling it in */
};

/*
 * Claim a free slot, or learn what became of it: the state after looking,
 * LV_SLOT_FREE meaning that it is now ours to fill.
 */
static __always_inline __u32 slot_claim(__u32 *state)
{
	__u32 seen = read_once(*state);

	if (seen == LV_SLOT_FREE)
		seen = __sync_val_compare_and_swap(state, LV_SLOT_FREE, LV_SLOT_CLAIMED);
	for (int i = 0; i < SLOT_LOOKS && seen == LV_SLOT_CLAIMED; i++)
		seen = read_once(*state);
	return seen;
}

/* Publish: the exchange orders all that was filled in before it. */
static __always_inline void slot_ready(__u32 *state)
{
	__atomic_exchange_n(state, LV_SLOT_READY, __ATOMIC_SEQ_CST);
}

static __always_inline void class_fill(struct lv_class *class, const struct lv_place *place,
				       __u32 family, __u32 subclass)
{
	class->place = *place;
	class->family = family;
	class->subclass = subclass;
	for (int i = 0; i < LV_USAGES; i++)
		class->usage_stack[i] = LV_NONE;
	if (place->kind == LV_PLACE_SLAB)
		world_describe_cache(place, class->cache, &class->cache_size);
	if (place->kind == LV_PLACE_PSEUDO)
		world_describe_pseudo(place->base, LV_PSEUDO_KIND_OF(subclass), class->cache);
	slot_ready(&class->state);
}

RECORD_RARE int class_probe(__u32 id, const struct lv_place *place, __u32 family, __u32 subclass)
{
	struct lv_class *class = world_class(id);
	__u32 state;

	if (!class || !place)
		return PROBE_RACE;
	state = slot_claim(&class->state);
	if (state == LV_SLOT_FREE) {
		class_fill(class, place, family, subclass);
		return PROBE_MADE;
	}
	if (state == LV_SLOT_CLAIMED)
		return PROBE_RACE;
	return state == LV_SLOT_READY && same_place(&class->place, place) &&
			       class->family == family && class->subclass == subclass ?
		       PROBE_FOUND :
		       PROBE_OTHER;
}

/* Where in the table the class of a place may be: there, or in the slots that follow. */
static __always_inline __u32 class_hash(const struct lv_place *place, __u32 subclass)
{
	return hash64(place->base ^ ((__u64)place->off << 48) ^ place->off ^
		      ((__u64)place->kind << 40) ^ place->site) +
	       subclass * CLASS_PROBES;
}

/*
 * The class of a place, made if it is new. Two families at one place (a merged
 * cache) are two classes. LV_NONE: table full, or a race.
 */
static __always_inline __u32 class_of_place(struct lv_cpu *cpu, const struct lv_place *place,
					    __u32 family, __u32 subclass)
{
	__u32 hash = class_hash(place, subclass);

	for (__u32 i = 0; i < CLASS_PROBES; i++) {
		__u32 id = (hash + i) & (LV_MAX_CLASSES - 1);
		int probe = class_probe(id, place, family, subclass);

		if (probe == PROBE_RACE) {
			count_loss(cpu, LV_LOSS_RACE);
			return LV_NONE;
		}
		if (probe != PROBE_OTHER)
			return id;
	}
	count_loss(cpu, LV_LOSS_CLASSES);
	return LV_NONE;
}

/* Locks of two families can share an address: a socket's owner, its spinlock. */
static __always_inline struct lv_addr_slot *addr_slot(struct lv_cpu *cpu, __u64 addr, __u32 family)
{
	return &cpu->addr[hash64(addr + family * 64) & (LV_ADDR_SLOTS - 1)];
}

static __always_inline __u64 addr_key(__u64 addr, __u32 family, __u64 value)
{
	return addr ^ (__u64)family << 56 ^ value;
}

#define ADDR_NONE (~0ull)

/* This CPU's memory of an address: the value of its slot, or ADDR_NONE. */
static __always_inline __u64 addr_value(struct lv_cpu *cpu, __u64 addr, __u32 family)
{
	const struct lv_addr_slot *slot = addr_slot(cpu, addr, family);
	__u64 value = read_once(slot->value);

	return read_once(slot->key) == addr_key(addr, family, value) ? value : ADDR_NONE;
}

/* lockdep tells the kernel's own sockets from users' (sock_lock_init() in net/core/sock.c). */
RECORD_RARE __u32 subclass_of_sock(__u64 addr)
{
	return world_is_kernel_sock(addr) ? LV_SUBCLASS_KERNEL : 0;
}

static __always_inline __u32 subclass_of(__u64 addr, __u32 family)
{
	return family == LV_SOCK ? subclass_of_sock(addr) : 0;
}

/*
 * The site of an acquisition in untyped memory. caller: who called the lock's function, 0: not known;
 * LV_SITE_ABOVE: a generic function.
 * above: the caller above the generic functions, 0: not read yet.
 */
static __always_inline __u64 class_site(__u64 caller, __u64 above)
{
	if (!caller)
		return LV_SITE_OPEN;
	if (caller != LV_SITE_ABOVE && !world_is_generic(caller))
		return caller;
	return above ? above : LV_SITE_ABOVE;
}

/* The class of a place; nearly always it is one that this CPU has derived lately. */
static __always_inline __u32 class_find(struct lv_cpu *cpu, const struct lv_place *place,
					__u32 family, __u32 subclass)
{
	__u32 *derived = &cpu->derived[class_hash(place, subclass) & (LV_DERIVED - 1)];
	__u32 id = read_once(*derived);
	const struct lv_class *class = world_class(id);

	if (class && class->family == family && class->subclass == subclass &&
	    same_place(&class->place, place) &&
	    read_once(class->state) == LV_SLOT_READY)
		return id;
	id = class_of_place(cpu, place, family, subclass);
	if (id != LV_NONE)
		write_once(*derived, id);
	return id;
}

static __always_inline void addr_remember(struct lv_cpu *cpu, __u64 addr, __u32 family, __u32 id,
					  const struct lv_place *place)
{
	struct lv_addr_slot *slot = addr_slot(cpu, addr, family);
	__u64 value = id;

	if (place->site)
		value |= LV_ADDR_SITED;
	if (!world_place_is_permanent(addr, place))
		value |= (__u64)(cpu->clock | 1) << 32;
	slot->value = value;
	slot->key = addr_key(addr, family, value);
}

/* May a class that was derived then be believed still? */
static __always_inline int addr_is_fresh(const struct lv_cpu *cpu, __u32 derived)
{
	return !derived || cpu->clock - derived < LV_ADDR_AGE;
}

static __always_inline struct lv_page *page_slot(struct lv_cpu *cpu, __u64 page)
{
	return &cpu->page[hash64(page) & (LV_PAGES - 1)];
}

static __always_inline __u64 page_key(const struct lv_page *page, __u64 begin)
{
	return begin ^ page->base ^ page->cache ^ page->strides;
}

/* This CPU's memory of the page that addr lies in: 0 and a copy, or -1. */
static __always_inline int page_find(struct lv_cpu *cpu, __u64 addr, struct lv_page *ret)
{
	__u64 begin = world_page(addr);
	const struct lv_page *slot = page_slot(cpu, begin);

	keep_value(slot); /* it lies out of reach of an instruction's offset */
	ret->base = read_once(slot->base);
	ret->cache = read_once(slot->cache);
	ret->strides = read_once(slot->strides);
	return read_once(slot->key) == page_key(ret, begin) && addr_is_fresh(cpu, ret->clock) ? 0 :
												-1;
}

/* Where a lock in the page lies in its object. */
static __always_inline __u32 page_off(const struct lv_page *page, __u64 addr)
{
	return (__u32)(addr - (page->base & ~LV_PAGE_SITED)) % page->stride;
}

/* world_place(), by what this CPU remembers of the page: 0, or -1. */
static __always_inline int page_place(struct lv_cpu *cpu, __u64 addr, struct lv_place *ret)
{
	struct lv_page page;

	if (page_find(cpu, addr, &page))
		return -1;
	ret->base = page.cache;
	ret->site = page.base & LV_PAGE_SITED ? LV_SITE_OPEN : 0;
	ret->off = page_off(&page, addr);
	ret->kind = LV_PLACE_SLAB;
	return 0;
}

/* The lock at addr was found to have that place, now: the same goes for its page. 0, or -1 if it does not. */
RECORD_RARE int page_remember(__u64 addr, const struct lv_place *place)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	__u64 begin = world_page(addr), object;
	struct lv_page page, *slot;
	__u32 stride;

	if (!cpu || !place)
		return -1;
	stride = world_stride(addr, place);
	if (!stride || stride > LV_PAGE_STRIDE || place->off >= stride)
		return -1;
	object = addr - place->off;
	if (object > begin)
		object -= ((__u32)(object - begin) / stride + 1) * stride;
	page.base = object | (place->site ? LV_PAGE_SITED : 0);
	page.cache = place->base;
	page.strides = stride | (__u64)(cpu->clock | 1) << 32;
	slot = page_slot(cpu, begin);
	slot->base = page.base;
	slot->cache = page.cache;
	slot->strides = page.strides;
	slot->key = page_key(&page, begin);
	return 0;
}

/*
 * The class of a lock in a page that this CPU remembers. As class_of(); LV_NONE, too, where the page has
 * just been forgotten.
 */
RECORD_RARE __u32 class_in_page(__u64 addr, __u32 family, __u64 caller, __u64 above)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_place place;

	if (!cpu || page_place(cpu, addr, &place))
		return LV_NONE;
	if (place.site) {
		place.site = class_site(caller, above);
		if (place.site == LV_SITE_ABOVE)
			return LV_ABOVE;
	}
	return class_find(cpu, &place, family, subclass_of(addr, family));
}

/* Derive a class from scratch and remember it on this CPU. caller, above: see class_site(). */
static __always_inline __u32 class_derive(__u32 cpu_id, __u64 addr, __u32 family, __u64 caller, __u64 above)
{
	struct lv_cpu *cpu = world_cpu(cpu_id);
	struct lv_place place = {};
	__u32 id;

	if (!cpu)
		return LV_NONE;
	if (world_place(addr, &place)) {
		count_loss(cpu, LV_LOSS_NO_CLASS);
		return LV_NONE;
	}
	if (place.site) {
		place.site = class_site(caller, above);
		if (place.site == LV_SITE_ABOVE)
			return LV_ABOVE;
	}
	id = class_find(cpu, &place, family, subclass_of(addr, family));
	if (id == LV_NONE)
		return LV_NONE;
	if (place.kind == LV_PLACE_PERCPU && place.base == cpu->rq_lock - cpu->percpu)
		cpu->rq_class = id + 1;
	if (page_remember(addr, &place))
		addr_remember(cpu, addr, family, id, &place);
	return id;
}

/*
 * The class of a lock whose address is fresh, by what class it had at its last site: that, or one of the
 * same place with this site. LV_ABOVE: as class_of().
 */
RECORD_RARE __u32 class_at_site(__u32 id, __u64 caller, __u64 above)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_class *class = world_class(id);
	struct lv_place place;

	if (!cpu || !class)
		return LV_NONE;
	place = class->place;
	place.site = class_site(caller, above);
	if (place.site == class->place.site)
		return id;
	if (place.site == LV_SITE_ABOVE)
		return LV_ABOVE;
	return class_find(cpu, &place, class->family, class->subclass);
}

/*
 * The twin of a class: what a lock of it is that is waited for while another of it is held.
 * Nearly every such nesting in the kernel is annotated, by a subclass or by a class of its own, in
 * words that compile to nothing here. Deeper nestings share the twin: how deep they go is up to
 * data (a tree's height), and tells nothing of the order. LV_NONE: table full, or a race.
 */
RECORD_RARE __u32 class_twin(__u32 id)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_class *class = world_class(id), *twin;
	struct lv_place place;
	__u32 other;

	if (!cpu || !class)
		return LV_NONE;
	other = read_once(class->other);
	if (other)
		return other - 1;
	place = class->place;
	other = class_of_place(cpu, &place, class->family, class->subclass | LV_SUBCLASS_TWIN);
	twin = world_class(other);
	if (!twin)
		return LV_NONE;
	twin->other = id + 1;
	class->other = other + 1;
	return other;
}

/*
 * When the class of a lock was derived; 0: it may be believed for good. ADDR_NONE: this CPU does not
 * remember.
 */
static __always_inline __u64 class_when(struct lv_cpu *cpu, __u64 addr, __u32 family)
{
	struct lv_page page;
	__u64 value;

	if (!page_find(cpu, addr, &page))
		return page.clock;
	value = addr_value(cpu, addr, family);
	return value == ADDR_NONE ? value : value >> 32;
}

/*
 * The class of the lock at addr, LV_NONE if it has none; LV_ABOVE: ask again with `above`.
 * caller, above: see class_site().
 */
RECORD_RARE __u32 class_of(__u64 addr, __u32 family, __u64 caller, __u64 above)
{
	__u32 cpu_id = world_cpu_id(), id;
	struct lv_cpu *cpu = world_cpu(cpu_id);
	struct lv_page page;
	__u64 value;

	if (!cpu)
		return LV_NONE;
	if (!page_find(cpu, addr, &page))
		return class_in_page(addr, family, caller, above);
	value = addr_value(cpu, addr, family);
	id = (__u32)value;
	if (value != ADDR_NONE && addr_is_fresh(cpu, value >> 32)) {
		if (!(id & LV_ADDR_SITED))
			return id;
		return class_at_site(id & ~LV_ADDR_SITED, caller, above);
	}
	return class_derive(cpu_id, addr, family, caller, above);
}

/*
 * Is the memory at addr still this class's? It is reused, and modules and caches go. The task that
 * took the lock does not matter.
 */
static __always_inline int class_check(struct lv_cpu *cpu, __u32 id, __u64 addr)
{
	struct lv_class *class = world_class(id);

	if (!class)
		return 0;
	if (read_once(class->state) != LV_SLOT_READY || !world_is_at(addr, &class->place) ||
	    (class->subclass & LV_SUBCLASS_KERNEL) != subclass_of(addr, class->family)) {
		cpu->clock += LV_ADDR_AGE; /* every other memory of it is too old now */
		count_loss(cpu, LV_LOSS_STALE_CLASS);
		return 0;
	}
	return 1;
}

#endif
