// SPDX-License-Identifier: GPL-2.0-only
/*
 * Classes on stacks. A prototype names a class whose function was given a struct (memname.h); one
 * that was given a bare lock or wait queue, or none, is ambiguous, and its site may know more:
 * "reserve_ticket.wait".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "naming/siting_internal.h"

static bool is_open_stack(const struct siting_item *item)
{
	return item->class->place.kind == LV_PLACE_STACK && item->class->place.site &&
	       item->class->state != LV_SLOT_DEAD && !item->siting.contradicts &&
	       item->result->certainty == NAMES_AMBIGUOUS;
}

/* The member that the site says the lock is, for sure or by a guess; NULL: it says none. */
static const struct sites_answer *find_member(const struct siting_item *item)
{
	const struct siting *s = &item->siting;
	const struct sites_answer *a = siting_is_typed(&s->answer) ? &s->answer : &s->hint;

	return a->kind == SITES_MEMBER ? a : NULL;
}

/* Does another function lock the same on a stack, if only by a guess? */
static bool is_shared(const struct sites_answer *guess, const struct siting_item *items, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		const struct sites_answer *a = find_member(&items[i]);

		if (items[i].class->place.kind == LV_PLACE_STACK && !items[i].siting.contradicts &&
		    a && a->function != guess->function &&
		    !strcmp(siting_identity(a), siting_identity(guess)))
			return true;
	}
	return false;
}

/* As memname.h does, all that lock one member on a stack are called so, and are one class
 * (names_fold.h). */
static void name_stack(const struct siting_item *item, const struct sites_answer *a)
{
	siting_set_name(item, siting_identity(a));
	item->result->certainty = NAMES_INFERRED;
	item->result->collapsed = true;
}

/* A variable of the function's own is one lock, whatever it is called: "wait_queue_head in shmem_fallocate". */
static void name_own(const struct siting_item *item)
{
	struct names_result *r = item->result;
	int twin = item->class->subclass & LV_SUBCLASS_TWIN ? (int)strlen("/1") : 0;
	int len = (int)strlen(r->name) - twin;
	char text[NAMES_LEN];

	if (!strncmp(r->name, "stack", strlen("stack")))
		snprintf(text, sizeof(text), "%.*s", len, r->name);
	else
		snprintf(text, sizeof(text), "%.*s in %s", len, r->name, item->siting.own);
	siting_set_name(item, text);
	r->certainty = NAMES_INFERRED;
	r->collapsed = false; /* a variable each */
}

/* Each by the names as they were. */
int siting_name_stacks(struct siting_item *items, size_t nr)
{
	bool *known = calloc(nr + 1, sizeof(*known));

	if (!known)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		const struct sites_answer *a =
			is_open_stack(&items[i]) ? find_member(&items[i]) : NULL;

		known[i] = a && (siting_is_typed(a) || is_shared(a, items, nr));
	}
	for (size_t i = 0; i < nr; i++) {
		if (known[i])
			name_stack(&items[i], find_member(&items[i]));
		else if (is_open_stack(&items[i]) && items[i].siting.own[0])
			name_own(&items[i]);
	}
	free(known);
	return 0;
}
