/* SPDX-License-Identifier: GPL-2.0-only */
/* The static per-CPU variables of vmlinux' BTF: kbtf.c's, to be asked through kbtf.h. */
#ifndef LOCKVANE_KERNEL_PERCPU_H
#define LOCKVANE_KERNEL_PERCPU_H

#include <stddef.h>

#include "kernel/kbtf.h"

/* By offset. A kernel without that section: success, and none. The caller frees. */
int percpu_load(const struct btf *btf, struct kbtf_var **ret, size_t *ret_nr);

#endif
