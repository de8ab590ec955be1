// SPDX-License-Identifier: GPL-2.0-only
/* Findings that the graph's growth completes. */
#include "knowledge/knowledge_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct finding *find_id(struct knowledge *p, const char *id)
{
	for (uint32_t i = 0; i < p->all.nr; i++)
		if (!strcmp(p->all.items[i].id, id))
			return &p->all.items[i];
	return NULL;
}

/* Move a step's findings over; replaced ones are left in their place. */
static int keep_new(struct knowledge *p, struct findings *new)
{
	struct finding *grown = reallocarray(p->all.items, p->all.nr + new->nr, sizeof(*grown));
	uint32_t kept = 0;

	if (!grown)
		return -ENOMEM;
	p->all.items = grown;
	for (uint32_t i = 0; i < new->nr; i++) {
		struct finding f = new->items[i], *old = find_id(p, f.id);

		if (old)
			new->items[kept++] = *old;
		*(old ? old : &p->all.items[p->all.nr++]) = f;
	}
	new->nr = kept;
	return 0;
}

int knowledge_tell_watch(struct knowledge *p, watch_step step, uint32_t index)
{
	struct findings *new = calloc(1, sizeof(*new));
	int code;

	if (!new)
		return -ENOMEM;
	code = step(p->w, index, new);
	if (!code && new->nr)
		code = keep_new(p, new);
	findings_free(new);
	return code;
}

/* A part seen once and now twice is surer, though no new class or edge tells the watch. */
int knowledge_tell_again(struct knowledge *p)
{
	int code = 0;

	for (uint32_t i = 0; !code && i < p->all.nr; i++) {
		struct findings *new;

		if (!p->all.items[i].chain.once)
			continue;
		new = calloc(1, sizeof(*new));
		if (!new)
			return -ENOMEM;
		code = finding_watch_again(p->w, &p->all.items[i], new);
		if (!code && new->nr)
			code = keep_new(p, new);
		findings_free(new);
	}
	return code;
}
