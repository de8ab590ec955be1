// SPDX-License-Identifier: GPL-2.0-only
/* A typed site's answer at the place of its class's locks, and the class's name by it. */
#include <stdio.h>
#include <string.h>

#include "kernel/lockpath.h"
#include "naming/siting_internal.h"

void siting_find_object(const struct lv_class *class, struct sites_object *ret)
{
	*ret = (struct sites_object){.off = class->place.off, .family = class->family};
	if (class->place.kind == LV_PLACE_SLAB)
		ret->size = class->cache_size;
}

bool siting_is_typed(const struct sites_answer *a)
{
	return (a->kind == SITES_MEMBER || a->kind == SITES_SYMBOL) && a->strength != SITES_BY_HINT;
}

const char *siting_identity(const struct sites_answer *a)
{
	return a->kind == SITES_MEMBER ? a->inner : a->name;
}

/* A struct's flexible array has no size of its own. */
bool siting_is_in_array(const struct sites_answer *a, uint32_t off)
{
	return strchr(a->name, '[') && a->offset < off && (off < a->size || a->offset >= a->size);
}

bool siting_is_at_offset(const struct sites_answer *a, uint32_t off)
{
	return a->kind == SITES_MEMBER && (a->offset == off || siting_is_in_array(a, off));
}

bool siting_has_room(const struct sites_answer *a, const struct lv_place *place)
{
	if (a->pointed)
		return place->kind == LV_PLACE_SLAB && siting_is_at_offset(a, place->off);
	return a->kind == SITES_MEMBER && (place->kind != LV_PLACE_SLAB || a->offset <= place->off);
}

/*
 * Is there room before the lock for the struct that it is known to be a member of? If not, one call
 * takes either of two members (the compiler has joined two calls), and this is the other.
 */
static bool has_inner_room(const struct sites_answer *a, const struct lv_place *place)
{
	return a->kind != SITES_MEMBER || a->pointed || place->kind != LV_PLACE_SLAB ||
	       a->inner_offset <= place->off;
}

bool siting_has_type(const struct siting_item *item)
{
	const struct sites_answer *a = &item->siting.answer;
	const struct lv_place *place = &item->class->place;

	return place->site && place->kind != LV_PLACE_STACK && item->class->state != LV_SLOT_DEAD &&
	       siting_is_typed(a) && !item->siting.contradicts && has_inner_room(a, place);
}

bool siting_is_whole(const struct siting_item *item)
{
	const struct sites_answer *a = &item->siting.answer;

	return item->class->place.kind == LV_PLACE_SLAB &&
	       siting_is_at_offset(a, item->class->place.off);
}

void siting_set_name(const struct siting_item *item, const char *name)
{
	struct names_result *r = item->result;

	snprintf(r->name, sizeof(r->name), "%s%.180s%s",
		 item->class->subclass & LV_SUBCLASS_KERNEL ? "k-" : "", name,
		 item->class->subclass & LV_SUBCLASS_TWIN ? "/1" : "");
	memcpy(r->full, r->name, sizeof(r->full));
	r->collapsed = lockpath_collapse(r->name);
	r->certainty = item->siting.answer.strength == SITES_BY_TYPE ? NAMES_EXACT : NAMES_INFERRED;
	r->by_callsite = false; /* but by this call: names_fold.h takes it for no array's element */
	r->cache[0] = '\0';	/* one type's, whatever the cache */
}
