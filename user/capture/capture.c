// SPDX-License-Identifier: GPL-2.0-only
#include "capture/capture.h"

#include <stdlib.h>
#include <string.h>

struct capture *capture_new(void)
{
	return calloc(1, sizeof(struct capture));
}

static void free_class(struct capture_class *class)
{
	free(class->name);
	free(class->alias);
	free(class->why);
	free(class->kind);
	free(class->key);
}

static void free_stack(struct capture_stack *stack)
{
	for (uint32_t i = 0; i < stack->nr_frames; i++)
		free(stack->frames[i].text);
	free(stack->frames);
}

void capture_free(struct capture *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->nr_classes; i++)
		free_class(&c->classes[i]);
	for (size_t i = 0; i < c->nr_stacks; i++)
		free_stack(&c->stacks[i]);
	for (size_t i = 0; i < c->nr_losses; i++) {
		free(c->losses[i].name);
		free(c->losses[i].text);
		free(c->losses[i].programs);
	}
	for (size_t i = 0; i < c->nr_images; i++) {
		free(c->images[i].module);
		free(c->images[i].build_id);
	}
	for (size_t i = 0; i < c->nr_sources; i++) {
		free(c->sources[i].name);
		free(c->sources[i].command);
	}
	free(c->sources);
	free(c->images);
	free(c->classes);
	free(c->edges);
	free(c->stacks);
	free(c->facts);
	free(c->waits);
	free(c->losses);
	free(c->version);
	free(c->kernel);
	free(c->build);
	free(c->machine);
	free(c->host);
	free(c->command);
	free(c->tainted);
	free(c);
}

/* Grows by doubling: capacity is the next power of two of the number held. */
static void *append(void **items, size_t *nr, size_t size)
{
	if ((*nr & (*nr - 1)) == 0) {
		size_t capacity = *nr ? *nr * 2 : 1;
		void *grown = reallocarray(*items, capacity, size);

		if (!grown)
			return NULL;
		*items = grown;
	}
	return memset((char *)*items + (*nr)++ * size, 0, size);
}

struct capture_class *capture_add_class(struct capture *c)
{
	struct capture_class *class = append((void **)&c->classes, &c->nr_classes, sizeof(*class));

	if (class)
		memset(class->usage_stack, 0xff, sizeof(class->usage_stack));
	return class;
}

struct capture_edge *capture_add_edge(struct capture *c)
{
	struct capture_edge *edge = append((void **)&c->edges, &c->nr_edges, sizeof(*edge));

	if (edge) {
		edge->stack = LV_NONE;
		edge->from_stack = LV_NONE;
		memset(edge->gate_class, 0xff, sizeof(edge->gate_class));
	}
	return edge;
}

/* As the recorder's instance_is_lower(). */
static bool is_lower(uint64_t addr, uint64_t than)
{
	return addr && (!than || LV_INSTANCE_HASH(addr) < LV_INSTANCE_HASH(than));
}

void capture_see_usage(struct capture_class *to, enum lv_usage bit, uint64_t low, uint64_t seen)
{
	to->usage_seen[bit] |= seen;
	if (is_lower(low, to->usage_low[bit]))
		to->usage_low[bit] = low;
}

static bool has_gate(const struct capture_edge *edge, uint64_t addr)
{
	for (int i = 0; i < LV_GATES; i++)
		if (edge->gate_class[i] != LV_NONE && edge->gate_addr[i] == addr)
			return true;
	return false;
}

void capture_see_edge(struct capture_edge *to, const struct capture_edge *seen)
{
	to->seen_from |= seen->seen_from;
	to->seen_to |= seen->seen_to;
	to->sure |= seen->sure;
	if (is_lower(seen->low[0].from, to->low[0].from))
		to->low[0] = seen->low[0];
	if (is_lower(seen->low[1].to, to->low[1].to))
		to->low[1] = seen->low[1];
	for (int i = 0; i < LV_GATES; i++)
		if (!has_gate(seen, to->gate_addr[i]))
			to->gate_class[i] = LV_NONE;
}

struct capture_stack *capture_add_stack(struct capture *c)
{
	return append((void **)&c->stacks, &c->nr_stacks, sizeof(struct capture_stack));
}

const char *capture_edge_told(const struct capture *c, const struct capture_edge *edge)
{
	const struct capture_stack *stack = edge->stack < c->nr_stacks ? &c->stacks[edge->stack] : NULL;
	size_t len = strlen(CAPTURE_TOLD);

	if (edge->count || !stack || stack->nr_frames != 1 || !stack->frames[0].text ||
	    strncmp(stack->frames[0].text, CAPTURE_TOLD, len))
		return NULL;
	return stack->frames[0].text + len;
}

struct capture_wait *capture_add_wait(struct capture *c)
{
	struct capture_wait *wait = append((void **)&c->waits, &c->nr_waits, sizeof(*wait));

	if (wait) {
		wait->class = LV_NONE;
		wait->stack = LV_NONE;
	}
	return wait;
}

size_t capture_ring_len(const struct capture *c, size_t first)
{
	size_t nr = 0;

	while (first + nr < c->nr_waits && c->waits[first + nr].ring == c->waits[first].ring)
		nr++;
	return nr;
}

struct capture_fact *capture_add_fact(struct capture *c)
{
	struct capture_fact *fact =
		append((void **)&c->facts, &c->nr_facts, sizeof(*fact));

	if (fact) {
		fact->class = LV_NONE;
		fact->class2 = LV_NONE;
		fact->stack = LV_NONE;
	}
	return fact;
}

struct capture_loss *capture_add_loss(struct capture *c)
{
	return append((void **)&c->losses, &c->nr_losses, sizeof(struct capture_loss));
}

struct capture_image *capture_add_image(struct capture *c)
{
	return append((void **)&c->images, &c->nr_images, sizeof(struct capture_image));
}

struct capture_source *capture_add_source(struct capture *c)
{
	return append((void **)&c->sources, &c->nr_sources, sizeof(struct capture_source));
}

static uint64_t all_sources(const struct capture *c)
{
	if (!c->nr_sources)
		return 0;
	return c->nr_sources < CAPTURE_MAX_SOURCES ? (1ull << c->nr_sources) - 1 : UINT64_MAX;
}

uint64_t capture_edge_source(const struct capture *c, const struct capture_edge *edge)
{
	return capture_edge_told(c, edge) ? all_sources(c) : edge->source;
}

uint64_t capture_edge_sources(const struct capture *c, const struct capture_edge *edge)
{
	uint64_t sources = 0;

	for (size_t i = 0; c->nr_sources && i < c->nr_edges; i++)
		if (c->edges[i].from == edge->from && c->edges[i].to == edge->to &&
		    c->edges[i].dep == edge->dep)
			sources |= capture_edge_source(c, &c->edges[i]);
	return sources;
}

const char *capture_build_id(const struct capture *c, const char *module)
{
	for (size_t i = 0; i < c->nr_images; i++) {
		const char *name = c->images[i].module;

		if (module && name ? !strcmp(module, name) : module == name)
			return c->images[i].build_id;
	}
	return NULL;
}

uint64_t capture_lost(const struct capture *c)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < c->nr_losses; i++)
		sum += c->losses[i].count;
	return sum;
}

/* kernel/locking/lockdep.c, get_usage_char(): '.' neither, '-' in, '+' on, '?' both. */
static char usage_char(uint32_t usage, enum lv_usage in, enum lv_usage on)
{
	bool is_in = usage & (1u << in);
	bool is_on = usage & (1u << on);

	if (is_in)
		return is_on ? '?' : '-';
	return is_on ? '+' : '.';
}

void capture_usage_text(uint32_t usage, char ret[static CAPTURE_USAGE_LEN])
{
	ret[0] = '{';
	ret[1] = usage_char(usage, LV_USED_IN_HARDIRQ, LV_ENABLED_HARDIRQ);
	ret[2] = usage_char(usage, LV_USED_IN_HARDIRQ_READ, LV_ENABLED_HARDIRQ_READ);
	ret[3] = usage_char(usage, LV_USED_IN_SOFTIRQ, LV_ENABLED_SOFTIRQ);
	ret[4] = usage_char(usage, LV_USED_IN_SOFTIRQ_READ, LV_ENABLED_SOFTIRQ_READ);
	ret[5] = '}';
	ret[6] = '\0';
}
