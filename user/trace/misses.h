/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the kernel counts the runs it skips, of the programs that see given back what names no
 * owner: rwsems' readers, sockets. The recorder looks there before it believes that such a lock
 * is still held (record/doubt.h).
 */
#ifndef LOCKVANE_TRACE_MISSES_H
#define LOCKVANE_TRACE_MISSES_H

#include <bpf/libbpf.h>

#include "abi.h"
#include "base/error.h"

/*
 * Fill in the releases of an object that is loaded, by one run of its iterator over the kernel's
 * programs. -ENOENT, in words: not all were found; else what the kernel said.
 */
int misses_find(const struct bpf_object *object, struct lv_releases *ret, struct error *err);

#endif
