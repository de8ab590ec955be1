/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slab caches as /sys/kernel/slab shows them: which caches share their
 * slabs (SLAB_MERGE), that is, whose objects cannot be told apart by address.
 */
#ifndef LOCKVANE_KERNEL_SLABS_H
#define LOCKVANE_KERNEL_SLABS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slabs;

struct slab {
	const char *id; /* its folder: ":0000576" if it may be merged, else the name */
	const char *const *names; /* all caches in it, sorted; at least one */
	size_t nr_names;
	uint32_t object_size; /* 0: not readable */
	bool merged; /* several caches share it, also if not all their names are known */
};

/* dir: NULL for /sys/kernel/slab. Without that folder: success, and nothing known. */
int slabs_load(const char *dir, struct slabs **ret);
void slabs_free(struct slabs *s); /* takes NULL */

/* False: the folder is absent, and slabs_find() never finds anything. */
bool slabs_known(const struct slabs *s);

/* By the name of one of its caches, or by id. NULL: unknown. */
const struct slab *slabs_find(const struct slabs *s, const char *name);

/* One of the general caches behind kmalloc(): any type may lie in it. */
bool slab_name_is_kmalloc(const char *name);

/*
 * There are several kmalloc caches of a size, and a boot draws which one a call site gets
 * (RANDOM_KMALLOC_CACHES since 6.6, KMALLOC_PARTITION): "kmalloc-512" for "kmalloc-rnd-07-512", in place.
 */
void slab_name_drop_draw(char *name);

#endif
