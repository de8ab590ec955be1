// SPDX-License-Identifier: GPL-2.0-only
#include "naming/siting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/lockpath.h"
#include "naming/alike.h"

static bool is_open_answer(const struct sites_answer *a)
{
	return a->kind == SITES_UNKNOWN || a->kind == SITES_GENERIC || a->pointed;
}

/* Up from the lock's function to a frame that knows the type. pointers: those frames that have the lock's address. */
static void ask_frames(struct sites *s, const struct callsite_stack *stack,
		       struct sites_pointer pointers[SITING_FRAMES], struct sites_answer *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!stack->nr || sites_ask(s, stack->ip[0], ret))
		return;
	pointers[0].ip = stack->ip[0];
	for (size_t i = 1; ret->kind == SITES_GENERIC && i < stack->nr && i < SITING_FRAMES; i++) {
		struct sites_answer below = *ret;

		ret->kind = SITES_UNKNOWN;
		if (sites_ask_argument(s, stack->ip[i], &below, ret))
			return;
		pointers[i] = (struct sites_pointer){stack->ip[i], below.function, below.arg,
						     below.arg_offset};
	}
}

/* ...or where only one struct fits the memory. */
static void ask_stack(struct sites *s, const struct callsite_stack *stack,
		      const struct sites_object *object, struct sites_pointer pointers[SITING_FRAMES],
		      struct sites_answer *ret)
{
	struct sites_answer guess;

	memset(pointers, 0, SITING_FRAMES * sizeof(*pointers));
	ask_frames(s, stack, pointers, ret);
	for (size_t i = 0; is_open_answer(ret) && i < SITING_FRAMES && pointers[i].ip; i++)
		if (!sites_ask_object(s, &pointers[i], object, &guess) &&
		    guess.kind == SITES_MEMBER)
			*ret = guess;
}

/*
 * The class's memory as the sites are asked about it. Where an object begins is known in a slab only. A struct may be much smaller
 * than the object: an array or private data of others' comes behind it.
 */
static void find_object(const struct lv_class *class, struct sites_object *ret)
{
	*ret = (struct sites_object){.off = class->place.off, .family = class->family};
	if (class->place.kind == LV_PLACE_SLAB)
		ret->size = class->cache_size;
}

static bool is_typed(const struct sites_answer *a)
{
	return (a->kind == SITES_MEMBER || a->kind == SITES_SYMBOL) &&
	       a->strength != SITES_BY_HINT;
}


/* By which a type is known whatever lies around it. */
static const char *identity(const struct sites_answer *a)
{
	return a->kind == SITES_MEMBER ? a->inner : a->name;
}

void siting_ask(struct sites *s, const struct lv_class *class, const struct callsite_stack *stacks,
		size_t nr, struct siting *ret)
{
	struct sites_object object;
	struct sites_pointer pointers[SITING_FRAMES];
	struct sites_answer answer;

	memset(ret, 0, sizeof(*ret));
	find_object(class, &object);
	for (size_t i = 0; s && i < nr; i++) {
		ask_stack(s, &stacks[i], &object, pointers, &answer);
		ret->function = !i || answer.function == ret->function ? answer.function : 0;
		if (is_open_answer(&answer))
			memcpy(ret->open, pointers, sizeof(pointers));
		if (answer.kind == SITES_MEMBER && answer.strength == SITES_BY_HINT)
			ret->hint = answer;
		if (!is_typed(&answer))
			continue;
		if (!is_typed(&ret->answer)) {
			ret->answer = answer;
			continue;
		}
		ret->contradicts |= strcmp(identity(&answer), identity(&ret->answer)) != 0;
		if (answer.strength < ret->answer.strength)
			ret->answer = answer;
	}
}

void siting_describe(const struct siting *s, struct strbuf *ret)
{
	static const char *const strengths[] = {
		[SITES_BY_TYPE] = "by type", [SITES_BY_USE] = "by use", [SITES_BY_HINT] = "a guess"};
	const struct sites_answer *a = is_typed(&s->answer) ? &s->answer : &s->hint;

	if (s->contradicts)
		strbuf_add(ret, "several types");
	else if (a->kind == SITES_MEMBER || a->kind == SITES_SYMBOL)
		strbuf_addf(ret, "%s %s, %s", a->kind == SITES_MEMBER ? "member" : "symbol", a->name,
			    strengths[a->strength]);
	else
		strbuf_add(ret, "not typed");
}

/* --- the name ------------------------------------------------------------- */

/* One of "a.locks[].lock", of which `offset` is the first? A struct's flexible array has no size of its own. */
static bool is_in_array(const struct sites_answer *a, uint32_t off)
{
	return strchr(a->name, '[') && a->offset < off &&
	       (off < a->size || a->offset >= a->size);
}

/* Does such a struct that begins where the object does have the lock there? */
static bool is_at_offset(const struct sites_answer *a, uint32_t off)
{
	return a->kind == SITES_MEMBER && (a->offset == off || is_in_array(a, off));
}

/*
 * Does such a struct have room before the lock? It may lie behind another one (netdev_priv()); and in vmalloc's
 * and early memory it is not known where an object begins.
 */
static bool has_room(const struct sites_answer *a, const struct lv_place *place)
{
	if (a->pointed)
		return place->kind == LV_PLACE_SLAB && is_at_offset(a, place->off);
	return a->kind == SITES_MEMBER &&
	       (place->kind != LV_PLACE_SLAB || a->offset <= place->off);
}

/*
 * Is there room before the lock for the struct that it is known to be a member of? If not, one call takes either of
 * two members (the compiler has joined two calls), and this is the other.
 */
static bool has_inner_room(const struct sites_answer *a, const struct lv_place *place)
{
	return a->kind != SITES_MEMBER || a->pointed || place->kind != LV_PLACE_SLAB ||
	       a->inner_offset <= place->off;
}

static bool has_type(const struct siting_item *item)
{
	const struct sites_answer *a = &item->siting.answer;
	const struct lv_place *place = &item->class->place;

	return place->site && place->kind != LV_PLACE_STACK && item->class->state != LV_SLOT_DEAD &&
	       is_typed(a) && !item->siting.contradicts &&
	       has_inner_room(a, place);
}

/* Is the outermost struct known what lies at the object's start? Then nothing lies around it. */
static bool is_whole(const struct siting_item *item)
{
	const struct sites_answer *a = &item->siting.answer;

	return item->class->place.kind == LV_PLACE_SLAB && is_at_offset(a, item->class->place.off);
}

static bool is_in_cache_of(const struct siting_item *a, const struct siting_item *b)
{
	const struct lv_place *p = &a->class->place, *q = &b->class->place;

	return p->kind == q->kind && p->base == q->base && a->class->family == b->class->family;
}

static int by_memory(const void *va, const void *vb)
{
	const struct siting_item *a = *(struct siting_item *const *)va;
	const struct siting_item *b = *(struct siting_item *const *)vb;
	const struct lv_place *p = &a->class->place, *q = &b->class->place;

	if (p->kind != q->kind)
		return p->kind < q->kind ? -1 : 1;
	if (p->base != q->base)
		return p->base < q->base ? -1 : 1;
	if (p->off != q->off)
		return p->off < q->off ? -1 : 1;
	if (a->class->family != b->class->family)
		return a->class->family < b->class->family ? -1 : 1;
	return strcmp(identity(&a->siting.answer), identity(&b->siting.answer));
}

/*
 * The struct around the type at one place, where a site knows it to be all of the object:
 * "nfc_dev.dev.mutex", where others say "device.mutex". NULL: none is known, or two are.
 */
static const struct siting_item *find_whole(struct siting_item *const *some, size_t nr)
{
	const struct siting_item *whole = NULL;

	for (size_t i = 0; i < nr; i++) {
		if (!is_whole(some[i]))
			continue;
		if (whole && strcmp(whole->siting.answer.name, some[i]->siting.answer.name))
			return NULL;
		whole = some[i];
	}
	return whole;
}

static void set_name(const struct siting_item *item, const char *name)
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

/* Better than what other locks in the memory are called. Unrelated ones may be in the class as before. */
static void name_by_guess(const struct siting_item *item)
{
	const struct sites_answer *guess = &item->siting.hint;
	char cache[LV_NAME_LEN];

	if (guess->pointed && !has_room(guess, &item->class->place))
		return;
	memcpy(cache, item->result->cache, sizeof(cache));
	set_name(item, has_room(guess, &item->class->place) ? guess->name : guess->inner);
	memcpy(item->result->cache, cache, sizeof(cache));
	item->result->certainty = NAMES_AMBIGUOUS;
}

/*
 * The array that the type at a place is an element of, where a site that takes another of its elements knows it:
 * it is of that type, in the same cache, and the elements' size leads from one to the other.
 */
static const struct siting_item *find_array(struct siting_item *const *all, size_t nr_all,
					    const struct siting_item *one)
{
	const struct siting_item *array = NULL;
	uint32_t off = one->class->place.off;

	for (size_t i = 0; i < nr_all; i++) {
		const struct sites_answer *a = &all[i]->siting.answer;

		if (!is_in_cache_of(all[i], one) || !is_whole(all[i]) || !is_in_array(a, off) ||
		    !a->inner_size || (off - a->offset) % a->inner_size ||
		    strcmp(identity(a), identity(&one->siting.answer)))
			continue;
		if (array && strcmp(array->siting.answer.name, a->name))
			return NULL;
		array = all[i];
	}
	return array;
}

/* Those of one type at one place, of all that are typed. */
static void name_type(struct siting_item *const *some, size_t nr, struct siting_item *const *all,
		      size_t nr_all)
{
	const struct siting_item *whole = find_whole(some, nr);

	if (!whole)
		whole = find_array(all, nr_all, some[0]);
	for (size_t i = 0; i < nr; i++) {
		const struct siting_item *like = is_whole(some[i]) ? some[i] : whole;

		set_name(some[i], like ? like->siting.answer.name : identity(&some[i]->siting.answer));
	}
}

/* --- guesses --------------------------------------------------------------- */

/*
 * Is that what the memory is called already, by what fits its size and the place in it? One of a few
 * objects of a cache is called "eventfd_ctx.wqh@kmalloc-64#2".
 */
static bool is_named_so(const struct names_result *r, const char *guessed)
{
	size_t len = strcspn(r->name, "@");

	return len == strlen(guessed) && !strncmp(r->name, guessed, len);
}

static bool is_in_memory_of(const struct siting_item *a, const struct siting_item *b)
{
	return is_in_cache_of(a, b) && a->class->place.off == b->class->place.off;
}

static bool is_guessed(const struct siting_item *item)
{
	const struct siting *s = &item->siting;

	return item->class->place.site && item->class->place.kind != LV_PLACE_STACK &&
	       item->class->state != LV_SLOT_DEAD && !s->contradicts && !is_typed(&s->answer) &&
	       s->hint.kind == SITES_MEMBER;
}

/* At one place in a cache's objects; of an array, anywhere in it. */
static bool is_placed_as(const struct siting_item *a, const struct siting_item *b,
			 const struct sites_answer *guess)
{
	return is_in_memory_of(a, b) ||
	       (is_in_cache_of(a, b) && is_at_offset(guess, a->class->place.off) &&
		is_at_offset(guess, b->class->place.off));
}

/* Do sites of another function say the same of this place, if only by a guess? */
static bool is_shared_guess(const struct siting_item *item, const struct siting_item *items,
			    size_t nr)
{
	const struct sites_answer *guess = &item->siting.hint;

	for (size_t i = 0; i < nr; i++) {
		const struct siting *s = &items[i].siting;
		const struct sites_answer *a = is_typed(&s->answer) ? &s->answer : &s->hint;

		if (a->function != guess->function && !s->contradicts &&
		    a->offset == guess->offset && !strcmp(a->name, guess->name) &&
		    has_room(a, &items[i].class->place) && is_placed_as(item, &items[i], guess))
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
	if (is_at_offset(&item->siting.hint, item->class->place.off) &&
	    ((r->alias[0] && !strcmp(told, guessed)) || is_named_so(r, item->siting.hint.name)))
		return true;
	return has_room(&item->siting.hint, &item->class->place) &&
	       is_shared_guess(item, items, nr);
}

/* Each by the guesses as they were: what is believed makes no other guess better. */
static int believe_guesses(struct siting_item *items, size_t nr)
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

/* --- joining --------------------------------------------------------------- */

static int by_name(const void *va, const void *vb)
{
	const struct siting_item *a = *(struct siting_item *const *)va;
	const struct siting_item *b = *(struct siting_item *const *)vb;
	int order = strcmp(a->result->name, b->result->name);

	if (!order)
		order = (int)a->class->family - (int)b->class->family;
	return order ? order : (int)a->class->subclass - (int)b->class->subclass;
}

/* One type is one class, in whatever memory; the surest evidence for its name counts. */
static void join_named(struct siting_item *items, struct siting_item **some, size_t nr)
{
	size_t end;

	qsort(some, nr, sizeof(*some), by_name);
	for (size_t i = 0; i < nr; i = end) {
		size_t first = some[i] - items;
		enum names_certainty sure = some[i]->result->certainty;

		for (end = i + 1; end < nr && !by_name(&some[i], &some[end]); end++) {
			if ((size_t)(some[end] - items) < first)
				first = some[end] - items;
			if (some[end]->result->certainty < sure)
				sure = some[end]->result->certainty;
		}
		for (size_t j = i; j < end; j++) {
			some[j]->one_with = first;
			some[j]->result->certainty = sure;
		}
	}
}

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
		if (is_in_memory_of(item, typed[i]) &&
		    strcmp(item->result->name, typed[i]->result->name))
			item->result->certainty = NAMES_AMBIGUOUS;
}

/*
 * Prototypes, or what was told of other locks in the memory, name a class as the sites at its place that
 * are typed do: what each says by itself, both say of one type's lock. Prototypes alone may speak of one
 * struct at two sites that take two.
 */
static bool is_named_as_typed(const struct siting_item *item, struct siting_item *const *typed,
			      size_t nr)
{
	const struct names_result *r = item->result;

	for (size_t i = 0; r->certainty != NAMES_AMBIGUOUS && i < nr; i++)
		if (is_in_memory_of(item, typed[i]) && !strcmp(r->name, typed[i]->result->name))
			return true;
	return false;
}

/* A class whose site is not typed, in memory that has sites. */
static bool is_open(const struct siting_item *item)
{
	return !has_type(item) && item->class->place.site &&
	       item->class->place.kind != LV_PLACE_STACK;
}

/* Can the type that a site shows at a place be what another one has there, by all that this does with its pointer? */
static bool may_be_like(struct sites *s, const struct siting_item *item, const struct siting_item *like)
{
	const struct sites_pointer *pointers = item->siting.open;
	struct sites_object object;

	find_object(item->class, &object);
	if (!is_whole(like) || like->siting.answer.offset != object.off)
		return true;
	for (size_t i = 0; i < SITING_FRAMES && pointers[i].ip; i++)
		if (!sites_may_be(s, &pointers[i], &object, like->siting.answer.type))
			return false;
	return true;
}

/* The only type that sites show at this place and that this one may have there. NULL: none, or several. */
static const struct siting_item *find_like(struct sites *s, const struct siting_item *item,
					   struct siting_item *const *typed, size_t nr)
{
	const struct siting_item *found = NULL;

	for (size_t i = 0; i < nr; i++) {
		if (!is_in_memory_of(item, typed[i]) ||
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
	return open->item->siting.function && is_in_memory_of(open->item, typed) &&
	       typed->siting.answer.function == open->item->siting.function;
}

static bool match_place(const struct open_class *open, const struct siting_item *typed)
{
	return is_in_memory_of(open->item, typed);
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
 * The only type at this place, where the kernel has told one name for it, too, and that is of the type's
 * member: what it was told of, and what typed sites lock, is one.
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
			       may_be_like(open->s, open->item, found) ?
		       found :
		       NULL;
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

static int group_alike(const struct siting_item *items, size_t nr, size_t *group)
{
	struct alike_item *all = calloc(nr + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		all[i] = (struct alike_item){items[i].id, items[i].class};
	alike_group(all, nr, group);
	free(all);
	return 0;
}

/*
 * An ambiguous class is called by the best guess that there is: its own; or what typed sites show at this place, if
 * the kernel has not told a name for it.
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
	set_name(item, is_whole(like) ? like->siting.answer.name : identity(&like->siting.answer));
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

/* Name a class whose site is not typed by all that is known. Does it join the others of that name? */
static bool settle_open(struct sites *s, struct siting_item *items, const size_t *group, size_t of,
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

static int join_all(struct sites *s, struct siting_item *items, size_t nr, struct siting_item **some,
		    size_t *group)
{
	size_t kept = 0, typed, end;

	if (believe_guesses(items, nr) || group_alike(items, nr, group))
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		items[i].one_with = i;
		if (has_type(&items[i]))
			some[kept++] = &items[i];
		else if (items[i].class->place.site && items[i].siting.contradicts)
			items[i].result->certainty = NAMES_AMBIGUOUS;
	}
	qsort(some, kept, sizeof(*some), by_memory);
	for (size_t i = 0; i < kept; i = end) {
		for (end = i + 1; end < kept && !by_memory(&some[i], &some[end]); end++)
			;
		name_type(some + i, end - i, some, kept);
	}
	typed = kept;
	for (size_t i = 0; i < nr; i++)
		if (is_open(&items[i]) && settle_open(s, items, group, i, some, typed))
			some[kept++] = &items[i];
	join_named(items, some, kept);
	return 0;
}

int siting_join(struct sites *s, struct siting_item *items, size_t nr)
{
	struct siting_item **some = calloc(nr + 1, sizeof(*some));
	size_t *group = calloc(nr + 1, sizeof(*group));
	int err = some && group ? join_all(s, items, nr, some, group) : -ENOMEM;

	free(group);
	free(some);
	return err;
}
