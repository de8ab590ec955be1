/* SPDX-License-Identifier: GPL-2.0-only */
/* A small world to name locks in: symbols, types, caches, and what was recorded. */
#ifndef LOCKVANE_TEST_KERNEL_NAMES_H
#define LOCKVANE_TEST_KERNEL_NAMES_H

#include "test_kernel_btf.h"

#include "abi.h"
#include "naming/names.h"

#define MAX_ITEMS 32

static const char kallsyms[] = "0000000000000000 A __per_cpu_start\n"
			       "0000000000000800 A only_in_symbols\n"
			       "0000000000000840 A __per_cpu_end\n"
			       "ffffffff81000000 T _text\n"
			       "ffffffff82000000 D _sdata\n"
			       "ffffffff82000100 d cache_lock\n"
			       "ffffffff82000140 D tasklist_lock\n"
			       "ffffffff82000180 b cache_lock\n"
			       "ffffffff82000200 B init_task\n"
			       "ffffffff82001000 B _end\n"
			       "0000000000000900 d lv_stats\t[lv_uffd]\n"
			       "0000000000000920 d lv_other\t[lv_uffd]\n"
			       "ffffffffc0001000 t lv_read\t[lv_uffd]\n"
			       "ffffffffc0003000 d lv_lock\t[lv_uffd]\n"
			       "ffffffffc0003040 d cache_lock\t[lv_uffd]\n"
			       "ffffffffc0003080 d lv_end\t[lv_uffd]\n";

/* What is known, what was recorded, and what came of it. */
static struct {
	struct names_sources from;
	struct ksyms *ksyms;
	struct kbtf *btf;
	struct slabs *slabs;
	struct lv_class classes[MAX_ITEMS];
	struct lv_name names[MAX_ITEMS];
	size_t nr_classes, nr_names;
	struct names_result results[MAX_ITEMS];
} world;

static inline int setup(void **state)
{
	memset(&world, 0, sizeof(world));
	if (fixture_setup(state))
		return -1;
	fixture_write("kallsyms", kallsyms);
	world.btf = mini_kernel();
	world.from.btf = world.btf;
	if (ksyms_load(fixture_path("kallsyms"), &world.ksyms))
		return -1;
	world.from.ksyms = world.ksyms;
	return 0;
}

/* In place of those that setup() loaded. */
static inline void use_symbols(const char *text)
{
	fixture_write("symbols", text);
	ksyms_free(world.ksyms);
	assert_int_equal(ksyms_load(fixture_path("symbols"), &world.ksyms), 0);
	world.from.ksyms = world.ksyms;
}

static inline int teardown(void **state)
{
	kbtf_free(world.btf);
	ksyms_free(world.ksyms);
	slabs_free(world.slabs);
	return fixture_teardown(state);
}

/* A cache with a folder of its own, or one folder and links to it: "id name name…". */
static inline void slab(const char *id, uint32_t size, const char *const *names)
{
	char path[128], text[32];
	size_t nr = 0;

	for (; names && names[nr]; nr++) {
		snprintf(path, sizeof(path), "slab/%s", names[nr]);
		fixture_write("slab/.keep", "");
		assert_int_equal(symlink(id, fixture_path(path)), 0);
	}
	snprintf(text, sizeof(text), "%u\n", size);
	snprintf(path, sizeof(path), "slab/%s/object_size", id);
	fixture_write(path, text);
	snprintf(text, sizeof(text), "%zu\n", nr ? nr - 1 : 0);
	snprintf(path, sizeof(path), "slab/%s/aliases", id);
	fixture_write(path, text);
}

#define SLAB(id, size, ...) slab(id, size, (const char *const[]){ __VA_ARGS__, NULL })

static inline void load_slabs(void)
{
	assert_int_equal(slabs_load(fixture_path("slab"), &world.slabs), 0);
	world.from.slabs = world.slabs;
}

static inline struct lv_class *add(uint32_t kind, uint64_t base, uint32_t off, uint32_t family)
{
	struct lv_class *c = &world.classes[world.nr_classes++];

	assert_true(world.nr_classes <= MAX_ITEMS);
	c->place.kind = kind;
	c->place.base = base;
	c->place.off = off;
	c->family = family;
	c->state = LV_SLOT_READY;
	return c;
}

static inline uint64_t cache_base(const char *cache)
{
	uint64_t base = 0xffff888000000000;

	for (; *cache; cache++)
		base = base * 31 + (unsigned char)*cache;
	return base;
}

static inline struct lv_class *add_slab(const char *cache, uint32_t size, uint32_t off, uint32_t family)
{
	struct lv_class *c = add(LV_PLACE_SLAB, cache_base(cache), off, family);

	strncpy(c->cache, cache, sizeof(c->cache) - 1);
	c->cache_size = size;
	return c;
}

static inline struct lv_name *tell(const char *cache, uint32_t size, uint32_t off, const char *text)
{
	struct lv_name *n = &world.names[world.nr_names++];

	assert_true(world.nr_names <= MAX_ITEMS);
	n->state = LV_SLOT_READY;
	n->place.kind = LV_PLACE_SLAB;
	n->place.base = cache_base(cache);
	n->place.off = off;
	strncpy(n->cache, cache, sizeof(n->cache) - 1);
	n->cache_size = size;
	snprintf(n->text, sizeof(n->text), "%s", text);
	return n;
}

static inline void name_all_taken(const struct callsite_stack *stacks, size_t nr)
{
	struct names *n = NULL;
	size_t i;

	assert_int_equal(names_new(&world.from, world.names, world.nr_names, &n), 0);
	for (i = 0; i < world.nr_classes; i++)
		names_class(n, &world.classes[i], stacks, nr, &world.results[i]);
	assert_int_equal(names_unique(world.results, world.nr_classes), 0);
	names_free(n);
}

static inline void name_all(void)
{
	name_all_taken(NULL, 0);
}

#define NAMED(i, text, sure)                                              \
	do {                                                              \
		assert_string_equal(world.results[i].name, text);         \
		assert_int_equal(world.results[i].certainty, NAMES_##sure); \
	} while (0)

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
