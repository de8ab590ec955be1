/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a lock's own memory says of who holds it. Only the rare path asks.
 * PREEMPT_RT's mutexes, rwsems, spinlocks and rwlocks are made of rt_mutexes.
 */
#ifndef LOCKVANE_WORD_BPF_H
#define LOCKVANE_WORD_BPF_H

#include "abi.h"

#define WORD_OWNER_FLAGS 7ull /* kernel/locking/mutex.c and rwsem.c; rtmutex.c has one */
#define WORD_READER_OWNED 1ull /* rwsem.c: the newest reader stands there */
#define WORD_RWSEM_READERS 8   /* rwsem.c: they are counted from bit 8, bit 0 is the writer */
#define WORD_READER_BIAS 0x80000000u /* rwbase_rt.h: what stands there while nobody holds it */

/* Bytes from the lock to the word that names its holder, or -1. */
static __always_inline int word_owner_offset(__u32 family)
{
	if (family == LV_RT_SPIN)
		return bpf_core_field_offset(struct rt_mutex_base, owner);
	if (family == LV_RWSEM)
		return bpf_core_field_exists(((struct rw_semaphore *)0)->owner) ?
			       bpf_core_field_offset(struct rw_semaphore, owner) :
			       -1;
	if (family != LV_MUTEX)
		return -1;
	if (bpf_core_field_exists(((struct mutex *)0)->owner))
		return bpf_core_field_offset(struct mutex, owner);
	return bpf_core_field_offset(struct rt_mutex_base, owner); /* its first member */
}

static __always_inline int word_owner(__u64 addr, __u32 family, __u64 *ret, int *ret_shared)
{
	int offset = word_owner_offset(family);
	__u64 word = 0;

	if (offset < 0 || bpf_probe_read_kernel(&word, sizeof(word), (const void *)(addr + offset)))
		return -1;
	*ret = word & ~WORD_OWNER_FLAGS;
	*ret_shared = family == LV_RWSEM && word & WORD_READER_OWNED;
	return 0;
}

/* The word of a lock without an owner: 4 or 8 bytes of it. */
static __always_inline __u64 word_read(__u64 addr, __u32 offset, __u32 size)
{
	__u64 word = 0;

	bpf_probe_read_kernel(&word, size, (const void *)(addr + offset));
	return word;
}

/* Not zero while the lock is held. What cannot be read is not held. */
static __always_inline __u32 word_held(__u64 addr, __u32 family)
{
	__u64 word, owner = 0;
	int shared;

	switch (family) {
	case LV_MUTEX:
	case LV_RT_SPIN:
		return !word_owner(addr, family, &owner, &shared) && owner;
	case LV_RWSEM:
		if (!bpf_core_field_exists(((struct rw_semaphore *)0)->owner))
			return word_read(addr, 0, 4) != WORD_READER_BIAS;
		word = word_read(addr, bpf_core_field_offset(struct rw_semaphore, count), 8);
		return word & 1 || word >> WORD_RWSEM_READERS;
	case LV_RT_RWLOCK:
		return word_read(addr, 0, 4) != WORD_READER_BIAS;
	case LV_PERCPU_RWSEM: /* its first member is a struct rcu_sync, not idle while one writes */
		return word_read(addr, bpf_core_field_offset(struct rcu_sync, gp_state), 4) != 0;
	case LV_SOCK:
		return word_read(addr,
				 bpf_core_field_offset(struct sock, sk_lock.owned) -
					 bpf_core_field_offset(struct sock, sk_lock),
				 4) != 0;
	case LV_RWLOCK: /* struct qrwlock: readers from bit 9, writer in the low byte */
		return word_read(addr, 0, 4) != 0;
	default: /* struct qspinlock: the low byte is "locked" */
		return (word_read(addr, 0, 4) & 0xff) != 0;
	}
}

#endif
