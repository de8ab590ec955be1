/* SPDX-License-Identifier: GPL-2.0-only */
/* Captures to test with: made in memory, compared field by field. */
#ifndef LOCKVANE_TEST_CAPTURE_SAMPLE_H
#define LOCKVANE_TEST_CAPTURE_SAMPLE_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"

#define SAMPLE_SOURCES 3

/* How much of each there is to be. */
struct sample_size {
	uint32_t classes, edges, stacks, depth, facts;
	uint32_t distinct; /* frames to choose from */
};

static inline char *sample_text(const char *fmt, unsigned long n)
{
	char text[128];
	char *copy;

	snprintf(text, sizeof(text), fmt, n);
	copy = strdup(text);
	assert(copy);
	return copy;
}

static inline void sample_stack(struct capture *c, const struct sample_size *size, uint32_t i)
{
	struct capture_stack *stack = capture_add_stack(c);

	assert(stack);
	stack->pid = i == 0 ? UINT32_MAX : 100 + i;
	stack->cpu = i % 4;
	snprintf(stack->comm, sizeof(stack->comm), "worker/%u", i % 10000);
	stack->nr_frames = i == 1 ? 0 : size->depth;
	if (!stack->nr_frames)
		return;
	stack->frames = calloc(stack->nr_frames, sizeof(*stack->frames));
	assert(stack->frames);
	for (uint32_t f = 0; f < stack->nr_frames; f++) {
		uint64_t n = ((uint64_t)i * 7919 + f * 104729) % size->distinct;

		stack->frames[f].ip = 0xffffffff81000000ull + n * 16;
		/* One address in fifty has two texts: both must come back. */
		stack->frames[f].text = sample_text(n % 50 == 0 && i % 2 ?
						    "inlined_function_%lu [module]" :
						    "some_kernel_function_%lu+0x4dc/0x620", n);
	}
}

static inline void sample_class(struct capture *c, const struct sample_size *size, uint32_t i)
{
	struct capture_class *class = capture_add_class(c);

	assert(class);
	class->name = sample_text("kioctx_%lu.ctx_lock", i);
	class->alias = i % 3 ? NULL : sample_text("&ctx->lock_%lu", i);
	class->why = i % 4 ? NULL : sample_text("%lu sites: member; and more", i);
	class->kind = sample_text(i % 2 ? "slab" : "static", i);
	class->key = sample_text("[<ffffffff%08lx>]", i);
	class->certainty = i % 3;
	class->family = i % LV_FAMILIES;
	class->subclass = i % 8;
	class->flags = i == 0 ? UINT32_MAX : i % 4;
	class->usage = i * 37 % (1u << LV_USAGES);
	class->acquisitions = i == 0 ? UINT64_MAX : 1000ull * i;
	for (int bit = 0; bit < LV_USAGES; bit++) {
		if ((class->usage & 1u << bit) && size->stacks)
			class->usage_stack[bit] = (i + bit) % size->stacks;
		if (i % 5 == 0)
			class->usage_addr[bit] = 0xffff888000000000ull + i * 64 + bit;
		if (!(class->usage & 1u << bit))
			continue;
		class->usage_low[bit] = i % 3 ? 0xffff888000000000ull + i * 64 : 0;
		class->usage_seen[bit] = UINT64_MAX - i * bit;
	}
	class->twice = class->usage & 0x155;
}

static inline void sample_edge(struct capture *c, const struct sample_size *size, uint32_t i)
{
	struct capture_edge *edge = capture_add_edge(c);

	assert(edge);
	edge->from = i % size->classes;
	edge->to = i * 31 % size->classes;
	edge->dep = 1u << i % 4;
	edge->count = i == 0 ? UINT64_MAX : i;
	if (i % 7 && size->stacks) {
		edge->stack = i % size->stacks;
		edge->from_stack = i * 3 % size->stacks;
	}
	edge->from_addr = i % 11 ? 0xffff888000001000ull + i : 0;
	edge->to_addr = i % 13 ? 0x1000ull + i : 0;
	edge->sure = i % 2;
	edge->seen_from = UINT64_MAX - i;
	edge->seen_to = i;
	edge->low[i % 2] = (struct lv_pair){0xffff888000002000ull + i, i % 3};
	for (uint32_t n = 0; n < i % (LV_GATES + 1) && n < size->classes; n++) {
		edge->gate_class[n] = (i + n) % size->classes;
		edge->gate_addr[n] = 0xffff888000003000ull + n;
	}
}

/* Rings of one, two, three tasks, and again. */
static inline void sample_wait(struct capture *c, const struct sample_size *size, uint32_t i)
{
	static const uint32_t rings[] = {0, 1, 1, 2, 2, 2};
	struct capture_wait *wait = capture_add_wait(c);

	assert(wait);
	wait->ring = i / 6 * 3 + rings[i % 6];
	wait->class = i % size->classes;
	wait->mode = i & 1;
	wait->held = i >> 1 & 1;
	wait->ends = i % CAPTURE_WAIT_ENDS;
	if (i % 4 && size->stacks)
		wait->stack = i % size->stacks;
	wait->addr = i % 3 ? UINT64_MAX - i : 0;
	wait->waited_ms = 1000 + i;
}

static inline void sample_fact(struct capture *c, const struct sample_size *size, uint32_t i)
{
	struct capture_fact *fact = capture_add_fact(c);

	assert(fact);
	fact->kind = i % CAPTURE_FACT_KINDS;
	fact->class = i % size->classes;
	if (fact->kind == CAPTURE_WAIT_CONTEXT)
		fact->class2 = (i + 1) % size->classes;
	if (i % 2 && size->stacks)
		fact->stack = i % size->stacks;
	fact->addr = i % 3 ? UINT64_MAX - i : 0;
}

static inline void sample_run(struct capture *c)
{
	c->version = sample_text("0.1", 0);
	c->kernel = sample_text("6.12.%lu-cloud-amd64", 43);
	c->build = sample_text("#1 SMP PREEMPT_DYNAMIC Debian 6.12.43-1", 0);
	c->machine = sample_text("x86_64", 0);
	c->host = sample_text("web1.example.net", 0);
	c->command = sample_text("demo --times %lu", 20);
	c->tainted = sample_text("Tainted: G           O", 0);
	c->started = 1764000000;
	c->duration = 10000000001ull;
	c->events = UINT64_MAX;
	c->rt = true;
	c->annotated = true;
	c->unlocks_hidden = true;
	c->irqs_unseen = true;
	c->preempts = true;
	c->misses_asked = true;
}

static inline struct capture *sample_capture(const struct sample_size *size)
{
	static const struct {
		const char *name, *text;
	} losses[] = {
#define X(id, name, text) { #name, text },
		LV_LOSSES(X)
#undef X
	};
	struct capture *c = capture_new();

	assert(c);
	sample_run(c);
	for (uint32_t i = 0; i < size->stacks; i++)
		sample_stack(c, size, i);
	for (uint32_t i = 0; i < size->classes; i++)
		sample_class(c, size, i);
	for (uint32_t i = 0; i < size->edges; i++)
		sample_edge(c, size, i);
	for (uint32_t i = 0; i < size->facts; i++)
		sample_fact(c, size, i);
	for (uint32_t i = 0; i < size->facts; i++)
		sample_wait(c, size, i);
	for (size_t i = 0; i < LV_LOSS_KINDS; i++) {
		struct capture_loss *loss = capture_add_loss(c);

		assert(loss);
		loss->name = sample_text(losses[i].name, 0);
		loss->text = sample_text(losses[i].text, 0);
		loss->count = i * i;
		loss->programs = i % 2 ? sample_text("mutex_unlock 12, up_read 3", 0) : NULL;
	}
	for (int i = 0; i < 2; i++) {
		struct capture_image *image = capture_add_image(c);

		assert(image);
		image->module = i ? sample_text("lv_uffd", 0) : NULL;
		image->build_id = sample_text("77a%lu", i);
	}
	return c;
}

/* As if it were of several: what no recorder makes and no monitor keeps. */
static inline void sample_put_together(struct capture *c)
{
	for (int i = 0; i < SAMPLE_SOURCES; i++) {
		struct capture_source *source = capture_add_source(c);

		assert(source);
		source->name = sample_text("host%lu.lv", i);
		source->command = i ? sample_text("demo --times %lu", i) : NULL;
		source->started = 1764000000 + i;
		source->duration = i * 10000000001ull;
		source->events = UINT64_MAX - i;
		source->lost = i;
	}
	for (size_t i = 0; i < c->nr_classes; i++)
		c->classes[i].usage_sources[i % LV_USAGES] = i % (1u << SAMPLE_SOURCES);
	for (size_t i = 0; i < c->nr_edges; i++)
		c->edges[i].source = i % 4 ? 1u << i % SAMPLE_SOURCES : 0;
	for (size_t i = 0; i < c->nr_facts; i++)
		c->facts[i].source = i % 2 ? 1u << i % SAMPLE_SOURCES : 0;
}

#endif
