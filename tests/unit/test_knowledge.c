// SPDX-License-Identifier: GPL-2.0-only
/* The knowledge of a kernel build: grows by what is seen, finds what that completes, is the same after a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "capture/tables.h"
#include "knowledge/knowledge.h"
#include "test_finding_cases.h"

/* One that lives at a place of its own. */
static uint32_t placed(struct capture *c, const char *name)
{
	uint32_t class = case_class(c, name, LV_SPIN);

	c->classes[class].key = case_copy("[<ffffffff81000000>]");
	return class;
}

static struct knowledge *new_knowledge(struct capture *known)
{
	struct knowledge *p;

	assert_int_equal(knowledge_new(known, &p), 0);
	return p;
}

/* ids: of each class its place in the tables. */
static void add(struct knowledge *p, const struct capture *seen, const uint32_t *ids)
{
	static uint32_t classes[LV_MAX_CLASSES];

	memset(classes, 0xff, sizeof(classes));
	for (uint32_t i = 0; i < seen->nr_classes; i++)
		classes[ids[i]] = i;
	assert_int_equal(knowledge_add(p, seen, classes), 0);
}

static const uint32_t in_order[] = { 10, 11, 12, 13, 14, 15, 16, 17 };

static struct capture *founding(uint64_t shift, bool fixed)
{
	struct case_founding how = { .shift = shift, .fixed = fixed };

	return case_founding(&how);
}

static void check_ids(struct knowledge *p, const struct capture *c)
{
	struct findings *all;

	assert_int_equal(finding_analyse(c, &all), 0);
	assert_int_equal(all->nr, knowledge_findings(p)->nr);
	for (uint32_t i = 0; i < all->nr; i++)
		assert_string_equal(all->items[i].id, knowledge_findings(p)->items[i].id);
	findings_free(all);
}

/* Seen once, with events lost; then twice, which no new class or edge tells. */
static void test_becomes_surer(void **state)
{
	struct capture *c = founding(0, false);
	struct knowledge *p = new_knowledge(case_new());

	case_loss(c, "guard", "events skipped", 1);
	for (size_t i = 0; i < c->nr_edges; i++)
		c->edges[i].count = 1;
	add(p, c, in_order);
	assert_int_equal(knowledge_findings(p)->nr, 1);
	assert_int_equal(knowledge_findings(p)->items[0].confidence, FINDING_LIKELY);
	for (size_t i = 0; i < c->nr_edges; i++)
		c->edges[i].count = 2;
	for (size_t i = 0; i < c->nr_classes; i++)
		c->classes[i].twice = c->classes[i].usage;
	add(p, c, in_order);
	assert_int_equal(knowledge_findings(p)->nr, 1);
	assert_int_equal(knowledge_findings(p)->items[0].confidence, FINDING_CONFIRMED);
	knowledge_free(p);
	capture_free(c);
}

static void test_grows(void **state)
{
	struct capture *c = founding(0, false);
	struct knowledge *p = new_knowledge(case_new());
	size_t edges = c->nr_edges;

	/* Without its last dependency it is no inversion yet. */
	c->nr_edges = edges - 1;
	add(p, c, in_order);
	assert_int_equal(knowledge_findings(p)->nr, 0);
	assert_int_equal(knowledge_capture(p)->nr_classes, 3);
	c->nr_edges = edges;
	add(p, c, in_order);
	assert_int_equal(knowledge_findings(p)->nr, 1);
	check_ids(p, c);
	/* Nothing comes twice, however often all of it is seen. */
	for (int i = 0; i < 3; i++)
		add(p, c, in_order);
	assert_int_equal(knowledge_findings(p)->nr, 1);
	assert_int_equal(knowledge_capture(p)->nr_classes, 3);
	assert_int_equal(knowledge_capture(p)->nr_edges, 2);
	/* A stack comes along with each thing that refers to it. */
	assert_true(knowledge_capture(p)->nr_stacks <= 2 * c->nr_stacks);
	knowledge_free(p);
	capture_free(c);
}

/* The last piece may be a usage. */
static void test_usage_completes(void **state)
{
	struct capture *c = founding(0, true), *whole = founding(0, false);
	struct knowledge *p = new_knowledge(case_new());

	add(p, c, in_order);
	assert_int_equal(knowledge_findings(p)->nr, 0);
	add(p, whole, in_order);
	assert_int_equal(knowledge_findings(p)->nr, 1);
	check_ids(p, whole);
	knowledge_free(p);
	capture_free(c);
	capture_free(whole);
}

/* What one process saw and what the next sees make one graph, and counts go on. */
static void test_restart(void **state)
{
	struct capture *before = founding(0, false), *seen = founding(0x1000, false);
	struct knowledge *p;
	uint32_t other[] = { 3, 2, 1 };

	before->nr_edges--; /* the first process saw half of it */
	for (size_t i = 0; i < seen->nr_edges; i++)
		seen->edges[i].count = 5;
	p = new_knowledge(before);
	assert_int_equal(knowledge_findings(p)->nr, 0);
	add(p, seen, other);
	assert_int_equal(knowledge_findings(p)->nr, 1);
	check_ids(p, seen);
	assert_int_equal(knowledge_capture(p)->nr_classes, 3);
	assert_int_equal(knowledge_capture(p)->edges[0].count, 3 + 5);
	assert_int_equal(knowledge_capture(p)->edges[1].count, 5);
	assert_int_equal(knowledge_sightings(p, &knowledge_findings(p)->items[0]), 5);
	add(p, seen, other);
	assert_int_equal(knowledge_capture(p)->edges[0].count, 3 + 5);
	capture_free(seen);
	knowledge_free(p);
}

static void test_known_is_found_again(void **state)
{
	struct capture *known = founding(0, false), *same = founding(0, false);
	struct knowledge *p = new_knowledge(known);

	assert_int_equal(knowledge_findings(p)->nr, 1);
	check_ids(p, same);
	capture_free(same);
	knowledge_free(p);
}

/* Two of one name that live apart are two, or strangers would be taken for one lock. */
static void test_strangers(void **state)
{
	struct capture *before = case_new(), *seen = case_new();
	struct knowledge *p;

	case_slab(before, "node.lock", NULL, "cache_a+0x10");
	case_slab(seen, "node.lock", NULL, "cache_b+0x10");
	p = new_knowledge(before);
	add(p, seen, in_order);
	assert_int_equal(knowledge_capture(p)->nr_classes, 2);
	assert_string_equal(knowledge_capture(p)->classes[1].name, "node.lock#2");
	/* The next time it is known for what it is. */
	add(p, seen, in_order);
	assert_int_equal(knowledge_capture(p)->nr_classes, 2);
	knowledge_free(p);
	capture_free(seen);
}

/* In one run, what gets the name of another is not that one. */
static void test_names_move(void **state)
{
	struct capture *first = case_new(), *second = case_new();
	struct knowledge *p = new_knowledge(case_new());
	const uint32_t one[] = { 5 }, two[] = { 9, 5 };

	placed(first, "lock");
	placed(second, "lock");
	placed(second, "lock@cache");
	add(p, first, one);
	add(p, second, two);
	assert_int_equal(knowledge_capture(p)->nr_classes, 3);
	assert_string_equal(knowledge_capture(p)->classes[1].name, "lock#2");
	assert_string_equal(knowledge_capture(p)->classes[2].name, "lock@cache");
	knowledge_free(p);
	capture_free(first);
	capture_free(second);
}

/* A class of several of the tables', one more of which came, with a lower number. */
static void test_one_of_several(void **state)
{
	struct capture *seen = case_new();
	static uint32_t classes[LV_MAX_CLASSES];
	struct knowledge *p = new_knowledge(case_new());

	(void)state;
	placed(seen, "table[].lock");
	memset(classes, 0xff, sizeof(classes));
	classes[9] = 0;
	assert_int_equal(knowledge_add(p, seen, classes), 0);
	classes[5] = 0;
	assert_int_equal(knowledge_add(p, seen, classes), 0);
	assert_int_equal(knowledge_capture(p)->nr_classes, 1);
	knowledge_free(p);
	capture_free(seen);
}

static struct capture *many(uint32_t nr)
{
	struct capture *c = case_new();
	char name[32];

	for (uint32_t i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "lock_%u", i);
		placed(c, name);
	}
	return c;
}

static void test_bounded(void **state)
{
	static uint32_t ids[LV_MAX_CLASSES];
	struct capture *before = many(LV_MAX_CLASSES), *seen = case_new();
	struct knowledge *p = new_knowledge(before);

	case_edge(seen, placed(seen, "one more"), placed(seen, "lock_7"),
		  LV_DEP_EN, LV_NONE);
	ids[1] = 1;
	assert_false(knowledge_is_full(p));
	add(p, seen, ids);
	assert_true(knowledge_is_full(p));
	assert_int_equal(knowledge_capture(p)->nr_classes, LV_MAX_CLASSES);
	assert_int_equal(knowledge_capture(p)->nr_edges, 0);
	knowledge_free(p);
	capture_free(seen);
}

/* Counters are read from the tables without naming anything. */
static void test_counts(void **state)
{
	static struct lv_class classes[LV_MAX_CLASSES];
	static struct lv_edge edges[LV_MAX_EDGES];
	static struct lv_cpu cpus[2];
	static struct lv_control control;
	struct tables t = { .control = &control, .cpus = cpus, .nr_cpus = 2, .classes = classes,
			    .edges = edges };
	struct capture *c = founding(0, false);
	struct knowledge *p = new_knowledge(case_new());

	add(p, c, in_order);
	edges[4] = (struct lv_edge){ .from = 10, .to = 11, .dep = LV_DEP_EN,
				     .state = LV_SLOT_READY };
	edges[9] = (struct lv_edge){ .from = 11, .to = 12, .dep = LV_DEP_EN,
				     .state = LV_SLOT_READY };
	edges[10] = (struct lv_edge){ .from = 11, .to = LV_NONE, .state = LV_SLOT_READY };
	cpus[0].edge_hits[4] = 1000;
	cpus[1].edge_hits[4] = 1;
	cpus[1].edge_hits[9] = 77;
	cpus[1].acquisitions[12] = 88;
	cpus[0].events[0] = 5;
	knowledge_count(p, &t, 123);
	assert_int_equal(knowledge_capture(p)->edges[0].count, 1001);
	assert_int_equal(knowledge_capture(p)->edges[1].count, 77);
	assert_int_equal(knowledge_capture(p)->classes[2].acquisitions, 88);
	/* The graph began with what case_new() has. */
	assert_int_equal(knowledge_capture(p)->events, 48211 + 5);
	assert_int_equal(knowledge_sightings(p, &knowledge_findings(p)->items[0]), 77);
	knowledge_free(p);
	capture_free(c);
}

static struct capture *hanging(uint32_t pid)
{
	struct capture *c = case_new();
	uint32_t a = placed(c, "a"), b = placed(c, "b");

	case_wait(c, 0, a, 0x100, case_stack(c, "one", pid, "f"));
	case_wait(c, 0, b, 0x200, case_stack(c, "other", pid + 1, "g"));
	return c;
}

/* A deadlock is one thing however often it is looked at; of other tasks it is another time. */
static void test_deadlock(void **state)
{
	struct capture *c = hanging(10), *again = hanging(20);
	struct knowledge *p = new_knowledge(case_new());

	add(p, c, in_order);
	add(p, c, in_order);
	assert_int_equal(knowledge_findings(p)->nr, 1);
	assert_int_equal(knowledge_findings(p)->items[0].rule, FINDING_DEADLOCK);
	assert_int_equal(knowledge_capture(p)->nr_waits, 2);
	assert_int_equal(knowledge_sightings(p, &knowledge_findings(p)->items[0]), 1);
	add(p, again, in_order);
	assert_int_equal(knowledge_findings(p)->nr, 1);
	assert_int_equal(knowledge_capture(p)->nr_waits, 4);
	assert_int_equal(knowledge_capture(p)->waits[3].ring, 1);
	assert_int_equal(knowledge_sightings(p, &knowledge_findings(p)->items[0]), 2);
	check_ids(p, knowledge_capture(p));
	knowledge_free(p);
	capture_free(again);
	capture_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_becomes_surer),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_deadlock),
		cmocka_unit_test(test_usage_completes),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_known_is_found_again),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_names_move),
		cmocka_unit_test(test_one_of_several),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
