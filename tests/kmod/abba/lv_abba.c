// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deliberate bugs that need no bad luck to be shown and can never hang: each order of
 * two locks is one word written to /dev/lv_abba, and the two run one after the other.
 *
 * mutex_rwsem, mutex_mutex   _ab nests the two one way, _ba the other.
 *
 * raw                        the founding inversion (lv_uffd.c) with locks that spin on
 *                            PREEMPT_RT too. raw_ab: head is taken in hardirq, and
 *                            head --> middle --> tail nest with interrupts off. raw_ba:
 *                            tail is taken with interrupts on.
 */
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static DEFINE_MUTEX(lv_abba_mutex);
static DECLARE_RWSEM(lv_abba_rwsem);
static DEFINE_MUTEX(lv_abba_first);
static DEFINE_MUTEX(lv_abba_second);
static DEFINE_RAW_SPINLOCK(lv_abba_head);
static DEFINE_RAW_SPINLOCK(lv_abba_middle);
static DEFINE_RAW_SPINLOCK(lv_abba_tail);

/* Each its own function: reports show who took what. */
static noinline void lv_abba_mutex_rwsem_ab(void)
{
	mutex_lock(&lv_abba_mutex);
	down_write(&lv_abba_rwsem);
	up_write(&lv_abba_rwsem);
	mutex_unlock(&lv_abba_mutex);
}

static noinline void lv_abba_mutex_rwsem_ba(void)
{
	down_write(&lv_abba_rwsem);
	mutex_lock(&lv_abba_mutex);
	mutex_unlock(&lv_abba_mutex);
	up_write(&lv_abba_rwsem);
}

static noinline void lv_abba_mutex_mutex_ab(void)
{
	mutex_lock(&lv_abba_first);
	mutex_lock(&lv_abba_second);
	mutex_unlock(&lv_abba_second);
	mutex_unlock(&lv_abba_first);
}

static noinline void lv_abba_mutex_mutex_ba(void)
{
	mutex_lock(&lv_abba_second);
	mutex_lock(&lv_abba_first);
	mutex_unlock(&lv_abba_first);
	mutex_unlock(&lv_abba_second);
}

static void lv_abba_interrupt(struct irq_work *work)
{
	raw_spin_lock(&lv_abba_head);
	raw_spin_unlock(&lv_abba_head);
}

/* Hard: on PREEMPT_RT the others run in a thread. */
static struct irq_work lv_abba_work = IRQ_WORK_INIT_HARD(lv_abba_interrupt);

static noinline void lv_abba_raw_ab(void)
{
	unsigned long flags;

	irq_work_queue(&lv_abba_work);
	irq_work_sync(&lv_abba_work);

	raw_spin_lock_irqsave(&lv_abba_head, flags);
	raw_spin_lock(&lv_abba_middle);
	raw_spin_unlock(&lv_abba_middle);
	raw_spin_unlock_irqrestore(&lv_abba_head, flags);

	raw_spin_lock_irqsave(&lv_abba_middle, flags);
	raw_spin_lock(&lv_abba_tail);
	raw_spin_unlock(&lv_abba_tail);
	raw_spin_unlock_irqrestore(&lv_abba_middle, flags);
}

static noinline void lv_abba_raw_ba(void)
{
	raw_spin_lock(&lv_abba_tail);
	raw_spin_unlock(&lv_abba_tail);
}

static const struct {
	const char *word;
	void (*run)(void);
} lv_abba_orders[] = {
	{"mutex_rwsem_ab", lv_abba_mutex_rwsem_ab}, {"mutex_rwsem_ba", lv_abba_mutex_rwsem_ba},
	{"mutex_mutex_ab", lv_abba_mutex_mutex_ab}, {"mutex_mutex_ba", lv_abba_mutex_mutex_ba},
	{"raw_ab", lv_abba_raw_ab},		    {"raw_ba", lv_abba_raw_ba},
};

static ssize_t lv_abba_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char word[32] = "";

	if (count >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, buf, count))
		return -EFAULT;
	for (size_t i = 0; i < ARRAY_SIZE(lv_abba_orders); i++) {
		if (!sysfs_streq(word, lv_abba_orders[i].word))
			continue;
		lv_abba_orders[i].run();
		return count;
	}
	return -EINVAL;
}

static const struct file_operations lv_abba_fops = {
	.owner = THIS_MODULE,
	.write = lv_abba_write,
	.llseek = noop_llseek,
};

static struct miscdevice lv_abba_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lv_abba",
	.fops = &lv_abba_fops,
	.mode = 0600,
};

module_misc_device(lv_abba_device);
MODULE_DESCRIPTION("Lock orders that contradict each other");
MODULE_LICENSE("GPL");
