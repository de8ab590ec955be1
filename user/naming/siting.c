// SPDX-License-Identifier: GPL-2.0-only
#include "naming/siting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "naming/alike.h"
#include "naming/siting_internal.h"

static bool is_open_answer(const struct sites_answer *a)
{
	return a->kind == SITES_UNKNOWN || a->kind == SITES_GENERIC || a->pointed;
}

/* Up from the lock's function to a frame that knows the type. pointers: those frames that have the
 * lock's address. */
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
		      const struct sites_object *object,
		      struct sites_pointer pointers[SITING_FRAMES], struct sites_answer *ret)
{
	struct sites_answer guess;

	memset(pointers, 0, SITING_FRAMES * sizeof(*pointers));
	ask_frames(s, stack, pointers, ret);
	for (size_t i = 0; is_open_answer(ret) && i < SITING_FRAMES && pointers[i].ip; i++)
		if (!sites_ask_object(s, &pointers[i], object, &guess) &&
		    guess.kind == SITES_MEMBER)
			*ret = guess;
}

static void note_own(const struct sites_answer *a, bool first, struct siting *ret)
{
	if (a->own && (first || !strcmp(ret->own, a->name)))
		snprintf(ret->own, sizeof(ret->own), "%.63s", a->name);
	else
		ret->own[0] = '\0';
}

void siting_ask(struct sites *s, const struct lv_class *class, const struct callsite_stack *stacks,
		size_t nr, struct siting *ret)
{
	struct sites_object object;
	struct sites_pointer pointers[SITING_FRAMES];
	struct sites_answer answer;

	memset(ret, 0, sizeof(*ret));
	siting_find_object(class, &object);
	for (size_t i = 0; s && i < nr; i++) {
		ask_stack(s, &stacks[i], &object, pointers, &answer);
		ret->function = !i || answer.function == ret->function ? answer.function : 0;
		note_own(&answer, !i, ret);
		if (is_open_answer(&answer))
			memcpy(ret->open, pointers, sizeof(pointers));
		if (answer.kind == SITES_MEMBER && answer.strength == SITES_BY_HINT)
			ret->hint = answer;
		if (!siting_is_typed(&answer))
			continue;
		if (!siting_is_typed(&ret->answer)) {
			ret->answer = answer;
			continue;
		}
		ret->contradicts |=
			strcmp(siting_identity(&answer), siting_identity(&ret->answer)) != 0;
		if (answer.strength < ret->answer.strength)
			ret->answer = answer;
	}
}

void siting_describe(const struct siting *s, struct strbuf *ret)
{
	static const char *const strengths[] = {[SITES_BY_TYPE] = "by type",
						[SITES_BY_USE] = "by use",
						[SITES_BY_HINT] = "a guess"};
	const struct sites_answer *a = siting_is_typed(&s->answer) ? &s->answer : &s->hint;

	if (s->contradicts)
		strbuf_add(ret, "several types");
	else if (a->kind == SITES_MEMBER || a->kind == SITES_SYMBOL)
		strbuf_addf(ret, "%s %s, %s", a->kind == SITES_MEMBER ? "member" : "symbol",
			    a->name, strengths[a->strength]);
	else if (s->own[0])
		strbuf_addf(ret, "a variable on the stack of %s", s->own);
	else
		strbuf_add(ret, "not typed");
}

/* --- the name ------------------------------------------------------------- */

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
	return strcmp(siting_identity(&a->siting.answer), siting_identity(&b->siting.answer));
}

/*
 * The struct around the type at one place, where a site knows it to be all of the object:
 * "nfc_dev.dev.mutex", where others say "device.mutex". NULL: none is known, or two are.
 */
static const struct siting_item *find_whole(struct siting_item *const *some, size_t nr)
{
	const struct siting_item *whole = NULL;

	for (size_t i = 0; i < nr; i++) {
		if (!siting_is_whole(some[i]))
			continue;
		if (whole && strcmp(whole->siting.answer.name, some[i]->siting.answer.name))
			return NULL;
		whole = some[i];
	}
	return whole;
}

/*
 * The array that the type at a place is an element of, where a site that takes another of its
 * elements knows it: it is of that type, in the same cache, and the elements' size leads from one
 * to the other.
 */
static const struct siting_item *find_array(struct siting_item *const *all, size_t nr_all,
					    const struct siting_item *one)
{
	const struct siting_item *array = NULL;
	uint32_t off = one->class->place.off;

	for (size_t i = 0; i < nr_all; i++) {
		const struct sites_answer *a = &all[i]->siting.answer;

		if (!alike_share_cache(all[i]->class, one->class) || !siting_is_whole(all[i]) ||
		    !siting_is_in_array(a, off) || !a->inner_size ||
		    (off - a->offset) % a->inner_size ||
		    strcmp(siting_identity(a), siting_identity(&one->siting.answer)))
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
		const struct siting_item *like = siting_is_whole(some[i]) ? some[i] : whole;

		siting_set_name(some[i], like ? like->siting.answer.name
					      : siting_identity(&some[i]->siting.answer));
	}
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

static int join_all(struct sites *s, struct siting_item *items, size_t nr,
		    struct siting_item **some, size_t *group)
{
	size_t kept = 0, typed, end;

	if (siting_name_stacks(items, nr) || siting_believe_guesses(items, nr) ||
	    group_alike(items, nr, group))
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		items[i].one_with = i;
		if (siting_has_type(&items[i]))
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
		if (siting_is_open(&items[i]) &&
		    siting_settle_open(s, items, group, i, some, typed))
			some[kept++] = &items[i];
	join_named(items, some, kept);
	return siting_join_open(items, nr, group);
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
