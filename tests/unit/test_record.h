/* SPDX-License-Identifier: GPL-2.0-only */
/* What the recorder's tests share: a machine, short verbs, looks into its tables. */
#ifndef LOCKVANE_TEST_RECORD_H
#define LOCKVANE_TEST_RECORD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "capture/tables.h"
#include "replay/machine.h"

static const struct machine_op spin = { .family = LV_SPIN };
static const struct machine_op spin_irq = { .family = LV_SPIN, .irq = LV_IRQ_OFF };
static const struct machine_op spin_irq_on = { .family = LV_SPIN, .irq = LV_IRQ_ON };
static const struct machine_op spin_restore = { .family = LV_SPIN, .irq = LV_IRQ_RESTORE };
static const struct machine_op spin_bh = { .family = LV_SPIN, .irq = LV_IRQ_BH_OFF };
static const struct machine_op spin_bh_on = { .family = LV_SPIN, .irq = LV_IRQ_BH_ON };
static const struct machine_op spin_try = { .family = LV_SPIN, .try = true };
static const struct machine_op read_op = { .family = LV_RWLOCK, .mode = LV_READ };
static const struct machine_op write_op = { .family = LV_RWLOCK };
static const struct machine_op mutex_op = { .family = LV_MUTEX };

#define LOCK(m, addr, op) assert_int_equal(machine_lock(m, addr, &(op)), 0)
#define UNLOCK(m, addr, op) assert_int_equal(machine_unlock(m, addr, &(op)), 0)

static inline int machine_setup(void **state)
{
	const struct machine_options options = { .nr_cpus = 2, .nr_locks = 256 };

	*state = machine_new(&options);
	return *state ? 0 : -1;
}

static inline int machine_teardown(void **state)
{
	machine_free(*state);
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, machine_setup, machine_teardown)

static inline uint64_t lost(struct machine *m, enum lv_loss kind)
{
	struct world *world = machine_world(m);
	uint64_t sum = 0;

	for (size_t i = 0; i < world->nr_cpus; i++)
		for (int hook = 0; hook < LV_MAX_HOOKS; hook++)
			sum += world->cpus[i].lost[kind][hook];
	return sum;
}

static inline uint64_t lost_any(struct machine *m)
{
	uint64_t sum = 0;

	for (int kind = 0; kind < LV_LOSS_KINDS; kind++)
		sum += lost(m, kind);
	return sum;
}

/* The class of a lock, told or shown; NULL: not seen yet. */
static inline struct lv_class *class_at(struct machine *m, uint64_t addr)
{
	struct world *world = machine_world(m);
	const struct world_object *object = world_object(world, addr);
	const struct lv_place *place = world->annotated ? &object->told : &object->shown;

	for (size_t i = 0; i < LV_MAX_CLASSES; i++) {
		struct lv_class *class = &world->classes[i];

		if (class->state == LV_SLOT_READY && class->place.base == place->base &&
		    class->place.kind == place->kind && class->place.off == place->off)
			return class;
	}
	return NULL;
}

static inline uint32_t usage_at(struct machine *m, uint64_t addr)
{
	const struct lv_class *class = class_at(m, addr);

	return class ? class->usage : 0;
}

#define HAS(m, addr, bit) assert_true(usage_at(m, addr) & 1u << (bit))
#define HAS_NOT(m, addr, bit) assert_false(usage_at(m, addr) & 1u << (bit))

/* All dependency kinds seen from one lock's class to another's. */
static inline uint32_t edge_between(struct machine *m, uint64_t from, uint64_t to)
{
	struct world *world = machine_world(m);
	const struct lv_class *a = class_at(m, from), *b = class_at(m, to);
	uint32_t dep = 0;

	if (!a || !b)
		return 0;
	for (size_t i = 0; i < LV_MAX_EDGES; i++) {
		const struct lv_edge *edge = &world->edges[i];

		if (edge->state == LV_SLOT_READY && edge->from == a - world->classes &&
		    edge->to == b - world->classes)
			dep |= edge->dep;
	}
	return dep;
}

static inline uint32_t nr_edges(struct machine *m)
{
	struct world *world = machine_world(m);
	uint32_t nr = 0;

	for (size_t i = 0; i < LV_MAX_EDGES; i++)
		nr += world->edges[i].state == LV_SLOT_READY;
	return nr;
}

/* Events that we miss, in the same epoch. */
#define UNSEEN(m, EVENT)                                                 \
	do {                                                             \
		world_disarm(machine_world(m));                          \
		EVENT;                                                   \
		machine_world(m)->control.word = machine_world(m)->word; \
	} while (0)

/* A release we miss: the lock is free and its count is gone, the entry stays. Nothing but the bound can tell. */
static inline void leave_stale(struct machine *m, uint64_t addr, const struct machine_op *lock,
			       const struct machine_op *unlock)
{
	LOCK(m, addr, *lock);
	UNSEEN(m, UNLOCK(m, addr, *unlock));
}

#endif
