// SPDX-License-Identifier: GPL-2.0-only
#include "knowledge/knowledge_internal.h"

#include <errno.h>
#include <stdlib.h>

int knowledge_learn_edge(struct knowledge *p, uint32_t edge)
{
	const struct capture_edge *e = &p->c->edges[edge];
	struct joined *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->key = (struct edge_key){e->from, e->to, e->dep};
	j->edge = edge;
	HASH_ADD(hh, p->edges, key, sizeof(j->key), j);
	return 0;
}

uint32_t knowledge_edge(const struct knowledge *p, uint32_t from, uint32_t to, uint32_t dep)
{
	struct edge_key key = {from, to, dep};
	struct joined *j;

	HASH_FIND(hh, p->edges, &key, sizeof(key), j);
	return j ? j->edge : LV_NONE;
}

void knowledge_forget_edges(struct knowledge *p)
{
	struct joined *j, *next;

	HASH_ITER(hh, p->edges, j, next)
	{
		HASH_DEL(p->edges, j);
		free(j);
	}
}
