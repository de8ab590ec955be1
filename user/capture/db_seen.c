// SPDX-License-Identifier: GPL-2.0-only
/*
 * Evidence on usages and edges (sightings, instances), which changes after their rows were written.
 */
#include "capture/db_write_internal.h"

static void put_usage(struct writer *w, const struct capture_class *class, size_t i, int bit)
{
	writer_int(w, i);
	writer_int(w, bit);
	writer_int(w, class->twice >> bit & 1);
	writer_addr(w, class->usage_low[bit]);
	writer_int(w, class->usage_seen[bit]);
	writer_row(w);
}

int db_write_usages_seen(sqlite3 *db, const struct capture *c, size_t first, size_t end,
			 struct error *err)
{
	struct writer w;

	/* A row that says the same is left alone. */
	writer_open(&w, db, "INSERT INTO usage_seen (class, bit, twice, low, seen) "
		    "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (class, bit) DO UPDATE SET "
		    "twice = ?3, low = ?4, seen = ?5 WHERE "
		    "twice <> ?3 OR low IS NOT ?4 OR seen <> ?5");
	for (size_t i = first; i < end && i < c->nr_classes; i++)
		for (int bit = 0; bit < LV_USAGES; bit++)
			if (c->classes[i].usage & 1u << bit)
				put_usage(&w, &c->classes[i], i, bit);
	return writer_close(&w, "usage_seen", err);
}

static void put_edge(struct writer *w, const struct capture_edge *edge, size_t i)
{
	writer_int(w, i);
	writer_int(w, edge->seen_from);
	writer_int(w, edge->seen_to);
	for (int n = 0; n < 2; n++) {
		writer_addr(w, edge->low[n].from);
		writer_addr(w, edge->low[n].to);
	}
	writer_row(w);
}

static int write_edges(sqlite3 *db, const struct capture *c, size_t first, size_t end,
		       struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO edge_seen (edge, from_seen, to_seen, low_from, "
		    "low_from_to, low_to_from, low_to) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
		    "ON CONFLICT (edge) DO UPDATE SET from_seen = ?2, to_seen = ?3, "
		    "low_from = ?4, low_from_to = ?5, low_to_from = ?6, low_to = ?7 WHERE "
		    "from_seen <> ?2 OR to_seen <> ?3 OR low_from IS NOT ?4 OR "
		    "low_from_to IS NOT ?5 OR low_to_from IS NOT ?6 OR low_to IS NOT ?7");
	for (size_t i = first; i < end && i < c->nr_edges; i++)
		put_edge(&w, &c->edges[i], i);
	return writer_close(&w, "edge_seen", err);
}

/* Only where it says anything; it stays so. */
static int write_sure(sqlite3 *db, const struct capture *c, size_t first, size_t end,
		      struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT OR IGNORE INTO edge_sure (edge) VALUES (?)");
	for (size_t i = first; i < end && i < c->nr_edges; i++) {
		if (!c->unlocks_hidden || !c->edges[i].sure)
			continue;
		writer_int(&w, i);
		writer_row(&w);
	}
	return writer_close(&w, "edge_sure", err);
}

static int write_gates(sqlite3 *db, const struct capture *c, size_t first, size_t end,
		       struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT OR IGNORE INTO gate (edge, class, addr) VALUES (?, ?, ?)");
	for (size_t i = first; i < end && i < c->nr_edges; i++)
		for (int n = 0; n < LV_GATES; n++) {
			if (c->edges[i].gate_class[n] == LV_NONE)
				continue;
			writer_int(&w, i);
			writer_int(&w, c->edges[i].gate_class[n]);
			writer_int(&w, c->edges[i].gate_addr[n]);
			writer_row(&w);
		}
	return writer_close(&w, "gate", err);
}

/* Gates are lost, never won. */
static int drop_gates(sqlite3 *db, const struct capture *c, size_t end, struct error *err)
{
	struct writer w;

	writer_open(&w, db, "DELETE FROM gate WHERE edge = ? AND addr NOT IN (?, ?, ?)");
	for (size_t i = 0; i < end && i < c->nr_edges; i++) {
		writer_int(&w, i);
		for (int n = 0; n < LV_GATES; n++)
			writer_int(&w, c->edges[i].gate_class[n] == LV_NONE ?
					       0 :
					       c->edges[i].gate_addr[n]);
		writer_row(&w);
	}
	return writer_close(&w, "gate", err);
}

int db_write_edges_seen(sqlite3 *db, const struct capture *c, size_t first, size_t end,
			struct error *err)
{
	int code = write_edges(db, c, first, end, err);

	code = code ? code : write_sure(db, c, first, end, err);
	if (!code && !first)
		code = drop_gates(db, c, end, err);
	return code ? code : write_gates(db, c, first, end, err);
}
