// SPDX-License-Identifier: GPL-2.0-only
/* What lockdep is told: the table, how it is matched, and what each rule makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "finding/annotations.h"
#include "finding/finding.h"
#include "finding/orders.h"
#include "finding/watch.h"
#include "test_finding_cases.h"

static const char table[] = "# a comment\n"
			    "# series\t6.1\t6.12\t7.2\n"
			    "# versions\t6.1.192\t6.12.117\t7.2.13\n"
			    "6.1-7.2\t-\twrapper\tdown_nested\t-\n"
			    "6.1-6.12\tdev.mutex\tnovalidate\tdev_init\t-\n"
			    "6.1-6.12\tdev.mutex\ttail\tnode.mutex\t-\n"
			    "6.1-6.12\tdev.mutex\ttail\td.mutex\tnot:odd,strange\n"
			    "6.1-7.2\tinode.i_rwsem\tnested\trename<-do_rename,renameat\t5\n"
			    "6.12-6.12\tinode.i_rwsem\tnested+plain\tunlink\t1\n"
			    "7.2-7.2\tinode.i_rwsem\tnested\tstart_removing\tby:how\n"
			    "6.1-7.2\tinode.i_rwsem\ttail\tvfs_inode.i_rwsem\t-\n"
			    "6.1-7.2\tthe_lock\tnested\tf\t1\n";

static struct annotations *parse(const char *text, const char *release)
{
	struct annotations *a = NULL;

	assert_int_equal(annotations_parse(text, strlen(text), release, &a), 0);
	return a;
}

static uint32_t rows_of_rwsem(const char *release)
{
	struct annotations *a = parse(table, release);
	bool inner;
	uint32_t nr = annotations_find(a, "inode.i_rwsem", &inner)->nr;

	annotations_free(a);
	return nr;
}

static void test_series(void **state)
{
	assert_int_equal(rows_of_rwsem("6.1.0-56-amd64"), 1);
	assert_int_equal(rows_of_rwsem("6.6.12"), 1); /* the nearest older one */
	assert_int_equal(rows_of_rwsem("6.12.117+deb12-cloud-amd64"), 2);
	assert_int_equal(rows_of_rwsem("6.19.0"), 2);
	assert_int_equal(rows_of_rwsem("7.2.13"), 2);
	assert_int_equal(rows_of_rwsem("8.0.0-rc1"), 2); /* the newest */
	assert_int_equal(rows_of_rwsem("5.10.0"), 1);	 /* the oldest */
	assert_int_equal(rows_of_rwsem("replay"), 2);
}

static void test_what_a_row_says(void **state)
{
	struct annotations *a = parse(table, "6.12.1");
	bool inner;
	const struct annotation_member *m = annotations_find(a, "inode.i_rwsem", &inner);

	assert_int_equal(m->kinds, 1 << ANNOTATION_NESTED | 1 << ANNOTATION_NESTED_PLAIN);
	assert_string_equal(m->rows[0].what, "5");
	assert_true(annotation_of(&m->rows[0], "rename", false));
	assert_true(annotation_of(&m->rows[0], "renameat", true));
	assert_true(annotation_of(&m->rows[0], "do_rename", true));
	assert_false(annotation_of(&m->rows[0], "renameat", false));
	assert_false(annotation_of(&m->rows[0], "rename2", true));
	assert_false(annotation_of(&m->rows[0], "do", true));
	assert_true(annotations_wrapper(a, "down_nested"));
	assert_false(annotations_wrapper(a, "down"));
	annotations_free(a);
}

static const char *found(const struct annotations *a, const char *name)
{
	bool inner;
	const struct annotation_member *m = annotations_find(a, name, &inner);

	return !m ? "" : inner ? m->name + 1 : m->name;
}

static void test_names(void **state)
{
	struct annotations *a = parse(table, "6.12.1");

	/* A class in something that holds the struct loses its first letter here. */
	assert_string_equal(found(a, "inode.i_rwsem"), "inode.i_rwsem");
	assert_string_equal(found(a, "inode.i_rwsem/1"), "inode.i_rwsem");
	assert_string_equal(found(a, "inode.i_rwsem#2"), "inode.i_rwsem");
	assert_string_equal(found(a, "inode.i_rwsem@ext4_inode_cache/1"), "inode.i_rwsem");
	assert_string_equal(found(a, "ext4_inode_info.vfs_inode.i_rwsem"), "node.i_rwsem");
	assert_string_equal(found(a, "ext4_inode_info.vfs_inode.i_rwsem/4#2"), "node.i_rwsem");
	assert_string_equal(found(a, "table[].list[3].vfs_inode.i_rwsem [ext4]"), "node.i_rwsem");
	assert_string_equal(found(a, "the_lock [mod]"), "the_lock");
	assert_string_equal(found(a, "usb.d.mutex"), "ev.mutex");
	assert_string_equal(found(a, "anything.at.all.node.mutex"), "ev.mutex");
	/* What the ending means elsewhere, or may mean. */
	assert_string_equal(found(a, "odd.d.mutex"), "");
	assert_string_equal(found(a, "strange.d.mutex"), "");
	assert_string_equal(found(a, "usb.part.d.mutex"), "");
	/* The member's name alone says nothing. */
	assert_string_equal(found(a, "other.mutex"), "");
	assert_string_equal(found(a, "vfs_inode.i_rwsem"), "");
	assert_string_equal(found(a, "super.inode.i_rwsem"), "");
	assert_string_equal(found(a, "kmalloc-64+0x18"), "");
	assert_string_equal(found(a, "[[["), "");
	assert_string_equal(found(a, ""), "");
	annotations_free(a);
}

static void test_malformed(void **state)
{
	static const char *const bad[] = {
		"6.1-7.2\tx.y\tnested\tf\t1\n", /* before the series */
		"# series\t6.1\tx\n",
		"# series\n6.1-6.1\tx.y\tnested\tf\t1\n",
		"# series\t6.1\n6.1-6.1\tx.y\tnested\tf\n",
		"# series\t6.1\n6.1-6.1\tx.y\tnested\tf\t1\tmore\n",
		"# series\t6.1\n6.1-6.1\tx.y\tnested\t\t1\n",
		"# series\t6.1\n6.1-6.1\tx.y\tnonsense\tf\t1\n",
	};
	struct annotations *a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(annotations_parse(bad[i], strlen(bad[i]), "6.1", &a), -EINVAL);
}

static void test_built_in(void **state)
{
	static const char *const releases[] = {"6.1.0-56-amd64", "6.12.117", "7.2.13", "replay"};
	static const char *const names[] = {"inode.i_rwsem",
					    "mm_struct.mmap_lock",
					    "device.mutex",
					    "k_itimer.it_lock",
					    "hfs_btree.tree_lock",
					    "nfc_dev.dev.mutex",
					    "platform_device.dev.mutex",
					    "ext4_inode_info.vfs_inode.i_rwsem",
					    "btree.write_lock"};

	for (size_t i = 0; i < sizeof(releases) / sizeof(*releases); i++) {
		struct annotations *a = NULL;
		bool inner;

		assert_int_equal(annotations_builtin(releases[i], &a), 0);
		for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++)
			if (!annotations_find(a, names[j], &inner))
				fail_msg("%s: nothing is told of %s", releases[i], names[j]);
		annotations_free(a);
	}
}

/* What lockdep is told at start is an edge that was not seen, once. */
static void test_told_orders(void **state)
{
	struct capture *c = case_new();
	uint32_t reclaim = case_class(c, "fs_reclaim", LV_PSEUDO);
	uint32_t rwsem = case_class(c, "ext4_inode_info.vfs_inode.i_data.i_mmap_rwsem", LV_RWSEM);
	uint32_t other = case_class(c, "inode.i_lock", LV_SPIN);
	const struct capture_edge *edge;

	assert_int_equal(orders_add(c, "7.2.13"), 0);
	assert_int_equal(c->nr_edges, 0); /* it is no pseudo-lock of that kind yet */
	c->classes[reclaim].subclass = LV_PSEUDO_RECLAIM << LV_SUBCLASS_KIND_SHIFT;
	for (int again = 0; again < 2; again++) {
		assert_int_equal(orders_add(c, "7.2.13"), 0);
		assert_int_equal(c->nr_edges, 1);
	}
	edge = &c->edges[0];
	assert_int_equal(edge->from, reclaim);
	assert_int_equal(edge->to, rwsem);
	assert_int_not_equal(edge->to, other);
	assert_string_equal(capture_edge_told(c, edge),
			    "lockdep is told so at start by dma_resv_lockdep(), drivers/dma-buf/dma-resv.c");
	capture_free(c);
}

/* Queues are told of since 7.2; an annotated capture was told itself. */
static void test_told_releases(void **state)
{
	static const struct {
		const char *release;
		bool annotated;
		size_t edges;
	} cases[] = {{"6.1.0", false, 0}, {"6.12.117", false, 0}, {"7.2.13", false, 1}, {"7.2.13", true, 0}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct capture *c = case_new();

		c->annotated = cases[i].annotated;
		case_class(c, "fs_reclaim", LV_PSEUDO);
		case_class(c, "q_usage_counter(io) sda", LV_PSEUDO);
		c->classes[0].subclass = LV_PSEUDO_RECLAIM << LV_SUBCLASS_KIND_SHIFT;
		c->classes[1].subclass = LV_PSEUDO_QUEUE_IO << LV_SUBCLASS_KIND_SHIFT;
		assert_int_equal(orders_add(c, cases[i].release), 0);
		assert_int_equal(c->nr_edges, cases[i].edges);
		capture_free(c);
	}
}

static void test_untold(void **state)
{
	struct annotations *a = NULL;

	assert_int_equal(annotations_builtin("7.2.13", &a), 0);
	assert_true(annotations_untold(a, "xfs_buf_alloc_backing_mem"));
	assert_true(annotations_untold(a, "xfs_iget")); /* xfs_iget_cache_miss() may be inlined */
	assert_false(annotations_untold(a, "xfs_qm_dqget"));
	annotations_free(a);
}

/* Two locks in both orders, each taken by a function of its own. */
struct abba {
	struct capture *c;
	uint32_t a, b, ab, ba;
};

static uint32_t taken_by(struct capture *c, const char *function)
{
	char frames[256];

	snprintf(frames, sizeof(frames),
		 "mutex_lock+0x5/0x40|%s+0x1c/0x3a [mod]|vfs_do+0x40/0x80|do_syscall_64+0x6e/0xc5",
		 function);
	return case_stack(c, "sh", 80, frames);
}

/* b is taken by `into` under a, a by `back` under b; instances differ at b. */
static struct abba abba(const char *a, const char *b, const char *into, const char *back)
{
	struct abba t = {.c = case_new()};

	t.a = case_class(t.c, a, LV_MUTEX);
	t.b = case_class(t.c, b, LV_MUTEX);
	t.ab = case_edge(t.c, t.a, t.b, LV_DEP_EN, taken_by(t.c, into));
	t.ba = case_edge(t.c, t.b, t.a, LV_DEP_EN, taken_by(t.c, back));
	case_instances(t.c, t.ab, 0xa0, 0xb1);
	case_instances(t.c, t.ba, 0xb2, 0xa0);
	return t;
}

/* One finding, graded down for this reason; NULL: not graded down. Takes the capture. */
static void assert_graded(struct capture *c, enum finding_confidence confidence, const char *why)
{
	struct findings *f;

	assert_int_equal(finding_analyse(c, &f), 0);
	assert_int_equal(f->nr, 1);
	if (why && !f->items[0].chain.graded_down)
		fail_msg("not graded down: %s", why);
	if (why)
		assert_string_equal(f->items[0].chain.graded_down, why);
	else if (f->items[0].chain.graded_down)
		fail_msg("graded down: %s", f->items[0].chain.graded_down);
	assert_int_equal(f->items[0].confidence, confidence);
	findings_free(f);
	capture_free(c);
}

#define F2FS_XATTR "f2fs_inode_info.i_xattr_sem.internal_rwsem"
#define F2FS_SEM "f2fs_inode_info.i_sem.internal_rwsem"
#define F2FS_WHY                                                                                   \
	"f2fs_add_inline_entry takes f2fs_inode_info.i_sem.internal_rwsem as subclass 1 "          \
	"(annotation)"

static void test_subclass(void **state)
{
	struct abba t =
		abba(F2FS_XATTR, F2FS_SEM, "f2fs_add_inline_entry", "f2fs_add_regular_entry");

	assert_graded(t.c, FINDING_WEAK, F2FS_WHY);
	/* A function of which nothing is told. */
	t = abba(F2FS_XATTR, F2FS_SEM, "f2fs_add_dentry", "f2fs_add_regular_entry");
	assert_graded(t.c, FINDING_CERTAIN, NULL);
	/* The function is on the stack, but did not take the lock. */
	t = abba(F2FS_XATTR, F2FS_SEM, "f2fs_add_dentry+0x1/0x2|f2fs_add_inline_entry",
		 "f2fs_add_regular_entry");
	assert_graded(t.c, FINDING_CERTAIN, NULL);
	/* The same function's, but not this lock. */
	t = abba(F2FS_XATTR, "f2fs_inode_info.i_gc_rwsem", "f2fs_add_inline_entry",
		 "f2fs_add_regular_entry");
	assert_graded(t.c, FINDING_CERTAIN, NULL);
	/* One instance on both sides has one class at a time. */
	t = abba(F2FS_XATTR, F2FS_SEM, "f2fs_add_inline_entry", "f2fs_add_regular_entry");
	case_instances(t.c, t.ba, 0xb1, 0xa0);
	assert_graded(t.c, FINDING_CONFIRMED, NULL);
	/* Both sides take it as the same subclass. */
	t = abba(F2FS_XATTR, F2FS_SEM, "f2fs_add_inline_entry",
		 "f2fs_init_inode_metadata+0x1/0x2|f2fs_add_inline_entry");
	assert_graded(t.c, FINDING_CERTAIN, NULL);
	/* An older kernel's names, suffixes and all. */
	t = abba(F2FS_XATTR, F2FS_SEM "#2", "f2fs_add_inline_entry.isra.0",
		 "f2fs_add_regular_entry");
	assert_graded(t.c, FINDING_WEAK, F2FS_WHY);
}

/* Where the holder was taken is known: that says it, not what ran under it. */
static void test_subclass_of_holder(void **state)
{
	struct abba t = abba(F2FS_XATTR, F2FS_SEM, "f2fs_add_inline_entry", "f2fs_other");

	t.c->edges[t.ba].from_stack = case_stack(t.c, "sh", 80, "f2fs_add_inline_entry+0x30/0x90");
	assert_graded(t.c, FINDING_CERTAIN, NULL);
	t = abba(F2FS_XATTR, F2FS_SEM, "f2fs_plain", "f2fs_init+0x1/0x2|f2fs_add_inline_entry");
	t.c->edges[t.ba].from_stack = taken_by(t.c, "f2fs_other");
	assert_graded(t.c, FINDING_CERTAIN, NULL);
	t = abba(F2FS_XATTR, F2FS_SEM, "f2fs_plain", "f2fs_init+0x1/0x2|f2fs_add_inline_entry");
	t.c->edges[t.ba].from_stack = case_stack(t.c, "sh", 80, "f2fs_other+0x30/0x90");
	assert_graded(t.c, FINDING_CERTAIN, NULL);
	t = abba(F2FS_XATTR, F2FS_SEM, "f2fs_plain", "f2fs_other");
	t.c->edges[t.ba].from_stack = taken_by(t.c, "f2fs_add_inline_entry");
	assert_graded(t.c, FINDING_WEAK, F2FS_WHY);
}

static void test_computed_subclass(void **state)
{
	struct abba t = abba("hfs_inode_info.extents_lock", "hfs_btree.tree_lock", "hfs_find_init",
			     "hfs_get_block");

	assert_graded(t.c, FINDING_WEAK,
		      "hfs_find_init takes hfs_btree.tree_lock with a subclass that is computed "
		      "(0,1,2,hfsplus_btree_lock_class(tree)) (annotation)");
}

/* Taken both ways in one function: the first of its class is the plain one. */
static void test_plain_too(void **state)
{
	struct abba t = abba("x_lock", "ext4_inode_info.vfs_inode.i_rwsem",
			     "lock_two_nondirectories", "ext4_do");

	/* Two keys of the type: files and directories. */
	assert_graded(t.c, FINDING_WEAK,
		      "inode.i_rwsem has several classes, set by lockdep_annotate_inode_mutex_key "
		      "(annotation), and no instance was seen on both sides");
	t = abba("x_lock", "futex_hash_bucket.lock", "double_lock_hb", "futex_do");
	assert_graded(t.c, FINDING_CERTAIN, NULL);
	t = abba("x_lock", "futex_hash_bucket.lock/1", "double_lock_hb", "futex_do");
	t.c->classes[t.b].subclass = 1;
	assert_graded(t.c, FINDING_WEAK,
		      "double_lock_hb takes futex_hash_bucket.lock as subclass 1 (annotation)");
}

static void test_set_class(void **state)
{
	struct capture *c = case_new();
	uint32_t lock = case_slab(c, "k_itimer.it_lock", NULL, "posix_timers_cache+0x18");

	case_use(c, lock, LV_USED_IN_HARDIRQ, 0xa0, taken_by(c, "posix_timer_fn"));
	case_use(c, lock, LV_ENABLED_HARDIRQ, 0xb0, taken_by(c, "run_posix_cpu_timers"));
	assert_graded(c, FINDING_WEAK,
		      "k_itimer.it_lock has several classes, set by posix_cpu_timer_create "
		      "(annotation), and no instance was seen on both sides");
	c = case_new();
	lock = case_slab(c, "k_itimer.it_lock", NULL, "posix_timers_cache+0x18");
	case_use(c, lock, LV_USED_IN_HARDIRQ, 0xa0, taken_by(c, "posix_timer_fn"));
	case_use(c, lock, LV_ENABLED_HARDIRQ, 0xa0, taken_by(c, "run_posix_cpu_timers"));
	assert_graded(c, FINDING_WEAK,
		      "k_itimer.it_lock has several classes, set by posix_cpu_timer_create (annotation), and between "
		      "the two uses its memory may have become another object");
	/* One that is no other's memory is the same lock. */
	c = case_new();
	lock = case_class(c, "k_itimer.it_lock", LV_SPIN);
	case_use(c, lock, LV_USED_IN_HARDIRQ, 0xa0, taken_by(c, "posix_timer_fn"));
	case_use(c, lock, LV_ENABLED_HARDIRQ, 0xa0, taken_by(c, "run_posix_cpu_timers"));
	assert_graded(c, FINDING_CONFIRMED, NULL);
}

/* A class of one filesystem's struct has one of the keys by filesystem. */
static void test_class_by_type(void **state)
{
	struct abba t = abba("fs_lock", "address_space.invalidate_lock", "fs_a", "fs_b");

	assert_graded(t.c, FINDING_WEAK,
		      "address_space.invalidate_lock has several classes, set by "
		      "inode_init_always_gfp (annotation), and no instance was seen on both sides");
	t = abba("reiserfs_sb_info.lock", "reiserfs_inode_info.vfs_inode.i_data.invalidate_lock",
		 "fs_a", "fs_b");
	assert_graded(t.c, FINDING_CERTAIN, NULL);
	/* btrfs sets another for its free space. */
	t = abba("fs_lock", "btrfs_inode.vfs_inode.i_data.invalidate_lock", "fs_a", "fs_b");
	assert_graded(t.c, FINDING_WEAK,
		      "address_space.invalidate_lock has several classes, set by "
		      "load_free_space_cache (annotation), and no instance was seen on both sides");
}

static void test_ends_of_an_inversion(void **state)
{
	struct capture *c = case_new();
	uint32_t safe = case_class(c, "k_itimer.it_lock", LV_SPIN);
	uint32_t unsafe = case_class(c, "b_lock", LV_SPIN), edge;

	case_use(c, safe, LV_USED_IN_HARDIRQ, 0xa0, taken_by(c, "posix_timer_fn"));
	case_use(c, unsafe, LV_ENABLED_HARDIRQ, 0xb0, taken_by(c, "b"));
	edge = case_edge(c, safe, unsafe, LV_DEP_EN, taken_by(c, "posix_cpu_timer_set"));
	case_instances(c, edge, 0xa1, 0xb0);
	assert_graded(c, FINDING_WEAK,
		      "k_itimer.it_lock has several classes, set by posix_cpu_timer_create "
		      "(annotation), and no instance was seen on both sides");
}

static void test_not_validated(void **state)
{
	struct abba t = abba("platform_device.dev.mutex", "i2c_client.dev.mutex", "device_add",
			     "really_probe");

	assert_graded(t.c, FINDING_WEAK,
		      "device.mutex is left out of lockdep's validation by device_initialize "
		      "(annotation), and the chain has more than one such lock");
	/* One device's lock and one that is none. */
	t = abba("rfkill_global_mutex", "nfc_dev.dev.mutex", "nfc_dev_down", "rfkill_register");
	assert_graded(t.c, FINDING_CERTAIN, NULL);
	/* All devices' locks in one class. */
	t = abba("rfkill_global_mutex", "device.mutex", "nfc_dev_down", "rfkill_register");
	assert_graded(t.c, FINDING_WEAK,
		      "device.mutex is left out of lockdep's validation by device_initialize "
		      "(annotation), and its locks were not seen to be the same on all sides");
	t = abba("rfkill_global_mutex", "device.mutex", "nfc_dev_down", "rfkill_register");
	case_instances(t.c, t.ba, 0xb1, 0xa0);
	assert_graded(t.c, FINDING_CONFIRMED, NULL);
}

/*
 * The stacks' sightings are of two devices, another pair of sightings of one. That is enough for a lock
 * that is not validated if all of the cycle is of the same locks; not where a stack tells the class.
 */
static void test_joined_by_other_sightings(void **state)
{
	struct abba t = abba("supplier_attr", "device.mutex", "supplier_show", "really_probe");

	t.c->edges[t.ab].low[0] = (struct lv_pair){0xa4, 0xb4};
	t.c->edges[t.ba].low[1] = (struct lv_pair){0xb4, 0xa4};
	assert_graded(t.c, FINDING_CONFIRMED, NULL);
	/* The device is the same, the attribute is not. */
	t = abba("supplier_attr", "device.mutex", "supplier_show", "really_probe");
	t.c->edges[t.ab].low[0] = (struct lv_pair){0xa4, 0xb4};
	t.c->edges[t.ba].low[1] = (struct lv_pair){0xb4, 0xa5};
	assert_graded(t.c, FINDING_WEAK,
		      "device.mutex is left out of lockdep's validation by device_initialize "
		      "(annotation), and its locks were not seen to be the same on all sides");
	/* A device nests in its parent; the circle is of one device all the same. */
	t = abba("supplier_attr", "device.mutex", "supplier_show", "really_probe");
	case_instances(t.c, t.ba, 0xb1, 0xa0);
	case_instances(t.c, case_edge(t.c, t.b, t.b, LV_DEP_EN, taken_by(t.c, "device_attach")), 0xb8, 0xb1);
	assert_graded(t.c, FINDING_LIKELY, NULL);
	/* Of a lock that lockdep validates, it would have been told that it nests. */
	t = abba("supplier_attr", "other.mutex", "supplier_show", "really_probe");
	case_instances(t.c, t.ba, 0xb1, 0xa0);
	case_instances(t.c, case_edge(t.c, t.b, t.b, LV_DEP_EN, taken_by(t.c, "device_attach")), 0xb8, 0xb1);
	assert_graded(t.c, FINDING_WEAK, NULL);
	/* Two devices' locks, of which two were taken in both orders. */
	t = abba("platform_device.dev.mutex", "i2c_client.dev.mutex", "device_add", "really_probe");
	t.c->edges[t.ab].low[1] = (struct lv_pair){0xa4, 0xb4};
	t.c->edges[t.ba].low[0] = (struct lv_pair){0xb4, 0xa4};
	assert_graded(t.c, FINDING_CONFIRMED, NULL);
	/* An inode's memory may have been a directory's. */
	t = abba(F2FS_XATTR, F2FS_SEM, "f2fs_add_inline_entry", "f2fs_add_regular_entry");
	t.c->edges[t.ab].low[0] = (struct lv_pair){0xa4, 0xb4};
	t.c->edges[t.ba].low[1] = (struct lv_pair){0xb4, 0xa4};
	assert_graded(t.c, FINDING_WEAK, F2FS_WHY);
}

static void test_non_owner(void **state)
{
	struct abba t = abba("m_lock", "nfs_inode.rmdir_sem", "nfs_a", "nfs_b");

	assert_graded(t.c, FINDING_CERTAIN, NULL);
	t = abba("m_lock", "nfs_inode.rmdir_sem", "nfs_a", "nfs_b");
	t.c->edges[t.ba].dep = LV_DEP_SN;
	assert_graded(t.c, FINDING_WEAK,
		      "nfs_inode.rmdir_sem is given back by another task than the reader in "
		      "nfs_call_unlink (annotation)");
}

/* Two locks of one class in both orders, by one function. */
static struct capture *both_orders(const char *name, const char *function, uint64_t from)
{
	struct capture *c = case_new();
	uint32_t class = case_class(c, name, LV_MUTEX);

	c->classes[class].flags = LV_CLASS_SELF_ORDER;
	case_instances(c, case_edge(c, class, class, LV_DEP_EN, taken_by(c, function)), from, 0xb0);
	return c;
}

static void test_nesting(void **state)
{
	struct capture *c = both_orders("pipe_inode_info.mutex", "pipe_do", 0xa0);
	struct findings *f;

	/* Ordered by a function of the pipes' own. */
	assert_int_equal(finding_analyse(c, &f), 0);
	assert_int_equal(f->nr, 0);
	findings_free(f);
	capture_free(c);
	/* But one pipe's lock twice is what it was. */
	assert_graded(both_orders("pipe_inode_info.mutex", "pipe_do", 0xb0), FINDING_CONFIRMED,
		      NULL);
	assert_graded(both_orders("other.mutex", "pipe_do", 0xa0), FINDING_CONFIRMED, NULL);
	assert_graded(both_orders("futex_hash_bucket.lock", "double_lock_hb", 0xa0), FINDING_WEAK,
		      "double_lock_hb takes futex_hash_bucket.lock as subclass 1 (annotation)");
	/* Called by its macro's name in the sources, and so here. */
	assert_graded(both_orders("dentry.d_lock", "__d_move", 0xa0), FINDING_WEAK,
		      "__d_move takes dentry.d_lock with a subclass that is computed (1,2,3) "
		      "(annotation)");
	assert_graded(both_orders("futex_hash_bucket.lock", "futex_other", 0xa0), FINDING_CONFIRMED,
		      NULL);
	/* A function that passes on what another has computed is not told apart. */
	assert_graded(both_orders("extent_buffer.lock", "btrfs_alloc_tree_block", 0xa0), FINDING_WEAK,
		      "balance_level takes extent_buffer.lock with a subclass that is computed (2,3) "
		      "(annotation)");
	assert_graded(both_orders("extent_buffer.lock", "btrfs_alloc_tree_block", 0xb0),
		      FINDING_CONFIRMED, NULL);
	/* The outer one, by a caller that has it still. */
	assert_graded(both_orders("inode.i_rwsem", "vfs_unlink+0x48/0x2a0|do_unlinkat", 0xa0),
		      FINDING_WEAK, "do_unlinkat takes inode.i_rwsem as subclass 1 (annotation)");
	assert_graded(both_orders("anon_vma.rwsem", "mm_take_all_locks", 0xa0), FINDING_WEAK,
		      "vm_lock_anon_vma takes several anon_vma.rwsem under &mm->mmap_lock "
		      "(annotation)");
}

/* The edge that an annotation denies is not picked where another closes the circle too. */
static void test_picks_what_is_not_denied(void **state)
{
	struct abba t =
		abba(F2FS_XATTR, F2FS_SEM, "f2fs_add_inline_entry", "f2fs_add_regular_entry");

	case_instances(t.c, case_edge(t.c, t.a, t.b, LV_DEP_SN, taken_by(t.c, "f2fs_plain")), 0xa3,
		       0xb3);
	assert_graded(t.c, FINDING_CERTAIN, NULL);
}

/* A circle that was graded down comes after one that was not, though it is shorter. */
static void test_longer_circle_comes_first(void **state)
{
	struct abba t =
		abba(F2FS_XATTR, F2FS_SEM, "f2fs_add_inline_entry", "f2fs_add_regular_entry");
	uint32_t c = case_class(t.c, "c_lock", LV_MUTEX);
	struct findings *f;

	case_edge(t.c, t.a, c, LV_DEP_EN, taken_by(t.c, "take_c"));
	case_edge(t.c, c, t.b, LV_DEP_EN, taken_by(t.c, "f2fs_plain"));
	assert_int_equal(finding_analyse(t.c, &f), 0);
	assert_int_equal(f->nr, 1);
	assert_int_equal(f->items[0].chain.nr_classes, 3);
	assert_int_equal(f->items[0].confidence, FINDING_CERTAIN);
	assert_int_equal(f->items[0].nr_also, 1);
	assert_int_equal(f->items[0].also[0].confidence, FINDING_WEAK);
	findings_free(f);
	capture_free(t.c);
}

/* A replay that is told annotations itself needs no table. */
static void test_annotated_capture(void **state)
{
	struct abba t =
		abba(F2FS_XATTR, F2FS_SEM, "f2fs_add_inline_entry", "f2fs_add_regular_entry");

	t.c->annotated = true;
	assert_graded(t.c, FINDING_CERTAIN, NULL);
}

static void test_watch(void **state)
{
	struct abba t =
		abba(F2FS_XATTR, F2FS_SEM, "f2fs_add_inline_entry", "f2fs_add_regular_entry");
	struct findings *told = calloc(1, sizeof(*told));
	struct finding_watch *w;

	assert_non_null(told);
	assert_int_equal(finding_watch_new(t.c, &w), 0);
	assert_int_equal(finding_watch_class(w, t.a, told), 0);
	assert_int_equal(finding_watch_class(w, t.b, told), 0);
	assert_int_equal(finding_watch_edge(w, t.ab, told), 0);
	assert_int_equal(finding_watch_edge(w, t.ba, told), 0);
	assert_int_equal(told->nr, 1);
	assert_int_equal(told->items[0].confidence, FINDING_WEAK);
	assert_string_equal(told->items[0].chain.graded_down, F2FS_WHY);
	findings_free(told);
	finding_watch_free(w);
	capture_free(t.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_series),
		cmocka_unit_test(test_what_a_row_says),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_built_in),
		cmocka_unit_test(test_told_orders),
		cmocka_unit_test(test_told_releases),
		cmocka_unit_test(test_untold),
		cmocka_unit_test(test_subclass),
		cmocka_unit_test(test_subclass_of_holder),
		cmocka_unit_test(test_computed_subclass),
		cmocka_unit_test(test_plain_too),
		cmocka_unit_test(test_set_class),
		cmocka_unit_test(test_class_by_type),
		cmocka_unit_test(test_ends_of_an_inversion),
		cmocka_unit_test(test_not_validated),
		cmocka_unit_test(test_joined_by_other_sightings),
		cmocka_unit_test(test_non_owner),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_picks_what_is_not_denied),
		cmocka_unit_test(test_longer_circle_comes_first),
		cmocka_unit_test(test_annotated_capture),
		cmocka_unit_test(test_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
