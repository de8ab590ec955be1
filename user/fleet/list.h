/* SPDX-License-Identifier: GPL-2.0-only */
/* The findings of a fleet by fingerprint, as the store has them. */
#ifndef LOCKVANE_FLEET_LIST_H
#define LOCKVANE_FLEET_LIST_H

#include <jansson.h>

#include "finding/finding.h"
#include "fleet/store.h"

struct list_filter {
	const char *id;	  /* how the fingerprint, or an id of it, begins; NULL: any */
	const char *rule; /* NULL: any */
	enum finding_confidence least;
	bool suppressed;  /* those that are suppressed on all their hosts, too */
	uint64_t since_ms; /* seen since then */
};

struct listed {
	char *fingerprint, *rule, *chain;
	enum finding_confidence confidence; /* the best */
	uint32_t hosts, builds;
	uint64_t first_ms, last_ms;
	bool suppressed, together; /* no host has it alone */
	char **names; /* some of the hosts */
	size_t nr_names;
};

struct list {
	struct listed *items;
	size_t nr;
};

/* The latest first. */
int list_get(struct store *s, const struct list_filter *filter, struct list *ret, struct error *err);
void list_free(struct list *l);

/* A few lines, or the fields of an object. */
void list_put(const struct listed *f, bool brief);
json_t *list_json(const struct listed *f);

/* The view that both read: a row for each host that has a finding, or a part of one. */
#define LIST_ROWS                                                                              \
	"SELECT i.fingerprint, i.finding, i.rule, s.confidence, i.chain, i.kernel, i.build, "  \
	"s.host, s.first_ms, s.last_ms, s.count, s.suppressed, false AS together "             \
	"FROM lockvane.sighting s JOIN lockvane.issue i ON i.id = s.issue UNION ALL "          \
	"SELECT t.fingerprint, t.finding, t.rule, t.confidence, t.chain, b.kernel, b.build, "  \
	"h, t.first_ms, t.last_ms, 0, false, true FROM lockvane.together t "                   \
	"JOIN lockvane.build b ON b.id = t.build CROSS JOIN unnest(t.hosts) h"

#endif
