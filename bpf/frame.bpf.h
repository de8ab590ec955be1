/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Return addresses on the stack of the event that runs. The first is found by the trampoline's frame. Those
 * above are found by ORC (Documentation/arch/x86/orc-unwinder.rst): where the kernel has it, its two
 * tables say of each instruction how far above the stack pointer the return address lies. A few frames cost a
 * few words to look up here, where bpf_get_stack() unwinds ours and the lock's, too, each from scratch.
 */
#ifndef LOCKVANE_FRAME_BPF_H
#define LOCKVANE_FRAME_BPF_H

#include "abi.h"
#include "maps.bpf.h"
#include "memory.bpf.h"

extern const void __start_orc_unwind_ip __ksym __weak;
extern const void __stop_orc_unwind_ip __ksym __weak;
extern const void __start_orc_unwind __ksym __weak;
extern const void schedule __ksym;

#define FRAME_ORC_STEP (1u << 21) /* more than half of the entries of any kernel */
#define FRAME_ORC_SIZE 6	  /* struct orc_entry */
#define FRAME_ORC_KIND 0xff0f	  /* mask of its last two bytes: sp_reg, type; without bp_reg */
#define FRAME_NOWHERE 1		  /* where no caller was found: an offset that none has */
#define FRAME_WORDS 0xff	  /* a caller lies so near above its event, at most */
#define FRAME_REACH 4096	  /* bytes: a stack ends with a page that is not mapped */

/*
 * An ORC entry's parts: where the return address lies, above the stack pointer, and by what
 * register that is told.
 */
#define FRAME_ORC_OFFSET(entry) ((__s64)(__s16)(entry))
#define FRAME_ORC_IS(entry) ((__u32)((entry) >> 32) & FRAME_ORC_KIND)

/*
 * The trampoline (arch_prepare_bpf_trampoline()) has in its frame, from below: how many
 * arguments there are; these, ctx; the return value; a frame pointer. Above is where it was
 * called from: the hooked function, whose section this is, and above that the return address of
 * this. Since 7.0 the function may jump instead. Returns the address of that word.
 */
static __always_inline __u64 frame_slot(__u64 event, const void *start, const void *end)
{
	__u64 slot = event + 8 * ((memory_word(event - 8) & 0xff) + 2);
	__u64 caller = memory_word(slot);

	return caller >= (__u64)start && caller < (__u64)end ? slot + 8 : slot;
}

static __always_inline __u64 frame_caller(__u64 event, const void *start, const void *end)
{
	__u64 caller = memory_word(frame_slot(event, start, end));

	return caller >= MEMORY_IMAGE ? caller : 0;
}

/* Out of line, for the sake of the stack of who calls this. */
__noinline __u64 frame_word(__u64 event, __u32 at)
{
	return memory_word(event + (at & FRAME_WORDS));
}

/* The index of the last ORC entry that does not begin above ip, without branches: see place_search_anchor(). */
static __always_inline __u64 frame_search_orc(__u64 ip)
{
	__u64 ips = (__u64)&__start_orc_unwind_ip;
	__u64 nr = ((__u64)&__stop_orc_unwind_ip - ips) / sizeof(__s32), at = 0;

	for (__u32 step = FRAME_ORC_STEP; step; step /= 2) {
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
__noinline __u64 frame_orc(__u64 ip)
{
	if (!&__start_orc_unwind_ip || !&__stop_orc_unwind_ip || !&__start_orc_unwind)
		return 0;
	return memory_word((__u64)&__start_orc_unwind + FRAME_ORC_SIZE * frame_search_orc(ip));
}

/*
 * The kind that entries usually are: at its first instruction, a function's return address is what
 * rsp points to.
 */
static __always_inline __u32 frame_find_orc_kind(void)
{
	__u64 entry = frame_orc((__u64)&schedule);

	return FRAME_ORC_OFFSET(entry) == sizeof(__u64) ? FRAME_ORC_IS(entry) : 0;
}

/* Functions begin at multiples of 16, and the user half has a bit for each step that is in one. */
__noinline int generic_has(__u64 ip)
{
	__u64 step = (ip - lv_generic.start) >> LV_GENERIC_SHIFT;

	if (ip < lv_generic.start || step >= LV_GENERIC_STEPS)
		return 0;
	return lv_generic.bits[step / 64 & (LV_GENERIC_STEPS / 64 - 1)] >> (step & 63) & 1;
}

/*
 * Generic functions were called, the innermost to return to what stands at `slot`: who called the
 * outermost? 0: ORC does not tell.
 */
static __always_inline __u64 frame_above(__u64 slot)
{
	__u32 kind = lv_control.layout.orc_kind;
	__u64 from = slot, ip = memory_word(slot);

	for (int i = 0; kind && i < LV_ABOVE_FRAMES && generic_has(ip); i++) {
		__u64 entry = frame_orc(ip - 1);
		__s64 up = FRAME_ORC_OFFSET(entry);

		if (FRAME_ORC_IS(entry) != kind || up < 8 || up % 8 || slot + up - from >= FRAME_REACH)
			return 0;
		slot += up;
		ip = memory_word(slot);
	}
	return slot != from && ip >= MEMORY_IMAGE && !generic_has(ip) ? ip : 0;
}

#endif
