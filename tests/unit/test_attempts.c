// SPDX-License-Identifier: GPL-2.0-only
/* A mutex' inner lock, taken by who waits for the mutex, depends on the mutex. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "trace/attempts.h"

static uint32_t add_stack(struct capture *c, const char *first, const char *second)
{
	struct capture_stack *s = capture_add_stack(c);

	s->frames = calloc(2, sizeof(*s->frames));
	s->frames[0].text = strdup(first);
	s->frames[1].text = strdup(second);
	s->nr_frames = 2;
	return c->nr_stacks - 1;
}

/* stack: of its first use; LV_NONE: not kept. */
static uint32_t add_class(struct capture *c, const char *name, uint32_t family, uint32_t stack)
{
	struct capture_class *class = capture_add_class(c);

	class->name = strdup(name);
	class->family = family;
	class->usage = 1u << LV_USED;
	class->usage_stack[LV_USED] = stack;
	return c->nr_classes - 1;
}

static void assert_edge(const struct capture *c, size_t i, uint32_t from, uint32_t to, uint32_t dep)
{
	assert_true(i < c->nr_edges);
	assert_int_equal(c->edges[i].from, from);
	assert_int_equal(c->edges[i].to, to);
	assert_int_equal(c->edges[i].dep, dep);
}

static void test_waiters(void **state)
{
	struct capture *c = capture_new();
	uint32_t lock =
		add_stack(c, "_raw_spin_lock+0x9/0x30", "__mutex_lock.constprop.0+0x8d/0x770");
	uint32_t down = add_stack(c, "_raw_spin_lock_irq", "rwsem_down_read_slowpath+0x10/0x300");
	uint32_t wake = add_stack(c, "_raw_spin_lock_irqsave", "rwsem_wake.isra.0+0x29/0x90");
	uint32_t mutex = add_class(c, "pipe.mutex [m]", LV_MUTEX, LV_NONE);
	uint32_t inner = add_class(c, "pipe.mutex.wait_lock [m]", LV_SPIN, lock);
	uint32_t rwsem = add_class(c, "mm.mmap_lock", LV_RWSEM, LV_NONE);
	uint32_t rw_inner = add_class(c, "mm.mmap_lock.wait_lock", LV_RAWSPIN, down);
	uint32_t woken = add_class(c, "woken", LV_RWSEM, LV_NONE);

	(void)state;
	add_class(c, "woken.wait_lock", LV_SPIN, wake); /* it is held no more */
	add_class(c, "pipe.mutex.wait_lock.not", LV_SPIN, lock);
	add_class(c, "mutex.wait_lock", LV_SPIN, down); /* another's waiter */
	add_class(c, "mutex", LV_MUTEX, LV_NONE);
	assert_int_equal(attempts_add(c), 0);
	assert_int_equal(c->nr_edges, 2);
	assert_edge(c, 0, mutex, inner, LV_DEP_EN);
	assert_edge(c, 1, rwsem, rw_inner, LV_DEP_SN);
	assert_int_equal(c->edges[1].stack, down);
	/* once is enough, whoever found it */
	assert_int_equal(attempts_add(c), 0);
	assert_int_equal(c->nr_edges, 2);
	assert_int_equal(c->classes[woken].family, LV_RWSEM);
	capture_free(c);
}

/* Not among the first uses, but where it was taken under something else. */
static void test_by_edge(void **state)
{
	struct capture *c = capture_new();
	uint32_t write = add_stack(c, "_raw_spin_lock_irq", "rwsem_down_write_slowpath+0x10/0x300");
	uint32_t outer = add_class(c, "outer", LV_MUTEX, LV_NONE);
	uint32_t rwsem = add_class(c, "sem", LV_RWSEM, LV_NONE);
	uint32_t inner = add_class(c, "sem.wait_lock", LV_SPIN, LV_NONE);
	struct capture_edge *edge = capture_add_edge(c);

	(void)state;
	edge->from = outer;
	edge->to = inner;
	edge->dep = LV_DEP_EN;
	edge->stack = write;
	assert_int_equal(attempts_add(c), 0);
	assert_int_equal(c->nr_edges, 2);
	assert_edge(c, 1, rwsem, inner, LV_DEP_EN);
	capture_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waiters),
		cmocka_unit_test(test_by_edge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
