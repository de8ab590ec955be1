// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks that hang for good, and tasks that only seem to. Each word written to /dev/lv_hang starts
 * threads, once:
 *
 * mutex, again   two threads, each holding what the other waits for (again: by other locks)
 * rwsem          a reader of a rwsem waits for a mutex, whose holder waits to write the rwsem
 * self           a thread waits for a mutex that it holds
 * flush          a thread that holds a mutex flushes a work that waits for the mutex
 * slow           a holder that sleeps for eight seconds, and two that wait for it; a work that sleeps so long, and
 *                a holder who flushes it
 * chain          five threads, each waiting for the next, the last one asleep for eight seconds
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#define LV_HANG_SLEEP_MS 8000
#define LV_HANG_CHAIN 5

static DEFINE_MUTEX(lv_hang_a);
static DEFINE_MUTEX(lv_hang_b);
static DEFINE_MUTEX(lv_hang_c);
static DEFINE_MUTEX(lv_hang_d);
static DEFINE_MUTEX(lv_hang_self);
static DEFINE_MUTEX(lv_hang_mutex);
static DECLARE_RWSEM(lv_hang_rwsem);
static DEFINE_MUTEX(lv_hang_slow);
static DEFINE_MUTEX(lv_hang_flushed);
static DEFINE_MUTEX(lv_hang_slow_flushed);
static struct mutex lv_hang_links[LV_HANG_CHAIN];

/* Both have their first lock before either asks for its second. */
struct lv_hang_pair {
	struct completion one, other;
};

static struct lv_hang_pair lv_hang_pairs[3];

static int lv_hang_ab(void *unused)
{
	mutex_lock(&lv_hang_a);
	complete(&lv_hang_pairs[0].one);
	wait_for_completion(&lv_hang_pairs[0].other);
	mutex_lock(&lv_hang_b);
	return 0;
}

static int lv_hang_ba(void *unused)
{
	mutex_lock(&lv_hang_b);
	complete(&lv_hang_pairs[0].other);
	wait_for_completion(&lv_hang_pairs[0].one);
	mutex_lock(&lv_hang_a);
	return 0;
}

static int lv_hang_cd(void *unused)
{
	mutex_lock(&lv_hang_c);
	complete(&lv_hang_pairs[1].one);
	wait_for_completion(&lv_hang_pairs[1].other);
	mutex_lock(&lv_hang_d);
	return 0;
}

static int lv_hang_dc(void *unused)
{
	mutex_lock(&lv_hang_d);
	complete(&lv_hang_pairs[1].other);
	wait_for_completion(&lv_hang_pairs[1].one);
	mutex_lock(&lv_hang_c);
	return 0;
}

static int lv_hang_reader(void *unused)
{
	down_read(&lv_hang_rwsem);
	complete(&lv_hang_pairs[2].one);
	wait_for_completion(&lv_hang_pairs[2].other);
	mutex_lock(&lv_hang_mutex);
	return 0;
}

static int lv_hang_writer(void *unused)
{
	mutex_lock(&lv_hang_mutex);
	complete(&lv_hang_pairs[2].other);
	wait_for_completion(&lv_hang_pairs[2].one);
	down_write(&lv_hang_rwsem);
	return 0;
}

static int lv_hang_twice(void *unused)
{
	mutex_lock(&lv_hang_self);
	mutex_lock(&lv_hang_self);
	return 0;
}

static void lv_hang_work_fn(struct work_struct *work)
{
	msleep(200);
	mutex_lock(&lv_hang_flushed);
	mutex_unlock(&lv_hang_flushed);
}

static DECLARE_WORK(lv_hang_work, lv_hang_work_fn);

static int lv_hang_flusher(void *unused)
{
	mutex_lock(&lv_hang_flushed);
	schedule_work(&lv_hang_work);
	flush_work(&lv_hang_work);
	mutex_unlock(&lv_hang_flushed);
	return 0;
}

static void lv_hang_slow_work_fn(struct work_struct *work)
{
	msleep(LV_HANG_SLEEP_MS);
}

static DECLARE_WORK(lv_hang_slow_work, lv_hang_slow_work_fn);

static int lv_hang_slow_flusher(void *unused)
{
	mutex_lock(&lv_hang_slow_flushed);
	schedule_work(&lv_hang_slow_work);
	flush_work(&lv_hang_slow_work);
	mutex_unlock(&lv_hang_slow_flushed);
	return 0;
}

static int lv_hang_holder(void *unused)
{
	mutex_lock(&lv_hang_slow);
	msleep(LV_HANG_SLEEP_MS);
	mutex_unlock(&lv_hang_slow);
	return 0;
}

static int lv_hang_waiter(void *unused)
{
	msleep(200);
	mutex_lock(&lv_hang_slow);
	mutex_unlock(&lv_hang_slow);
	return 0;
}

static int lv_hang_link(void *number)
{
	size_t i = (size_t)number;

	mutex_lock(&lv_hang_links[i]);
	if (i + 1 < LV_HANG_CHAIN) {
		msleep(200);
		mutex_lock(&lv_hang_links[i + 1]);
		mutex_unlock(&lv_hang_links[i + 1]);
	} else {
		msleep(LV_HANG_SLEEP_MS);
	}
	mutex_unlock(&lv_hang_links[i]);
	return 0;
}

static const struct {
	const char *word;
	int (*run)(void *number);
	const char *name;
	size_t number;
} lv_hang_threads[] = {
	{"mutex", lv_hang_ab, "lv_hang_ab", 0},
	{"mutex", lv_hang_ba, "lv_hang_ba", 0},
	{"again", lv_hang_cd, "lv_hang_cd", 0},
	{"again", lv_hang_dc, "lv_hang_dc", 0},
	{"rwsem", lv_hang_reader, "lv_hang_reader", 0},
	{"rwsem", lv_hang_writer, "lv_hang_writer", 0},
	{"self", lv_hang_twice, "lv_hang_twice", 0},
	{"flush", lv_hang_flusher, "lv_hang_flusher", 0},
	{"slow", lv_hang_slow_flusher, "lv_hang_flusher", 0},
	{"slow", lv_hang_holder, "lv_hang_holder", 0},
	{"slow", lv_hang_waiter, "lv_hang_waiter1", 0},
	{"slow", lv_hang_waiter, "lv_hang_waiter2", 0},
	{"chain", lv_hang_link, "lv_hang_link0", 0},
	{"chain", lv_hang_link, "lv_hang_link1", 1},
	{"chain", lv_hang_link, "lv_hang_link2", 2},
	{"chain", lv_hang_link, "lv_hang_link3", 3},
	{"chain", lv_hang_link, "lv_hang_link4", 4},
};

static ssize_t lv_hang_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	struct task_struct *task;
	char word[32] = "";
	bool found = false;

	if (count >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, buf, count))
		return -EFAULT;
	for (size_t i = 0; i < ARRAY_SIZE(lv_hang_threads); i++) {
		if (!sysfs_streq(word, lv_hang_threads[i].word))
			continue;
		task = kthread_run(lv_hang_threads[i].run, (void *)lv_hang_threads[i].number, "%s",
				   lv_hang_threads[i].name);
		if (IS_ERR(task))
			return PTR_ERR(task);
		found = true;
	}
	return found ? count : -EINVAL;
}

static const struct file_operations lv_hang_fops = {
	.owner = THIS_MODULE,
	.write = lv_hang_write,
	.llseek = noop_llseek,
};

static struct miscdevice lv_hang_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lv_hang",
	.fops = &lv_hang_fops,
	.mode = 0600,
};

static int __init lv_hang_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(lv_hang_pairs); i++) {
		init_completion(&lv_hang_pairs[i].one);
		init_completion(&lv_hang_pairs[i].other);
	}
	for (size_t i = 0; i < LV_HANG_CHAIN; i++)
		mutex_init(&lv_hang_links[i]);
	/* Its threads hang: it never goes. */
	__module_get(THIS_MODULE);
	return misc_register(&lv_hang_device);
}

module_init(lv_hang_init);
MODULE_DESCRIPTION("Tasks that hang, and tasks that seem to");
MODULE_LICENSE("GPL");
