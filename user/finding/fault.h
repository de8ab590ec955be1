/* SPDX-License-Identifier: GPL-2.0-only */
/* Locks taken in a page fault while one was held that had been taken before it. */
#ifndef LOCKVANE_FINDING_FAULT_H
#define LOCKVANE_FINDING_FAULT_H

#include "finding/model.h"

/*
 * Was the edge's lock taken in a page fault that began while its holder was held? lockdep has one
 * dependency for all of those: to mmap_lock, which might_fault() names (mm/memory.c). A fault takes
 * mmap_lock by trying, or not at all (per-VMA locks, since 6.4), so the dependencies on what follows
 * come from the holder itself.
 */
bool fault_is_between(const struct capture *c, const struct capture_edge *edge);

/* The same of all that was seen of a graph edge. The model keeps the answer until more is seen of it. */
bool fault_is_all_of(struct finding_model *m, uint32_t edge);

#endif
