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

/* The text of a class that is not called by a symbol. */
static __always_inline void pseudo_describe(__u64 base, __u32 kind, char *ret_text)
{
	if (kind == LV_PSEUDO_WQ)
		bpf_probe_read_kernel_str(ret_text, LV_NAME_LEN,
					  (const void *)(base + bpf_core_field_offset(
						  struct workqueue_struct, name)));
}

/* Is it held, as far as memory tells? */
static __always_inline int pseudo_is_held(__u32 kind, __u64 addr)
{
	return 1;
}

#endif
