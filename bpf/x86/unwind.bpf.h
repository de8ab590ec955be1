/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From one return address on the stack to the next, on x86-64. The first is found by the trampoline's frame. Those
 * above are found by ORC (Documentation/arch/x86/orc-unwinder.rst): where the kernel has it, its two
 * tables say of each instruction how far above the stack pointer the return address lies. A few frames cost a
 * few words to look up here, where bpf_get_stack() unwinds ours and the lock's, too, each from scratch.
 */
#ifndef LOCKVANE_UNWIND_BPF_H
#define LOCKVANE_UNWIND_BPF_H

#include "abi.h"
#include "maps.bpf.h"
#include "memory.bpf.h"

extern const void __start_orc_unwind_ip __ksym __weak;
extern const void __stop_orc_unwind_ip __ksym __weak;
extern const void __start_orc_unwind __ksym __weak;
extern const void schedule __ksym;

#define UNWIND_ORC_STEP (1u << 21) /* more than half of the entries of any kernel */
#define UNWIND_ORC_SIZE 6	   /* struct orc_entry */
#define UNWIND_ORC_KIND 0xff0f	   /* mask of its last two bytes: sp_reg, type; without bp_reg */

/*
 * An ORC entry's parts: where the return address lies, above the stack pointer, and by what
 * register that is told.
 */
#define UNWIND_ORC_OFFSET(entry) ((__s64)(__s16)(entry))
#define UNWIND_ORC_IS(entry) ((__u32)((entry) >> 32) & UNWIND_ORC_KIND)

/*
 * The trampoline (arch_prepare_bpf_trampoline()) has in its frame, from below: how many
 * arguments there are; these, ctx; the return value; a frame pointer. Above is where it was
 * called from: the hooked function, whose section this is, and above that the return address of
 * this. Since 7.0 the function may jump instead. Returns the address of that word.
 */
static __always_inline __u64 unwind_slot(__u64 event, const void *start, const void *end)
{
	__u64 slot = event + 8 * ((memory_word(event - 8) & 0xff) + 2);
	__u64 caller = memory_word(slot);

	return caller >= (__u64)start && caller < (__u64)end ? slot + 8 : slot;
}

/* The index of the last ORC entry that does not begin above ip, without branches: see place_search_anchor(). */
static __always_inline __u64 unwind_search_orc(__u64 ip)
{
	__u64 ips = (__u64)&__start_orc_unwind_ip;
	__u64 nr = ((__u64)&__stop_orc_unwind_ip - ips) / sizeof(__s32), at = 0;

	for (__u32 step = UNWIND_ORC_STEP; step; step /= 2) {
		__u64 next = at + step, inside = next - nr, where, below;

		/* Out of the table, its first entry is looked at. */
		where = ips + (next & -(inside >> 63)) * sizeof(__s32);
		below = (inside & ~(ip - where - (__s64)(__s32)memory_word(where))) >> 63;
		__asm__ __volatile__("" : "+r"(below));
		at += step * below;
	}
	return at;
}

/* The ORC entry of an instruction of the kernel's image; 0: there is none, or it says nothing. */
__noinline __u64 unwind_orc(__u64 ip)
{
	if (!&__start_orc_unwind_ip || !&__stop_orc_unwind_ip || !&__start_orc_unwind)
		return 0;
	return memory_word((__u64)&__start_orc_unwind + UNWIND_ORC_SIZE * unwind_search_orc(ip));
}

/*
 * The kind that entries usually are: at its first instruction, a function's return address is what
 * rsp points to.
 */
static __always_inline __u32 unwind_find_orc_kind(void)
{
	__u64 entry = unwind_orc((__u64)&schedule);

	return UNWIND_ORC_OFFSET(entry) == sizeof(__u64) ? UNWIND_ORC_IS(entry) : 0;
}

/* Where the next return address lies, by what stands at `slot`; 0: ORC does not tell. */
static __always_inline __u64 unwind_next(__u64 slot, __u64 ip)
{
	__u32 kind = lv_control.layout.orc_kind;
	__u64 entry = kind ? unwind_orc(ip - 1) : 0;
	__s64 up = UNWIND_ORC_OFFSET(entry);

	if (!kind || UNWIND_ORC_IS(entry) != kind || up < 8 || up % 8)
		return 0;
	return slot + up;
}

#endif
