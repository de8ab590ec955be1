/* SPDX-License-Identifier: GPL-2.0-only */
/* Return addresses on the stack of the event that runs. */
#ifndef LOCKVANE_FRAME_BPF_H
#define LOCKVANE_FRAME_BPF_H

#include "abi.h"
#include "maps.bpf.h"
#include "unwind.bpf.h"

#define FRAME_NOWHERE 1	 /* where no caller was found: an offset that none has */
#define FRAME_WORDS 0xff /* a caller lies so near above its event, at most */
#define FRAME_REACH 4096 /* bytes: a stack ends with a page that is not mapped */

static __always_inline __u64 frame_caller(__u64 event, const void *start, const void *end)
{
	__u64 caller = memory_word(unwind_slot(event, start, end));

	return arch_is_static(caller) ? caller : 0;
}

/* Out of line, for the sake of the stack of who calls this. */
__noinline __u64 frame_word(__u64 event, __u32 at)
{
	return memory_word(event + (at & FRAME_WORDS));
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
 * outermost? 0: that cannot be told.
 */
static __always_inline __u64 frame_above(__u64 slot)
{
	__u64 from = slot, ip = memory_word(slot);

	for (int i = 0; i < LV_ABOVE_FRAMES && generic_has(ip); i++) {
		__u64 next = unwind_next(slot, ip);

		if (next <= slot || next - from >= FRAME_REACH)
			return 0;
		slot = next;
		ip = memory_word(slot);
	}
	return slot != from && arch_is_static(ip) && !generic_has(ip) ? ip : 0;
}

#endif
