/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LOCKVANE_NAMING_SITING_INTERNAL_H
#define LOCKVANE_NAMING_SITING_INTERNAL_H

#include "naming/siting.h"

/* --- siting_name.c: a typed site's answer, at the place that a class's locks have --- */

bool siting_is_typed(const struct sites_answer *a);

/* The innermost struct and the path from it, by which a type is known whatever lies around it; or a
 * symbol. */
const char *siting_identity(const struct sites_answer *a);

/*
 * The class's memory as the sites are asked about it. Where an object begins is known in a slab
 * only. A struct may be much smaller than the object: an array or private data of others' comes
 * behind it.
 */
void siting_find_object(const struct lv_class *class, struct sites_object *ret);

/* One of "a.locks[].lock", of which the answer's `offset` is the first? */
bool siting_is_in_array(const struct sites_answer *a, uint32_t off);

/* Does such a struct that begins where the object does have the lock there? */
bool siting_is_at_offset(const struct sites_answer *a, uint32_t off);

/*
 * Does such a struct have room before the lock? It may lie behind another one (netdev_priv()); and
 * in vmalloc's and early memory it is not known where an object begins.
 */
bool siting_has_room(const struct sites_answer *a, const struct lv_place *place);

/* Is the class's type known by its site? */
bool siting_has_type(const struct siting_item *item);

/* Is the outermost struct known what lies at the object's start? Then nothing lies around it. */
bool siting_is_whole(const struct siting_item *item);

void siting_set_name(const struct siting_item *item, const char *name);

/* --- siting_stack.c --- */

/* Name the classes on stacks that no prototype names, but their sites do. 0 or -ENOMEM. */
int siting_name_stacks(struct siting_item *items, size_t nr);

/* --- siting_open.c: classes whose site is not typed, in memory that has sites --- */

bool siting_is_open(const struct siting_item *item);

/* Take the guesses that something else bears out as use. 0 or -ENOMEM. */
int siting_believe_guesses(struct siting_item *items, size_t nr);

/*
 * Name such a class, items[of], by all that is known; group: which items are alike (alike.h);
 * typed: those that are. Does it join the others of that name?
 */
bool siting_settle_open(struct sites *s, struct siting_item *items, const size_t *group, size_t of,
			struct siting_item *const *typed, size_t nr);

/* Join those that are alike, and stayed ambiguous as none like them is typed. 0 or -ENOMEM. */
int siting_join_open(struct siting_item *items, size_t nr, const size_t *group);

#endif
