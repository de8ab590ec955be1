/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Classes of two call sites that lock one member. In untyped memory each site has a class of its own, and
 * many a site cannot be typed. But an object that looks at both sites as it does at the other, to the
 * word, is of one type: the user half then takes the name from the site that it knows (naming/siting.h).
 */
#ifndef LOCKVANE_RECORD_ALIKE_H
#define LOCKVANE_RECORD_ALIKE_H

#include "record/held.h"

/* The look of the object around a class's lock, 0: not known. */
static __always_inline __u64 object_looks(__u32 id, __u64 addr)
{
	const struct lv_class *class = world_class(id);

	return class ? world_object_hash(addr, &class->place, class->cache_size) : 0;
}

#define ALIKE_ID (LV_MAX_CLASSES - 1)

/* One more look that the class shares with another; one seen once makes room for the next. */
static __always_inline void alike_add(struct lv_class *class, __u32 other, __u64 looks)
{
	__u32 bit = 1u << (looks >> 61), i;

	for (i = 0; i < LV_ALIKE; i++)
		if (read_once(class->alike[i]) == other + 1) {
			write_once(class->alike_looks[i], read_once(class->alike_looks[i]) | bit);
			return;
		}
	for (i = 0; i < LV_ALIKE; i++) {
		__u32 had = read_once(class->alike_looks[i]);

		if (had & (had - 1))
			continue;
		write_once(class->alike[i], other + 1);
		write_once(class->alike_looks[i], bit);
		return;
	}
}

/*
 * A lock of the class was taken at addr. Did an object at this address that looked the same have it
 * taken at another site? The table is one word an entry, so that none is half another's.
 */
RECORD_RARE int alike_see(__u32 id, __u64 addr)
{
	struct lv_class *class = world_class(id);
	__u64 looks, hash, seen, *entry;

	if (!class || class->place.site <= LV_SITE_ABOVE || class->subclass)
		return 0;
	looks = object_looks(id, addr);
	if (!looks)
		return 0;
	hash = LV_INSTANCE_HASH(looks + LV_INSTANCE_HASH(addr + class->family));
	entry = world_alike(hash >> 32);
	seen = read_once(*entry);
	write_once(*entry, (hash & ~(__u64)ALIKE_ID) | id);
	if (!((seen ^ hash) & ~(__u64)ALIKE_ID) && (seen & ALIKE_ID) != id)
		alike_add(class, seen & ALIKE_ID, looks * LV_INSTANCE_HASH(1ull));
	return 0;
}

#endif
