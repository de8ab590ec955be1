/* SPDX-License-Identifier: GPL-2.0-only */
/* Types around a node by what its function does with it: the inner half of solve.h. */
#ifndef LOCKVANE_SITES_ISLAND_H
#define LOCKVANE_SITES_ISLAND_H

#include "sites/solve.h"

/* The declared type of argument `arg` of a call of the function, or FLOW_RETURN; 0: unknown. */
uint32_t solve_param(struct solver *s, uint32_t call, uint32_t arg);

/* The object that the node points to by declarations, whose `off` the node is at. */
struct place solve_pointee(struct solver *s, uint32_t node);

/* The object that a value of several possible ones points into, whichever it is. */
struct place solve_joined(struct solver *s, struct value v);

/* Collect the islands of a node: from memo->island on. Returns how many. */
uint32_t islands_of(struct solver *s, uint32_t node);

enum container_for { CONTAINER_ACCESS, CONTAINER_LOCK };

/*
 * The only struct that has what lies around the node as members, and at the value's offset a
 * lock of the family (LOCK), or a member for an access of so many bytes.
 */
struct place container_place(struct solver *s, struct value v, enum container_for what,
			     uint32_t size_or_family);

/* Is a lock of the family at the offset? */
bool lock_at(const struct solver *s, uint32_t type, int64_t off, uint32_t family);

#endif
