/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions that are handed a bare lock, a wait queue, a completion or another struct that others
 * embed, by their prototypes in BTF. A call of a lock function in one of them says nothing of the
 * struct around the lock; the call of such a function does.
 */
#ifndef LOCKVANE_NAMING_GENERIC_H
#define LOCKVANE_NAMING_GENERIC_H

#include <stddef.h>

#include "abi.h"
#include "kernel/kbtf.h"
#include "kernel/ksyms.h"

/* Fill in the kernel's own text. Returns how many functions there are. */
size_t generic_find(const struct ksyms *ksyms, const struct kbtf *btf, struct lv_generic *ret);

#endif
