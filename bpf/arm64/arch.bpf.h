/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arm64 with pages of 4 KiB: where the kernel keeps things (Documentation/arch/arm64/memory.rst), its page tables, its
 * counts and flags. See the file of this name for x86, which has the same functions.
 *
 * Lowest is the direct map, from page_offset; then comes vmalloc's range, with the kernel's image and its modules
 * somewhere in it; above are the struct pages, from vmemmap. How many bits an address has decides where all of that
 * lies: see layout.bpf.h.
 */
#ifndef LOCKVANE_ARCH_BPF_H
#define LOCKVANE_ARCH_BPF_H

#include "load.bpf.h"

#define ARCH_LOW 0 /* the direct map has nothing but memory */

/* arch/arm64/include/asm/pgtable-hwdef.h */
#define ARCH_ENTRY_TABLE (1ull << 1) /* or, in the last level, a page */
#define ARCH_ENTRY_ATTRIBUTES(entry) ((entry) >> 2 & 7)
#define ARCH_WRITE_BACK 2 /* MT_NORMAL and MT_NORMAL_TAGGED are below; MT_NORMAL_NC and devices' are not */

/*
 * local_irq_save() returns the DAIF register, whose bit 7 masks irqs, and which has no bit below 6; or, with
 * pseudo-NMIs, the interrupt controller's PMR: GIC_PRIO_IRQON 0xe0, or GIC_PRIO_IRQOFF 0x60.
 */
#define ARCH_FLAG_PMR (1u << 5)
#define ARCH_FLAG_I (1u << 7) /* PSR_I_BIT: masked; of PMR, not masked */
#define ARCH_MODE_MASK 0xfu   /* PSR_MODE_MASK; user mode is 0 */

extern const void mod_tree __ksym __weak;
extern const void swapper_pg_dir __ksym __weak;

/*
 * The modules' memory has bounds that the kernel keeps. With KASLR, image and modules are an eighth of the address
 * space above where vmalloc() and ioremap() begin; without, these keep out of the modules' range.
 */
static __always_inline int arch_is_module(__u64 addr)
{
	__u64 tree = (__u64)&mod_tree;

	return tree && addr >= MEMORY_MEMBER(tree, struct mod_tree_root, addr_min) &&
	       addr < MEMORY_MEMBER(tree, struct mod_tree_root, addr_max);
}

/* Out of line: it is verified once. */
__noinline int arch_is_image(__u64 addr)
{
	return memory_is_kernel(addr) || arch_is_module(addr);
}

static __always_inline int arch_is_static(__u64 addr)
{
	return arch_is_image(addr);
}

static __always_inline __u64 arch_is_kernel(__u64 word)
{
	return ((word >> 52) + 1) >> 12;
}

static __always_inline __u64 arch_page_tables(void)
{
	return (__u64)&swapper_pg_dir;
}

static __always_inline int arch_entry_is_leaf(__u64 entry, __u32 shift)
{
	return shift == MEMORY_PAGE_SHIFT || !(entry & ARCH_ENTRY_TABLE);
}

static __always_inline int arch_entry_is_write_back(__u64 entry, __u32 shift)
{
	return ARCH_ENTRY_ATTRIBUTES(entry) < ARCH_WRITE_BACK;
}

/* The count is the low half of a word, whose high half says that nobody wants to be scheduled. */
static __always_inline __u32 arch_preempt_count(void)
{
	__u64 info = bpf_get_current_task() + bpf_core_field_offset(struct task_struct, thread_info);

	return MEMORY_MEMBER(info, struct thread_info, preempt_count);
}

/* It is a task's, not a CPU's. */
static __always_inline __u64 arch_find_count(__u32 cpu)
{
	return 0;
}

static __always_inline __u32 arch_preempt_count_of(const struct lv_cpu *cpu)
{
	return arch_preempt_count();
}

static __always_inline int arch_flags_irqs_on(__u64 flags)
{
	return !(flags & ARCH_FLAG_I) == !(flags & ARCH_FLAG_PMR);
}

static __always_inline int arch_regs_are_user(__u64 regs)
{
	return !(MEMORY_MEMBER(regs, struct pt_regs, pstate) & ARCH_MODE_MASK);
}

#endif
