// SPDX-License-Identifier: GPL-2.0-only
/* What runs later: works, their queues, and timers. */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/version.h>
#include <linux/workqueue.h>

#include "lv_pseudo.h"

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define timer_delete_sync del_timer_sync
#endif

static DEFINE_MUTEX(lv_pseudo_work_mutex);
static DEFINE_MUTEX(lv_pseudo_late_mutex);
static DEFINE_MUTEX(lv_pseudo_wq_mutex);
static DEFINE_SPINLOCK(lv_pseudo_timer_lock);
static DEFINE_SPINLOCK(lv_pseudo_late_lock);
static struct workqueue_struct *lv_pseudo_wq;
static bool lv_pseudo_doze; /* works take nothing, and last a moment */

static void lv_pseudo_take_or_doze(struct mutex *mutex)
{
	if (READ_ONCE(lv_pseudo_doze))
		msleep(50);
	else
		lv_pseudo_take(mutex);
}

static void lv_pseudo_work_fn(struct work_struct *work)
{
	lv_pseudo_take_or_doze(&lv_pseudo_work_mutex);
	barrier();
}

static void lv_pseudo_late_fn(struct work_struct *work)
{
	lv_pseudo_take_or_doze(&lv_pseudo_late_mutex);
	barrier();
}

static void lv_pseudo_wq_fn(struct work_struct *work)
{
	lv_pseudo_take(&lv_pseudo_wq_mutex);
	barrier();
}

static void lv_pseudo_timer_fn(struct timer_list *timer)
{
	spin_lock(&lv_pseudo_timer_lock);
	spin_unlock(&lv_pseudo_timer_lock);
}

static void lv_pseudo_late_timer_fn(struct timer_list *timer)
{
	spin_lock(&lv_pseudo_late_lock);
	spin_unlock(&lv_pseudo_late_lock);
}

static DECLARE_WORK(lv_pseudo_work, lv_pseudo_work_fn);
static DECLARE_WORK(lv_pseudo_late_work, lv_pseudo_late_fn);
static DECLARE_WORK(lv_pseudo_wq_work, lv_pseudo_wq_fn);
static DEFINE_TIMER(lv_pseudo_timer, lv_pseudo_timer_fn);
static DEFINE_TIMER(lv_pseudo_late_timer, lv_pseudo_late_timer_fn);

static noinline void lv_pseudo_work_run(void)
{
	schedule_work(&lv_pseudo_work);
	schedule_work(&lv_pseudo_late_work);
	flush_work(&lv_pseudo_work);
	flush_work(&lv_pseudo_late_work);
}

/* Runs, and takes nothing: lockdep looks at no cancelling of a work that is idle. */
static void lv_pseudo_let_doze(struct work_struct *work)
{
	WRITE_ONCE(lv_pseudo_doze, true);
	schedule_work(work);
	msleep(20);
}

static noinline void lv_pseudo_work_cancel(void)
{
	lv_pseudo_let_doze(&lv_pseudo_work);
	mutex_lock(&lv_pseudo_work_mutex);
	cancel_work_sync(&lv_pseudo_work);
	mutex_unlock(&lv_pseudo_work_mutex);
	WRITE_ONCE(lv_pseudo_doze, false);
}

static noinline void lv_pseudo_work_late(void)
{
	lv_pseudo_let_doze(&lv_pseudo_late_work);
	mutex_lock(&lv_pseudo_late_mutex);
	mutex_unlock(&lv_pseudo_late_mutex);
	cancel_work_sync(&lv_pseudo_late_work);
	WRITE_ONCE(lv_pseudo_doze, false);
}

/* Once flushed, a workqueue is watched. */
static noinline void lv_pseudo_wq_run(void)
{
	queue_work(lv_pseudo_wq, &lv_pseudo_wq_work);
	msleep(50);
}

static noinline void lv_pseudo_wq_flush(void)
{
	mutex_lock(&lv_pseudo_wq_mutex);
	flush_workqueue(lv_pseudo_wq);
	mutex_unlock(&lv_pseudo_wq_mutex);
}

static noinline void lv_pseudo_timer_run(void)
{
	mod_timer(&lv_pseudo_timer, jiffies);
	mod_timer(&lv_pseudo_late_timer, jiffies);
	msleep(50);
}

static noinline void lv_pseudo_timer_delete(void)
{
	spin_lock_bh(&lv_pseudo_timer_lock);
	timer_delete_sync(&lv_pseudo_timer);
	spin_unlock_bh(&lv_pseudo_timer_lock);
}

static noinline void lv_pseudo_timer_late(void)
{
	spin_lock_bh(&lv_pseudo_late_lock);
	spin_unlock_bh(&lv_pseudo_late_lock);
	timer_delete_sync(&lv_pseudo_late_timer);
}

static int lv_pseudo_deferred_init(void)
{
	lv_pseudo_wq = alloc_workqueue("lv_pseudo%d-recv", WQ_UNBOUND, 0, 7);
	return lv_pseudo_wq ? 0 : -ENOMEM;
}

static void lv_pseudo_deferred_exit(void)
{
	destroy_workqueue(lv_pseudo_wq);
	timer_delete_sync(&lv_pseudo_timer);
	timer_delete_sync(&lv_pseudo_late_timer);
}

static const struct lv_pseudo_verb lv_pseudo_verbs[] = {
	{ "work_run", lv_pseudo_work_run },	  { "work_cancel", lv_pseudo_work_cancel },
	{ "work_late", lv_pseudo_work_late },	  { "wq_run", lv_pseudo_wq_run },
	{ "wq_flush", lv_pseudo_wq_flush },	  { "timer_run", lv_pseudo_timer_run },
	{ "timer_delete", lv_pseudo_timer_delete }, { "timer_late", lv_pseudo_timer_late },
	{},
};

const struct lv_pseudo_part lv_pseudo_deferred = {
	.verbs = lv_pseudo_verbs,
	.init = lv_pseudo_deferred_init,
	.exit = lv_pseudo_deferred_exit,
};
