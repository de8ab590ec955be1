/* SPDX-License-Identifier: GPL-2.0-only */
/* Where this kernel keeps things: what its own programs find for the kernel half. */
#ifndef LOCKVANE_TRACE_LAYOUT_H
#define LOCKVANE_TRACE_LAYOUT_H

#include <bpf/libbpf.h>

#include "abi.h"
#include "base/error.h"
#include "kernel/kbtf.h"

/* Once, before anything is armed: each CPU's part of the first per-CPU chunk, of `nr` possible CPUs. */
int layout_find_units(const struct bpf_object *object, unsigned int nr,
		      const struct lv_layout *layout, struct lv_units *ret, struct error *err);

/* Whenever: the direct map grows when memory is added. */
int layout_find(const struct bpf_object *object, struct error *err);

/*
 * The kernel's tables, and its functions that take any lock. Without the kernel's symbols there are
 * none: the locks in tables are one class, and the callers of a generic function are not told apart.
 */
int layout_find_by_symbols(const struct bpf_object *object, const struct kbtf *btf,
			   struct lv_anchors *anchors, struct lv_generic *generic,
			   struct error *err);

/* Before each arming: where the tasks' stacks are that run later, if at all. */
int layout_find_stacks(const struct bpf_object *object);

#endif
