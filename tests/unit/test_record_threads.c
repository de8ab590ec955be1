// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs that meet new classes, edges and usages at the same time. Built with
 * -fsanitize=thread it also says whether the recorder's reads and writes of
 * shared tables are the ones it means to race.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "replay/hooked.h"
#include "replay/seat.h"

#define CPUS 4
#define CLASSES 24
#define ROUNDS 40
#define WORLDS 20 /* all is new only once in each */

static const struct machine_op spin = { .family = LV_SPIN };
static const struct machine_op mutex = { .family = LV_MUTEX };

static pthread_barrier_t together;

struct cpu {
	pthread_t thread;
	struct seat seat;
};

static uint64_t lock_of(const struct cpu *cpu, uint32_t class)
{
	return world_address(cpu->seat.cpu * CLASSES + class);
}

static void take(struct cpu *cpu, uint32_t class)
{
	uint64_t addr = lock_of(cpu, class);

	cpu->seat.preempt_count++;
	*(uint32_t *)world_memory(cpu->seat.world, addr, 4) = 1;
	hooked_acquire(addr, &spin, 0);
}

static void give(struct cpu *cpu, uint32_t class)
{
	uint64_t addr = lock_of(cpu, class);

	hooked_release(addr, &spin, 0);
	*(uint32_t *)world_memory(cpu->seat.world, addr, 4) = 0;
	cpu->seat.preempt_count--;
}

static uint64_t lost_on(const struct lv_cpu *cpu, uint32_t kind)
{
	uint64_t sum = 0;

	for (int hook = 0; hook < LV_MAX_HOOKS; hook++)
		sum += cpu->lost[kind][hook];
	return sum;
}

/* All pairs, each CPU beginning somewhere else; all interrupts on. */
static void *run(void *arg)
{
	struct cpu *cpu = arg;

	world_seat = &cpu->seat;
	pthread_barrier_wait(&together);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t outer = (round + cpu->seat.cpu * 5) % CLASSES;

		for (uint32_t i = 1; i < CLASSES; i++) {
			uint32_t inner = (outer + i) % CLASSES;

			take(cpu, outer);
			take(cpu, inner);
			give(cpu, inner);
			give(cpu, outer);
		}
	}
	return NULL;
}

static struct world *make_world(struct cpu *cpus)
{
	struct world *world = world_new(CPUS, CPUS * CLASSES + CPUS);

	assert_non_null(world);
	for (uint32_t i = 0; i < CPUS; i++) {
		cpus[i].seat = (struct seat){ .world = world,
					      .own = &world->cpus[i],
					      .cpu = i,
					      .irqs_on = 1,
					      .task = 0xffff888200000000ull + i * 0x1000,
					      .pid = i };
		for (uint32_t class = 0; class < CLASSES; class++)
			world->objects[i * CLASSES + class].told = (struct lv_place){
				.kind = LV_PLACE_TOLD, .base = class };
	}
	world_arm(world);
	return world;
}

static void run_all(struct cpu *cpus, void *(*body)(void *))
{
	assert_int_equal(pthread_barrier_init(&together, NULL, CPUS), 0);
	for (uint32_t i = 0; i < CPUS; i++)
		assert_int_equal(pthread_create(&cpus[i].thread, NULL, body, &cpus[i]), 0);
	for (uint32_t i = 0; i < CPUS; i++)
		assert_int_equal(pthread_join(cpus[i].thread, NULL), 0);
	pthread_barrier_destroy(&together);
}

static void run_tables(void)
{
	static struct cpu cpus[CPUS];
	struct world *world = make_world(cpus);
	uint64_t acquired = 0, races = 0, lost = 0;
	bool seen[CLASSES] = {};
	bool edges[CLASSES][CLASSES] = {};
	uint32_t nr_edges = 0;

	run_all(cpus, run);
	for (uint32_t i = 0; i < LV_MAX_CLASSES; i++) {
		const struct lv_class *class = &world->classes[i];

		assert_int_not_equal(class->state, LV_SLOT_CLAIMED);
		if (class->state != LV_SLOT_READY)
			continue;
		assert_false(seen[class->place.base]); /* one slot a class */
		seen[class->place.base] = true;
		assert_true(class->usage & 1u << LV_ENABLED_HARDIRQ);
		assert_int_not_equal(class->usage_stack[LV_USED], LV_NONE);
		for (uint32_t cpu = 0; cpu < CPUS; cpu++)
			acquired += world->cpus[cpu].acquisitions[i];
	}
	for (uint32_t i = 0; i < CPUS * LV_MEMOS; i++)
		acquired += world->cpus[i / LV_MEMOS].memo[i % LV_MEMOS].hits;
	for (uint32_t i = 0; i < CPUS * LV_CLASS_MEMOS; i++)
		acquired += world->cpus[i / LV_CLASS_MEMOS].class_memo[i % LV_CLASS_MEMOS].hits;
	for (uint32_t i = 0; i < LV_MAX_EDGES; i++) {
		const struct lv_edge *edge = &world->edges[i];
		uint32_t from, to;

		if (edge->state != LV_SLOT_READY)
			continue;
		from = world->classes[edge->from].place.base;
		to = world->classes[edge->to].place.base;
		assert_false(edges[from][to]); /* one slot an edge */
		edges[from][to] = true;
		nr_edges++;
	}
	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		races += lost_on(&world->cpus[cpu], LV_LOSS_RACE);
		for (uint32_t kind = 0; kind < LV_LOSS_KINDS; kind++)
			lost += lost_on(&world->cpus[cpu], kind);
	}
	assert_int_equal(nr_edges, CLASSES * (CLASSES - 1));
	/* Who loses a race for a slot loses that event, and the release of it is unknown. */
	assert_true(lost <= 2 * races);
	assert_int_equal(acquired + races >= 2ull * CPUS * ROUNDS * (CLASSES - 1), 1);
	world_free(world);
}

static void test_tables(void **state)
{
	(void)state;
	for (int i = 0; i < WORLDS; i++)
		run_tables();
}

/* Names for the same wait queues, all different; and releases of what nobody holds. */
static void *run_names(void *arg)
{
	struct cpu *cpu = arg;
	uint64_t text = world_address(CPUS * CLASSES + cpu->seat.cpu);

	world_seat = &cpu->seat;
	pthread_barrier_wait(&together);
	for (uint32_t i = 0; i < CLASSES; i++) {
		hooked_name(lock_of(cpu, i), text);
		take(cpu, i);
		give(cpu, i);
		hooked_release(lock_of(cpu, i), &spin, 0);
	}
	return NULL;
}

static void check_names(const struct world *world)
{
	uint32_t names = 0, facts = 0;
	uint64_t clashes = 0;

	for (uint32_t i = 0; i < LV_MAX_NAMES; i++) {
		names += world->names[i].state == LV_SLOT_READY;
		clashes += world->names[i].clashes;
	}
	for (uint32_t i = 0; i < LV_MAX_FACTS; i++)
		facts += world->facts[i].state == LV_SLOT_READY;
	/* A name that came while another was being written is not compared with it. */
	assert_int_equal(names, CLASSES);
	assert_true(clashes <= CLASSES * (CPUS - 1));
	assert_int_equal(facts, CLASSES);
}

static void test_names(void **state)
{
	static struct cpu cpus[CPUS];

	(void)state;
	for (int i = 0; i < WORLDS; i++) {
		struct world *world = make_world(cpus);

		for (uint32_t lock = 0; lock < CPUS * CLASSES; lock++)
			world->objects[lock].told.kind = LV_PLACE_SLAB;
		for (uint32_t cpu = 0; cpu < CPUS; cpu++)
			world->memory[(CPUS * CLASSES + cpu) * WORLD_OBJECT_SIZE] = 'a' + cpu;
		run_all(cpus, run_names);
		check_names(world);
		world_free(world);
	}
}

/* Mutexes come and go in the task table. */
static void *run_mutexes(void *arg)
{
	struct cpu *cpu = arg;
	uint64_t task = cpu->seat.task;

	world_seat = &cpu->seat;
	pthread_barrier_wait(&together);
	for (uint32_t round = 0; round < ROUNDS * 40; round++) {
		uint64_t addr = lock_of(cpu, round % CLASSES);

		cpu->seat.task = task + (round % 7) * 0x10000;
		hooked_switch(cpu->seat.task);
		*(uint64_t *)world_memory(cpu->seat.world, addr, 8) = cpu->seat.task;
		hooked_acquire(addr, &mutex, 0);
		hooked_release(addr, &mutex, 0);
	}
	return NULL;
}

static void test_tasks(void **state)
{
	static struct cpu cpus[CPUS];
	struct world *world = make_world(cpus);

	(void)state;
	run_all(cpus, run_mutexes);
	for (uint32_t i = 0; i < LV_MAX_TASKS; i++)
		assert_int_equal(world->tasks[i].depth, 0);
	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		assert_int_equal(lost_on(&world->cpus[cpu], LV_LOSS_TASKS), 0);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_tasks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
