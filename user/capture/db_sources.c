// SPDX-License-Identifier: GPL-2.0-only
/* Rows of a capture that was put together of others: these, and who of them saw what. */
#include "capture/db_write_internal.h"

static int write_sources(sqlite3 *db, const struct capture *c, struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO source (id, name, command, started, duration, events, lost) "
		    "VALUES (?, ?, ?, ?, ?, ?, ?)");
	for (size_t i = 0; i < c->nr_sources; i++) {
		const struct capture_source *source = &c->sources[i];

		writer_int(&w, i);
		writer_text(&w, source->name, SIZE_MAX);
		writer_text(&w, source->command, SIZE_MAX);
		writer_int(&w, source->started);
		writer_int(&w, source->duration);
		writer_int(&w, source->events);
		writer_int(&w, source->lost);
		writer_row(&w);
	}
	return writer_close(&w, "source", err);
}

static int write_usages(sqlite3 *db, const struct capture *c, struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO usage_source (class, bit, sources) VALUES (?, ?, ?)");
	for (size_t i = 0; i < c->nr_classes; i++)
		for (int bit = 0; bit < LV_USAGES; bit++) {
			if (!c->classes[i].usage_sources[bit])
				continue;
			writer_int(&w, i);
			writer_int(&w, bit);
			writer_int(&w, c->classes[i].usage_sources[bit]);
			writer_row(&w);
		}
	return writer_close(&w, "usage_source", err);
}

static void put_source(struct writer *w, size_t i, uint64_t source)
{
	if (!source)
		return;
	writer_int(w, i);
	writer_int(w, __builtin_ctzll(source));
	writer_row(w);
}

static int write_edges(sqlite3 *db, const struct capture *c, struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO edge_source (edge, source) VALUES (?, ?)");
	for (size_t i = 0; i < c->nr_edges; i++)
		put_source(&w, i, c->edges[i].source);
	return writer_close(&w, "edge_source", err);
}

static int write_facts(sqlite3 *db, const struct capture *c, struct error *err)
{
	struct writer w;

	writer_open(&w, db, "INSERT INTO fact_source (fact, source) VALUES (?, ?)");
	for (size_t i = 0; i < c->nr_facts; i++)
		put_source(&w, i, c->facts[i].source);
	return writer_close(&w, "fact_source", err);
}

int db_write_sources(sqlite3 *db, const struct capture *c, struct error *err)
{
	int code = c->nr_sources ? write_sources(db, c, err) : 0;

	if (code || !c->nr_sources)
		return code;
	code = write_usages(db, c, err);
	code = code ? code : write_edges(db, c, err);
	return code ? code : write_facts(db, c, err);
}
