/* SPDX-License-Identifier: GPL-2.0-only */
/* Questions to BTF: prototypes, what lies at an offset of a type, what contains a type. */
#ifndef LOCKVANE_SITES_TYPES_H
#define LOCKVANE_SITES_TYPES_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/kbtf.h"

struct types;

/* A type id is one of the split BTF that the question names; 0: unknown, or void. */
int types_new(const struct kbtf *k, struct types **ret);
void types_free(struct types *t); /* takes NULL */
size_t types_memory(const struct types *t);

/* Without typedefs and modifiers. */
uint32_t types_bare(const struct btf *btf, uint32_t id);

/* The bare type that a pointer type points to; 0: no pointer, or to void. */
uint32_t types_pointee(const struct types *t, const struct btf *btf, uint32_t id);
bool types_is_pointer(const struct btf *btf, uint32_t id);
bool types_is_struct(const struct btf *btf, uint32_t id); /* or union; with members */
uint32_t types_size(const struct btf *btf, uint32_t id);
bool types_same(const struct btf *btf, uint32_t a, uint32_t b);

/* Types that any struct may embed: locks, lists, work items, timers: no evidence of a struct. */
bool types_is_library(const struct btf *btf, uint32_t id);

/* Is it a link of a list or tree: the member of an element that others point to? */
bool types_is_link(const struct btf *btf, uint32_t id);

/* The member of 8 bytes or less that a load of `size` bytes at the offset reads; 0: several, none.
 */
uint32_t types_member(const struct btf *btf, uint32_t id, uint32_t off, uint32_t size);

/* Can an access of that size at the offset be one to members of the type? */
bool types_access_fits(const struct btf *btf, uint32_t id, uint32_t off, uint32_t size);

/* Is the offset in the type, or in an array without length at its end? */
bool types_covers(const struct btf *btf, uint32_t id, int64_t off);

/* Has the type an object of that other type at the offset? */
bool types_has_at(const struct btf *btf, uint32_t id, uint32_t off, uint32_t inner);

/*
 * An offset known up to multiples of stride: if an array of the type, whose elements the stride
 * is a multiple of, covers it, the offset in its element 0. False: there is none.
 */
bool types_element(const struct btf *btf, uint32_t id, uint32_t off, uint32_t stride,
		   uint32_t *ret);

/* The innermost struct around offset off that has a name and is no library type. */
bool types_inner(const struct btf *btf, uint32_t id, uint32_t off, uint32_t *ret_id,
		 uint32_t *ret_off);

/* Whichever member of a union lies there, is that struct, and the offset in it, the same? */
bool types_one_inner(const struct btf *btf, uint32_t id, uint32_t off);

/* The prototype of a function by its symbol's name; 0: none, or several. */
uint32_t types_prototype(const struct types *t, const struct btf *btf, const char *name);

/* Call each(): a struct `outer` has a member of the type, at the offset. */
void types_each_container(struct types *t, const struct btf *btf, uint32_t id,
			  void (*each)(void *arg, uint32_t outer, uint32_t off), void *arg);

#endif
