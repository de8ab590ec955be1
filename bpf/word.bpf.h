/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A lock's own memory tells its holder. Only the rare path asks. PREEMPT_RT's mutexes, rwsems,
 * spinlocks and rwlocks are made of rt_mutexes.
 */
#ifndef LOCKVANE_WORD_BPF_H
#define LOCKVANE_WORD_BPF_H

#include "abi.h"
#include "memory.bpf.h"

#define WORD_OWNER_FLAGS 7ull /* kernel/locking/mutex.c and rwsem.c; rtmutex.c has one */
#define WORD_READER_OWNED 1ull /* rwsem.c: the newest reader stands there */
#define WORD_RWSEM_WRITER 1ull /* rwsem.c's count: bit 0 */
#define WORD_RWSEM_READERS 8   /* and they are counted from bit 8 */
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

/*
 * 4 or 8 bytes of a lock. 0 or -errno. A holder that is thought of long after it was given back
 * may have been freed, and its memory have become anything.
 */
static __always_inline int word_read(__u64 addr, __u32 offset, __u32 size, __u64 *ret)
{
	if (!memory_is_mapped(addr))
		return -1;
	return bpf_probe_read_kernel(ret, size, (const void *)(addr + offset));
}

static __always_inline int word_owner(__u64 addr, __u32 family, __u64 *ret, int *ret_shared)
{
	int offset = word_owner_offset(family);
	__u64 word = 0;

	if (offset < 0 || word_read(addr, offset, sizeof(word), &word))
		return -1;
	*ret = word & ~WORD_OWNER_FLAGS;
	*ret_shared = family == LV_RWSEM && word & WORD_READER_OWNED;
	return 0;
}

#define WORD_MUTEX_PICKUP 4ull /* mutex.c: handed to the owner, who waits still */

/*
 * The task that keeps others waiting, by the lock's word: a mutex's owner, a rwsem's writer. 0: it
 * names none, or one that has not been told yet.
 */
static __always_inline __u64 word_holder(__u64 addr, __u32 family)
{
	int offset = word_owner_offset(family);
	__u64 word = 0;

	if (offset < 0 || word_read(addr, offset, sizeof(word), &word))
		return 0;
	if (family == LV_MUTEX && word & WORD_MUTEX_PICKUP)
		return 0;
	if (family == LV_RWSEM && word & WORD_READER_OWNED)
		return 0;
	return word & ~WORD_OWNER_FLAGS;
}

/* __mutex_lock() and rwsem_down_*_slowpath() take it while they wait, on PREEMPT_RT they do not. */
static __always_inline __u32 word_inner_lock(__u32 family)
{
	if (family == LV_MUTEX && bpf_core_field_exists(((struct mutex *)0)->wait_lock))
		return bpf_core_field_offset(struct mutex, wait_lock);
	if (family == LV_RWSEM && bpf_core_field_exists(((struct rw_semaphore *)0)->wait_lock))
		return bpf_core_field_offset(struct rw_semaphore, wait_lock);
	return 0;
}

/* An rwsem has a count beside its owner, but on PREEMPT_RT. */
static __always_inline int word_has_count(void)
{
	return bpf_core_field_exists(((struct rw_semaphore *)0)->owner);
}

static __always_inline int word_rwsem_count(__u64 addr, __u64 *ret)
{
	return word_read(addr, bpf_core_field_offset(struct rw_semaphore, count), 8, ret);
}

static __always_inline int word_only_reader(__u64 addr, __u64 *ret)
{
	int shared = 0;
	__u64 count = 0;

	if (!word_has_count() || word_owner(addr, LV_RWSEM, ret, &shared) || !shared)
		return -1;
	if (word_rwsem_count(addr, &count))
		return -1;
	return count & WORD_RWSEM_WRITER || count >> WORD_RWSEM_READERS != 1 ? -1 : 0;
}

/* The word that is `idle`, in the bits of `mask`, while nobody holds the lock. */
struct word_place {
	__u32 offset;
	__u32 size;
	__u64 mask;
	__u64 idle;
};

static __always_inline void word_find(__u32 family, struct word_place *ret)
{
	*ret = (struct word_place){ .size = 4, .mask = ~0ull };
	switch (family) {
	case LV_MUTEX:
	case LV_RT_SPIN:
		ret->offset = word_owner_offset(family);
		ret->size = 8;
		ret->mask = ~WORD_OWNER_FLAGS;
		break;
	case LV_RWSEM:
		if (word_has_count()) {
			ret->offset = bpf_core_field_offset(struct rw_semaphore, count);
			ret->size = 8;
			ret->mask = WORD_RWSEM_WRITER | -1ull << WORD_RWSEM_READERS;
			break;
		}
		ret->idle = WORD_READER_BIAS;
		break;
	case LV_RT_RWLOCK:
		ret->idle = WORD_READER_BIAS;
		break;
	case LV_PERCPU_RWSEM: /* its first member is a struct rcu_sync, not idle while one writes */
		ret->offset = bpf_core_field_offset(struct rcu_sync, gp_state);
		break;
	case LV_SOCK:
		ret->offset = bpf_core_field_offset(struct sock, sk_lock.owned) -
			      bpf_core_field_offset(struct sock, sk_lock);
		break;
	case LV_RWLOCK: /* struct qrwlock: readers from bit 9, writer in the low byte */
		break;
	default: /* struct qspinlock: the low byte is "locked" */
		ret->mask = 0xff;
	}
}

/* 1: the lock is held, 0: it is not, -1: that cannot be read. Out of line, for the callers' stacks. */
__noinline int word_is_held(__u64 addr, __u32 family)
{
	struct word_place place;
	__u64 word = 0;

	word_find(family, &place);
	if (word_read(addr, place.offset, place.size, &word))
		return -1;
	return (word & place.mask) != place.idle;
}

/* *ret is not zero while the lock is held. Returns -errno where that cannot be read. */
static __always_inline int word_held(__u64 addr, __u32 family, __u32 *ret)
{
	int held = word_is_held(addr, family);

	*ret = held > 0;
	return held < 0 ? held : 0;
}

#endif
