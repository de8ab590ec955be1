// SPDX-License-Identifier: GPL-2.0-only
#include "finding/set.h"

#include <errno.h>
#include <stdlib.h>

void finding_done(struct finding *f)
{
	finding_chain_done(&f->chain);
	for (uint32_t i = 0; i < f->nr_also; i++)
		finding_chain_done(&f->also[i]);
	free(f->also);
	free(f->beyond);
}

void findings_free(struct findings *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; i < f->nr; i++)
		finding_done(&f->items[i]);
	free(f->items);
	free(f);
}

uint32_t findings_keep(struct findings *f, bool (*wanted)(const struct finding *f, void *arg),
		       void *arg)
{
	uint32_t kept = 0, had = f->nr;

	for (uint32_t i = 0; i < had; i++) {
		if (wanted(&f->items[i], arg))
			f->items[kept++] = f->items[i];
		else
			finding_done(&f->items[i]);
	}
	f->nr = kept;
	return had - kept;
}

int finding_set_add(struct finding_set *set, enum finding_rule rule, struct finding_chain *chain,
		    struct finding **ret_finding)
{
	struct findings *all = set->findings;
	struct finding *f;

	if (all->nr == set->room) {
		uint32_t room = set->room ? set->room * 2 : 8;
		struct finding *grown = reallocarray(all->items, room, sizeof(*grown));

		if (!grown) {
			finding_chain_done(chain);
			return -ENOMEM;
		}
		all->items = grown;
		set->room = room;
	}
	f = &all->items[all->nr++];
	*f = (struct finding){
		.rule = rule,
		.chain = *chain,
		.confidence = chain->confidence,
		.suppressed_by = LV_NONE,
		.stack = LV_NONE,
		.ring = LV_NONE,
	};
	if (ret_finding)
		*ret_finding = f;
	return 0;
}

/* Grows by doubling, as capture.c's arrays do. */
int finding_add_also(struct finding *f, struct finding_chain *chain)
{
	if ((f->nr_also & (f->nr_also - 1)) == 0) {
		uint32_t room = f->nr_also ? f->nr_also * 2 : 1;
		struct finding_chain *grown = reallocarray(f->also, room, sizeof(*grown));

		if (!grown) {
			finding_chain_done(chain);
			return -ENOMEM;
		}
		f->also = grown;
	}
	f->also[f->nr_also++] = *chain;
	return 0;
}
