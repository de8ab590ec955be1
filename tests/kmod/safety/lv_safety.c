// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a tracer must not do to a host, set up to be seen. A word written to /dev/lv_safety:
 *
 * decoy    a lock is taken 8 KiB into memory in vmalloc's range whose every multiple of 16 KiB begins
 *          with the word at the end of a stack: who calls this lock one on a stack has read there, where
 *          a device could be
 * wake     a thread that has slept since the module was loaded is woken; a lock on its stack is taken
 *          before by the waker, then by itself
 * contend  for four seconds, eight threads want one mutex and sleep under it
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/magic.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#define LV_SAFETY_BLOCK 16384
#define LV_SAFETY_CONTENDERS 8

/* Its lock is nobody else's, where those of completions on stacks are of all who wait so. */
struct lv_safety_seat {
	spinlock_t lock;
	struct completion done;
};

static void *lv_safety_memory;
static spinlock_t *lv_safety_lock;
static struct task_struct *lv_safety_sleeper_task;
static struct lv_safety_seat *lv_safety_waiter; /* on the sleeper's stack */
static DEFINE_MUTEX(lv_safety_contended);

static noinline void lv_safety_decoy(void)
{
	spin_lock(lv_safety_lock);
	spin_unlock(lv_safety_lock);
}

static noinline void lv_safety_wake(void)
{
	struct lv_safety_seat *waiter = xchg(&lv_safety_waiter, NULL);

	if (waiter) {
		spin_lock(&waiter->lock);
		spin_unlock(&waiter->lock);
		complete(&waiter->done);
	}
	barrier(); /* no tail call: this function is to be on the stack */
}

static int lv_safety_sleeper(void *unused)
{
	struct lv_safety_seat seat;

	spin_lock_init(&seat.lock);
	init_completion(&seat.done);
	smp_store_release(&lv_safety_waiter, &seat);
	wait_for_completion(&seat.done);
	spin_lock(&seat.lock);
	spin_unlock(&seat.lock);
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

static int lv_safety_contender(void *unused)
{
	unsigned long end = jiffies + 4 * HZ;

	while (time_before(jiffies, end)) {
		mutex_lock(&lv_safety_contended);
		usleep_range(20, 40);
		mutex_unlock(&lv_safety_contended);
	}
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

static noinline void lv_safety_contend(void)
{
	struct task_struct *tasks[LV_SAFETY_CONTENDERS];

	for (int i = 0; i < LV_SAFETY_CONTENDERS; i++)
		tasks[i] = kthread_run(lv_safety_contender, NULL, "lv_contend/%d", i);
	msleep(4200);
	for (int i = 0; i < LV_SAFETY_CONTENDERS; i++)
		if (!IS_ERR(tasks[i]))
			kthread_stop(tasks[i]);
}

static const struct {
	const char *word;
	void (*run)(void);
} lv_safety_words[] = {
	{"decoy", lv_safety_decoy}, {"wake", lv_safety_wake}, {"contend", lv_safety_contend},
};

static ssize_t lv_safety_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char word[16] = "";

	if (count >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, buf, count))
		return -EFAULT;
	for (size_t i = 0; i < ARRAY_SIZE(lv_safety_words); i++) {
		if (!sysfs_streq(word, lv_safety_words[i].word))
			continue;
		lv_safety_words[i].run();
		return count;
	}
	return -EINVAL;
}

static const struct file_operations lv_safety_fops = {
	.owner = THIS_MODULE,
	.write = lv_safety_write,
	.llseek = noop_llseek,
};

static struct miscdevice lv_safety_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lv_safety",
	.fops = &lv_safety_fops,
	.mode = 0600,
};

/* Three blocks have one that is whole. */
static int lv_safety_make_decoy(void)
{
	char *block;

	lv_safety_memory = vzalloc(3 * LV_SAFETY_BLOCK);
	if (!lv_safety_memory)
		return -ENOMEM;
	block = PTR_ALIGN(lv_safety_memory, LV_SAFETY_BLOCK);
	*(unsigned long *)block = STACK_END_MAGIC;
	lv_safety_lock = (spinlock_t *)(block + LV_SAFETY_BLOCK / 2);
	spin_lock_init(lv_safety_lock);
	return 0;
}

static int __init lv_safety_init(void)
{
	int err = lv_safety_make_decoy();

	if (err)
		return err;
	lv_safety_sleeper_task = kthread_run(lv_safety_sleeper, NULL, "lv_sleeper");
	err = PTR_ERR_OR_ZERO(lv_safety_sleeper_task);
	if (!err)
		err = misc_register(&lv_safety_device);
	if (err) {
		if (!IS_ERR(lv_safety_sleeper_task)) {
			lv_safety_wake();
			kthread_stop(lv_safety_sleeper_task);
		}
		vfree(lv_safety_memory);
	}
	return err;
}

static void __exit lv_safety_exit(void)
{
	misc_deregister(&lv_safety_device);
	lv_safety_wake();
	kthread_stop(lv_safety_sleeper_task);
	vfree(lv_safety_memory);
}

module_init(lv_safety_init);
module_exit(lv_safety_exit);
MODULE_DESCRIPTION("What a tracer must not do to a host");
MODULE_LICENSE("GPL");
