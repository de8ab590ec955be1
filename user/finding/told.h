/* SPDX-License-Identifier: GPL-2.0-only */
/* The ids a watch has told, and how surely. */
#ifndef LOCKVANE_FINDING_TOLD_H
#define LOCKVANE_FINDING_TOLD_H

#include <stddef.h>

#include "finding/finding.h"

struct told_id {
	char id[FINDING_ID_LEN]; /* empty: a free slot */
	uint8_t confidence;
};

struct told_ids {
	struct told_id *slots; /* open-addressed, at most half full */
	uint32_t nr, room;
};

/*
 * Is it news, an id not told before or told with less confidence? Then it is
 * told now. 1, 0 or -ENOMEM.
 */
int told_ids_is_news(struct told_ids *ids, const struct finding *f);
void told_ids_done(struct told_ids *ids);
size_t told_ids_memory(const struct told_ids *ids);

#endif
