// SPDX-License-Identifier: GPL-2.0-only
/*
 * A word written to /dev/lv_torture:
 *
 * stall  a thread runs for 15 seconds without ever going to sleep: until it ends, nobody who waits for all
 *        tasks to have slept goes on, and each hook that is let go of does so
 * lock   lv_torture_lock is taken a hundred times, by the function that lv_patch patches
 * zeroed a spinlock and a mutex are taken that nobody initialised: memory full of zeros
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#define LV_TORTURE_STALL (15 * HZ)
#define LV_TORTURE_LOCKS 100

static DEFINE_SPINLOCK(lv_torture_lock);

/* What cond_resched() does is no sleep: the thread is preempted. */
static int lv_torture_staller(void *unused)
{
	unsigned long end = jiffies + LV_TORTURE_STALL;

	while (time_before(jiffies, end)) {
		cpu_relax();
		cond_resched();
	}
	module_put_and_kthread_exit(0);
	return 0;
}

static int lv_torture_stall(void)
{
	struct task_struct *task;

	__module_get(THIS_MODULE);
	task = kthread_run(lv_torture_staller, NULL, "lv_staller");
	if (IS_ERR(task))
		module_put(THIS_MODULE);
	return PTR_ERR_OR_ZERO(task);
}

static int lv_torture_take(void)
{
	for (int i = 0; i < LV_TORTURE_LOCKS; i++) {
		spin_lock_bh(&lv_torture_lock);
		spin_unlock_bh(&lv_torture_lock);
	}
	return 0;
}

struct lv_torture_zeroed {
	spinlock_t lock;
	struct mutex mutex;
};

static int lv_torture_take_zeroed(void)
{
	struct lv_torture_zeroed *zeroed = kzalloc(sizeof(*zeroed), GFP_KERNEL);

	if (!zeroed)
		return -ENOMEM;
	mutex_lock(&zeroed->mutex);
	spin_lock(&zeroed->lock);
	spin_unlock(&zeroed->lock);
	mutex_unlock(&zeroed->mutex);
	kfree(zeroed);
	return 0;
}

static ssize_t lv_torture_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char word[16] = "";
	int err = -EINVAL;

	if (count >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, buf, count))
		return -EFAULT;
	if (sysfs_streq(word, "stall"))
		err = lv_torture_stall();
	else if (sysfs_streq(word, "lock"))
		err = lv_torture_take();
	else if (sysfs_streq(word, "zeroed"))
		err = lv_torture_take_zeroed();
	return err ? err : count;
}

static const struct file_operations lv_torture_fops = {
	.owner = THIS_MODULE,
	.write = lv_torture_write,
	.llseek = noop_llseek,
};

static struct miscdevice lv_torture_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lv_torture",
	.fops = &lv_torture_fops,
	.mode = 0600,
};

module_misc_device(lv_torture_device);
MODULE_DESCRIPTION("What tortures a tracer");
MODULE_LICENSE("GPL");
