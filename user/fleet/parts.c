// SPDX-License-Identifier: GPL-2.0-only
#include "fleet/parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "capture/place.h"

#define MAX_FLAGS 0x7fffffffu /* the store's integers are signed */

/* A capture's classes by their keys. */
struct classes {
	char (*keys)[FLEET_KEY_LEN]; /* "": it has none */
};

static int key_of_class(const struct capture_class *class, char ret[static FLEET_KEY_LEN])
{
	AUTO_STRBUF text = STRBUF_INIT;
	char place[CAPTURE_PLACE_LEN];
	struct fleet_key key;

	if (capture_place(class, place))
		return 0;
	strbuf_addf(&text, "class\n%s\n%s\n%s", class->name, place, class->kind);
	if (text.failed)
		return -ENOMEM;
	fleet_key_of(text.text, &key);
	fleet_key_text(&key, ret);
	return 0;
}

static void set_key(struct fleet_part *part, const struct classes *classes)
{
	char text[256];

	snprintf(text, sizeof(text), "part\n%d\n%s\n%s\n%" PRIu32 "\n%" PRIu32, part->kind,
		 classes->keys[part->class], part->other == LV_NONE ? "-" : classes->keys[part->other],
		 part->value, part->flags);
	fleet_key_of(text, &part->key);
}

static void add(struct fleet_parts *to, const struct classes *classes, struct fleet_part part)
{
	set_key(&part, classes);
	to->items[to->nr++] = part;
}

static void add_class(struct fleet_parts *to, const struct classes *classes, const struct capture *c,
		      uint32_t i)
{
	const struct capture_class *class = &c->classes[i];

	add(to, classes, (struct fleet_part){ .kind = FLEET_CLASS, .class = i, .other = LV_NONE,
					      .value = class->certainty, .flags = class->flags & MAX_FLAGS,
					      .stack = LV_NONE, .from_stack = LV_NONE });
	for (uint32_t bit = 0; bit < LV_USAGES; bit++)
		if (class->usage & 1u << bit)
			add(to, classes, (struct fleet_part){
				.kind = FLEET_USAGE, .class = i, .other = LV_NONE, .value = bit,
				.flags = class->twice & 1u << bit ? FLEET_TWICE : 0,
				.stack = class->usage_stack[bit], .from_stack = LV_NONE });
}

/*
 * Dependencies that no code was seen to make are those the kernel is told: the store's readers know
 * these by themselves.
 */
static void add_edge(struct fleet_parts *to, const struct classes *classes, const struct capture *c,
		     const struct capture_edge *edge)
{
	if (capture_edge_told(c, edge) || !classes->keys[edge->from][0] || !classes->keys[edge->to][0])
		return;
	add(to, classes, (struct fleet_part){
		.kind = FLEET_EDGE, .class = edge->from, .other = edge->to, .value = edge->dep,
		.flags = (edge->count > 1 ? FLEET_TWICE : 0) |
			 (edge->sure || !c->unlocks_hidden ? FLEET_SURE : 0),
		.stack = edge->stack, .from_stack = edge->from_stack });
}

static int by_key(const void *a, const void *b)
{
	return memcmp(((const struct fleet_part *)a)->key.bytes, ((const struct fleet_part *)b)->key.bytes,
		      sizeof(struct fleet_key));
}

/* In captures put together a dependency is there once for each of them. */
static void drop_doubles(struct fleet_parts *p)
{
	size_t kept = 0;

	if (p->nr)
		qsort(p->items, p->nr, sizeof(*p->items), by_key);
	for (size_t i = 0; i < p->nr; i++)
		if (!kept || by_key(&p->items[kept - 1], &p->items[i]))
			p->items[kept++] = p->items[i];
	p->nr = kept;
}

static int fill(const struct capture *c, const struct classes *classes, struct fleet_parts *to)
{
	int code = 0;

	for (size_t i = 0; !code && i < c->nr_classes; i++) {
		code = key_of_class(&c->classes[i], classes->keys[i]);
		if (!classes->keys[i][0])
			to->left_out++;
		else if (!code)
			add_class(to, classes, c, i);
	}
	for (size_t i = 0; !code && i < c->nr_edges; i++)
		add_edge(to, classes, c, &c->edges[i]);
	return code;
}

int fleet_parts_of(const struct capture *c, struct fleet_parts *ret)
{
	struct classes classes = { calloc(c->nr_classes + 1, sizeof(*classes.keys)) };
	struct fleet_parts p = {};
	int code = 0;

	p.items = calloc(c->nr_classes * (1 + LV_USAGES) + c->nr_edges + 1, sizeof(*p.items));
	if (!classes.keys || !p.items)
		code = -ENOMEM;
	code = code ? code : fill(c, &classes, &p);
	free(classes.keys);
	if (code) {
		free(p.items);
		return code;
	}
	drop_doubles(&p);
	*ret = p;
	return 0;
}

void fleet_parts_free(struct fleet_parts *p)
{
	free(p->items);
	*p = (struct fleet_parts){};
}

uint32_t fleet_heap_of(const struct fleet_part *part)
{
	return part->key.bytes[0] % FLEET_HEAPS;
}

void fleet_digest(const struct fleet_parts *p, uint64_t ret[static FLEET_HEAPS])
{
	memset(ret, 0, FLEET_HEAPS * sizeof(*ret));
	for (size_t i = 0; i < p->nr; i++) {
		uint64_t some;

		memcpy(&some, p->items[i].key.bytes + 8, sizeof(some));
		ret[fleet_heap_of(&p->items[i])] ^= some;
	}
}
