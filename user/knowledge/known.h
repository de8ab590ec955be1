/* SPDX-License-Identifier: GPL-2.0-only */
/* The findings that are known, of this kernel build and of others: what is kept of each. */
#ifndef LOCKVANE_KNOWLEDGE_KNOWN_H
#define LOCKVANE_KNOWLEDGE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "finding/finding.h"

#define KNOWN_MAX 4096

struct known_finding {
	char id[FINDING_ID_LEN];
	char *kernel, *build; /* uname release and version */
	enum finding_rule rule;
	enum finding_confidence confidence;
	char *chain;		    /* "a --> b --> c" */
	uint64_t first_ms, last_ms; /* since the epoch */
	uint64_t count;		    /* times seen */
	uint64_t sightings;	    /* knowledge_sightings() when this process last counted */
	bool counting;		    /* it has */
	bool told, suppressed;
	char *text, *json; /* whole reports, until they are in the database */
	bool dirty;	   /* differs from the database */
};

struct known {
	struct known_finding *items;
	size_t nr, room;
};

struct known_finding *known_find(const struct known *k, const char *id);

/*
 * A new one, zeroed but for the id, all yours to fill in; good until the next
 * is added. -ENOSPC: KNOWN_MAX are there, and none of another build could go. -ENOMEM.
 */
int known_add(struct known *k, const char *id, const char *kernel, const char *build,
	      struct known_finding **ret);

/* Take back what known_add() has just given. */
void known_drop_last(struct known *k);
void known_done(struct known *k);

#endif
