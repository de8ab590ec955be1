/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Before arming: where do the kernel's own variables point to? Two programs, run by
 * the user half, which chooses among what the first one finds, and sorts it.
 */
#ifndef LOCKVANE_ANCHOR_BPF_H
#define LOCKVANE_ANCHOR_BPF_H

#include "abi.h"
#include "place.bpf.h"

#define ANCHOR_LINE 8	       /* words that are read at once */
#define ANCHOR_LINES (1 << 20) /* 64 MiB: more than any kernel's data */
#define ANCHOR_ALIGN 64	       /* an anchor that points elsewhere points to no allocation's begin */
#define ANCHOR_PAGES (1 << 14) /* 64 MiB: where an allocation's end is not looked for any more */

/* Else it is in vmalloc, where large hosts have their hash tables. */
static __always_inline int anchor_is_direct(__u64 addr)
{
	return addr < lv_control.layout.page_offset_end;
}

/* In a slab, size is what there is of the object from the address on. */
static __always_inline void anchor_size_up(struct lv_anchor *anchor)
{
	const struct lv_layout *layout = &lv_control.layout;
	__u64 page, cache;
	__u32 size;

	anchor->size = 0;
	anchor->slab = 0;
	if (!bpf_core_type_size(struct page) || !anchor_is_direct(anchor->addr))
		return;
	page = place_head_page(place_page(layout, anchor->addr));
	if (!place_page_is_slab(page))
		return;
	anchor->slab = 1;
	cache = MEMORY_MEMBER(page, struct slab, slab_cache);
	if (!memory_is_direct(cache))
		return;
	size = MEMORY_MEMBER(cache, struct kmem_cache, size);
	if (size)
		anchor->size = size - (anchor->addr - place_page_memory(layout, page)) % size;
}

static __always_inline void anchor_add(__u64 addr, __u64 where)
{
	const struct lv_layout *layout = &lv_control.layout;
	struct lv_anchor *anchor;

	if (addr < layout->page_offset || addr >= layout->vmemmap || addr % ANCHOR_ALIGN ||
	    arch_is_static(addr))
		return;
	anchor = &lv_anchors.anchor[lv_anchors.nr & (LV_MAX_ANCHORS - 1)];
	anchor->addr = addr;
	anchor->where = where;
	anchor_size_up(anchor);
	lv_anchors.nr++;
}

static long anchor_line(__u32 i, void *none)
{
	__u64 at = lv_anchors.next, words[ANCHOR_LINE];

	if (at >= lv_anchors.end || lv_anchors.nr > LV_MAX_ANCHORS - ANCHOR_LINE)
		return 1;
	lv_anchors.next = at + sizeof(words);
	if (bpf_probe_read_kernel(words, sizeof(words), (const void *)at))
		return 0;
	for (int k = 0; k < ANCHOR_LINE; k++)
		anchor_add(words[k], at + k * sizeof(words[0]));
	return 0;
}

/* From next on, until there is no more room, or the end is reached. */
SEC("syscall")
int lv_find_anchors(void *ctx)
{
	lv_anchors.nr = 0;
	bpf_loop(ANCHOR_LINES, anchor_line, 0, 0);
	return 0;
}

struct anchor_pages {
	__u64 first; /* struct page, or in vmalloc the page itself */
	__u64 head;
	__u64 flags;
	__u32 type;
	__u32 compound;
	__u32 nr;
};

/*
 * Is this page like the first, so that both can be one allocation's? A compound page says
 * so itself. Others are alike: those of the boot are reserved, those of alloc_pages_exact()
 * have no flags and no type, while what lies behind is a slab's, a file's, a page
 * table's, or free. The flags are the first member.
 */
static long anchor_page(__u32 i, struct anchor_pages *pages)
{
	__u64 page = pages->first + (i + 1) * bpf_core_type_size(struct page);

	if (place_head_page(page) != pages->head) {
		if (pages->compound || place_head_page(page) != page ||
		    memory_word(page) != pages->flags ||
		    (__u32)MEMORY_MEMBER(page, struct page, page_type) != pages->type)
			return 1;
	}
	pages->nr++;
	return 0;
}

/* In vmalloc, an unmapped page follows each area. A device's page ends it, too. */
static long anchor_mapped(__u32 i, struct anchor_pages *pages)
{
	if (!memory_is_mapped(pages->first + ((__u64)(i + 1) << MEMORY_PAGE_SHIFT)))
		return 1;
	pages->nr++;
	return 0;
}

/* The number of pages, among so many, that are one allocation's with the first. */
static __always_inline __u32 anchor_pages_alike(__u64 addr, __u32 nr)
{
	const struct lv_layout *layout = &lv_control.layout;
	struct anchor_pages pages = {.nr = 1};

	pages.first = place_page(layout, addr);
	pages.head = place_head_page(pages.first);
	pages.flags = memory_word(pages.first);
	pages.type = (__u32)MEMORY_MEMBER(pages.first, struct page, page_type);
	pages.compound = pages.head != pages.first ||
			 pages.flags >> bpf_core_enum_value(enum pageflags, PG_head) & 1;
	bpf_loop(nr - 1, anchor_page, &pages, 0);
	return pages.nr;
}

static __always_inline __u32 anchor_pages_mapped(__u64 addr, __u32 nr)
{
	struct anchor_pages pages = {.nr = 1};

	pages.first = addr >> MEMORY_PAGE_SHIFT << MEMORY_PAGE_SHIFT;
	bpf_loop(nr - 1, anchor_mapped, &pages, 0);
	return pages.nr;
}

static __always_inline __u64 anchor_measure(__u64 addr, __u64 size)
{
	__u64 begin = addr & ((1 << MEMORY_PAGE_SHIFT) - 1), room;
	__u64 nr = ((begin + size - 1) >> MEMORY_PAGE_SHIFT) + 1;

	if (!memory_is_mapped(addr))
		return 0; /* a device's */
	if (nr > ANCHOR_PAGES)
		nr = ANCHOR_PAGES;
	if (anchor_is_direct(addr))
		nr = anchor_pages_alike(addr, nr);
	else
		nr = anchor_pages_mapped(addr, nr);
	room = (nr << MEMORY_PAGE_SHIFT) - begin;
	return size < room ? size : room;
}

static long anchor_cut(__u32 i, void *none)
{
	struct lv_anchor *anchor;

	if (i >= lv_anchors.nr || i >= LV_MAX_ANCHORS)
		return 1;
	anchor = &lv_anchors.anchor[i];
	if (!anchor->slab && anchor->size)
		anchor->size = anchor_measure(anchor->addr, anchor->size);
	return 0;
}

/* Sizes are up to where the next one begins: cut them where other memory does. */
SEC("syscall")
int lv_measure_anchors(void *ctx)
{
	bpf_loop(LV_MAX_ANCHORS, anchor_cut, 0, 0);
	return 0;
}

#endif
