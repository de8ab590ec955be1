/* SPDX-License-Identifier: GPL-2.0-only */
/* Pseudo-locks in the kernel's memory: what their classes are about, and what shows that one is held. */
#ifndef LOCKVANE_PSEUDO_BPF_H
#define LOCKVANE_PSEUDO_BPF_H

#include "abi.h"

/* Only an address of the kernel's can be what a class is about. */
static __always_inline int pseudo_place(__u64 base, struct lv_place *ret)
{
	*ret = (struct lv_place){ .kind = LV_PLACE_PSEUDO, .base = base };
	return base < lv_control.layout.page_offset ? -1 : 0;
}

/* Where the text lies that a class is called by; 0: it has none. */
static __always_inline __u64 pseudo_text(__u64 base, __u32 kind)
{
	__u64 disk;

	switch (kind) {
	case LV_PSEUDO_WQ:
		return base + bpf_core_field_offset(struct workqueue_struct, name);
	case LV_PSEUDO_QUEUE_IO:
	case LV_PSEUDO_QUEUE:
		disk = MEMORY_MEMBER(base, struct request_queue, disk);
		return disk ? disk + bpf_core_field_offset(struct gendisk, disk_name) : 0;
	case LV_PSEUDO_SB_WRITERS:
	case LV_PSEUDO_SB_PAGEFAULTS:
	case LV_PSEUDO_SB_INTERNAL:
		return MEMORY_MEMBER(base, struct file_system_type, name);
	}
	return 0;
}

static __always_inline void pseudo_describe(__u64 base, __u32 kind, char *ret_text)
{
	__u64 text = pseudo_text(base, kind);

	if (text)
		bpf_probe_read_kernel_str(ret_text, LV_NAME_LEN, (const void *)text);
}

/* A transaction of btrfs blocks who would start another from the one state to the other. */
static __always_inline int pseudo_btrfs_blocks(__u64 transaction)
{
	__u32 state;

	if (!bpf_core_type_exists(struct btrfs_transaction) || !memory_is_direct(transaction))
		return 0;
	state = MEMORY_MEMBER(transaction, struct btrfs_transaction, state);
	return state >= bpf_core_enum_value(enum btrfs_trans_state, TRANS_STATE_COMMIT_START) &&
	       state < bpf_core_enum_value(enum btrfs_trans_state, TRANS_STATE_UNBLOCKED);
}

/* The running task's handle of a filesystem: what it is, its filesystem knows. */
static __always_inline __u64 pseudo_handle(void)
{
	return MEMORY_MEMBER(bpf_get_current_task(), struct task_struct, journal_info);
}

/*
 * Other filesystems' may be on the task's stack, and btrfs has a number there that is none. A task that has just
 * joined takes its first locks before the handle is there.
 */
static __always_inline int pseudo_btrfs_joined(__u64 fs_info)
{
	__u64 handle = pseudo_handle();

	if (!handle)
		return -1;
	return bpf_core_type_exists(struct btrfs_trans_handle) && memory_is_direct(handle) &&
	       MEMORY_MEMBER(handle, struct btrfs_trans_handle, fs_info) == fs_info;
}

#define PSEUDO_KN_BIAS 0x80000001u /* KN_DEACTIVATED_BIAS (fs/kernfs/kernfs-internal.h) */

/* Has anybody an active reference to the file? Counted from the bias on while they are waited for. */
static __always_inline int pseudo_kernfs_is_active(__u64 node)
{
	__u32 active = memory_is_direct(node) ?
			       MEMORY_MEMBER(node, struct kernfs_node, active) :
			       0;

	return active && active != PSEUDO_KN_BIAS;
}

#define PSEUDO_OBJECT(addr) ((addr) & ~7ull) /* an instance is odd: see pseudo_hooks.bpf.h */

/*
 * Is it held, as far as memory tells (negative: it does not tell now)? A task names its handle; a queue counts its freezers, a file of kernfs
 * its users, and console_sem is free or not, whoever has it.
 */
static __always_inline int pseudo_is_held(__u32 kind, __u64 addr)
{
	switch (kind) {
	case LV_PSEUDO_JOURNAL:
		return pseudo_handle() == PSEUDO_OBJECT(addr);
	case LV_PSEUDO_BTRFS_WRITERS:
	case LV_PSEUDO_BTRFS_EXTWRITERS:
		return pseudo_btrfs_joined(PSEUDO_OBJECT(addr));
	case LV_PSEUDO_BTRFS_UNBLOCKED:
		return pseudo_btrfs_blocks(PSEUDO_OBJECT(addr));
	case LV_PSEUDO_KERNFS:
		return pseudo_kernfs_is_active(PSEUDO_OBJECT(addr));
	case LV_PSEUDO_QUEUE_IO:
	case LV_PSEUDO_QUEUE:
		return !!(__u32)MEMORY_MEMBER(PSEUDO_OBJECT(addr), struct request_queue,
					     mq_freeze_depth);
	case LV_PSEUDO_CONSOLE_LOCK:
		return !(__u32)MEMORY_MEMBER(PSEUDO_OBJECT(addr), struct semaphore, count);
	}
	return 1;
}

#endif
