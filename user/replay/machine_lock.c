// SPDX-License-Identifier: GPL-2.0-only
#include "replay/machine_internal.h"

#include <errno.h>
#include <string.h>

#include "replay/hooked.h"
#include "replay/world.h"
#include "record/held.h"

static struct machine_lock *find_lock(struct machine *m, uint64_t addr)
{
	uint64_t i = (addr - WORLD_BASE) / WORLD_OBJECT_SIZE;

	return addr >= WORLD_BASE && i < m->nr_locks ? &m->locks[i] : NULL;
}

/* The words as the kernel's own lock types keep them: see world_lock_word(). */
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
	case LV_PSEUDO:
		word = lock->writer || lock->readers;
		break;
	default:
		word = lock->writer;
	}
	memcpy(memory, &word, sizeof(word));
	if (lock->family == LV_RWSEM) /* stays when it is given back, as rwsem_set_reader_owned()'s */
		memcpy(memory + sizeof(word), &lock->taker, sizeof(lock->taker));
}

/* Flags that nobody restores are forgotten in the end. */
static void save_flags(struct machine_cpu *cpu, uint64_t addr, int irqs_on)
{
	if (cpu->nr_saved == MAX_SAVED)
		memmove(&cpu->saved[0], &cpu->saved[1], --cpu->nr_saved * sizeof(cpu->saved[0]));
	cpu->saved[cpu->nr_saved++] =
		(struct saved_flags){ .addr = addr, .flags = irqs_on ? LV_IRQ_FLAG : 0 };
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
	/* A plain unlock restores nothing, and leaves the flags to who does. */
	if (op->irq == LV_IRQ_ON || op->irq == LV_IRQ_RESTORE)
		forget_flags(cpu, addr);
}

/* The entry of the nest_lock, and any of the class of the object: are both held here? */
static bool orders_equals(struct machine *m, uint64_t nest_lock, const struct world_object *object)
{
	struct lv_cpu *cpu = &m->world->cpus[m->cpu];
	const struct lv_held_stack *stacks[] = { &cpu->stack[machine_level(m)], task_held(cpu) };
	bool nest = false, equal = false;

	for (int s = 0; s < 2; s++) {
		for (uint32_t i = 0; stacks[s] && i < stacks[s]->depth; i++) {
			const struct lv_held *held = &stacks[s]->held[i];

			nest |= held->addr == nest_lock;
			equal |= same_place(&m->world->classes[held->class].place, &object->told);
		}
	}
	return nest && equal;
}

/* The class that annotations give this acquisition. Caches may hold the last one's subclass. */
static uint32_t told_class(struct machine *m, uint64_t addr, const struct machine_op *op)
{
	struct world_object *object = world_object(m->world, addr);

	if (!m->world->annotated)
		return 0;
	if (object->told.off != op->subclass) {
		object->told.off = op->subclass;
		for (uint32_t i = 0; i < m->nr_cpus; i++)
			addr_slot(&m->world->cpus[i], addr, op->family)->key = 0;
	}
	return op->nest_lock && orders_equals(m, op->nest_lock, object) ? LV_HELD_NESTED : 0;
}

static void see_lock(struct machine *m, uint64_t addr, const struct machine_op *op)
{
	uint32_t how = told_class(m, addr, op);

	hooked_acquire(addr, op, how);
}

/* lockdep sees a lock when it is asked for, not when it is got. */
static int see_attempt(struct machine *m, struct machine_lock *lock, uint64_t addr,
		       const struct machine_op *op)
{
	struct machine_cpu *cpu = machine_here(m);

	if (op->try)
		return 1;
	if (!m->world->annotated)
		return -EBUSY;
	raise_counts(cpu, addr, op);
	lock->attempts++;
	see_lock(m, addr, op);
	return -EBUSY;
}

int machine_lock(struct machine *m, uint64_t addr, const struct machine_op *op)
{
	struct machine_lock *lock = find_lock(m, addr);
	struct machine_cpu *cpu = machine_here(m);

	if (!lock)
		return -ENOENT;
	if (lock->writer || (lock->readers && op->mode == LV_WRITE))
		return see_attempt(m, lock, addr, op);
	if (op->mode == LV_WRITE)
		lock->writer = true;
	else
		lock->readers++;
	lock->holder = (struct machine_holder){ .mode = op->mode,
						.task = cpu->seat.pid,
						.cpu = m->cpu };
	lock->taker = cpu->seat.task;
	raise_counts(cpu, addr, op);
	write_word(m, addr, lock);
	see_lock(m, addr, op);
	return 0;
}

static bool give_back(struct machine_lock *lock, const struct machine_op *op)
{
	if (lock->attempts) {
		lock->attempts--;
		return true;
	}
	if (op->mode == LV_WRITE ? !lock->writer : !lock->readers)
		return false;
	if (op->mode == LV_WRITE)
		lock->writer = false;
	else
		lock->readers--;
	return true;
}

int machine_unlock(struct machine *m, uint64_t addr, const struct machine_op *op)
{
	struct machine_lock *lock = find_lock(m, addr);
	struct machine_cpu *cpu = machine_here(m);
	uint64_t flags;
	bool held;

	if (!lock)
		return -ENOENT;
	flags = saved_flags(cpu, addr);
	hooked_release(addr, op, flags);
	held = give_back(lock, op);
	write_word(m, addr, lock);
	drop_counts(cpu, addr, op, flags);
	return held ? 0 : -ENOENT;
}

int machine_hold(struct machine *m, uint64_t addr, const struct machine_op *op)
{
	struct machine_lock *lock = find_lock(m, addr);

	machine_here(m);
	if (!lock)
		return -ENOENT;
	if (op->mode == LV_WRITE)
		lock->writer = true;
	else
		lock->readers++;
	write_word(m, addr, lock);
	hooked_hold(addr, addr, op);
	return 0;
}

int machine_drop(struct machine *m, uint64_t addr, const struct machine_op *op)
{
	struct machine_lock *lock = find_lock(m, addr);

	machine_here(m);
	if (!lock || (!lock->writer && !lock->readers))
		return -ENOENT;
	hooked_drop(addr, op);
	if (lock->writer)
		lock->writer = false;
	else
		lock->readers--;
	write_word(m, addr, lock);
	return 0;
}

int machine_attempt(struct machine *m, uint64_t addr, const struct machine_op *op)
{
	machine_here(m);
	if (!find_lock(m, addr))
		return -ENOENT;
	hooked_attempt(addr, addr, op);
	return 0;
}

int machine_wait(struct machine *m, uint64_t addr, const struct machine_op *op)
{
	machine_here(m);
	hooked_wait(addr, op);
	return 0;
}

bool machine_holder(struct machine *m, uint64_t addr, struct machine_holder *ret)
{
	struct machine_lock *lock = find_lock(m, addr);
	struct machine_cpu *cpu = machine_here(m);

	if (!lock || (!lock->writer && !lock->readers)) {
		*ret = (struct machine_holder){ .mode = LV_WRITE };
		return false;
	}
	*ret = lock->holder;
	if (family_sleeps(lock->family))
		return lock->holder.task == cpu->seat.pid;
	return lock->holder.cpu == m->cpu;
}

void machine_hand_over(struct machine *m, uint32_t family)
{
	machine_here(m);
	hooked_hand_over(family);
}

void machine_free_lock(struct machine *m, uint64_t addr)
{
	struct world_object *object = world_object(m->world, addr);

	machine_here(m);
	hooked_free(addr, WORLD_OBJECT_SIZE);
	if (object)
		object->lives++;
}

void machine_init_lock(struct machine *m, uint64_t addr)
{
	machine_here(m);
	hooked_free(addr, WORLD_OBJECT_SIZE);
}

void machine_name_waitq(struct machine *m, uint64_t addr, uint64_t text)
{
	machine_here(m);
	hooked_name(addr, text);
}
