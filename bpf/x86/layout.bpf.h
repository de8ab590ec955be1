/* SPDX-License-Identifier: GPL-2.0-only */
/* Direct map, struct pages and page tables of x86-64. */
#ifndef LOCKVANE_LAYOUT_BPF_H
#define LOCKVANE_LAYOUT_BPF_H

#include "memory.bpf.h"

#define LAYOUT_FRAME 0xffffffffff000ull /* the physical address in an entry of the page tables */
#define LAYOUT_TOP_SHIFT 39		/* for four levels of them */

extern const void page_offset_base __ksym __weak; /* only where they are randomised */
extern const void vmemmap_base __ksym __weak;
extern const void max_pfn __ksym __weak;
extern const void pgdir_shift __ksym __weak; /* with CONFIG_X86_5LEVEL */
extern const void physical_mask __ksym __weak; /* without the bits of memory encryption */

/* Direct map, struct pages, page tables. 0, or -1: they were not found. */
static __always_inline int layout_find(struct lv_layout *layout)
{
	layout->page_offset = word_at(&page_offset_base, 0xffff888000000000ull);
	layout->page_offset_end = layout->page_offset +
				  (word_at(&max_pfn, 0) << MEMORY_PAGE_SHIFT);
	layout->vmemmap = word_at(&vmemmap_base, 0xffffea0000000000ull);
	layout->frame_mask = word_at(&physical_mask, ~0ull) & LAYOUT_FRAME;
	layout->top_shift = word_at(&pgdir_shift, LAYOUT_TOP_SHIFT);
	layout->top_mask = (1 << MEMORY_LEVEL_BITS) - 1;
	return 0;
}

#endif
