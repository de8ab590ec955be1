/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs that see modules and slab caches go, so that their classes are not taken for those
 * of what comes to lie there (bpf/retire.bpf.h). They stay attached while the others come and go:
 * they fire that rarely.
 */
#ifndef LOCKVANE_TRACE_RETIRE_H
#define LOCKVANE_TRACE_RETIRE_H

#include <bpf/libbpf.h>

#include "base/error.h"

#define RETIRE_HOOKS 2

/* Attach them, of an object that is loaded. A kernel without modules has but one. -errno, in words. */
int retire_attach(const struct bpf_object *object, struct bpf_link *ret[static RETIRE_HOOKS],
		  struct error *err);
void retire_detach(struct bpf_link *links[static RETIRE_HOOKS]); /* NULLs are passed over */

#endif
