// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deliberate bugs with what is waited for like a lock, and their innocent twins. None needs bad luck
 * to be shown, none can hang: the two sides are one word each, written to /dev/lv_pseudo, and run
 * one after the other.
 *
 * work    work_run: a work takes a mutex. work_cancel: it is cancelled under that mutex.
 * wq      wq_run, wq_flush: the same of a workqueue of its own.
 * timer   timer_run: a timer takes a spinlock. timer_delete: it is deleted under that spinlock.
 * fault   fault_copy: user memory that is not there yet is written under a mutex. fault_mmap: that
 *         mutex is taken under mmap_lock.
 * _late   the innocent twins: what is waited for is waited for when the lock is given back.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/workqueue.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define timer_delete_sync del_timer_sync
#endif

static DEFINE_MUTEX(lv_pseudo_work_mutex);
static DEFINE_MUTEX(lv_pseudo_late_mutex);
static DEFINE_MUTEX(lv_pseudo_wq_mutex);
static DEFINE_MUTEX(lv_pseudo_fault_mutex);
static DEFINE_SPINLOCK(lv_pseudo_timer_lock);
static DEFINE_SPINLOCK(lv_pseudo_late_lock);
static struct workqueue_struct *lv_pseudo_wq;

static noinline void lv_pseudo_take(struct mutex *mutex)
{
	mutex_lock(mutex);
	mutex_unlock(mutex);
}

static void lv_pseudo_work_fn(struct work_struct *work)
{
	lv_pseudo_take(&lv_pseudo_work_mutex);
	barrier();
}

static void lv_pseudo_late_fn(struct work_struct *work)
{
	lv_pseudo_take(&lv_pseudo_late_mutex);
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

static noinline void lv_pseudo_work_cancel(void)
{
	mutex_lock(&lv_pseudo_work_mutex);
	cancel_work_sync(&lv_pseudo_work);
	mutex_unlock(&lv_pseudo_work_mutex);
}

static noinline void lv_pseudo_work_late(void)
{
	mutex_lock(&lv_pseudo_late_mutex);
	mutex_unlock(&lv_pseudo_late_mutex);
	cancel_work_sync(&lv_pseudo_late_work);
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

static noinline void lv_pseudo_fault_copy(void)
{
	unsigned long at = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				   MAP_ANONYMOUS | MAP_PRIVATE, 0);

	if (IS_ERR_VALUE(at))
		return;
	mutex_lock(&lv_pseudo_fault_mutex);
	if (put_user(1, (int __user *)at))
		pr_info("lv_pseudo: the page is not there\n");
	mutex_unlock(&lv_pseudo_fault_mutex);
	vm_munmap(at, PAGE_SIZE);
}

static noinline void lv_pseudo_fault_mmap(void)
{
	mmap_write_lock(current->mm);
	lv_pseudo_take(&lv_pseudo_fault_mutex);
	mmap_write_unlock(current->mm);
}

static const struct {
	const char *word;
	void (*run)(void);
} lv_pseudo_verbs[] = {
	{ "work_run", lv_pseudo_work_run },	  { "work_cancel", lv_pseudo_work_cancel },
	{ "work_late", lv_pseudo_work_late },	  { "wq_run", lv_pseudo_wq_run },
	{ "wq_flush", lv_pseudo_wq_flush },	  { "timer_run", lv_pseudo_timer_run },
	{ "timer_delete", lv_pseudo_timer_delete }, { "timer_late", lv_pseudo_timer_late },
	{ "fault_copy", lv_pseudo_fault_copy },	  { "fault_mmap", lv_pseudo_fault_mmap },
};

static ssize_t lv_pseudo_write(struct file *file, const char __user *data, size_t size,
			       loff_t *at)
{
	char word[32];
	size_t len = min(size, sizeof(word) - 1);

	if (copy_from_user(word, data, len))
		return -EFAULT;
	word[len] = '\0';
	strim(word);
	for (size_t i = 0; i < ARRAY_SIZE(lv_pseudo_verbs); i++) {
		if (strcmp(word, lv_pseudo_verbs[i].word))
			continue;
		lv_pseudo_verbs[i].run();
		return size;
	}
	return -EINVAL;
}

static const struct file_operations lv_pseudo_fops = {
	.owner = THIS_MODULE,
	.write = lv_pseudo_write,
};

static struct miscdevice lv_pseudo_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lv_pseudo",
	.fops = &lv_pseudo_fops,
};

static int __init lv_pseudo_init(void)
{
	int err;

	lv_pseudo_wq = alloc_workqueue("lv_pseudo%d-recv", WQ_UNBOUND, 0, 7);
	if (!lv_pseudo_wq)
		return -ENOMEM;
	err = misc_register(&lv_pseudo_device);
	if (err)
		destroy_workqueue(lv_pseudo_wq);
	return err;
}

static void __exit lv_pseudo_exit(void)
{
	misc_deregister(&lv_pseudo_device);
	destroy_workqueue(lv_pseudo_wq);
	timer_delete_sync(&lv_pseudo_timer);
	timer_delete_sync(&lv_pseudo_late_timer);
}

module_init(lv_pseudo_init);
module_exit(lv_pseudo_exit);
MODULE_DESCRIPTION("lockvane: deliberate bugs with works, timers and page faults");
MODULE_LICENSE("GPL");
