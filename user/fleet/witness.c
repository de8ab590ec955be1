// SPDX-License-Identifier: GPL-2.0-only
#include "fleet/witness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct asking {
	const struct fleet_graph *g;
	struct witness *items;
	size_t nr;
};

static bool add_link(struct witness *w, uint32_t unit)
{
	if (unit == LV_NONE || w->nr >= WITNESS_LINKS)
		return false;
	w->units[w->nr++] = unit;
	return true;
}

static bool add_usage(struct witness *w, const struct fleet_graph *g, uint32_t class, uint32_t usage)
{
	return usage == FINDING_NO_USAGE || add_link(w, g->usage_units[class][usage]);
}

bool witness_set(struct witness *w, const struct fleet_graph *g, const struct finding *f,
		 const struct finding_chain *chain)
{
	*w = (struct witness){ .finding = f, .chain = chain };
	for (uint32_t i = 0; i < chain->nr_edges; i++)
		if (!capture_edge_told(g->c, &g->c->edges[chain->edges[i]]) &&
		    !add_link(w, g->edge_units[chain->edges[i]]))
			return false;
	return add_usage(w, g, chain->classes[0], chain->safe) &&
	       add_usage(w, g, chain->classes[chain->nr_classes - 1], chain->unsafe) && w->nr > 1;
}

/* A bit string as it travels: its length in bits, and bytes with the first bit uppermost. */
struct bits {
	const uint8_t *bytes;
	uint32_t nr;
};

static struct bits get_bits(const PGresult *row, int column)
{
	int len = PQgetlength(row, 0, column);
	const char *value = PQgetvalue(row, 0, column);
	struct bits bits = {};
	uint32_t nr;

	if (!value || len < 4)
		return bits;
	memcpy(&nr, value, 4);
	bits.bytes = (const uint8_t *)value + 4;
	bits.nr = ntohl(nr);
	if (bits.nr > 8ull * (len - 4))
		bits.nr = 8 * (len - 4);
	return bits;
}

static bool has_unit(const struct bits *bits, const struct fleet_graph *g, uint32_t unit)
{
	for (uint32_t i = 0; i < g->units[unit].nr; i++) {
		uint32_t number = g->numbers[g->units[unit].first + i];

		if (number < bits->nr && bits->bytes[number / 8] & 0x80 >> number % 8)
			return true;
	}
	return false;
}

static void look(struct witness *w, const struct fleet_graph *g, const struct bits *bits, int32_t run)
{
	uint64_t links = 0;

	for (uint32_t i = 0; i < w->nr; i++)
		if (has_unit(bits, g, w->units[i]))
			links |= 1ull << i;
	if (__builtin_popcountll(links) == (int)w->nr)
		w->whole++;
	for (uint32_t i = 0; i < w->nr; i++)
		if (links & 1ull << i &&
		    __builtin_popcountll(links) > __builtin_popcountll(w->best[i].links))
			w->best[i] = (struct witness_best){ run, links };
}

static int look_at_row(void *arg, const PGresult *row, struct error *err)
{
	struct asking *a = arg;
	struct bits bits = get_bits(row, 1);
	uint32_t run;

	if (PQgetlength(row, 0, 0) != sizeof(run))
		return error_set(err, -EPROTO, "the store answers otherwise than it should");
	memcpy(&run, PQgetvalue(row, 0, 0), sizeof(run));
	for (size_t i = 0; i < a->nr; i++)
		look(&a->items[i], a->g, &bits, ntohl(run));
	return 0;
}

int witness_ask(struct store *s, const struct fleet_build *build, const struct fleet_graph *g,
		struct witness *items, size_t nr, struct error *err)
{
	struct asking a = { g, items, nr };
	char id[16];
	const char *values[] = { id };

	if (!nr)
		return 0;
	snprintf(id, sizeof(id), "%" PRId32, build->id);
	return store_each(s, "SELECT s.run, s.parts FROM lockvane.seen s JOIN lockvane.run r ON r.id = s.run "
			     "WHERE r.build = $1 ORDER BY s.run", 1, values, look_at_row, &a, err);
}

size_t witness_choose(const struct witness *w, struct witness_best ret[static WITNESS_LINKS])
{
	uint64_t covered = 0;
	size_t nr = 0;

	if (w->whole)
		return 0;
	for (uint32_t i = 0; i < w->nr; i++) {
		if (covered & 1ull << i)
			continue;
		/* A part that its host could not tell of any more: nobody's. */
		if (!w->best[i].links)
			return 0;
		ret[nr++] = w->best[i];
		covered |= w->best[i].links;
	}
	return nr;
}
