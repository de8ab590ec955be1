/* SPDX-License-Identifier: GPL-2.0-only */
/* A word of kernel memory. Is there memory? The caller knows: see memory.bpf.h. */
#ifndef LOCKVANE_LOAD_BPF_H
#define LOCKVANE_LOAD_BPF_H

#include "abi.h"

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

/* A variable's value, where the kernel has the variable. */
static __always_inline __u64 word_at(const void *symbol, __u64 otherwise)
{
	__u64 value = 0;

	if (!symbol || bpf_probe_read_kernel(&value, sizeof(value), symbol))
		return otherwise;
	return value;
}

#define MEMORY_MEMBER(addr, type, member) \
	memory_word((addr) + bpf_core_field_offset(((type *)0)->member))

extern const void _text __ksym;
extern const void _end __ksym;

/* The kernel's image, without modules. */
static __always_inline int memory_is_kernel(__u64 addr)
{
	return addr - (__u64)&_text < (__u64)&_end - (__u64)&_text;
}

#define MEMORY_PAGE_SHIFT 12
#define MEMORY_LEVEL_BITS 9 /* a page table's index takes so many bits of an address */

#endif
