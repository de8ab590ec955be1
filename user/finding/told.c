// SPDX-License-Identifier: GPL-2.0-only
#include "finding/told.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct told_id *find(struct told_id *slots, uint32_t room, const char *id)
{
	uint32_t at = (uint32_t)strtoul(id + 4, NULL, 16) & (room - 1); /* an id is a hash */

	while (slots[at].id[0] && strcmp(slots[at].id, id))
		at = (at + 1) & (room - 1);
	return &slots[at];
}

static int reserve(struct told_ids *ids)
{
	uint32_t room = ids->room ? ids->room * 2 : 64;
	struct told_id *slots;

	if (ids->nr < ids->room / 2)
		return 0;
	slots = calloc(room, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < ids->room; i++)
		if (ids->slots[i].id[0])
			*find(slots, room, ids->slots[i].id) = ids->slots[i];
	free(ids->slots);
	ids->slots = slots;
	ids->room = room;
	return 0;
}

int told_ids_is_news(struct told_ids *ids, const struct finding *f)
{
	struct told_id *told;
	int err = reserve(ids);

	if (err)
		return err;
	told = find(ids->slots, ids->room, f->id);
	if (told->id[0] && told->confidence >= f->confidence)
		return 0;
	ids->nr += !told->id[0];
	memcpy(told->id, f->id, FINDING_ID_LEN);
	told->confidence = (uint8_t)f->confidence;
	return 1;
}

void told_ids_done(struct told_ids *ids)
{
	free(ids->slots);
	*ids = (struct told_ids){0};
}

size_t told_ids_memory(const struct told_ids *ids)
{
	return ids->room * sizeof(*ids->slots);
}
