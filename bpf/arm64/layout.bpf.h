/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Direct map, struct pages and page tables of arm64. The kernel's configuration decides how many bits an address has, the
 * CPU how many of them it translates, and no variable tells either. So each way is tried on an address whose physical
 * one is known two ways.
 */
#ifndef LOCKVANE_LAYOUT_BPF_H
#define LOCKVANE_LAYOUT_BPF_H

#include "memory.bpf.h"

/* arch/arm64/include/asm/memory.h, pgtable-hwdef.h */
#define LAYOUT_VMEMMAP_END (-(1ull << 30)) /* since 6.9 */
#define LAYOUT_BITS_MIN 48		   /* VA_BITS_MIN, where VA_BITS is more */
#define LAYOUT_PAGE_BITS 6		   /* STRUCT_PAGE_MAX_SHIFT */
#define LAYOUT_FRAME 0x3fffffffff000ull	   /* an entry's physical address: memory above 2^50 is not known */

extern const void memstart_addr __ksym __weak;
extern const void max_pfn __ksym __weak;

/* As a kernel of so many bits lays its memory out on a CPU that has so many. */
static __always_inline void layout_assume(struct lv_layout *layout, __u32 bits, __u32 cpu_bits)
{
	layout->page_offset = -(1ull << bits);
	layout->phys_start = word_at(&memstart_addr, 0);
	layout->page_offset_end = layout->page_offset - layout->phys_start +
				  (word_at(&max_pfn, 0) << MEMORY_PAGE_SHIFT);
	layout->frame_mask = LAYOUT_FRAME;
	/* The top table's index is of nine bits, or of the four that are left of 52. */
	layout->top_shift = cpu_bits == 52 ? 48 : cpu_bits - MEMORY_LEVEL_BITS;
	layout->top_mask = (1 << (cpu_bits - layout->top_shift)) - 1;
}

/* Is it so? An address in the direct map tells its physical one, and so do the page tables. */
static __always_inline int layout_holds(const struct lv_layout *layout, __u64 addr)
{
	__u64 physical = addr - layout->page_offset + layout->phys_start, entry, within;
	__u32 shift;

	if (addr < layout->page_offset || addr >= layout->page_offset_end)
		return 0;
	entry = memory_entry(layout, addr, &shift);
	within = (1ull << (shift & 63)) - 1;
	return entry && (entry & layout->frame_mask & ~within) == (physical & ~within);
}

/* Where the struct pages begin changed in 6.9: that of an address in the direct map is mapped. */
static __always_inline int layout_find_vmemmap(struct lv_layout *layout, __u32 bits, __u64 addr)
{
	__u64 end = -(1ull << ((bits < LAYOUT_BITS_MIN ? bits : LAYOUT_BITS_MIN) - 1));
	__u64 page = ((addr - layout->page_offset) >> MEMORY_PAGE_SHIFT) * bpf_core_type_size(struct page);
	__u32 shift;

	layout->vmemmap = LAYOUT_VMEMMAP_END -
			  ((end - layout->page_offset) >> MEMORY_PAGE_SHIFT << LAYOUT_PAGE_BITS);
	if (memory_entry(layout, layout->vmemmap + page, &shift))
		return 0;
	layout->vmemmap = -(1ull << (bits - (MEMORY_PAGE_SHIFT - LAYOUT_PAGE_BITS)));
	return memory_entry(layout, layout->vmemmap + page, &shift) ? 0 : -1;
}

static __noinline int layout_try(struct lv_layout *layout, __u32 bits, __u32 cpu_bits)
{
	__u64 task = bpf_get_current_task(); /* a slab's */

	layout_assume(layout, bits, cpu_bits);
	return layout_holds(layout, task) ? layout_find_vmemmap(layout, bits, task) : -1;
}

/* CONFIG_ARM64_VA_BITS, and what the CPU does of it. One that does not hold is not mistaken for another. */
static __always_inline int layout_find(struct lv_layout *layout)
{
	if (!&swapper_pg_dir || !&memstart_addr || !bpf_core_type_size(struct page))
		return -1;
	if (!layout_try(layout, 48, 48) || !layout_try(layout, 52, 48) || !layout_try(layout, 52, 52) ||
	    !layout_try(layout, 39, 39))
		return 0;
	return -1;
}

#endif
