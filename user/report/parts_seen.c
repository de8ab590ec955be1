// SPDX-License-Identifier: GPL-2.0-only
/* Which of the captures that were put together saw which part of a chain. */
#include "report/parts.h"

#include <inttypes.h>

#define NAMES_SHOWN 8

static void put_sources(const struct parts *p, uint64_t sources)
{
	uint32_t shown = 0, more = 0;

	for (size_t i = 0; i < p->c->nr_sources; i++) {
		if (!(sources >> i & 1))
			continue;
		if (shown == NAMES_SHOWN) {
			more++;
			continue;
		}
		fputs(shown++ ? ", " : " ", p->out);
		words_put(p->out, p->c->sources[i].name);
	}
	if (!shown)
		fputs(" nobody knows", p->out);
	if (more)
		fprintf(p->out, " and %" PRIu32 " more", more);
	putc('\n', p->out);
}

static void put_usage(const struct parts *p, uint32_t class, uint32_t usage)
{
	if (usage == FINDING_NO_USAGE)
		return;
	fputs("  ", p->out);
	parts_name(p, class);
	fprintf(p->out, " %s:", words_usage(usage));
	put_sources(p, p->c->classes[class].usage_sources[usage]);
}

void parts_seen_by(const struct parts *p, const struct finding_chain *chain)
{
	fputs("lockvane: seen by:\n", p->out);
	put_usage(p, chain->classes[0], chain->safe);
	for (uint32_t i = 0; i < chain->nr_edges;
	     i = parts_next(p, i, chain->nr_edges, "  (%u more)\n")) {
		const struct capture_edge *edge = &p->c->edges[chain->edges[i]];

		fputs("  ", p->out);
		parts_name(p, edge->from);
		fputs(" --> ", p->out);
		parts_name(p, edge->to);
		putc(':', p->out);
		put_sources(p, capture_edge_sources(p->c, edge));
	}
	put_usage(p, chain->classes[chain->nr_classes - 1], chain->unsafe);
}
