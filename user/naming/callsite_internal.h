/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Code that the parts of callsite.h share: which structs fit a place, and what a stack says of
 * them.
 */
#ifndef LOCKVANE_NAMING_CALLSITE_INTERNAL_H
#define LOCKVANE_NAMING_CALLSITE_INTERNAL_H

#include <stdbool.h>

#include "naming/callsite.h"

#define CALLSITE_TYPES 8
#define CALLSITE_FITTING 128

/* Structs that fit, of one stack or of all. */
struct callsite_types {
	struct kbtf_type type[CALLSITE_TYPES];
	size_t nr; /* CALLSITE_TYPES: too many to mean anything */
};

/* The same name and size: a module may repeat what the kernel has. */
bool callsite_same(struct kbtf_type a, struct kbtf_type b);
void callsite_add(struct callsite_types *types, struct kbtf_type type);

/* All structs that may be it: those of its size with a lock at the offset. */
struct callsite_fitting {
	const struct callsite_query *q;
	bool waitq, wait_lock; /* taken by those functions that take only such */
	struct kbtf_type type[CALLSITE_FITTING];
	size_t nr;
};

void callsite_fit(const struct callsite_query *q, struct callsite_fitting *ret);

/* The lock that is asked for. False: the struct has none. */
bool callsite_lock(const struct callsite_query *q, struct kbtf_type type, struct lockpath *ret);

/* Has it such a lock there, and the size of what lies there? */
void callsite_add_if_it_fits(const struct callsite_fitting *f, struct kbtf_type type,
			     struct callsite_types *types);

/* How much it is worth what a stack says. */
enum callsite_strength {
	CALLSITE_SILENT,
	CALLSITE_ROUNDABOUT, /* a pointed-to struct, or the struct around a member */
	CALLSITE_ALIKE,	     /* called like the function, or what it was given lies in it */
	CALLSITE_GIVEN,
};

enum callsite_strength callsite_ask(const struct callsite_fitting *f,
				    const struct callsite_stack *stack, struct callsite_types *ret);

/* Does that function, which named no struct, name one with a lock that other structs may embed? */
bool callsite_speaks_for_guest(const struct callsite_query *q, uint64_t ip);

#endif
