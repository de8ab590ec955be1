/* SPDX-License-Identifier: GPL-2.0-only */
/* Where this kernel keeps things: what its own programs find for the kernel half. */
#ifndef LOCKVANE_TRACE_LAYOUT_H
#define LOCKVANE_TRACE_LAYOUT_H

#include <bpf/libbpf.h>

#include "abi.h"
#include "base/error.h"

/* Once, before anything is armed: each CPU's part of the first per-CPU chunk, of `nr` possible CPUs. */
int layout_find_units(const struct bpf_object *object, unsigned int nr,
		      const struct lv_layout *layout, struct lv_units *ret, struct error *err);

/* Whenever: the direct map grows when memory is added. */
int layout_find(const struct bpf_object *object, struct error *err);

/* Before each arming: where the tasks' stacks are that run later, if at all. */
int layout_find_stacks(const struct bpf_object *object);

#endif
