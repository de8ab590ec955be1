/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where does an address lie? Only the rare path asks.
 *
 * The kernel's image and the modules where arch.bpf.h says; the direct map from page_offset; the struct pages
 * from vmemmap; the per-CPU sections' first chunk at __per_cpu_offset[cpu];
 * between the direct map and the struct pages, vmalloc, with the tasks' stacks (in the direct map
 * without CONFIG_VMAP_STACK).
 */
#ifndef LOCKVANE_PLACE_BPF_H
#define LOCKVANE_PLACE_BPF_H

#include "abi.h"
#include "memory.bpf.h"
#include "stack.bpf.h"

#define PLACE_MASKS 0xffffffffc0000000ull /* 1 GiB, of struct pages, is more than any compound page has */

/* Has the page such a struct? One that is read while its page changes hands can name any other. */
static __always_inline int place_is_page(__u64 page)
{
	const struct lv_layout *layout = &lv_control.layout;
	__u64 pages = (layout->page_offset_end - layout->page_offset) >> MEMORY_PAGE_SHIFT;

	return page - layout->vmemmap < pages * bpf_core_type_size(struct page);
}

/*
 * A struct page that is not a head says so in bit 0 of a word, whose rest is
 * the head's address, or (since 7.0, where vmemmap is optimised) a mask that
 * leads there. No struct page lies as high as a mask does.
 */
static __always_inline __u64 place_head_page(__u64 page)
{
	struct page___7_0 *newer = (void *)page;
	__u64 word = 0, head;

	if (bpf_core_field_exists(newer->compound_info))
		word = MEMORY_MEMBER(page, struct page___7_0, compound_info);
	else if (bpf_core_field_exists(((struct page *)0)->compound_head))
		word = MEMORY_MEMBER(page, struct page, compound_head);
	if (!(word & 1))
		return page;
	head = word >= PLACE_MASKS ? page & word : word - 1;
	return place_is_page(head) ? head : page;
}

/* The struct page of an address in the direct map, and where a page's memory begins there. */
static __always_inline __u64 place_page(const struct lv_layout *layout, __u64 addr)
{
	__u64 pfn = (addr - layout->page_offset) >> MEMORY_PAGE_SHIFT;

	return layout->vmemmap + pfn * bpf_core_type_size(struct page);
}

static __always_inline __u64 place_page_memory(const struct lv_layout *layout, __u64 page)
{
	__u32 page_size = bpf_core_type_size(struct page);

	return layout->page_offset + ((page - layout->vmemmap) / page_size << MEMORY_PAGE_SHIFT);
}

static __always_inline int place_page_is_slab(__u64 page)
{
	if (bpf_core_enum_value_exists(enum pagetype, PGTY_slab))
		return (__u32)MEMORY_MEMBER(page, struct page, page_type) >> 24 ==
		       bpf_core_enum_value(enum pagetype, PGTY_slab);
	if (bpf_core_enum_value_exists(enum pageflags, PG_slab))
		return MEMORY_MEMBER(page, struct page, flags) >>
			       bpf_core_enum_value(enum pageflags, PG_slab) & 1;
	return 0;
}

#define PLACE_KMALLOC 0x2d636f6c6c616d6bull /* "kmalloc-" */
#define PLACE_DMA 0x6c616d6b2d616d64ull	    /* "dma-kmal" */

/* Objects of several types: kmalloc's, and those that were merged count who made them. */
static __always_inline int place_is_untyped(__u64 cache)
{
	__u64 name;

	if ((__u32)MEMORY_MEMBER(cache, struct kmem_cache, refcount) != 1)
		return 1;
	name = MEMORY_MEMBER(cache, struct kmem_cache, name);
	name = memory_is_plain(name) ? memory_word(name) : 0;
	return name == PLACE_KMALLOC || name == PLACE_DMA;
}

/* The object's offset counts from where the cache's type begins: a red zone comes before. */
static __always_inline int place_in_slab(const struct lv_layout *layout, __u64 addr,
					 struct lv_place *ret)
{
	__u64 page = place_head_page(place_page(layout, addr));
	struct kmem_cache *cache = 0;
	__u32 size, pad = 0, off;
	__u64 base, at;

	if (!bpf_core_type_size(struct page) || !place_page_is_slab(page))
		return -1;
	at = MEMORY_MEMBER(page, struct slab, slab_cache);
	if (!memory_is_direct(at))
		return -1; /* the page has just become another's */
	size = MEMORY_MEMBER(at, struct kmem_cache, size);
	if (bpf_core_field_exists(cache->red_left_pad))
		pad = MEMORY_MEMBER(at, struct kmem_cache, red_left_pad);
	base = place_page_memory(layout, page);
	if (!size || addr < base)
		return -1;
	off = (addr - base) % size;
	if (off < pad)
		return -1;
	ret->kind = LV_PLACE_SLAB;
	ret->base = at;
	ret->off = off - pad;
	ret->site = place_is_untyped(at) ? LV_SITE_OPEN : 0;
	return 0;
}

/*
 * A CPU's part of the first chunk: the last that does not begin above the address, as
 * place_search_anchor() finds its own.
 */
static __always_inline __u32 place_search_unit(__u64 addr)
{
	__u64 nr = lv_units.nr;
	__u32 at = 0;

	for (__u32 step = LV_MAX_CPUS / 2; step; step /= 2) {
		__u64 next = (at + step) & (LV_MAX_CPUS - 1);
		__u64 below = ((next - nr) & ~(addr - lv_units.start[next])) >> 63;

		__asm__ __volatile__("" : "+r"(below));
		at += step * below;
	}
	return at;
}

static __always_inline int place_in_percpu(const struct lv_layout *layout, __u64 addr,
					   struct lv_place *ret)
{
	__u64 off;

	if (addr - lv_units.start[0] >= lv_units.end - lv_units.start[0])
		return -1;
	off = addr - lv_units.start[place_search_unit(addr) & (LV_MAX_CPUS - 1)] +
	      layout->percpu_start;
	if (off >= layout->percpu_unit_end)
		return -1;
	ret->kind = off < layout->percpu_end ? LV_PLACE_PERCPU : LV_PLACE_PERCPU_DYN;
	ret->site = 0;
	ret->base = off;
	return 0;
}

/*
 * The last anchor that is not above the address, or the first. All addresses are the kernel's: the
 * sign of a difference tells. Without branches, which the verifier would have to follow both ways at
 * each step.
 */
static __always_inline __u32 place_search_anchor(__u64 addr)
{
	__u64 nr = lv_anchors.nr;
	__u32 at = 0;

	for (__u32 step = LV_MAX_ANCHORS / 2; step; step /= 2) {
		__u64 next = (at + step) & (LV_MAX_ANCHORS - 1);
		__u64 below = ((next - nr) & ~(addr - lv_anchors.anchor[next].addr)) >> 63;

		__asm__ __volatile__("" : "+r"(below)); /* or the compiler makes a branch of it */
		at += step * below;
	}
	return at;
}

/* In memory that a variable points to, and still does. */
static __noinline int place_in_table(__u64 addr, struct lv_place *ret)
{
	const struct lv_anchor *anchor;

	if (!ret)
		return -1;
	anchor = &lv_anchors.anchor[place_search_anchor(addr) & (LV_MAX_ANCHORS - 1)];
	if (addr - anchor->addr >= anchor->size || memory_word(anchor->where) != anchor->addr)
		return -1;
	ret->kind = LV_PLACE_TABLE;
	ret->site = 0;
	ret->base = anchor->base;
	ret->off = anchor->stride ? (addr - anchor->addr) % anchor->stride : 0;
	return 0;
}

/* Few of the slabs' pages have a table: this is asked of each address in one. */
static __always_inline int place_may_have_table(__u64 addr)
{
	__u32 page = addr >> MEMORY_PAGE_SHIFT;

	return lv_anchors.pages[page / 64 & 63] >> (page & 63) & 1;
}

/* In a slab, of whose page all is objects: how far they are apart. Else 0. */
static __always_inline __u32 place_stride(__u64 addr, const struct lv_place *place)
{
	if (place->kind != LV_PLACE_SLAB || place_may_have_table(addr))
		return 0;
	return MEMORY_MEMBER(place->base, struct kmem_cache, size);
}

/* 0 and *ret, or -1 where no lock can lie. */
static __always_inline int place_find_inline(__u64 addr, struct lv_place *ret)
{
	const struct lv_layout *layout = &lv_control.layout;
	__u32 page_size = bpf_core_type_size(struct page);
	int direct;

	direct = addr >= layout->page_offset && addr < layout->page_offset_end;
	ret->base = 0;
	ret->off = 0;
	ret->site = 0;
	if (arch_is_static(addr)) {
		ret->kind = LV_PLACE_STATIC;
		ret->base = addr;
		return 0;
	}
	if (addr < layout->page_offset)
		return -1; /* user memory or noise */
	if (addr >= layout->kfence && addr < layout->kfence_end) {
		ret->kind = LV_PLACE_KFENCE;
		ret->site = LV_SITE_OPEN;
		return 0;
	}
	if (direct && !place_in_slab(layout, addr, ret)) {
		if (place_may_have_table(addr))
			place_in_table(addr, ret);
		return 0;
	}
	/* Before the CPUs are gone through: the locks of page tables are of the common ones. */
	if (addr >= layout->vmemmap && page_size) {
		ret->kind = LV_PLACE_PAGE;
		ret->off = (addr - layout->vmemmap) % page_size;
		return 0;
	}
	if (!place_in_percpu(layout, addr, ret))
		return 0;
	ret->site = LV_SITE_OPEN;
	if (stack_has(addr))
		ret->kind = LV_PLACE_STACK;
	else if (place_in_table(addr, ret))
		ret->kind = direct ? LV_PLACE_EARLY : LV_PLACE_VMALLOC;
	return 0;
}

/* The same out of line: it is verified once. */
__noinline int place_find(__u64 addr, struct lv_place *ret)
{
	return ret ? place_find_inline(addr, ret) : -1;
}

/* Does the address lie at that place? The site is not compared. */
__noinline int place_is(__u64 addr, __u64 base, __u32 off, __u32 kind)
{
	struct lv_place place;

	return !place_find_inline(addr, &place) && place.base == base && place.off == off &&
	       place.kind == kind;
}

static __always_inline void place_describe_cache(__u64 base, char *ret_name, __u32 *ret_size)
{
	struct kmem_cache *cache = (struct kmem_cache *)base;
	const char *name = BPF_CORE_READ(cache, name);

	if (memory_is_plain((__u64)name))
		bpf_probe_read_kernel_str(ret_name, LV_NAME_LEN, name);
	*ret_size = BPF_CORE_READ(cache, object_size);
}

#endif
