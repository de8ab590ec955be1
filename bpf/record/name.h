/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Locks tell their names at run time: __init_waitqueue_head() gets the text of
 * its argument, "&ctx->fd_wqh", lockdep or not, and so do __init_rwsem() and,
 * until about 6.18, __mutex_init(). The name goes with the place, not the instance:
 * a slab's constructor runs for new pages only.
 *
 * These hooks may be preempted, so they leave the guard and the held stacks
 * alone: they only add to the name table.
 */
#ifndef LOCKVANE_RECORD_NAME_H
#define LOCKVANE_RECORD_NAME_H

#include "record/class.h"

#define NAME_PROBES 16

static __always_inline int same_text(const char *a, const char *b)
{
	for (int i = 0; i < LV_NAME_LEN; i++) {
		if (a[i] != b[i])
			return 0;
		if (!a[i])
			break;
	}
	return 1;
}

static __always_inline void name_fill(struct lv_name *name, const struct lv_place *place,
				      __u64 text)
{
	name->place = *place;
	name->addr = text;
	world_read_str(name->text, sizeof(name->text), text);
	world_describe_cache(place, name->cache, &name->cache_size);
	slot_ready(&name->state);
}

/* Another name for a known place: the same words from another string do not clash. */
static __always_inline void name_compare(struct lv_name *name, __u64 text)
{
	char words[LV_NAME_LEN] = {};

	if (name->addr == text)
		return;
	if (world_read_str(words, sizeof(words), text) < 0 || same_text(words, name->text))
		return;
	__sync_fetch_and_add(&name->clashes, 1);
}

static __always_inline __u32 name_hash(const struct lv_place *place)
{
	return hash64(place->base ^ place->off);
}

/*
 * Is that known already, as far as this CPU remembers the page? The object is new, and maybe so is its page: what
 * is remembered does for a look, and not for a name to be kept.
 */
RECORD_RARE int name_is_known(__u64 addr, __u64 text)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	const struct lv_name *name;
	struct lv_place place;

	if (!cpu || page_place(cpu, addr, &place))
		return 0;
	name = world_name(name_hash(&place) & (LV_MAX_NAMES - 1));
	return name && read_once(name->state) == LV_SLOT_READY && name->addr == text &&
	       same_place(&name->place, &place);
}

/* The lock, or wait-queue head, at addr is called by the string at text. */
RECORD_RARE int record_name(__u64 addr, __u64 text)
{
	struct lv_cpu *cpu = world_cpu(world_cpu_id());
	struct lv_place place = {};
	__u32 hash;

	if (!cpu || !text || name_is_known(addr, text))
		return 0;
	if (world_place(addr, &place) || place.kind != LV_PLACE_SLAB)
		return 0;
	hash = name_hash(&place);
	for (__u32 i = 0; i < NAME_PROBES; i++) {
		struct lv_name *name = world_name((hash + i) & (LV_MAX_NAMES - 1));
		__u32 state;

		if (!name)
			return 0;
		state = slot_claim(&name->state);
		if (state == LV_SLOT_FREE) {
			name_fill(name, &place, text);
			return 0;
		}
		if (state == LV_SLOT_CLAIMED)
			return 0;
		if (state == LV_SLOT_READY && same_place(&name->place, &place)) {
			name_compare(name, text);
			return 0;
		}
	}
	count_loss(cpu, LV_LOSS_NAMES);
	return 0;
}

#endif
