// SPDX-License-Identifier: GPL-2.0-only
#include "replay/machine_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/hooked.h"
#include "replay/world.h"
#include "record/held.h"

static uint64_t task_address(uint32_t task)
{
	return 0xffff888200000000ull + (uint64_t)task * 0x2000;
}

static void seat_task(struct seat *seat, uint32_t task, const char *comm)
{
	seat->task = task_address(task);
	seat->pid = task;
	memset(seat->comm, 0, sizeof(seat->comm));
	strncpy(seat->comm, comm, sizeof(seat->comm) - 1);
}

static void start(struct machine *m)
{
	memset(m->cpus, 0, m->nr_cpus * sizeof(*m->cpus));
	for (uint32_t i = 0; i < m->nr_cpus; i++) {
		struct seat *seat = &m->cpus[i].seat;

		seat->world = m->world;
		seat->own = &m->world->cpus[i];
		seat->cpu = i;
		seat->irqs_on = 1;
		seat_task(seat, i + 1, "task");
	}
	m->cpu = 0;
	m->world->annotated = !m->production;
	world_arm(m->world);
	machine_here(m);
}

struct machine *machine_new(const struct machine_options *options)
{
	struct machine *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->nr_cpus = options->nr_cpus ? options->nr_cpus : 1;
	m->production = options->production;
	m->world = world_new(m->nr_cpus, options->nr_locks);
	m->cpus = calloc(m->nr_cpus, sizeof(*m->cpus));
	m->locks = calloc(options->nr_locks, sizeof(*m->locks));
	if (!m->world || !m->cpus || !m->locks) {
		machine_free(m);
		return NULL;
	}
	start(m);
	return m;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	if (world_seat && m->cpus && world_seat >= &m->cpus[0].seat &&
	    world_seat <= &m->cpus[m->nr_cpus - 1].seat)
		world_seat = NULL;
	world_free(m->world);
	free(m->cpus);
	free(m->locks);
	free(m);
}

struct world *machine_world(struct machine *m)
{
	return m->world;
}

void machine_reset(struct machine *m)
{
	world_reset(m->world);
	memset(m->locks, 0, m->world->nr_objects * sizeof(*m->locks));
	m->nr_locks = 0;
	start(m);
}

void machine_restart(struct machine *m)
{
	for (uint32_t i = 0; i < m->nr_locks; i++)
		m->locks[i] = (struct machine_lock){ .family = m->locks[i].family };
	memset(m->world->memory, 0, m->world->nr_objects * WORLD_OBJECT_SIZE);
	start(m);
}

uint64_t machine_add_lock(struct machine *m, uint32_t family)
{
	struct world_object *object;
	uint64_t addr;

	if (m->nr_locks >= m->world->nr_objects)
		return 0;
	addr = world_address(m->nr_locks);
	object = &m->world->objects[m->nr_locks];
	object->told = (struct lv_place){ .kind = LV_PLACE_TOLD, .base = m->nr_locks };
	object->shown = (struct lv_place){ .kind = LV_PLACE_STATIC, .base = addr };
	m->locks[m->nr_locks++].family = family;
	return addr;
}

void machine_tell_class(struct machine *m, uint64_t addr, uint32_t class)
{
	struct world_object *object = world_object(m->world, addr);

	if (object)
		object->told.base = class;
}

void machine_show_place(struct machine *m, uint64_t addr, const struct lv_place *place)
{
	struct world_object *object = world_object(m->world, addr);

	if (object)
		object->shown = *place;
}

void machine_on_cpu(struct machine *m, uint32_t cpu)
{
	if (cpu < m->nr_cpus)
		m->cpu = cpu;
	machine_here(m);
}

void machine_at(struct machine *m, const uint64_t *frames, uint32_t nr)
{
	struct seat *seat = &m->cpus[m->cpu].seat;

	if (nr > WORLD_FRAMES)
		nr = WORLD_FRAMES;
	memcpy(seat->frames, frames, nr * sizeof(frames[0]));
	seat->nr_frames = nr;
}

uint32_t machine_cpu(const struct machine *m)
{
	return m->cpu;
}

uint32_t machine_level(const struct machine *m)
{
	return level_of(m->cpus[m->cpu].seat.preempt_count);
}

bool machine_irqs_on(const struct machine *m)
{
	return m->cpus[m->cpu].seat.irqs_on;
}

uint32_t machine_preempt_count(const struct machine *m)
{
	return m->cpus[m->cpu].seat.preempt_count;
}

int machine_switch(struct machine *m, uint32_t task, const char *comm)
{
	struct machine_cpu *cpu = machine_here(m);

	if (machine_level(m) != LV_LEVEL_TASK)
		return -EPERM;
	hooked_switch(task_address(task));
	seat_task(&cpu->seat, task, comm);
	return 0;
}

int machine_enter(struct machine *m, enum lv_level level)
{
	struct machine_cpu *cpu = machine_here(m);
	struct seat *seat = &cpu->seat;
	uint32_t busy = CONTEXT_HARDIRQ | (level == LV_LEVEL_SOFTIRQ ? CONTEXT_SOFTIRQ : 0);

	if (!seat->irqs_on || seat->preempt_count & busy || level == LV_LEVEL_TASK ||
	    cpu->depth >= MAX_NESTED)
		return -EPERM;
	cpu->below[cpu->depth++] = (struct interrupted){ .level = level,
							 .preempt_count = seat->preempt_count,
							 .irqs_on = seat->irqs_on };
	seat->preempt_count += level == LV_LEVEL_HARDIRQ ? 0x10000 : CONTEXT_SERVING;
	seat->irqs_on = level == LV_LEVEL_SOFTIRQ;
	return 0;
}

int machine_exit(struct machine *m, enum lv_level level)
{
	struct machine_cpu *cpu = machine_here(m);

	if (!cpu->depth || cpu->below[cpu->depth - 1].level != level)
		return -EPERM;
	cpu->depth--;
	cpu->seat.preempt_count = cpu->below[cpu->depth].preempt_count;
	cpu->seat.irqs_on = cpu->below[cpu->depth].irqs_on;
	return 0;
}

/* Debug kernels are told; on others, it shows in what comes next. */
static void tell_enable(struct machine *m)
{
	if (m->world->annotated && world_seat->irqs_on)
		hooked_enable();
}

void machine_irq_disable(struct machine *m)
{
	machine_here(m)->seat.irqs_on = 0;
}

void machine_irq_enable(struct machine *m)
{
	machine_here(m)->seat.irqs_on = 1;
	tell_enable(m);
}

void machine_bh_disable(struct machine *m)
{
	machine_here(m)->seat.preempt_count += CONTEXT_BH_STEP;
}

int machine_bh_enable(struct machine *m)
{
	struct seat *seat = &machine_here(m)->seat;

	if ((seat->preempt_count & CONTEXT_SOFTIRQ) < CONTEXT_BH_STEP)
		return -EPERM;
	seat->preempt_count -= CONTEXT_BH_STEP;
	if (!(seat->preempt_count & CONTEXT_SOFTIRQ))
		tell_enable(m);
	return 0;
}

int machine_user_return(struct machine *m)
{
	machine_here(m);
	if (machine_level(m) != LV_LEVEL_TASK)
		return -EPERM;
	hooked_user_return();
	return 0;
}
