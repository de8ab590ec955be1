// SPDX-License-Identifier: GPL-2.0-only
#include "replay/seat.h"

#include <stdlib.h>
#include <string.h>

__thread struct seat *world_seat;

#define FIRST_CACHE 0xffff888000042000ull
#define CACHE_STEP 0x100

static int alloc_tables(struct world *world)
{
	world->cpus = calloc(world->nr_cpus, sizeof(*world->cpus));
	world->classes = calloc(LV_MAX_CLASSES, sizeof(*world->classes));
	world->edges = calloc(LV_MAX_EDGES, sizeof(*world->edges));
	world->stacks = calloc(LV_MAX_STACKS, sizeof(*world->stacks));
	world->names = calloc(LV_MAX_NAMES, sizeof(*world->names));
	world->facts = calloc(LV_MAX_FACTS, sizeof(*world->facts));
	world->tasks = calloc(LV_MAX_TASKS, sizeof(*world->tasks));
	world->memory = calloc(world->nr_objects, WORLD_OBJECT_SIZE);
	world->objects = calloc(world->nr_objects, sizeof(*world->objects));
	return world->cpus && world->classes && world->edges && world->stacks && world->names &&
		       world->facts && world->tasks && world->memory && world->objects ?
		       0 :
		       -1;
}

static void set_defaults(struct world *world)
{
	memset(&world->control, 0, sizeof(world->control));
	world->word = 0;
	world->control.nr_cpus = world->nr_cpus;
	world->annotated = true;
	world->counts_preemption = true;
	world->irqs_seen = true;
	world->preempts = false;
}

struct world *world_new(size_t nr_cpus, size_t nr_objects)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return NULL;
	world->nr_cpus = nr_cpus;
	world->nr_objects = nr_objects;
	if (alloc_tables(world)) {
		world_free(world);
		return NULL;
	}
	set_defaults(world);
	return world;
}

void world_free(struct world *world)
{
	if (!world)
		return;
	free(world->cpus);
	free(world->classes);
	free(world->edges);
	free(world->stacks);
	free(world->names);
	free(world->facts);
	free(world->tasks);
	free(world->memory);
	free(world->objects);
	free(world->caches);
	free(world);
}

#define CLEAR_USED(table, limit, used)                                    \
	do {                                                              \
		for (size_t i_ = 0; i_ < (limit); i_++)                   \
			if ((table)[i_].used)                             \
				memset(&(table)[i_], 0, sizeof((table)[i_])); \
	} while (0)

void world_reset(struct world *world)
{
	__u32 nr_stacks = world->control.next_stack;

	if (nr_stacks > LV_MAX_STACKS)
		nr_stacks = LV_MAX_STACKS;
	memset(world->stacks, 0, nr_stacks * sizeof(*world->stacks));
	memset(world->cpus, 0, world->nr_cpus * sizeof(*world->cpus));
	CLEAR_USED(world->classes, LV_MAX_CLASSES, state);
	CLEAR_USED(world->edges, LV_MAX_EDGES, state);
	CLEAR_USED(world->names, LV_MAX_NAMES, state);
	CLEAR_USED(world->facts, LV_MAX_FACTS, state);
	CLEAR_USED(world->tasks, LV_MAX_TASKS, depth);
	memset(&world->task_keys, 0, sizeof(world->task_keys));
	memset(&world->orders, 0, sizeof(world->orders));
	memset(&world->waits, 0, sizeof(world->waits));
	memset(world->memory, 0, world->nr_objects * WORLD_OBJECT_SIZE);
	memset(world->objects, 0, world->nr_objects * sizeof(*world->objects));
	world->nr_caches = 0;
	set_defaults(world);
}

void world_arm(struct world *world)
{
	world->word = (world->word | LV_ARMED) + (1 << LV_EPOCH_SHIFT);
	world->control.word = world->word;
}

void world_disarm(struct world *world)
{
	world->control.word = 0;
}

__u64 world_add_cache(struct world *world, const char *name, __u32 size)
{
	struct world_cache *grown = reallocarray(world->caches, world->nr_caches + 1,
						 sizeof(*grown));
	struct world_cache *cache;

	if (!grown)
		return 0;
	world->caches = grown;
	cache = &grown[world->nr_caches];
	memset(cache, 0, sizeof(*cache));
	cache->base = FIRST_CACHE + world->nr_caches++ * CACHE_STEP;
	cache->size = size;
	strncpy(cache->name, name, sizeof(cache->name) - 1);
	return cache->base;
}
