// SPDX-License-Identifier: GPL-2.0-only
#include "report/diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/diff_internal.h"

/* A thing to compare by, and where it is in its capture. */
struct keyed {
	const char *text;   /* a class's name, a finding's fingerprint; NULL of an edge */
	uint64_t number[2]; /* for an edge: its classes, and its type; for a class: the family */
	uint32_t index;
};

static int compare(const struct keyed *a, const struct keyed *b)
{
	int order = a->text ? strcmp(a->text, b->text) : 0;

	for (int i = 0; !order && i < 2; i++)
		order = (a->number[i] > b->number[i]) - (a->number[i] < b->number[i]);
	return order;
}

static int by_key(const void *a, const void *b)
{
	const struct keyed *left = a, *right = b;
	int order = compare(left, right);

	return order ? order : (left->index > right->index) - (left->index < right->index);
}

static int sort(struct keyed **keys, size_t *nr)
{
	size_t kept = 0;

	qsort(*keys, *nr, sizeof(**keys), by_key);
	/* In captures put together an edge may be several times. */
	for (size_t i = 0; i < *nr; i++)
		if (!kept || compare(&(*keys)[kept - 1], &(*keys)[i]))
			(*keys)[kept++] = (*keys)[i];
	*nr = kept;
	return 0;
}

static int push(struct diff_list *list, uint32_t index)
{
	if ((list->nr & (list->nr - 1)) == 0) {
		size_t room = list->nr ? 2 * list->nr : 1;
		uint32_t *grown = reallocarray(list->items, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->items = grown;
	}
	list->items[list->nr++] = index;
	return 0;
}

/* Splits two sorted rows: entries of one, of the other, and of both. */
static int split(const struct keyed *old, size_t nr_old, const struct keyed *new, size_t nr_new,
		 struct diff_part *ret)
{
	size_t i = 0, k = 0;
	int err = 0;

	while (!err && (i < nr_old || k < nr_new)) {
		int order = i == nr_old ? 1 : k == nr_new ? -1 : compare(&old[i], &new[k]);

		if (order < 0)
			err = push(&ret->gone, old[i++].index);
		else if (order > 0)
			err = push(&ret->new, new[k++].index);
		else
			ret->both++, i++, k++;
	}
	return err;
}

typedef int (*keys_fn)(const struct diff *d, const struct diff_side *side, struct keyed *keys,
		       size_t *ret_nr);

static int class_keys(const struct diff *d, const struct diff_side *side, struct keyed *keys,
		      size_t *ret_nr)
{
	for (size_t i = 0; i < side->c->nr_classes; i++)
		keys[i] = (struct keyed){side->c->classes[i].name,
					 {side->c->classes[i].family, 0}, (uint32_t)i};
	*ret_nr = side->c->nr_classes;
	return 0;
}

static int edge_keys(const struct diff *d, const struct diff_side *side, struct keyed *keys,
		     size_t *ret_nr)
{
	const uint32_t *common = side == &d->old ? d->old_common : d->new_common;

	for (size_t i = 0; i < side->c->nr_edges; i++) {
		const struct capture_edge *edge = &side->c->edges[i];

		keys[i] = (struct keyed){NULL,
					 {(uint64_t)common[edge->from] << 32 | common[edge->to],
					  edge->dep}, (uint32_t)i};
	}
	*ret_nr = side->c->nr_edges;
	return 0;
}

static int finding_keys(const struct diff *d, const struct diff_side *side, struct keyed *keys,
			size_t *ret_nr)
{
	size_t nr = 0;

	for (uint32_t i = 0; i < side->found->nr; i++)
		if (finding_shown(&side->found->items[i], d->least))
			keys[nr++] = (struct keyed){side->found->items[i].fingerprint, {0, 0}, i};
	*ret_nr = nr;
	return 0;
}

static int split_by(const struct diff *d, size_t max_old, size_t max_new, keys_fn fn,
		    struct diff_part *ret)
{
	struct keyed *old = calloc(max_old + 1, sizeof(*old));
	struct keyed *new = calloc(max_new + 1, sizeof(*new));
	size_t nr_old, nr_new;
	int err = old && new ? 0 : -ENOMEM;

	err = err ?: fn(d, &d->old, old, &nr_old);
	err = err ?: fn(d, &d->new, new, &nr_new);
	err = err ?: sort(&old, &nr_old);
	err = err ?: sort(&new, &nr_new);
	err = err ?: split(old, nr_old, new, nr_new, ret);
	free(old);
	free(new);
	return err;
}

/* Number the classes of both, those that are in both alike. */
static int number_classes(struct diff *d)
{
	size_t nr_old = d->old.c->nr_classes, nr_new = d->new.c->nr_classes;
	struct keyed *all = calloc(nr_old + nr_new + 1, sizeof(*all));
	uint32_t number = 0;
	size_t unused;

	d->old_common = calloc(nr_old + 1, sizeof(*d->old_common));
	d->new_common = calloc(nr_new + 1, sizeof(*d->new_common));
	if (!all || !d->old_common || !d->new_common) {
		free(all);
		return -ENOMEM;
	}
	class_keys(d, &d->old, all, &unused);
	class_keys(d, &d->new, all + nr_old, &unused);
	for (size_t i = 0; i < nr_new; i++)
		all[nr_old + i].index += nr_old;
	qsort(all, nr_old + nr_new, sizeof(*all), by_key);
	for (size_t i = 0; i < nr_old + nr_new; i++) {
		if (i && compare(&all[i - 1], &all[i]))
			number++;
		if (all[i].index < nr_old)
			d->old_common[all[i].index] = number;
		else
			d->new_common[all[i].index - nr_old] = number;
	}
	free(all);
	return 0;
}

int diff_new(const struct diff_side *old, const struct diff_side *new,
	     enum finding_confidence least, struct diff **ret)
{
	struct diff *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->old = *old;
	d->new = *new;
	d->least = least;
	err = number_classes(d);
	err = err ?: split_by(d, old->found->nr, new->found->nr, finding_keys, &d->findings);
	err = err ?: split_by(d, old->c->nr_classes, new->c->nr_classes, class_keys, &d->classes);
	err = err ?: split_by(d, old->c->nr_edges, new->c->nr_edges, edge_keys, &d->edges);
	if (err)
		diff_free(d);
	else
		*ret = d;
	return err;
}

static void part_done(struct diff_part *part)
{
	free(part->gone.items);
	free(part->new.items);
}

void diff_free(struct diff *d)
{
	if (!d)
		return;
	part_done(&d->findings);
	part_done(&d->classes);
	part_done(&d->edges);
	free(d->old_common);
	free(d->new_common);
	free(d);
}

bool diff_has_new_findings(const struct diff *d)
{
	return d->findings.new.nr;
}

bool diff_has_new(const struct diff *d)
{
	return d->findings.new.nr || d->classes.new.nr || d->edges.new.nr;
}
