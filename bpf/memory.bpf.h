/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is there memory at an address? A read of a device's registers can take a byte from a UART or lose
 * an interrupt, and no exception table protects against that. ioremap() takes its addresses from
 * vmalloc's range. So a program reads
 *
 *   - the direct map, but for the first MiB on x86: it maps memory only, and what it maps beside
 *     that (the VGA's window) lies below 1 MiB. Addresses in between are not mapped, and fault.
 *   - the image of the kernel and the modules: no ioremap() goes there
 *   - the running task's stack
 *   - anything else only if the kernel's page tables map it write-back, as they do all
 *     memory and no device: a CPU may read such a page at any time by speculation, so that a read
 *     changes nothing. Page tables are memory in the direct map themselves.
 *
 * docs/how-it-works.md has a table of all that is read.
 */
#ifndef LOCKVANE_MEMORY_BPF_H
#define LOCKVANE_MEMORY_BPF_H

#include "arch.bpf.h"

#define MEMORY_STACK_SIZE 0x4000ull /* THREAD_SIZE, which a stack is aligned to; KASAN doubles it */
#define MEMORY_ENTRY_PRESENT (1ull << 0) /* on all architectures here */
#define MEMORY_LEVELS 5

static __always_inline int memory_is_direct_in(const struct lv_layout *layout, __u64 addr)
{
	return addr >= layout->page_offset + ARCH_LOW && addr < layout->page_offset_end;
}

static __always_inline int memory_is_direct(__u64 addr)
{
	return memory_is_direct_in(&lv_control.layout, addr);
}

/* Where most is, told without a look at the page tables. */
static __always_inline int memory_is_plain(__u64 addr)
{
	return memory_is_direct(addr) || arch_is_image(addr);
}

/* The page tables' entry of an address, and in *shift of which level it is; 0: it is not mapped. */
static __always_inline __u64 memory_entry(const struct lv_layout *layout, __u64 addr, __u32 *shift)
{
	__u64 table = arch_page_tables(), mask = layout->top_mask, entry;

	*shift = layout->top_shift;
	for (int i = 0; table && i < MEMORY_LEVELS; i++) {
		entry = memory_word(table + ((addr >> (*shift & 63)) & mask) * sizeof(entry));
		if (!(entry & MEMORY_ENTRY_PRESENT))
			break;
		if (arch_entry_is_leaf(entry, *shift))
			return entry;
		table = layout->page_offset - layout->phys_start + (entry & layout->frame_mask);
		if (!memory_is_direct_in(layout, table))
			break;
		*shift -= MEMORY_LEVEL_BITS;
		mask = (1 << MEMORY_LEVEL_BITS) - 1;
	}
	return 0;
}

/*
 * Is it memory, whatever lies there by now? Held on to by nothing: in the instant between this and the
 * read, an area would have to go, every CPU be told, and a device be mapped in its place.
 */
__noinline int memory_is_mapped(__u64 addr)
{
	__u32 shift;
	__u64 entry;

	if (memory_is_plain(addr))
		return 1;
	entry = memory_entry(&lv_control.layout, addr, &shift);
	return entry && arch_entry_is_write_back(entry, shift);
}

#endif
