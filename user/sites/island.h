/* SPDX-License-Identifier: GPL-2.0-only */
/* Types around a node by what its function does with it: the inner half of solve.h. */
#ifndef LOCKVANE_SITES_ISLAND_H
#define LOCKVANE_SITES_ISLAND_H

#include "sites/leaves.h"
#include "sites/solve.h"

/* The declared type of argument `arg` of a call of the function, or FLOW_RETURN; 0: unknown. */
uint32_t solve_param(struct solver *s, uint32_t call, uint32_t arg);

/* The bare type that the node's value is declared to point to; 0: none, or void. */
uint32_t solve_node_pointee(struct solver *s, uint32_t node);

/* The object that the node points to by declarations, whose `off` the node is at. */
struct place solve_pointee(struct solver *s, uint32_t node);

/* The object that a value of several possible ones points into, whichever it is. */
struct place solve_joined(struct solver *s, struct value v);

/* The values that a node is one of; 0: it is none of several, or of too many. */
uint32_t solve_leaves(struct solver *s, uint32_t node, struct value ret[SOLVE_LEAVES]);

/* Collect the islands of a node: from memo->island on. Returns how many. */
uint32_t islands_of(struct solver *s, uint32_t node);

/* Do all reads and writes through the node fit members of a struct that begins at `start`? */
bool accesses_fit(const struct solver *s, uint32_t node, uint32_t type, int64_t start);

enum container_for { CONTAINER_ACCESS, CONTAINER_LOCK };

/*
 * The only struct that has what lies around the node as members, and at the value's offset a
 * lock of the family (LOCK), or a member for an access of so many bytes.
 */
struct place container_place(struct solver *s, struct value v, enum container_for what,
			     uint32_t size_or_family);

/*
 * The offset of a value in an object of a type that begins at `start` from the value's node. With
 * an index: in an element of an array in it, or of an array of such objects. False: it is not in.
 */
bool solve_offset_in(const struct flow *f, uint32_t type, int64_t start, struct value v,
		     int64_t *ret);

/* The only struct that has all that the function does with a pointer, and the lock. A hint. */
struct place sole_place(struct solver *s, struct value v, uint32_t family);

/* An object as it is known without a function's help; guest: a library type that lies in it, 0: none. */
struct object {
	struct sites_object at;
	uint32_t guest, guest_off;
};

/*
 * The only struct of an object's size that has all that, and the lock where it lies in the object. A hint.
 * Nothing but the object is known of a value without a node.
 */
struct place object_place(struct solver *s, struct value v, const struct object *object);

/* Can the object be such a struct? True also if there is no telling. */
bool object_may_be(struct solver *s, struct value v, const struct object *object, uint32_t type);

/* Is a lock of the family at the offset? */
bool lock_at(const struct solver *s, uint32_t type, int64_t off, uint32_t family);

#endif
