// SPDX-License-Identifier: GPL-2.0-only
/*
 * The common path writes nothing that CPUs share: once everything is known,
 * the recorder runs with its shared tables mapped read-only. What is left to
 * it is its own CPU's memory and the slots of tasks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/tables.h"
#include "hooks.h"
#include "replay/hooked.h"
#include "replay/seat.h"

#define CPUS 2
#define OBJECTS 128
#define TASK 0xffff888200000000ull
#define SOFTIRQ 0x100u
#define HARDIRQ 0x10000u

static struct world *world; /* lies in mapped memory itself, as it holds lv_control */
static struct seat seats[CPUS];

enum { TABLES = 6 };
static struct {
	const char *name;
	void *memory;
	size_t size;
} tables[TABLES];

static sigjmp_buf out;
static const char *written; /* the table that was written to, or NULL */

static size_t whole_pages(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (size + page - 1) & ~(page - 1);
}

static void *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(memory != MAP_FAILED);
	return memory;
}

static void *mapped(int i, const char *name, const void *from, size_t size)
{
	tables[i].name = name;
	tables[i].size = whole_pages(size);
	tables[i].memory = map(tables[i].size);
	memcpy(tables[i].memory, from, size);
	return tables[i].memory;
}

/*
 * All of the world before the tasks' keys, which are the tasks' own: they go on
 * pages of their own, but for a few in the line that they begin in. No task here
 * has one of those.
 */
static struct world *mapped_world(const struct world *from)
{
	const size_t line = _Alignof(struct world);
	size_t before = (offsetof(struct world, task_keys) + line - 1) & ~(line - 1);
	char *memory = map(whole_pages(before) + whole_pages(sizeof(*from)));

	tables[0].name = "control";
	tables[0].memory = memory;
	tables[0].size = whole_pages(before);
	return memcpy(memory + whole_pages(before) - before, from, sizeof(*from));
}

static void protect(int protection)
{
	for (int i = 0; i < TABLES; i++)
		assert_int_equal(mprotect(tables[i].memory, tables[i].size, protection), 0);
}

static void fault(int number, siginfo_t *info, void *context)
{
	char *at = info->si_addr;

	written = "something else";
	for (int i = 0; i < TABLES; i++)
		if (at >= (char *)tables[i].memory &&
		    at < (char *)tables[i].memory + tables[i].size)
			written = tables[i].name;
	siglongjmp(out, 1);
}

/* Run it with the shared tables read-only: what it wrote to, or NULL. */
static const char *writes(void (*body)(void))
{
	struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO}, before;

	written = NULL;
	sigaction(SIGSEGV, &action, &before);
	protect(PROT_READ);
	if (!sigsetjmp(out, 1))
		body();
	protect(PROT_READ | PROT_WRITE);
	sigaction(SIGSEGV, &before, NULL);
	return written;
}

static struct world *plain; /* as world_new() made it */

static int setup(void **state)
{
	(void)state;
	plain = world_new(CPUS, OBJECTS);
	if (!plain)
		return -1;
	plain->annotated = false;
	for (size_t i = 0; i < OBJECTS; i++) {
		plain->objects[i].shown =
			(struct lv_place){.kind = LV_PLACE_SLAB, .base = 0x1000 * (i + 1)};
		plain->memory[i * WORLD_OBJECT_SIZE] = 1; /* locked */
	}
	world = mapped_world(plain);
	world->classes =
		mapped(1, "classes", plain->classes, LV_MAX_CLASSES * sizeof(*world->classes));
	world->edges = mapped(2, "edges", plain->edges, LV_MAX_EDGES * sizeof(*world->edges));
	world->stacks = mapped(3, "stacks", plain->stacks, LV_MAX_STACKS * sizeof(*world->stacks));
	world->names = mapped(4, "names", plain->names, LV_MAX_NAMES * sizeof(*world->names));
	world->facts = mapped(5, "facts", plain->facts, LV_MAX_FACTS * sizeof(*world->facts));
	for (uint32_t i = 0; i < CPUS; i++)
		seats[i] = (struct seat){.world = world,
					 .own = &world->cpus[i],
					 .cpu = i,
					 .irqs_on = 1,
					 .task = TASK + i * 0x1000,
					 .pid = i};
	world_seat = &seats[0];
	world_arm(world);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < TABLES; i++)
		munmap(tables[i].memory, tables[i].size);
	world_free(plain);
	return 0;
}

static const struct machine_op acquires[] = {
#define LV_ACQUIRE(function, family_, mode_, irq_)                                                 \
	{.family = LV_##family_, .mode = LV_##mode_, .irq = LV_IRQ_##irq_},
#define LV_TRY(function, family_, mode_, irq_)                                                     \
	{.family = LV_##family_, .mode = LV_##mode_, .irq = LV_IRQ_##irq_, .try = true},
#include "hooks.def"
	{.family = LV_MUTEX},
	{.family = LV_RWSEM, .mode = LV_READ},
	{.family = LV_RWSEM},
};

#define ACQUIRES (sizeof(acquires) / sizeof(acquires[0]))

static bool sleeps(const struct machine_op *op)
{
	return op->family != LV_SPIN && op->family != LV_RWLOCK && op->family != LV_RAWSPIN;
}

static uint64_t address(size_t object, const struct machine_op *op)
{
	uint64_t addr = world_address(object);

	if (op->family == LV_MUTEX) /* its word is its owner */
		*(uint64_t *)world_memory(world, addr, 8) = world_seat->task;
	return addr;
}

static void take(size_t object, const struct machine_op *op)
{
	if (!sleeps(op))
		world_seat->preempt_count++;
	hooked_acquire(address(object, op), op, 0);
}

static void give(size_t object, const struct machine_op *op)
{
	static const uint32_t back[] = {
		[LV_IRQ_KEEP] = LV_IRQ_KEEP,
		[LV_IRQ_OFF] = LV_IRQ_RESTORE,
		[LV_IRQ_BH_OFF] = LV_IRQ_BH_ON,
	};
	struct machine_op release = {.family = op->family, .irq = back[op->irq]};

	hooked_release(address(object, op), &release, LV_IRQ_FLAG);
	if (!sleeps(op))
		world_seat->preempt_count--;
}

/* Each way of taking a lock, each under each other; given back in both orders. */
static void nest_all(uint32_t context)
{
	for (size_t i = 0; i < ACQUIRES; i++) {
		for (size_t j = 0; j < ACQUIRES; j++) {
			if (context && (sleeps(&acquires[i]) || sleeps(&acquires[j])))
				continue;
			world_seat->preempt_count |= context;
			take(i, &acquires[i]);
			take(ACQUIRES + j, &acquires[j]);
			give(j % 2 ? i : ACQUIRES + j, &acquires[j % 2 ? i : j]);
			give(j % 2 ? ACQUIRES + j : i, &acquires[j % 2 ? j : i]);
			world_seat->preempt_count &= ~context;
		}
	}
}

static void everything(void)
{
	nest_all(0);
	nest_all(SOFTIRQ);
	nest_all(HARDIRQ);
	hooked_switch(world_seat->task);
}

/* Long enough for cached classes to grow old and be derived again. */
static void everything_often(void)
{
	uint32_t before = world_seat->own->clock;

	while (world_seat->own->clock - before < 4 * LV_ADDR_AGE)
		everything();
}

/* As it is interrupted with locks held. */
static void interrupted(void)
{
	static const struct machine_op spin = {.family = LV_SPIN};

	take(0, &spin);
	world_seat->preempt_count |= HARDIRQ;
	take(1, &spin);
	give(1, &spin);
	world_seat->preempt_count &= ~HARDIRQ;
	give(0, &spin);
}

static void know_everything(void)
{
	/* Instances of a usage are looked at for a while, when nothing else is to be learnt. */
	for (int i = 0; i <= LV_USAGE_LOOKS; i++) {
		world_seat->own->clock += LV_ADDR_AGE;
		everything();
		interrupted();
	}
}

static uint64_t lost(uint32_t cpu)
{
	uint64_t sum = 0;

	for (int kind = 0; kind < LV_LOSS_KINDS; kind++)
		for (int hook = 0; hook < LV_MAX_HOOKS; hook++)
			sum += world->cpus[cpu].lost[kind][hook];
	return sum;
}

static void nothing_written(void (*body)(void))
{
	uint64_t before = tables_events(world_seat->own, 1);
	const char *table = writes(body);

	if (table)
		fail_msg("the common path wrote to %s", table);
	assert_true(tables_events(world_seat->own, 1) > before);
	assert_int_equal(lost(world_seat->cpu), 0);
}

static void test_known(void **state)
{
	(void)state;
	know_everything();
	nothing_written(everything_often);
	nothing_written(interrupted);
}

/* What one CPU has found out, another looks up: still nothing is written. */
static void test_known_elsewhere(void **state)
{
	(void)state;
	know_everything();
	world_seat = &seats[1];
	nothing_written(everything_often);
}

/* The net holds: each thing that is new is written where it belongs, and seen here. */
static void new_class(void)
{
	static const struct machine_op spin = {.family = LV_SPIN};

	take(2 * ACQUIRES, &spin);
}

static void new_usage(void)
{
	static const struct machine_op spin = {.family = LV_SPIN};

	hooked_acquire(world_address(0), &spin, 0);
}

static void new_edge(void)
{
	static const struct machine_op spin = {.family = LV_SPIN};

	take(0, &spin);
	take(1, &spin);
}

static void new_name(void)
{
	hooked_name(world_address(0), world_address(OBJECTS - 1));
}

static void new_misuse(void)
{
	static const struct machine_op spin = {.family = LV_SPIN};

	world->memory[0] = 0;
	hooked_release(world_address(0), &spin, 0);
}

/* Not met alone: what wants a stack has written elsewhere before. */
static void stack_number(void)
{
	__atomic_fetch_add(&world->control.next_stack, 1, __ATOMIC_SEQ_CST);
}

static void stack_itself(void)
{
	__atomic_store_n(&world->stacks[LV_MAX_STACKS - 1].nr, 1, __ATOMIC_SEQ_CST);
}

static void written_is(void (*body)(void), const char *table)
{
	const char *seen = writes(body);

	assert_string_equal(seen ? seen : "nothing", table);
	/* The program that wrote is cut off in its middle: begin anew. */
	seats[0].own->guard = 0;
	memset(seats[0].own->stack, 0, sizeof(seats[0].own->stack));
	seats[0].preempt_count = 0;
	world_arm(world);
}

static void test_unknown(void **state)
{
	(void)state;
	written_is(new_class, "classes");
	know_everything();
	written_is(new_edge, "edges");
	memcpy(world->memory + (OBJECTS - 1) * WORLD_OBJECT_SIZE, "&name", 6);
	written_is(new_name, "names");
	written_is(new_misuse, "facts");
	world->memory[0] = 1;
	for (int i = 0; i < LV_MAX_CLASSES; i++)
		world->classes[i].usage = world->classes[i].settled = 0;
	memset(seats[0].own->addr, 0, sizeof(seats[0].own->addr)); /* knows it, too */
	written_is(new_usage, "classes");
	written_is(stack_number, "control");
	written_is(stack_itself, "stacks");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_known),
		TEST(test_known_elsewhere),
		TEST(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
