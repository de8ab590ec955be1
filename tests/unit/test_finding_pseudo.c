// SPDX-License-Identifier: GPL-2.0-only
/* Which dependencies of pseudo-locks are believed, and how much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "finding/finding.h"
#include "test_finding_cases.h"

#define ENDS "kthread+0x1/0x2|ret_from_fork+0x1/0x2"

/* Two classes, the first a pseudo-lock; their edges, and the stack of the one out of the first. */
struct pair {
	struct capture *c;
	uint32_t pseudo, lock;
};

static struct pair pair(uint32_t kind, const char *name, const char *lock, const char *stack)
{
	struct pair p = { .c = case_new() };
	uint32_t frames = case_stack(p.c, "task", 1, stack);

	p.pseudo = case_class(p.c, name, LV_PSEUDO);
	p.c->classes[p.pseudo].subclass = kind << LV_SUBCLASS_KIND_SHIFT;
	p.lock = case_class(p.c, lock, LV_MUTEX);
	case_edge(p.c, p.pseudo, p.lock, LV_DEP_EN, frames);
	case_edge(p.c, p.lock, p.pseudo, LV_DEP_EN, LV_NONE);
	return p;
}

/* The confidence of the circle, -1: there is none. */
static int found(struct pair p)
{
	struct findings *f = NULL;
	int confidence = -1;

	assert_int_equal(finding_analyse(p.c, &f), 0);
	if (f->nr) {
		assert_int_equal(f->nr, 1);
		assert_int_equal(f->items[0].rule, FINDING_CIRCULAR);
		confidence = f->items[0].confidence;
	}
	findings_free(f);
	capture_free(p.c);
	return confidence;
}

static void test_work(void **state)
{
	const char *with = "mutex_lock+0x1/0x2|fn+0x1/0x2|process_one_work+0x1/0x2|" ENDS;
	const char *without = "mutex_lock+0x1/0x2|worker_thread+0x1/0x2|" ENDS;

	assert_int_equal(found(pair(LV_PSEUDO_WORK, "(work) fn", "m", with)), FINDING_CERTAIN);
	assert_int_equal(found(pair(LV_PSEUDO_WORK, "(work) fn", "m", without)), -1);
	assert_int_equal(found(pair(LV_PSEUDO_WQ, "(wq) q", "m", with)), FINDING_CERTAIN);
	assert_int_equal(found(pair(LV_PSEUDO_WQ, "(wq) q", "m", without)), -1);
}

/* Its own function is enough: who it was called by may have been cut off. */
static void test_function(void **state)
{
	assert_int_equal(found(pair(LV_PSEUDO_TIMER, "(timer) fn [m]", "m",
				    "mutex_lock+0x1/0x2|fn+0x1/0x2 [m]")),
			 FINDING_CERTAIN);
	assert_int_equal(found(pair(LV_PSEUDO_TIMER, "(timer) fn", "m",
				    "mutex_lock+0x1/0x2|fn+0x1/0x2")),
			 FINDING_CERTAIN);
	assert_int_equal(found(pair(LV_PSEUDO_TIMER, "(timer) fn", "m",
				    "mutex_lock+0x1/0x2|fn_too+0x1/0x2")),
			 -1);
}

static void test_reclaim(void **state)
{
	const char *stack = "mutex_lock+0x1/0x2|balance_pgdat+0x1/0x2|" ENDS;

	assert_int_equal(found(pair(LV_PSEUDO_RECLAIM, "fs_reclaim", "m", stack)), FINDING_LIKELY);
	assert_int_equal(found(pair(LV_PSEUDO_RECLAIM, "fs_reclaim", "xfs_inode.i_lock", stack)),
			 FINDING_WEAK);
}

/* vfs_fallocate() asks before it takes the level. */
static void test_writers(void **state)
{
	assert_int_equal(found(pair(LV_PSEUDO_SB_WRITERS, "sb_writers ext4", "m",
				    "mutex_lock+0x1/0x2|vfs_fallocate+0x1/0x2")),
			 FINDING_LIKELY);
	assert_int_equal(found(pair(LV_PSEUDO_SB_WRITERS, "sb_writers ext4", "m",
				    "mutex_lock+0x1/0x2|rw_verify_area+0x1/0x2|vfs_fallocate+0x1/0x2")),
			 -1);
}

/* What is done before and after the level is taken. */
static void test_evict(void **state)
{
	assert_int_equal(found(pair(LV_PSEUDO_SB_INTERNAL, "sb_internal ext4", "m",
				    "mutex_lock+0x1/0x2|ext4_truncate+0x1/0x2|"
				    "ext4_evict_inode+0x1/0x2|evict+0x1/0x2")),
			 FINDING_LIKELY);
	assert_int_equal(found(pair(LV_PSEUDO_SB_INTERNAL, "sb_internal ext4", "m",
				    "mutex_lock+0x1/0x2|dqget+0x1/0x2|__dquot_initialize+0x1/0x2|"
				    "ext4_evict_inode+0x1/0x2|evict+0x1/0x2")),
			 -1);
	assert_int_equal(found(pair(LV_PSEUDO_SB_INTERNAL, "sb_internal ext4", "m",
				    "mutex_lock+0x1/0x2|truncate_inode_pages_range+0x1/0x2|"
				    "ext4_evict_inode+0x1/0x2|evict+0x1/0x2")),
			 -1);
	/* Not of what is evicted: of btrfs's transactions. */
	assert_int_equal(found(pair(LV_PSEUDO_SB_INTERNAL, "sb_internal btrfs", "m",
				    "mutex_lock+0x1/0x2|dquot_drop+0x1/0x2|start_transaction+0x1/0x2")),
			 FINDING_LIKELY);
}

static void test_kernfs(void **state)
{
	const char *with = "mutex_lock+0x1/0x2|show+0x1/0x2|sysfs_kf_seq_show+0x1/0x2|" ENDS;
	const char *without = "mutex_lock+0x1/0x2|vfs_read+0x1/0x2|" ENDS;
	const char *name = "kn->active dev_attr_address";

	assert_int_equal(found(pair(LV_PSEUDO_KERNFS, name, "m", with)), FINDING_CERTAIN);
	assert_int_equal(found(pair(LV_PSEUDO_KERNFS, name, "m", without)), -1);
	/* lockdep is told to leave it alone. */
	assert_int_equal(found(pair(LV_PSEUDO_KERNFS, "kn->active dev_attr_remove#2 [usbcore]",
				    "m", with)),
			 -1);
	assert_int_equal(found(pair(LV_PSEUDO_KERNFS, "kn->active dev_attr_removed", "m", with)),
			 FINDING_CERTAIN);
}

static void test_writepages(void **state)
{
	assert_int_equal(found(pair(LV_PSEUDO_WRITEPAGES, "s_writepages_rwsem", "m",
				    "mutex_lock+0x1/0x2|ext4_writepages+0x1/0x2|" ENDS)),
			 FINDING_CERTAIN);
	assert_int_equal(found(pair(LV_PSEUDO_WRITEPAGES, "s_writepages_rwsem", "m",
				    "mutex_lock+0x1/0x2|ext4_sync_file+0x1/0x2|" ENDS)),
			 -1);
}

static void test_transactions(void **state)
{
	const char *stack = "mutex_lock+0x1/0x2|fn+0x1/0x2";

	assert_int_equal(found(pair(LV_PSEUDO_JOURNAL, "jbd2_handle", "m", stack)),
			 FINDING_LIKELY);
	assert_int_equal(found(pair(LV_PSEUDO_BTRFS_WRITERS, "btrfs_trans_num_writers", "m",
				    stack)),
			 FINDING_CERTAIN);
}

/* Nothing but its drop tells of a hold: weak where the kernel preempts who sees it. */
static void test_preempted(void **state)
{
	struct pair p = pair(LV_PSEUDO_SB_WRITERS, "sb_writers ext4", "m",
			     "mutex_lock+0x1/0x2|vfs_fallocate+0x1/0x2");

	p.c->preempts = true;
	assert_int_equal(found(p), FINDING_WEAK);
}

/* A pseudo-lock neither sleeps nor spins. */
static void test_wait_context(void **state)
{
	struct capture *c = case_new();
	uint32_t timer = case_class(c, "(timer) fn", LV_PSEUDO);
	uint32_t spin = case_class(c, "lock", LV_SPIN);
	struct findings *f = NULL;

	c->classes[timer].subclass = LV_PSEUDO_TIMER << LV_SUBCLASS_KIND_SHIFT;
	case_use(c, timer, LV_USED_IN_SOFTIRQ, 0, LV_NONE);
	case_edge(c, spin, timer, LV_DEP_EN, LV_NONE);
	assert_int_equal(finding_analyse(c, &f), 0);
	assert_int_equal(f->nr, 0);
	findings_free(f);
	capture_free(c);
}

/* Which disk, or which queue, it was is not in an id. */
static void test_id(void **state)
{
	const char *names[] = { "q_usage_counter(io) loop0", "q_usage_counter(io) loop17" };
	char ids[2][FINDING_ID_LEN];

	for (int i = 0; i < 2; i++) {
		struct pair p = pair(LV_PSEUDO_QUEUE_IO, names[i], "m1", "mutex_lock+0x1/0x2");
		struct findings *f = NULL;

		assert_int_equal(finding_analyse(p.c, &f), 0);
		assert_int_equal(f->nr, 1);
		memcpy(ids[i], f->items[0].id, sizeof(ids[i]));
		findings_free(f);
		capture_free(p.c);
	}
	assert_string_equal(ids[0], ids[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_work),	  cmocka_unit_test(test_function),
		cmocka_unit_test(test_reclaim),   cmocka_unit_test(test_writers),
		cmocka_unit_test(test_preempted), cmocka_unit_test(test_wait_context),
		cmocka_unit_test(test_id),	  cmocka_unit_test(test_evict),
		cmocka_unit_test(test_kernfs),	  cmocka_unit_test(test_transactions),
		cmocka_unit_test(test_writepages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
