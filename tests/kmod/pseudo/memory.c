// SPDX-License-Identifier: GPL-2.0-only
/* Page faults, and reclaim. */
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#include "lv_pseudo.h"

#define LV_PSEUDO_OBJECTS 20000 /* a sample of the allocations is seen */

LV_PSEUDO_PAIR(reclaim);
static DEFINE_MUTEX(lv_pseudo_fault_mutex);
static bool lv_pseudo_shrink; /* the shrinker takes its mutexes, and says that it did */
static bool lv_pseudo_shrunk;

static noinline void lv_pseudo_fault_copy(void)
{
	unsigned long at = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				   MAP_ANONYMOUS | MAP_PRIVATE, 0);

	if (IS_ERR_VALUE(at))
		return;
	mutex_lock(&lv_pseudo_fault_mutex);
	if (put_user(1, (int __user *)at))
		pr_err("lv_pseudo: the page is not there\n");
	mutex_unlock(&lv_pseudo_fault_mutex);
	vm_munmap(at, PAGE_SIZE);
}

static noinline void lv_pseudo_fault_mmap(void)
{
	mmap_write_lock(current->mm);
	lv_pseudo_take(&lv_pseudo_fault_mutex);
	mmap_write_unlock(current->mm);
}

static unsigned long lv_pseudo_count(struct shrinker *shrinker, struct shrink_control *control)
{
	return READ_ONCE(lv_pseudo_shrink) ? 1 << 20 : 0;
}

static noinline unsigned long lv_pseudo_scan(struct shrinker *shrinker,
					     struct shrink_control *control)
{
	if (READ_ONCE(lv_pseudo_shrink)) {
		lv_pseudo_take(&lv_pseudo_reclaim_mutex);
		lv_pseudo_take(&lv_pseudo_reclaim_late);
		WRITE_ONCE(lv_pseudo_shrunk, true);
	}
	return SHRINK_STOP;
}

/* Takes pages until some task reclaims, then gives all of them back. */
static noinline void lv_pseudo_reclaim_run(void)
{
	struct page *page, *next;
	LIST_HEAD(pages);

	WRITE_ONCE(lv_pseudo_shrunk, false);
	WRITE_ONCE(lv_pseudo_shrink, true);
	while (!READ_ONCE(lv_pseudo_shrunk)) {
		page = alloc_page(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
		if (!page)
			break;
		list_add(&page->lru, &pages);
		cond_resched();
	}
	WRITE_ONCE(lv_pseudo_shrink, false);
	list_for_each_entry_safe(page, next, &pages, lru)
		__free_page(page);
}

static noinline void lv_pseudo_allocate(void)
{
	void **first = NULL, **next;

	for (int i = 0; i < LV_PSEUDO_OBJECTS; i++) {
		next = kmalloc(512, GFP_KERNEL);
		if (!next)
			break;
		*next = first;
		first = next;
	}
	for (; first; first = next) {
		next = *first;
		kfree(first);
	}
}

static noinline void lv_pseudo_reclaim_wait(void)
{
	mutex_lock(&lv_pseudo_reclaim_mutex);
	lv_pseudo_allocate();
	mutex_unlock(&lv_pseudo_reclaim_mutex);
}

static noinline void lv_pseudo_reclaim_after(void)
{
	lv_pseudo_take(&lv_pseudo_reclaim_late);
	lv_pseudo_allocate();
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
static struct shrinker lv_pseudo_shrinker = {
	.count_objects = lv_pseudo_count,
	.scan_objects = lv_pseudo_scan,
	.seeks = DEFAULT_SEEKS,
};

static int lv_pseudo_memory_init(void)
{
	return register_shrinker(&lv_pseudo_shrinker, "lv_pseudo");
}

static void lv_pseudo_memory_exit(void)
{
	unregister_shrinker(&lv_pseudo_shrinker);
}
#else
static struct shrinker *lv_pseudo_shrinker;

static int lv_pseudo_memory_init(void)
{
	lv_pseudo_shrinker = shrinker_alloc(0, "lv_pseudo");
	if (!lv_pseudo_shrinker)
		return -ENOMEM;
	lv_pseudo_shrinker->count_objects = lv_pseudo_count;
	lv_pseudo_shrinker->scan_objects = lv_pseudo_scan;
	shrinker_register(lv_pseudo_shrinker);
	return 0;
}

static void lv_pseudo_memory_exit(void)
{
	shrinker_free(lv_pseudo_shrinker);
}
#endif

static const struct lv_pseudo_verb lv_pseudo_verbs[] = {
	{ "fault_copy", lv_pseudo_fault_copy },	    { "fault_mmap", lv_pseudo_fault_mmap },
	{ "reclaim_run", lv_pseudo_reclaim_run },   { "reclaim_wait", lv_pseudo_reclaim_wait },
	{ "reclaim_late", lv_pseudo_reclaim_after }, {},
};

const struct lv_pseudo_part lv_pseudo_memory = {
	.verbs = lv_pseudo_verbs,
	.init = lv_pseudo_memory_init,
	.exit = lv_pseudo_memory_exit,
};
