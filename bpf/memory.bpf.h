/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is there memory at an address? A read of a device's registers can take a byte from a UART or lose
 * an interrupt, and no exception table protects against that. ioremap() takes its addresses from
 * vmalloc's range. So a program reads
 *
 *   - the direct map, but for its first MiB: it maps memory only, and what it maps beside
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

#include "abi.h"

#define MEMORY_IMAGE 0xffffffff80000000ull	 /* __START_KERNEL_map */
#define MEMORY_MODULES_END 0xffffffffff000000ull /* MODULES_END; the fixmap, with the APIC, is above */
#define MEMORY_LOW (1ull << 20)			 /* ISA_END_ADDRESS */
#define MEMORY_STACK_SIZE 0x4000ull /* THREAD_SIZE, which a stack is aligned to; KASAN doubles it */

/* arch/x86/include/asm/pgtable_types.h */
#define MEMORY_ENTRY_PRESENT (1ull << 0)
#define MEMORY_ENTRY_CACHE (3ull << 3) /* _PAGE_PWT and _PAGE_PCD: neither in write-back */
#define MEMORY_ENTRY_LARGE (1ull << 7) /* in a page's own entry, _PAGE_PAT: not in write-back */
#define MEMORY_ENTRY_PAT_LARGE (1ull << 12)
#define MEMORY_LEVELS 5
#define MEMORY_LEVEL_BITS 9
#define MEMORY_PAGE_SHIFT 12

extern const void init_top_pgt __ksym __weak;
extern void *bpf_rdonly_cast(void *obj, __u32 btf_id) __ksym __weak; /* since 6.2 */

/*
 * A plain load, where the kernel lets us say what lies there: pt_regs begins with such a word, and is known
 * to every kernel. Without a relocation, which is an addition of 0.
 */
static __always_inline __u64 memory_load(__u64 addr)
{
	return *(__u64 *)bpf_rdonly_cast((void *)addr, bpf_core_type_id_kernel(struct pt_regs));
}

/* The eight bytes of kernel memory at addr, 0 if they can't be read. A helper does it for twenty times as much. */
static __always_inline __u64 memory_word(__u64 addr)
{
	__u64 word = 0;

	if (bpf_rdonly_cast)
		return memory_load(addr);
	bpf_probe_read_kernel(&word, sizeof(word), (const void *)addr);
	return word;
}

#define MEMORY_MEMBER(addr, type, member) \
	memory_word((addr) + bpf_core_field_offset(((type *)0)->member))

static __always_inline int memory_is_direct(__u64 addr)
{
	const struct lv_layout *layout = &lv_control.layout;

	return addr >= layout->page_offset + MEMORY_LOW && addr < layout->page_offset_end;
}

/* Where most is, told without a look at the page tables. */
static __always_inline int memory_is_plain(__u64 addr)
{
	return memory_is_direct(addr) || (addr >= MEMORY_IMAGE && addr < MEMORY_MODULES_END);
}

/* Does an entry of the page tables, of this level, say that its pages are write-back? */
static __always_inline int memory_is_write_back(__u64 entry, __u32 shift)
{
	__u64 pat = shift == MEMORY_PAGE_SHIFT ? MEMORY_ENTRY_LARGE : MEMORY_ENTRY_PAT_LARGE;

	return !(entry & (MEMORY_ENTRY_CACHE | pat));
}

/* The page tables' entry of an address, and in *shift of which level it is; 0: it is not mapped. */
static __always_inline __u64 memory_entry(__u64 addr, __u32 *shift)
{
	const struct lv_layout *layout = &lv_control.layout;
	__u64 table = (__u64)&init_top_pgt, entry;

	*shift = layout->top_shift;
	for (int i = 0; table && i < MEMORY_LEVELS; i++) {
		entry = memory_word(table + (addr >> (*shift & 63)) % 512 * sizeof(entry));
		if (!(entry & MEMORY_ENTRY_PRESENT))
			break;
		if (*shift == MEMORY_PAGE_SHIFT || entry & MEMORY_ENTRY_LARGE)
			return entry;
		table = layout->page_offset + (entry & layout->frame_mask);
		if (!memory_is_direct(table))
			break;
		*shift -= MEMORY_LEVEL_BITS;
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
	entry = memory_entry(addr, &shift);
	return entry && memory_is_write_back(entry, shift);
}

#endif
