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

#define PSEUDO_OBJECT(addr) ((addr) & ~7ull) /* an instance is odd: see pseudo_hooks.bpf.h */

/*
 * Is it held, as far as memory tells? A task names its handle; a queue counts its freezers, and
 * console_sem is free or not, whoever has it.
 */
static __always_inline int pseudo_is_held(__u32 kind, __u64 addr)
{
	switch (kind) {
	case LV_PSEUDO_JOURNAL:
		return MEMORY_MEMBER(bpf_get_current_task(), struct task_struct, journal_info) ==
		       PSEUDO_OBJECT(addr);
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
