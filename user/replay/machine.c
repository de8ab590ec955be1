// SPDX-License-Identifier: GPL-2.0-only
#include "replay/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hooks.h"
#include "replay/world.h"
#include "record/recorder.h"

#define MAX_NESTED 4 /* task, softirq, hardirq and one to spare */
#define MAX_SAVED 64 /* irqsave sections open on a CPU */
#define IRQ_FLAG (1ull << 9)

struct interrupted {
	uint32_t level;
	uint32_t preempt_count;
	int irqs_on;
};

struct saved_flags {
	uint64_t addr;
	uint64_t flags;
};

struct machine_cpu {
	struct seat seat;
	struct interrupted below[MAX_NESTED];
	uint32_t depth;
	struct saved_flags saved[MAX_SAVED];
	uint32_t nr_saved;
};

struct machine_lock {
	uint32_t family;
	bool writer;
	uint32_t readers;
};

struct machine {
	struct world *world;
	struct machine_cpu *cpus;
	struct machine_lock *locks;
	size_t nr_locks;
	uint32_t nr_cpus;
	uint32_t cpu;
	bool production;
};

/* The hook a verb stands for: index in hooks.def, or LV_HOOKS when it has none (yet). */
struct hook_key {
	uint8_t verb, family, mode, irq;
};

enum { VERB_ACQUIRE = 1, VERB_TRY, VERB_RELEASE };

static const struct hook_key hook_keys[LV_HOOKS] = {
#define LV_ACQUIRE(function, family, mode, irq) \
	{ VERB_ACQUIRE, LV_##family, LV_##mode, LV_IRQ_##irq },
#define LV_TRY(function, family, mode, irq) { VERB_TRY, LV_##family, LV_##mode, LV_IRQ_##irq },
#define LV_RELEASE(function, family, irq) { VERB_RELEASE, LV_##family, 0xff, LV_IRQ_##irq },
#define LV_WAITQ(function) { 0 },
#define LV_NAME(function) { 0 },
#include "hooks.def"
};

static uint32_t hook_of(uint8_t verb, const struct machine_op *op)
{
	for (uint32_t i = 0; i < LV_HOOKS; i++) {
		const struct hook_key *key = &hook_keys[i];

		if (key->verb == verb && key->family == op->family && key->irq == op->irq &&
		    (verb == VERB_RELEASE || key->mode == op->mode))
			return i;
	}
	return LV_HOOKS;
}

static struct machine_cpu *here(struct machine *m)
{
	world_seat = &m->cpus[m->cpu].seat;
	return &m->cpus[m->cpu];
}

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
		seat->cpu = i;
		seat->irqs_on = 1;
		seat_task(seat, i + 1, "task");
	}
	m->nr_locks = 0;
	m->cpu = 0;
	m->world->annotated = !m->production;
	world_arm(m->world);
	here(m);
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
	here(m);
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
	struct machine_cpu *cpu = here(m);

	if (machine_level(m) != LV_LEVEL_TASK)
		return -EPERM;
	record_switch(task_address(task));
	seat_task(&cpu->seat, task, comm);
	return 0;
}

int machine_enter(struct machine *m, enum lv_level level)
{
	struct machine_cpu *cpu = here(m);
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
	struct machine_cpu *cpu = here(m);

	if (!cpu->depth || cpu->below[cpu->depth - 1].level != level)
		return -EPERM;
	cpu->depth--;
	cpu->seat.preempt_count = cpu->below[cpu->depth].preempt_count;
	cpu->seat.irqs_on = cpu->below[cpu->depth].irqs_on;
	return 0;
}

void machine_irq_disable(struct machine *m)
{
	here(m)->seat.irqs_on = 0;
}

void machine_irq_enable(struct machine *m)
{
	here(m)->seat.irqs_on = 1;
}

void machine_bh_disable(struct machine *m)
{
	here(m)->seat.preempt_count += CONTEXT_BH_STEP;
}

int machine_bh_enable(struct machine *m)
{
	struct seat *seat = &here(m)->seat;

	if ((seat->preempt_count & CONTEXT_SOFTIRQ) < CONTEXT_BH_STEP)
		return -EPERM;
	seat->preempt_count -= CONTEXT_BH_STEP;
	return 0;
}

static struct machine_lock *find_lock(struct machine *m, uint64_t addr)
{
	uint64_t i = (addr - WORLD_BASE) / WORLD_OBJECT_SIZE;

	return addr >= WORLD_BASE && i < m->nr_locks ? &m->locks[i] : NULL;
}

/* The words as the kernel's own lock types keep them: see held_word(). */
static void write_word(struct machine *m, uint64_t addr, const struct machine_lock *lock)
{
	unsigned char *memory = world_memory(m->world, addr, 16);
	uint64_t word = 0;

	if (!memory)
		return;
	switch (lock->family) {
	case LV_MUTEX:
		word = lock->writer ? world_seat->task : 0;
		break;
	case LV_RWLOCK:
		word = (lock->writer ? 0xff : 0) | (uint64_t)lock->readers << 9;
		break;
	case LV_RWSEM:
		word = (lock->writer ? 1 : 0) | (uint64_t)lock->readers << 8;
		break;
	default:
		word = lock->writer;
	}
	memcpy(memory, &word, sizeof(word));
}

static void save_flags(struct machine_cpu *cpu, uint64_t addr, int irqs_on)
{
	if (cpu->nr_saved < MAX_SAVED)
		cpu->saved[cpu->nr_saved++] =
			(struct saved_flags){ .addr = addr, .flags = irqs_on ? IRQ_FLAG : 0 };
}

/* The flags that the newest irqsave of this lock has kept. */
static uint64_t saved_flags(const struct machine_cpu *cpu, uint64_t addr)
{
	for (uint32_t i = cpu->nr_saved; i-- > 0;)
		if (cpu->saved[i].addr == addr)
			return cpu->saved[i].flags;
	return 0;
}

static void forget_flags(struct machine_cpu *cpu, uint64_t addr)
{
	for (uint32_t i = cpu->nr_saved; i-- > 0;) {
		if (cpu->saved[i].addr != addr)
			continue;
		cpu->nr_saved--;
		memmove(&cpu->saved[i], &cpu->saved[i + 1],
			(cpu->nr_saved - i) * sizeof(cpu->saved[0]));
		return;
	}
}

static void raise_counts(struct machine_cpu *cpu, uint64_t addr, const struct machine_op *op)
{
	struct seat *seat = &cpu->seat;

	if (op->irq == LV_IRQ_OFF) {
		save_flags(cpu, addr, seat->irqs_on);
		seat->irqs_on = 0;
	}
	if (op->irq == LV_IRQ_BH_OFF)
		seat->preempt_count += CONTEXT_BH_STEP;
	if (!family_sleeps(op->family))
		seat->preempt_count++;
}

static void drop_counts(struct machine_cpu *cpu, uint64_t addr, const struct machine_op *op,
			uint64_t flags)
{
	struct seat *seat = &cpu->seat;

	if (!family_sleeps(op->family) && seat->preempt_count & CONTEXT_PREEMPT)
		seat->preempt_count--;
	if (op->irq == LV_IRQ_ON)
		seat->irqs_on = 1;
	if (op->irq == LV_IRQ_RESTORE)
		seat->irqs_on = !!flags;
	if (op->irq == LV_IRQ_BH_ON && (seat->preempt_count & CONTEXT_SOFTIRQ) >= CONTEXT_BH_STEP)
		seat->preempt_count -= CONTEXT_BH_STEP;
	forget_flags(cpu, addr);
}

int machine_lock(struct machine *m, uint64_t addr, const struct machine_op *op)
{
	struct machine_lock *lock = find_lock(m, addr);
	struct machine_cpu *cpu = here(m);

	if (!lock)
		return -ENOENT;
	if (lock->writer || (lock->readers && op->mode == LV_WRITE))
		return op->try ? 1 : -EBUSY;
	if (op->mode == LV_WRITE)
		lock->writer = true;
	else
		lock->readers++;
	raise_counts(cpu, addr, op);
	write_word(m, addr, lock);
	record_acquire(NULL, addr, hook_of(op->try ? VERB_TRY : VERB_ACQUIRE, op), op->family,
		       op->mode, op->try, op->irq);
	return 0;
}

int machine_unlock(struct machine *m, uint64_t addr, const struct machine_op *op)
{
	struct machine_lock *lock = find_lock(m, addr);
	struct machine_cpu *cpu = here(m);
	uint64_t flags;
	bool held;

	if (!lock)
		return -ENOENT;
	flags = saved_flags(cpu, addr);
	record_release(NULL, addr, hook_of(VERB_RELEASE, op), op->family, op->irq, flags);
	held = op->mode == LV_WRITE ? lock->writer : lock->readers > 0;
	if (held && op->mode == LV_WRITE)
		lock->writer = false;
	else if (held)
		lock->readers--;
	write_word(m, addr, lock);
	drop_counts(cpu, addr, op, flags);
	return held ? 0 : -ENOENT;
}
