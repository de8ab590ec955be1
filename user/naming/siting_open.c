// SPDX-License-Identifier: GPL-2.0-only
/*
 * Classes in untyped memory whose sites are not typed: guesses that something else bears out, and
 * the typed classes that take the same locks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/lockpath.h"
#include "naming/alike.h"
#include "naming/siting_internal.h"

/* --- guesses --------------------------------------------------------------- */

/* Better than what other locks in the memory are called. Unrelated ones may be in the class as
 * before. */
static void name_by_guess(const struct siting_item *item)
{
	const struct sites_answer *guess = &item->siting.hint;
	char cache[LV_NAME_LEN];

	if (guess->pointed && !siting_has_room(guess, &item->class->place))
		return;
	memcpy(cache, item->result->cache, sizeof(cache));
	siting_set_name(item,
			siting_has_room(guess, &item->class->place) ? guess->name : guess->inner);
	memcpy(item->result->cache, cache, sizeof(cache));
	item->result->certainty = NAMES_AMBIGUOUS;
}

/*
 * Is that what the memory is called already, by what fits its size and the place in it? One of a
 * few objects of a cache is called "eventfd_ctx.wqh@kmalloc-64#2".
 */
static bool is_named_so(const struct names_result *r, const char *guessed)
{
	size_t len = strcspn(r->name, "@");

	return len == strlen(guessed) && !strncmp(r->name, guessed, len);
}

static bool is_guessed(const struct siting_item *item)
{
	const struct siting *s = &item->siting;

	return item->class->place.site && item->class->place.kind != LV_PLACE_STACK &&
	       item->class->state != LV_SLOT_DEAD && !s->contradicts &&
	       !siting_is_typed(&s->answer) && s->hint.kind == SITES_MEMBER;
}

/* At one place in a cache's objects; of an array, anywhere in it. */
static bool is_placed_as(const struct siting_item *a, const struct siting_item *b,
			 const struct sites_answer *guess)
{
	return alike_share_place(a->class, b->class) ||
	       (alike_share_cache(a->class, b->class) &&
		siting_is_at_offset(guess, a->class->place.off) &&
		siting_is_at_offset(guess, b->class->place.off));
}

/* Do sites of another function say the same of this place, if only by a guess? */
static bool is_shared_guess(const struct siting_item *item, const struct siting_item *items,
			    size_t nr)
{
	const struct sites_answer *guess = &item->siting.hint;

	for (size_t i = 0; i < nr; i++) {
		const struct siting *s = &items[i].siting;
		const struct sites_answer *a = siting_is_typed(&s->answer) ? &s->answer : &s->hint;

		if (a->function != guess->function && !s->contradicts &&
		    a->offset == guess->offset && !strcmp(a->name, guess->name) &&
		    siting_has_room(a, &items[i].class->place) &&
		    is_placed_as(item, &items[i], guess))
			return true;
	}
	return false;
}

/*
 * A guess is as good as use where the kernel has told a name that it ends in, where the memory says
 * the same, or where another function's site at this place does.
 */
static bool is_good_guess(const struct siting_item *item, const struct siting_item *items,
			  size_t nr)
{
	const struct names_result *r = item->result;
	char told[LOCKPATH_LEN], guessed[LOCKPATH_LEN];

	if (!is_guessed(item))
		return false;
	lockpath_last(r->alias, told, sizeof(told));
	lockpath_last(item->siting.hint.name, guessed, sizeof(guessed));
	if (siting_is_at_offset(&item->siting.hint, item->class->place.off) &&
	    ((r->alias[0] && !strcmp(told, guessed)) || is_named_so(r, item->siting.hint.name)))
		return true;
	return siting_has_room(&item->siting.hint, &item->class->place) &&
	       is_shared_guess(item, items, nr);
}

/* Each by the guesses as they were: one that is believed makes no other guess better. */
int siting_believe_guesses(struct siting_item *items, size_t nr)
{
	bool *good = calloc(nr + 1, sizeof(*good));

	if (!good)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		good[i] = is_good_guess(&items[i], items, nr);
	for (size_t i = 0; i < nr; i++) {
		if (!good[i])
			continue;
		items[i].siting.answer = items[i].siting.hint;
		items[i].siting.answer.strength = SITES_BY_USE;
	}
	free(good);
	return 0;
}

/* --- other classes at the same place ----------------------------------------- */

/*
 * Did the kernel tell the name at this place, or is the cache none of kmalloc's, and all its types
 * agree? Prototypes of the functions on a stack name the class of one site, and join nothing.
 */
static bool is_named_by_memory(const struct siting_item *item)
{
	const struct names_result *r = item->result;

	return r->certainty != NAMES_AMBIGUOUS && !r->by_callsite &&
	       (r->alias[0] || strcmp(r->kind, "kmalloc"));
}

/*
 * The kernel's text on a place in untyped memory holds for one type that is there. Where typed
 * sites have shown another, who knows which of them a site takes that is not typed.
 */
static void doubt_told(struct siting_item *item, struct siting_item *const *typed, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (alike_share_place(item->class, typed[i]->class) &&
		    strcmp(item->result->name, typed[i]->result->name))
			item->result->certainty = NAMES_AMBIGUOUS;
}

/*
 * Prototypes, or what was told of other locks in the memory, name a class as the sites at its place
 * that are typed do: what each says by itself, both say of one type's lock. Prototypes alone may
 * speak of one struct at two sites that take two.
 */
static bool is_named_as_typed(const struct siting_item *item, struct siting_item *const *typed,
			      size_t nr)
{
	const struct names_result *r = item->result;

	for (size_t i = 0; r->certainty != NAMES_AMBIGUOUS && i < nr; i++)
		if (alike_share_place(item->class, typed[i]->class) &&
		    !strcmp(r->name, typed[i]->result->name))
			return true;
	return false;
}

bool siting_is_open(const struct siting_item *item)
{
	return !siting_has_type(item) && item->class->place.site &&
	       item->class->place.kind != LV_PLACE_STACK;
}

/* Can the type that a site shows at a place be what another one has there, by all that this does
 * with its pointer? */
static bool may_be_like(struct sites *s, const struct siting_item *item,
			const struct siting_item *like)
{
	const struct sites_pointer *pointers = item->siting.open;
	struct sites_object object;

	siting_find_object(item->class, &object);
	if (!siting_is_whole(like) || like->siting.answer.offset != object.off)
		return true;
	for (size_t i = 0; i < SITING_FRAMES && pointers[i].ip; i++)
		if (!sites_may_be(s, &pointers[i], &object, like->siting.answer.type))
			return false;
	return true;
}

/* The only type that sites show at this place and that this one may have there. NULL: none, or
 * several. */
static const struct siting_item *find_like(struct sites *s, const struct siting_item *item,
					   struct siting_item *const *typed, size_t nr)
{
	const struct siting_item *found = NULL;

	for (size_t i = 0; i < nr; i++) {
		if (!alike_share_place(item->class, typed[i]->class) ||
		    (found && !strcmp(found->result->name, typed[i]->result->name)) ||
		    !may_be_like(s, item, typed[i]))
			continue;
		if (found)
			return NULL;
		found = typed[i];
	}
	return found;
}

/* A class that is not typed, among all; and which of them are alike (alike.h). */
struct open_class {
	struct sites *s;
	const struct siting_item *items, *item;
	const size_t *group;
};

typedef bool match_typed(const struct open_class *open, const struct siting_item *typed);

/* The typed class that matches; several must have one name. NULL: there is none, or two names. */
static const struct siting_item *find_only(const struct open_class *open, match_typed *matches,
					   struct siting_item *const *typed, size_t nr)
{
	const struct siting_item *found = NULL;

	for (size_t i = 0; i < nr; i++) {
		if (!matches(open, typed[i]))
			continue;
		if (found && strcmp(found->result->name, typed[i]->result->name))
			return NULL;
		found = typed[i];
	}
	return found;
}

static bool match_alike(const struct open_class *open, const struct siting_item *typed)
{
	return open->group[typed - open->items] == open->group[open->item - open->items];
}

/* One function hardly takes, in one cache, locks of two types that lie at one offset. */
static bool match_sibling(const struct open_class *open, const struct siting_item *typed)
{
	return open->item->siting.function && alike_share_place(open->item->class, typed->class) &&
	       typed->siting.answer.function == open->item->siting.function;
}

static bool match_place(const struct open_class *open, const struct siting_item *typed)
{
	return alike_share_place(open->item->class, typed->class);
}

/* The only type that typed calls in the same function lock at this place. */
static const struct siting_item *find_sibling(const struct open_class *open,
					      struct siting_item *const *typed, size_t nr)
{
	const struct siting_item *found = find_only(open, match_sibling, typed, nr);

	return found && may_be_like(open->s, open->item, found) ? found : NULL;
}

/* "f2fs_bio_info.io_rwsem.internal_rwsem" has a member "io_rwsem". */
static bool has_member(const char *name, const char *member)
{
	size_t len = strlen(member);

	for (const char *at = strchr(name, '.'); at; at = strchr(at + 1, '.'))
		if (!strncmp(at + 1, member, len) && (!at[1 + len] || strchr(".[/", at[1 + len])))
			return true;
	return false;
}

/*
 * The only type at this place, where the kernel has told one name for it, too, and that is of the
 * type's member: what it was told of, and what typed sites lock, is one.
 */
static const struct siting_item *find_told(const struct open_class *open,
					   struct siting_item *const *typed, size_t nr)
{
	const struct siting_item *found;
	char told[LOCKPATH_LEN];

	if (!lockpath_last(open->item->result->alias, told, sizeof(told)))
		return NULL;
	found = find_only(open, match_place, typed, nr);
	return found && has_member(found->result->name, told) &&
			       may_be_like(open->s, open->item, found)
		       ? found
		       : NULL;
}

/* The class is of what a typed one locks. */
static void name_as(const struct siting_item *item, const struct siting_item *typed)
{
	struct names_result *r = item->result;

	memcpy(r->name, typed->result->name, sizeof(r->name));
	memcpy(r->full, typed->result->full, sizeof(r->full));
	r->collapsed = typed->result->collapsed;
	r->certainty = NAMES_INFERRED;
	r->by_callsite = false;
	r->cache[0] = '\0';
}

/*
 * An ambiguous class is called by the best guess that there is: its own; or what typed sites show
 * at this place, if the kernel has not told a name for it.
 */
static void name_open(struct sites *s, const struct siting_item *item,
		      struct siting_item *const *typed, size_t nr)
{
	const struct siting_item *like = NULL;
	char cache[LV_NAME_LEN];

	if (item->result->certainty != NAMES_AMBIGUOUS || item->siting.contradicts)
		return;
	if (is_guessed(item)) {
		name_by_guess(item);
		return;
	}
	if (!item->result->alias[0])
		like = find_like(s, item, typed, nr);
	if (!like)
		return;
	memcpy(cache, item->result->cache, sizeof(cache));
	siting_set_name(item, siting_is_whole(like) ? like->siting.answer.name
						    : siting_identity(&like->siting.answer));
	memcpy(item->result->cache, cache, sizeof(cache));
	item->result->certainty = NAMES_AMBIGUOUS;
}

/* The typed class that takes the same locks as one that is not typed. NULL: nothing says so. */
static const struct siting_item *find_known(const struct open_class *open,
					    struct siting_item *const *typed, size_t nr)
{
	const struct siting_item *item = open->item, *like = NULL;

	if (item->siting.contradicts)
		return NULL;
	if (item->class->state != LV_SLOT_DEAD)
		like = find_only(open, match_alike, typed, nr);
	if (!like)
		like = find_sibling(open, typed, nr);
	if (!like && item->result->certainty == NAMES_AMBIGUOUS)
		like = find_told(open, typed, nr);
	return like;
}

bool siting_settle_open(struct sites *s, struct siting_item *items, const size_t *group, size_t of,
			struct siting_item *const *typed, size_t nr)
{
	struct siting_item *item = &items[of];
	const struct open_class open = {s, items, item, group};
	const struct siting_item *like = find_known(&open, typed, nr);

	if (like) {
		name_as(item, like);
		return true;
	}
	doubt_told(item, typed, nr);
	name_open(s, item, typed, nr);
	return is_named_by_memory(item) || is_named_as_typed(item, typed, nr);
}

static bool is_left(const struct siting_item *item)
{
	return siting_is_open(item) && item->class->state != LV_SLOT_DEAD &&
	       !item->siting.contradicts && item->result->certainty == NAMES_AMBIGUOUS;
}

static void call_as(const struct siting_item *item, const struct siting_item *first)
{
	memcpy(item->result->name, first->result->name, sizeof(item->result->name));
	memcpy(item->result->full, first->result->full, sizeof(item->result->full));
	item->result->collapsed = first->result->collapsed;
}

/* They lock one member of one type, whatever its name is. Two types in a group refute it. */
int siting_join_open(struct siting_item *items, size_t nr, const size_t *group)
{
	bool *typed = calloc(nr + 1, sizeof(*typed));
	size_t *first = calloc(nr + 1, sizeof(*first)); /* a group's first item, + 1 */
	int err = typed && first ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < nr; i++)
		typed[group[i]] |= siting_has_type(&items[i]);
	for (size_t i = 0; !err && i < nr; i++) {
		if (typed[group[i]] || !is_left(&items[i]))
			continue;
		if (!first[group[i]]) {
			first[group[i]] = i + 1;
			continue;
		}
		items[i].one_with = first[group[i]] - 1;
		call_as(&items[i], &items[items[i].one_with]);
	}
	free(first);
	free(typed);
	return err;
}
