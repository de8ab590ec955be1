/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From one return address on the stack to the next, on arm64: each function's frame begins with a record of two words,
 * where its caller's record is and the return address.
 */
#ifndef LOCKVANE_UNWIND_BPF_H
#define LOCKVANE_UNWIND_BPF_H

#include "abi.h"
#include "memory.bpf.h"

#define UNWIND_SAVED 2 /* words: the registers that the trampoline saves above arguments and return value */
#define UNWIND_ROOM 2  /* there may be a return value, and padding */

/*
 * The trampoline (prepare_trampoline()) has in its frame, from below: how many arguments there are;
 * these, ctx; maybe the return value; two registers; maybe padding. Above are two records: the hooked function's,
 * which leads to that behind it, and with that the address which the hooked function returns to. Returns where
 * that stands.
 */
static __always_inline __u64 unwind_slot(__u64 event, const void *start, const void *end)
{
	__u64 record = event + 8 * ((memory_word(event - 8) & 0xff) + UNWIND_SAVED);

	for (int i = 0; i < UNWIND_ROOM && memory_word(record) != record + 16; i++)
		record += 8;
	return record + 24;
}

static __always_inline __u64 unwind_next(__u64 slot, __u64 ip)
{
	return memory_word(slot - 8) + 8;
}

static __always_inline __u32 unwind_find_orc_kind(void)
{
	return 0;
}

#endif
