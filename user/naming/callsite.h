/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Evidence from the functions that took a lock: the structs that their prototypes name, or that
 * those point to. Where memory itself is untyped, and one struct of these has such a lock at such
 * an offset, that is it.
 */
#ifndef LOCKVANE_NAMING_CALLSITE_H
#define LOCKVANE_NAMING_CALLSITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "kernel/kbtf.h"
#include "kernel/ksyms.h"
#include "kernel/lockpath.h"

#define CALLSITE_ANYWHERE                                                                          \
	0xffffffffu /* for an offset: the only lock of the family in the struct                    \
		     */

/* The return addresses of one acquisition, the lock's function and the tracer left out. */
struct callsite_stack {
	const __u64 *ip;
	size_t nr;
};

struct callsite_query {
	const struct ksyms *ksyms;
	const struct kbtf *btf;
	uint32_t off, family;	     /* the lock's */
	uint32_t min_size, max_size; /* limits of the struct's size */
	const struct callsite_stack *stacks;
	size_t nr_stacks;
};

enum callsite_verdict {
	CALLSITE_NOTHING, /* no struct, or several */
	CALLSITE_LIKELY,  /* one, by what others point to, and not all say so; or another lock may be
			     there */
	CALLSITE_SURE,	  /* one: some function was given it, or all know it in a roundabout way */
};

enum callsite_verdict callsite_find(const struct callsite_query *q, struct kbtf_type *ret_type,
				    struct lockpath *ret_lock);

/* Was one of the functions given another struct, which fits, too? Then unrelated locks share the place. */
bool callsite_contradicts(const struct callsite_query *q, struct kbtf_type type);

/*
 * A struct with a single lock of the query's family that the function at ip, a return address, is
 * given a pointer to. The query's offset, sizes and stacks are of no matter.
 */
bool callsite_given(const struct callsite_query *q, uint64_t ip, struct kbtf_type *ret_type,
		    struct lockpath *ret_lock);

/* Taken by one of kernel/sched/wait.c's functions: a wait-queue head's? */
bool callsite_is_waitq(const struct ksyms *ksyms, const struct callsite_stack *stacks, size_t nr);

#endif
