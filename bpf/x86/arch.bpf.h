/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86-64: where the kernel keeps things (Documentation/arch/x86/x86_64/mm.rst), its page tables, its counts and
 * flags. The other architectures' files of this name have the same functions.
 *
 * The kernel's image and the modules are in the top 2 GiB; the direct map goes from page_offset; the struct pages
 * from vmemmap; vmalloc's range lies between the direct map and the struct pages.
 */
#ifndef LOCKVANE_ARCH_BPF_H
#define LOCKVANE_ARCH_BPF_H

#include "load.bpf.h"

#define ARCH_IMAGE 0xffffffff80000000ull       /* __START_KERNEL_map */
#define ARCH_MODULES_END 0xffffffffff000000ull /* MODULES_END; the fixmap, with the APIC, is above */
#define ARCH_LOW (1ull << 20) /* ISA_END_ADDRESS: below, the direct map shows the VGA's window */

/* arch/x86/include/asm/pgtable_types.h */
#define ARCH_ENTRY_CACHE (3ull << 3) /* _PAGE_PWT and _PAGE_PCD: neither in write-back */
#define ARCH_ENTRY_LARGE (1ull << 7) /* in a page's own entry, _PAGE_PAT: not in write-back */
#define ARCH_ENTRY_PAT_LARGE (1ull << 12)

#define ARCH_FLAG_IF (1u << 9) /* X86_EFLAGS_IF */

extern const void init_top_pgt __ksym __weak;
extern const struct pcpu_hot pcpu_hot __ksym __weak; /* 6.2 to 6.14 */
extern const int __preempt_count __ksym __weak;	     /* before and after */

/* The kernel's image and the modules; no ioremap() goes there. */
static __always_inline int arch_is_image(__u64 addr)
{
	return addr >= ARCH_IMAGE && addr < ARCH_MODULES_END;
}

/* The same, for addresses that cannot lie above it: a return address, a lock's. */
static __always_inline int arch_is_static(__u64 addr)
{
	return addr >= ARCH_IMAGE;
}

/* May the word be a kernel address? 1 or 0, without branches. */
static __always_inline __u64 arch_is_kernel(__u64 word)
{
	return ((word >> 48) + 1) >> 16;
}

static __always_inline __u64 arch_page_tables(void)
{
	return (__u64)&init_top_pgt;
}

/* Does the entry, of this level, map memory rather than lead to another table? */
static __always_inline int arch_entry_is_leaf(__u64 entry, __u32 shift)
{
	return shift == MEMORY_PAGE_SHIFT || entry & ARCH_ENTRY_LARGE;
}

/* Does an entry that is a leaf say that its pages are write-back? */
static __always_inline int arch_entry_is_write_back(__u64 entry, __u32 shift)
{
	__u64 pat = shift == MEMORY_PAGE_SHIFT ? ARCH_ENTRY_LARGE : ARCH_ENTRY_PAT_LARGE;

	return !(entry & (ARCH_ENTRY_CACHE | pat));
}

static __always_inline __u32 arch_preempt_count(void)
{
	if (&pcpu_hot)
		return ((const struct pcpu_hot *)bpf_this_cpu_ptr(&pcpu_hot))->preempt_count;
	if (&__preempt_count)
		return *(const int *)bpf_this_cpu_ptr(&__preempt_count);
	return 0;
}

/* Where the kernel has that of a CPU; 0: it has none. */
static __always_inline __u64 arch_find_count(__u32 cpu)
{
	const struct pcpu_hot *hot;

	if (!&pcpu_hot)
		return &__preempt_count ? (__u64)bpf_per_cpu_ptr(&__preempt_count, cpu) : 0;
	hot = bpf_per_cpu_ptr(&pcpu_hot, cpu);
	return hot ? (__u64)&hot->preempt_count : 0;
}

/* A call of a helper less, where memory is read by plain loads. */
static __always_inline __u32 arch_preempt_count_of(const struct lv_cpu *cpu)
{
	return bpf_rdonly_cast ? memory_load(cpu->count_at) : arch_preempt_count();
}

/* Are irqs on, by flags that were saved? */
static __always_inline int arch_flags_irqs_on(__u64 flags)
{
	return !!(flags & ARCH_FLAG_IF);
}

static __always_inline int arch_regs_are_user(__u64 regs)
{
	return MEMORY_MEMBER(regs, struct pt_regs, cs) & 3;
}

#endif
