/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Modules and slab caches go, and others come to lie where they were: what is recorded of the
 * locks there must not become theirs. These two programs stay attached while others come and go,
 * and run armed or not: that often is a module unloaded, or a cache destroyed.
 */
#ifndef LOCKVANE_RETIRE_BPF_H
#define LOCKVANE_RETIRE_BPF_H

#include "record/class.h"

#define RETIRE_AREAS 8 /* MOD_MEM_NUM_TYPES (include/linux/module.h), and the per-CPU one */

struct retire_area {
	__u64 start;
	__u64 size;
};

struct retire {
	__u64 cache;  /* a kmem_cache, or 0 */
	__u64 module; /* its name, or 0 */
	struct retire_area area[RETIRE_AREAS];
};

/* 1 + the address's offset from where its area of the module begins; 0: it is in none. */
static __always_inline __u64 retire_offset(const struct retire *r, __u64 addr)
{
	for (int i = 0; i < RETIRE_AREAS; i++)
		if (addr - r->area[i].start < r->area[i].size)
			return addr - r->area[i].start + 1;
	return 0;
}

/* Do locks of the class lie in the module, or does its code take them? Returns as above. */
static __always_inline __u64 retire_place(const struct retire *r, const struct lv_place *place)
{
	if (place->kind == LV_PLACE_STATIC || place->kind == LV_PLACE_PERCPU_DYN ||
	    place->kind == LV_PLACE_TABLE || place->kind == LV_PLACE_PSEUDO)
		return retire_offset(r, place->base);
	return place->site ? retire_offset(r, place->site) : 0;
}

/* One look of bpf_loop(). */
static long retire_class(__u32 id, struct retire *r)
{
	struct lv_class *class = world_class(id);
	__u64 offset;

	if (!class)
		return 1;
	if (read_once(class->state) != LV_SLOT_READY)
		return 0;
	if (r->cache) {
		if (class->place.kind == LV_PLACE_SLAB && class->place.base == r->cache)
			__atomic_exchange_n(&class->state, LV_SLOT_DEAD, __ATOMIC_SEQ_CST);
		return 0;
	}
	offset = retire_place(r, &class->place);
	if (!offset)
		return 0;
	if (class->place.kind != LV_PLACE_SLAB) {
		world_read_str(class->cache, sizeof(class->cache), r->module);
		class->cache_size = offset - 1;
	}
	__atomic_exchange_n(&class->state, LV_SLOT_DEAD, __ATOMIC_SEQ_CST);
	return 0;
}

/* The words that were told of locks in the cache. */
static long retire_name(__u32 id, struct retire *r)
{
	struct lv_name *name = world_name(id);

	if (!name)
		return 1;
	if (read_once(name->state) == LV_SLOT_READY && name->place.base == r->cache)
		__atomic_exchange_n(&name->state, LV_SLOT_DEAD, __ATOMIC_SEQ_CST);
	return 0;
}

static __always_inline void retire_set_area(struct retire_area *area, const void *start, __u64 size)
{
	area->start = (__u64)start;
	area->size = size;
}

/* libbpf knows the size of the kernel's elements only where the index is a constant in the source. */
#define RETIRE_AREA(i) \
	retire_set_area(&r->area[i], BPF_CORE_READ(module, mem[i].base), BPF_CORE_READ(module, mem[i].size))

/* Before 6.4 a module had two areas, and one for its start. */
static __always_inline void retire_find_areas(struct retire *r, struct module *module)
{
	struct module___6_3 *older = (void *)module;

	if (bpf_core_field_exists(older->core_layout)) {
		retire_set_area(&r->area[0], BPF_CORE_READ(older, core_layout.base),
				BPF_CORE_READ(older, core_layout.size));
	} else {
		RETIRE_AREA(0);
		RETIRE_AREA(1);
		RETIRE_AREA(2);
		RETIRE_AREA(3);
		RETIRE_AREA(4);
		RETIRE_AREA(5);
		RETIRE_AREA(6);
	}
	if (bpf_core_field_exists(module->percpu))
		retire_set_area(&r->area[RETIRE_AREAS - 1], BPF_CORE_READ(module, percpu),
				BPF_CORE_READ(module, percpu_size));
}

/* (struct module *mod), first thing in free_module() */
SEC("raw_tp/module_free")
int lv_module_free(__u64 *ctx)
{
	struct module *module = (struct module *)ctx[0];
	struct retire r = { .module = ctx[0] + bpf_core_field_offset(struct module, name) };

	retire_find_areas(&r, module);
	bpf_loop(LV_MAX_CLASSES, retire_class, &r, 0);
	return 0;
}

/* One that others share is only let go of. */
SEC("fentry/kmem_cache_destroy")
int lv_kmem_cache_destroy(__u64 *ctx)
{
	struct kmem_cache *cache = (struct kmem_cache *)ctx[0];
	struct retire r = { .cache = ctx[0] };

	if (!cache || BPF_CORE_READ(cache, refcount) != 1)
		return 0;
	bpf_loop(LV_MAX_CLASSES, retire_class, &r, 0);
	bpf_loop(LV_MAX_NAMES, retire_name, &r, 0);
	return 0;
}

#endif
