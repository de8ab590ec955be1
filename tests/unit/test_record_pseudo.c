// SPDX-License-Identifier: GPL-2.0-only
/* Pseudo-locks: holds, drops and attempts. */
#include "test_record.h"

#include "replay/hooked.h"
#include "replay/world.h"
#include "record/recorder.h"

#define OURS 100

static const struct machine_op work = { .family = LV_PSEUDO, .pseudo = LV_PSEUDO_WORK };
static const struct machine_op wq = { .family = LV_PSEUDO, .pseudo = LV_PSEUDO_WQ };
static const struct machine_op timer = { .family = LV_PSEUDO, .pseudo = LV_PSEUDO_TIMER };
static const struct machine_op console = { .family = LV_PSEUDO,
					   .pseudo = LV_PSEUDO_CONSOLE_OWNER };
static const struct machine_op writers = { .family = LV_PSEUDO,
					   .pseudo = LV_PSEUDO_SB_WRITERS,
					   .mode = LV_READ };
static const struct machine_op handle = { .family = LV_PSEUDO,
					  .pseudo = LV_PSEUDO_JOURNAL,
					  .mode = LV_READ,
					  .try = true };
static const struct machine_op rwsem_write = { .family = LV_RWSEM };
static const struct machine_op rwsem_read = { .family = LV_RWSEM, .mode = LV_READ };

/* An instance of a class that is about `about`. */
static uint64_t add(struct machine *m, uint64_t about)
{
	uint64_t addr = machine_add_lock(m, LV_PSEUDO);
	const struct lv_place place = { .kind = LV_PLACE_PSEUDO, .base = about };

	machine_world(m)->annotated = false;
	machine_show_place(m, addr, &place);
	return addr;
}

static void begin(struct machine *m)
{
	machine_world(m)->annotated = false;
	assert_int_equal(machine_switch(m, OURS, "ours"), 0);
}

#define HOLD(m, addr, op) assert_int_equal(machine_hold(m, addr, &(op)), 0)
#define DROP(m, addr, op) assert_int_equal(machine_drop(m, addr, &(op)), 0)
#define ATTEMPT(m, addr, op) assert_int_equal(machine_attempt(m, addr, &(op)), 0)

/* An edge by the base of a pseudo-lock's class, or a lock's address. */
static uint32_t edge_of(struct machine *m, uint64_t from, uint64_t to)
{
	const struct world *world = machine_world(m);
	uint32_t dep = 0;

	for (size_t i = 0; i < LV_MAX_EDGES; i++) {
		const struct lv_edge *edge = &world->edges[i];

		if (edge->state == LV_SLOT_READY &&
		    world->classes[edge->from].place.base == from &&
		    world->classes[edge->to].place.base == to)
			dep |= edge->dep;
	}
	return dep;
}

#define ABOUT 0xffffffff81000100ull
#define ANOTHER 0xffffffff81000200ull

static void nest(struct machine *m, uint64_t mutex)
{
	LOCK(m, mutex, mutex_op);
	UNLOCK(m, mutex, mutex_op);
}

static void test_hold(void **state)
{
	struct machine *m = *state;
	uint64_t w = add(m, ABOUT), mutex = machine_add_lock(m, LV_MUTEX);

	begin(m);
	HOLD(m, w, work);
	nest(m, mutex);
	assert_int_equal(edge_of(m, ABOUT, mutex), LV_DEP_EN);
	DROP(m, w, work);
	nest(m, mutex);
	assert_int_equal(nr_edges(m), 1);
	assert_int_equal(lost_any(m), 0);
}

static void test_attempt(void **state)
{
	struct machine *m = *state;
	uint64_t w = add(m, ABOUT), mutex = machine_add_lock(m, LV_MUTEX);

	begin(m);
	ATTEMPT(m, w, work); /* under nothing */
	LOCK(m, mutex, mutex_op);
	ATTEMPT(m, w, work);
	assert_int_equal(edge_of(m, mutex, ABOUT), LV_DEP_EN);
	UNLOCK(m, mutex, mutex_op);
	nest(m, mutex);
	assert_int_equal(nr_edges(m), 1);
	assert_int_equal(lost_any(m), 0);
}

/* A lock that nobody holds: its word does not have to say so. */
static void test_attempt_at_a_lock(void **state)
{
	struct machine *m = *state;
	uint64_t mm = machine_add_lock(m, LV_RWSEM), mutex = machine_add_lock(m, LV_MUTEX);

	begin(m);
	LOCK(m, mutex, mutex_op);
	ATTEMPT(m, mm, rwsem_read);
	UNLOCK(m, mutex, mutex_op);
	assert_int_equal(edge_of(m, mutex, mm), LV_DEP_EN);
	LOCK(m, mm, rwsem_read);
	nest(m, mutex);
	UNLOCK(m, mm, rwsem_read);
	assert_int_equal(edge_of(m, mm, mutex), LV_DEP_SN);
	assert_int_equal(lost_any(m), 0);
}

/* Nothing is held after an attempt: irqs that are on do not matter. */
static void test_usage(void **state)
{
	struct machine *m = *state;
	uint64_t a = add(m, ABOUT), b = add(m, ANOTHER), lock = machine_add_lock(m, LV_SPIN);
	const struct lv_class *class;

	begin(m);
	LOCK(m, lock, spin);
	ATTEMPT(m, a, timer);
	class = &machine_world(m)->classes[pseudo_known_class(a, ABOUT, LV_PSEUDO_TIMER)];
	assert_int_equal(class->usage, 1 << LV_USED);
	UNLOCK(m, lock, spin);
	HOLD(m, b, work);
	class = &machine_world(m)->classes[pseudo_known_class(b, ANOTHER, LV_PSEUDO_WORK)];
	assert_int_equal(class->usage, 1 << LV_USED | 1 << LV_ENABLED_HARDIRQ |
					       1 << LV_ENABLED_SOFTIRQ);
}

static void test_self(void **state)
{
	struct machine *m = *state;
	uint64_t a = add(m, ABOUT), b = add(m, ABOUT), mutex = machine_add_lock(m, LV_MUTEX);
	const struct lv_edge *edge = NULL;

	begin(m);
	HOLD(m, a, work);
	ATTEMPT(m, b, work); /* another instance: its class's twin */
	assert_int_equal(nr_edges(m), 1);
	for (size_t i = 0; i < LV_MAX_EDGES; i++)
		assert_true(machine_world(m)->edges[i].from != machine_world(m)->edges[i].to ||
			    machine_world(m)->edges[i].state != LV_SLOT_READY);
	LOCK(m, mutex, mutex_op);
	ATTEMPT(m, a, work); /* itself, whatever it holds */
	for (size_t i = 0; i < LV_MAX_EDGES; i++)
		if (machine_world(m)->edges[i].state == LV_SLOT_READY &&
		    machine_world(m)->edges[i].from == machine_world(m)->edges[i].to)
			edge = &machine_world(m)->edges[i];
	assert_non_null(edge);
	assert_int_equal(edge->from_addr, a);
	assert_int_equal(edge->to_addr, a);
}

/* A filesystem's writer that nests in itself says nothing. */
static void test_self_of_others(void **state)
{
	struct machine *m = *state;
	uint64_t sb = add(m, ABOUT);

	begin(m);
	HOLD(m, sb, writers);
	ATTEMPT(m, sb, writers);
	assert_int_equal(nr_edges(m), 0);
}

/* What a worker held before, when its end was not seen, is gone when it begins anew. */
static void test_fresh(void **state)
{
	struct machine *m = *state;
	uint64_t a = add(m, ABOUT), b = add(m, ANOTHER), mutex = machine_add_lock(m, LV_MUTEX);

	begin(m);
	HOLD(m, a, work);
	record_pseudo(NULL, b, ANOTHER, EVENT_META(LV_HOOK_work_start, 0, LV_PSEUDO),
		   PSEUDO(WORK) | PSEUDO_FRESH);
	nest(m, mutex);
	assert_int_equal(edge_of(m, ABOUT, ANOTHER), 0);
	assert_int_equal(edge_of(m, ANOTHER, mutex), LV_DEP_EN);
}

static void test_if_known(void **state)
{
	struct machine *m = *state;
	uint64_t q = add(m, ABOUT), mutex = machine_add_lock(m, LV_MUTEX);
	uint32_t meta = EVENT_META(LV_HOOK_work_start, 0, LV_PSEUDO);

	begin(m);
	record_pseudo(NULL, q, ABOUT, meta, PSEUDO(WQ) | PSEUDO_IF_KNOWN);
	nest(m, mutex);
	assert_int_equal(nr_edges(m), 0);
	LOCK(m, mutex, mutex_op);
	ATTEMPT(m, q, wq);
	UNLOCK(m, mutex, mutex_op);
	record_pseudo(NULL, q, ABOUT, meta, PSEUDO(WQ) | PSEUDO_IF_KNOWN);
	nest(m, mutex);
	assert_int_equal(edge_of(m, ABOUT, mutex), LV_DEP_EN);
	pseudo_drop(q, meta, PSEUDO(WQ));
	/* And when it is destroyed, who comes to lie there is another. */
	pseudo_retire(q, ABOUT, PSEUDO(WQ));
	assert_int_equal(pseudo_known_class(q, ABOUT, LV_PSEUDO_WQ), LV_NONE);
}

/* As jbd2's handles: waited for, then held as if tried. What follows hangs on both, and on what was held before. */
static void test_attempted_then_tried(void **state)
{
	struct machine *m = *state;
	uint64_t h = add(m, ABOUT), outer = machine_add_lock(m, LV_MUTEX), inner = machine_add_lock(m, LV_MUTEX);
	uint32_t meta = EVENT_META(LV_HOOK_work_start, 0, LV_PSEUDO);
	uint32_t how = PSEUDO(JOURNAL) | PSEUDO_READ | LV_HELD_TRY | PSEUDO_ONCE;

	begin(m);
	*(uint64_t *)world_memory(machine_world(m), h, 8) = 1;
	LOCK(m, outer, mutex_op);
	record_pseudo(NULL, h, ABOUT, meta, PSEUDO(JOURNAL) | PSEUDO_ATTEMPT);
	record_pseudo(NULL, h, ABOUT, meta, how);
	nest(m, inner);
	assert_int_equal(edge_of(m, outer, ABOUT), LV_DEP_EN);
	assert_int_equal(edge_of(m, ABOUT, inner), LV_DEP_SN);
	assert_int_equal(edge_of(m, outer, inner), LV_DEP_EN);
	pseudo_drop(h, meta, how);
}

/* The word says that nobody holds it: out with who seems to. */
static void test_word_refutes(void **state)
{
	struct machine *m = *state;
	uint64_t h = add(m, ABOUT), mutex = machine_add_lock(m, LV_MUTEX);

	begin(m);
	HOLD(m, h, handle);
	*(uint64_t *)world_memory(machine_world(m), h, 8) = 0;
	nest(m, mutex);
	nest(m, mutex);
	assert_int_equal(nr_edges(m), 0);
	assert_int_equal(lost(m, LV_LOSS_STALE_HOLDER), 1);
}

/* The word does not tell yet: the dependency is left out, and the holder stays. */
static void test_word_tells_later(void **state)
{
	struct machine *m = *state;
	uint64_t h = add(m, ABOUT), mutex = machine_add_lock(m, LV_MUTEX);

	begin(m);
	HOLD(m, h, handle);
	*(uint64_t *)world_memory(machine_world(m), h, 8) = ~0ull;
	nest(m, mutex);
	assert_int_equal(nr_edges(m), 0);
	assert_int_equal(lost(m, LV_LOSS_STALE_HOLDER), 0);
	*(uint64_t *)world_memory(machine_world(m), h, 8) = 1;
	nest(m, mutex);
	assert_int_equal(edge_of(m, ABOUT, mutex), LV_DEP_SN);
}

static void test_in_softirq(void **state)
{
	struct machine *m = *state;
	uint64_t t = add(m, ABOUT), lock = machine_add_lock(m, LV_SPIN);
	uint64_t mutex = machine_add_lock(m, LV_MUTEX);
	const struct lv_class *class;

	begin(m);
	LOCK(m, mutex, mutex_op);
	assert_int_equal(machine_enter(m, LV_LEVEL_SOFTIRQ), 0);
	HOLD(m, t, timer);
	LOCK(m, lock, spin);
	UNLOCK(m, lock, spin);
	DROP(m, t, timer);
	LOCK(m, lock, spin);
	UNLOCK(m, lock, spin);
	assert_int_equal(machine_exit(m, LV_LEVEL_SOFTIRQ), 0);
	assert_int_equal(edge_of(m, ABOUT, lock), LV_DEP_EN);
	assert_int_equal(nr_edges(m), 1); /* none from what was interrupted */
	class = &machine_world(m)->classes[pseudo_known_class(t, ABOUT, LV_PSEUDO_TIMER)];
	assert_true(class->usage & 1 << LV_USED_IN_SOFTIRQ);
	assert_int_equal(lost_any(m), 0);
}

/* An older spinning lock stands behind what a CPU holds, and one taken later is no stale entry of it. */
static void test_among_spinning(void **state)
{
	struct machine *m = *state;
	uint64_t owner = add(m, ABOUT), outer = machine_add_lock(m, LV_SPIN);
	uint64_t inner = machine_add_lock(m, LV_SPIN);

	begin(m);
	LOCK(m, outer, spin);
	HOLD(m, owner, console);
	LOCK(m, inner, spin);
	UNLOCK(m, inner, spin);
	DROP(m, owner, console);
	LOCK(m, inner, spin);
	UNLOCK(m, inner, spin);
	UNLOCK(m, outer, spin);
	assert_int_equal(edge_of(m, outer, ABOUT), LV_DEP_EN);
	assert_int_equal(edge_of(m, ABOUT, inner), LV_DEP_EN);
	assert_int_equal(edge_between(m, outer, inner), LV_DEP_EN);
	assert_int_equal(lost_any(m), 0);
}

/* The guard is the CPU's, and nobody's who may be preempted. */
static void test_not_pinned(void **state)
{
	struct machine *m = *state;
	uint64_t owner = add(m, ABOUT), lock = machine_add_lock(m, LV_SPIN);

	begin(m);
	HOLD(m, owner, console);
	LOCK(m, lock, spin);
	UNLOCK(m, lock, spin);
	assert_int_equal(nr_edges(m), 0);
	machine_irq_disable(m);
	HOLD(m, owner, console);
	LOCK(m, lock, spin);
	UNLOCK(m, lock, spin);
	assert_int_equal(edge_of(m, ABOUT, lock), LV_DEP_EN);
}

/* Where the kernel preempts itself: what nothing proves is doubted, what a stack proves is not. */
static void test_doubt(void **state)
{
	struct machine *m = *state;
	uint64_t sb = add(m, ABOUT), w = add(m, ANOTHER), mutex = machine_add_lock(m, LV_MUTEX);

	begin(m);
	machine_world(m)->preempts = true;
	HOLD(m, w, work);
	world_seat->missed++;
	nest(m, mutex);
	assert_int_equal(edge_of(m, ANOTHER, mutex), LV_DEP_EN);
	DROP(m, w, work);
	HOLD(m, sb, writers);
	world_seat->missed++;
	nest(m, mutex);
	assert_int_equal(edge_of(m, ABOUT, mutex), 0);
	assert_int_equal(lost(m, LV_LOSS_DOUBTED), 1);
}

/* What is given back for the wait is no holder; afterwards it is one again, at its old place. */
static void test_laid_aside(void **state)
{
	struct machine *m = *state;
	uint64_t node = add(m, ABOUT), outer = machine_add_lock(m, LV_MUTEX);
	uint64_t tree = machine_add_lock(m, LV_RWSEM), inner = machine_add_lock(m, LV_MUTEX);
	uint32_t aside;

	begin(m);
	LOCK(m, outer, mutex_op);
	LOCK(m, tree, rwsem_write);
	assert_int_equal(pseudo_lay_aside(outer), 0); /* not the newest */
	aside = pseudo_lay_aside(tree);
	assert_int_equal(aside, 2);
	ATTEMPT(m, node, work);
	pseudo_take_back(aside);
	LOCK(m, inner, mutex_op);
	UNLOCK(m, inner, mutex_op);
	UNLOCK(m, tree, rwsem_write);
	UNLOCK(m, outer, mutex_op);
	assert_int_equal(edge_of(m, outer, ABOUT), LV_DEP_EN);
	assert_int_equal(edge_of(m, tree, ABOUT), 0);
	assert_int_equal(edge_between(m, tree, inner), LV_DEP_EN);
	assert_int_equal(lost_any(m), 0);
}

/* A stale entry beneath goes during the attempt: what comes back closes the gap. */
static void test_laid_aside_over_a_stale(void **state)
{
	struct machine *m = *state;
	uint64_t node = add(m, ABOUT), h = add(m, ANOTHER), tree = machine_add_lock(m, LV_RWSEM);
	uint64_t inner = machine_add_lock(m, LV_MUTEX);
	uint32_t aside;

	begin(m);
	*(uint64_t *)world_memory(machine_world(m), h, 8) = 1;
	HOLD(m, h, handle);
	LOCK(m, tree, rwsem_write);
	*(uint64_t *)world_memory(machine_world(m), h, 8) = 0;
	aside = pseudo_lay_aside(tree);
	assert_int_equal(aside, 2);
	ATTEMPT(m, node, work);
	pseudo_take_back(aside);
	LOCK(m, inner, mutex_op);
	UNLOCK(m, inner, mutex_op);
	UNLOCK(m, tree, rwsem_write);
	assert_int_equal(edge_of(m, ANOTHER, ABOUT), 0);
	assert_int_equal(edge_between(m, tree, inner), LV_DEP_EN);
	assert_int_equal(task_held(world_cpu(0))->depth, 0);
}

/* Nothing is held, but where it is waited for matters, if what spins is. */
static void test_attempt_in_hardirq(void **state)
{
	struct machine *m = *state;
	uint64_t t = add(m, ABOUT), w = add(m, ANOTHER);
	const struct lv_class *class;

	begin(m);
	ATTEMPT(m, t, timer);
	assert_int_equal(pseudo_known_class(t, ABOUT, LV_PSEUDO_TIMER), LV_NONE);
	assert_int_equal(machine_enter(m, LV_LEVEL_HARDIRQ), 0);
	ATTEMPT(m, t, timer);
	ATTEMPT(m, w, work);
	assert_int_equal(machine_exit(m, LV_LEVEL_HARDIRQ), 0);
	class = &machine_world(m)->classes[pseudo_known_class(t, ABOUT, LV_PSEUDO_TIMER)];
	assert_int_equal(class->usage, 1 << LV_USED | 1 << LV_USED_IN_HARDIRQ);
	assert_int_equal(pseudo_known_class(w, ANOTHER, LV_PSEUDO_WORK), LV_NONE);
	assert_int_equal(nr_edges(m), 0);
	assert_int_equal(lost_any(m), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hold),	   TEST(test_attempt),	     TEST(test_attempt_at_a_lock),
		TEST(test_usage),	   TEST(test_self),	     TEST(test_self_of_others),
		TEST(test_fresh),	   TEST(test_if_known),	     TEST(test_attempted_then_tried),
		TEST(test_word_refutes),   TEST(test_in_softirq),    TEST(test_among_spinning),
		TEST(test_word_tells_later),   TEST(test_in_softirq),    TEST(test_among_spinning),
		TEST(test_not_pinned),	   TEST(test_doubt),	     TEST(test_laid_aside),
		TEST(test_laid_aside_over_a_stale),		     TEST(test_attempt_in_hardirq),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
