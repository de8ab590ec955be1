/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Other functions' evidence on one: what callers give it, what it was registered with as a
 * callback, what its namesakes find behind a pointer that BTF calls void.
 */
#ifndef LOCKVANE_SITES_OUTSIDE_H
#define LOCKVANE_SITES_OUTSIDE_H

#include "sites/image.h"
#include "sites/solve.h"

struct outside;

int outside_new(struct image *im, struct outside **ret);
void outside_free(struct outside *o); /* takes NULL */
size_t outside_memory(const struct outside *o);

/* The object that argument `arg` of the function points into. type 0: unknown. */
struct place outside_argument(struct outside *o, const struct flow *f, uint32_t arg);

/* The object that the result of a function points into, as the caller f sees types. */
struct place outside_result(struct outside *o, const struct flow *f, const struct target *callee);

/* The object that a pointer points into which the function stores `off` behind its argument. */
struct place outside_stored(struct outside *o, const struct flow *f, const struct target *callee,
			    uint32_t arg, int64_t off);

/* Fill in what functions of a like name show an open member to be. False: nothing, or several. */
bool outside_opened(struct outside *o, const struct flow *f, struct opened *what);

#endif
