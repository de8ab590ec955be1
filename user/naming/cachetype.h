/* SPDX-License-Identifier: GPL-2.0-only */
/* Which struct a slab cache's objects are, or a variable is, told from name and size. */
#ifndef LOCKVANE_NAMING_CACHETYPE_H
#define LOCKVANE_NAMING_CACHETYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/kbtf.h"
#include "kernel/lockpath.h"

enum cachetype_state {
	CACHETYPE_UNKNOWN, /* no struct of a fitting name and size in BTF */
	CACHETYPE_NO_LOCK, /* there is one, without a lock at the offset */
	CACHETYPE_TAIL,    /* there is one, and the offset lies behind it: private data */
	CACHETYPE_LOCK,
};

struct cachetype {
	enum cachetype_state state;
	struct kbtf_type type;
	struct lockpath lock;
};

/*
 * The lock of a family at offset off in the objects of a cache. size: object
 * size, 0 unknown; in a merged cache that of the largest.
 */
void cachetype_lock(const struct kbtf *k, const char *cache, uint32_t size, uint32_t off,
		    uint32_t family, struct cachetype *ret);

/*
 * The same for a static variable: "noop_backing_dev_info" is a struct of the
 * name's last words if the sizes agree. False: no telling.
 */
bool cachetype_variable(const struct kbtf *k, const char *name, uint32_t size, uint32_t off,
			uint32_t family, struct lockpath *ret);

/* The rules would find that struct for that cache, sizes aside. */
bool cachetype_names_struct(const char *cache, const char *type);

#endif
