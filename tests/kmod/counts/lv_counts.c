// SPDX-License-Identifier: GPL-2.0-only
/*
 * A known number of acquisitions: N written to /dev/lv_counts takes each of the locks
 * below exactly N times, each in one way and one context only, from a task, a timer and a
 * tasklet (softirq), an irq_work and an hrtimer (hardirq). What nests is called outer,
 * middle and inner. Reading tells what happened that could have gone otherwise.
 *
 * lv_counts_across_*: an interrupt takes its lock while the interrupted holds one. No
 * order follows from that.
 */
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/version.h>

#define LV_COUNTS_MAX 10000
#define LV_COUNTS_PATIENCE (100 * NSEC_PER_MSEC)

static struct {
	unsigned long rounds;
	unsigned long failed; /* trylocks; nobody contends, so none should */
	unsigned long hardirq_over_task, softirq_over_task, hardirq_over_softirq;
} lv_counts_happened;

/* What can be taken in every context. */
#define LV_COUNTS_ANYWHERE(context)                                                         \
	static DEFINE_SPINLOCK(lv_counts_##context##_spin);                                 \
	static DEFINE_SPINLOCK(lv_counts_##context##_irqsave);                              \
	static DEFINE_SPINLOCK(lv_counts_##context##_try);                                  \
	static DEFINE_RAW_SPINLOCK(lv_counts_##context##_raw);                              \
	static DEFINE_RWLOCK(lv_counts_##context##_read);                                   \
	static DEFINE_RWLOCK(lv_counts_##context##_write);                                  \
	static DEFINE_SPINLOCK(lv_counts_##context##_outer);                                \
	static DEFINE_SPINLOCK(lv_counts_##context##_middle);                               \
	static DEFINE_SPINLOCK(lv_counts_##context##_inner);                                \
                                                                                            \
	static void lv_counts_##context##_nest(void)                                        \
	{                                                                                   \
		spin_lock(&lv_counts_##context##_outer);                                    \
		if (spin_trylock(&lv_counts_##context##_middle)) {                          \
			spin_lock(&lv_counts_##context##_inner);                            \
			spin_unlock(&lv_counts_##context##_inner);                          \
			spin_unlock(&lv_counts_##context##_middle);                         \
		} else {                                                                    \
			lv_counts_happened.failed++;                                        \
		}                                                                           \
		spin_unlock(&lv_counts_##context##_outer);                                  \
	}                                                                                   \
                                                                                            \
	static void lv_counts_##context##_anywhere(void)                                    \
	{                                                                                   \
		unsigned long flags;                                                        \
                                                                                            \
		spin_lock(&lv_counts_##context##_spin);                                     \
		spin_unlock(&lv_counts_##context##_spin);                                   \
		spin_lock_irqsave(&lv_counts_##context##_irqsave, flags);                   \
		spin_unlock_irqrestore(&lv_counts_##context##_irqsave, flags);              \
		if (spin_trylock(&lv_counts_##context##_try))                               \
			spin_unlock(&lv_counts_##context##_try);                            \
		else                                                                        \
			lv_counts_happened.failed++;                                        \
		raw_spin_lock(&lv_counts_##context##_raw);                                  \
		raw_spin_unlock(&lv_counts_##context##_raw);                                \
		read_lock(&lv_counts_##context##_read);                                     \
		read_unlock(&lv_counts_##context##_read);                                   \
		write_lock(&lv_counts_##context##_write);                                   \
		write_unlock(&lv_counts_##context##_write);                                 \
		lv_counts_##context##_nest();                                               \
	}

/* What switches interrupts or softirqs on afterwards: not for a hardirq. */
#define LV_COUNTS_ENABLING(context)                                                         \
	static DEFINE_SPINLOCK(lv_counts_##context##_irq);                                  \
	static DEFINE_SPINLOCK(lv_counts_##context##_bh);                                   \
                                                                                            \
	static void lv_counts_##context##_enabling(void)                                    \
	{                                                                                   \
		spin_lock_irq(&lv_counts_##context##_irq);                                  \
		spin_unlock_irq(&lv_counts_##context##_irq);                                \
		spin_lock_bh(&lv_counts_##context##_bh);                                    \
		spin_unlock_bh(&lv_counts_##context##_bh);                                  \
	}

LV_COUNTS_ANYWHERE(task)
LV_COUNTS_ENABLING(task)
LV_COUNTS_ANYWHERE(timer)
LV_COUNTS_ENABLING(timer)
LV_COUNTS_ANYWHERE(tasklet)
LV_COUNTS_ENABLING(tasklet)
LV_COUNTS_ANYWHERE(irqwork)
LV_COUNTS_ANYWHERE(hrtimer)

static DEFINE_MUTEX(lv_counts_mutex_lock);
static DEFINE_MUTEX(lv_counts_mutex_try);
static DEFINE_MUTEX(lv_counts_mutex_interruptible);
static DEFINE_MUTEX(lv_counts_mutex_killable);
static DECLARE_RWSEM(lv_counts_rwsem_read);
static DECLARE_RWSEM(lv_counts_rwsem_write);
static DECLARE_RWSEM(lv_counts_rwsem_tryread);
static DECLARE_RWSEM(lv_counts_rwsem_trywrite);
static DECLARE_RWSEM(lv_counts_rwsem_killable);
static DECLARE_RWSEM(lv_counts_rwsem_downgrade);
static DEFINE_MUTEX(lv_counts_sleep_outer);
static DECLARE_RWSEM(lv_counts_sleep_middle);
static DEFINE_SPINLOCK(lv_counts_sleep_inner);

static void lv_counts_mutexes(void)
{
	mutex_lock(&lv_counts_mutex_lock);
	mutex_unlock(&lv_counts_mutex_lock);
	if (mutex_trylock(&lv_counts_mutex_try))
		mutex_unlock(&lv_counts_mutex_try);
	else
		lv_counts_happened.failed++;
	if (!mutex_lock_interruptible(&lv_counts_mutex_interruptible))
		mutex_unlock(&lv_counts_mutex_interruptible);
	else
		lv_counts_happened.failed++;
	if (!mutex_lock_killable(&lv_counts_mutex_killable))
		mutex_unlock(&lv_counts_mutex_killable);
	else
		lv_counts_happened.failed++;
}

static void lv_counts_rwsems(void)
{
	down_read(&lv_counts_rwsem_read);
	up_read(&lv_counts_rwsem_read);
	down_write(&lv_counts_rwsem_write);
	up_write(&lv_counts_rwsem_write);
	if (down_read_trylock(&lv_counts_rwsem_tryread))
		up_read(&lv_counts_rwsem_tryread);
	else
		lv_counts_happened.failed++;
	if (down_write_trylock(&lv_counts_rwsem_trywrite))
		up_write(&lv_counts_rwsem_trywrite);
	else
		lv_counts_happened.failed++;
	if (!down_write_killable(&lv_counts_rwsem_killable))
		up_write(&lv_counts_rwsem_killable);
	else
		lv_counts_happened.failed++;
	down_write(&lv_counts_rwsem_downgrade);
	downgrade_write(&lv_counts_rwsem_downgrade);
	up_read(&lv_counts_rwsem_downgrade);
}

static void lv_counts_sleepers(void)
{
	lv_counts_mutexes();
	lv_counts_rwsems();

	mutex_lock(&lv_counts_sleep_outer);
	down_write(&lv_counts_sleep_middle);
	spin_lock(&lv_counts_sleep_inner);
	spin_unlock(&lv_counts_sleep_inner);
	up_write(&lv_counts_sleep_middle);
	mutex_unlock(&lv_counts_sleep_outer);
}

static DECLARE_COMPLETION(lv_counts_done);

static void lv_counts_timer_comes(struct timer_list *timer)
{
	lv_counts_timer_anywhere();
	lv_counts_timer_enabling();
	complete(&lv_counts_done);
}

static void lv_counts_tasklet_comes(struct tasklet_struct *tasklet)
{
	lv_counts_tasklet_anywhere();
	lv_counts_tasklet_enabling();
	complete(&lv_counts_done);
}

static void lv_counts_irqwork_comes(struct irq_work *work)
{
	lv_counts_irqwork_anywhere();
	complete(&lv_counts_done);
}

static enum hrtimer_restart lv_counts_hrtimer_comes(struct hrtimer *timer)
{
	lv_counts_hrtimer_anywhere();
	complete(&lv_counts_done);
	return HRTIMER_NORESTART;
}

static DEFINE_TIMER(lv_counts_timer, lv_counts_timer_comes);
static DECLARE_TASKLET(lv_counts_tasklet, lv_counts_tasklet_comes);
static struct irq_work lv_counts_irqwork = IRQ_WORK_INIT_HARD(lv_counts_irqwork_comes);
static struct hrtimer lv_counts_hrtimer;

static DEFINE_SPINLOCK(lv_counts_across_task);
static DEFINE_SPINLOCK(lv_counts_across_hardirq);
static DEFINE_SPINLOCK(lv_counts_across_softirq);
static DEFINE_SPINLOCK(lv_counts_across_nested);
static bool lv_counts_hardirq_was, lv_counts_softirq_was, lv_counts_nested_was;

/* Spins for what is to interrupt us; what does not come now comes later. */
static bool lv_counts_await(const bool *was)
{
	u64 end = ktime_get_ns() + LV_COUNTS_PATIENCE;

	while (!READ_ONCE(*was) && ktime_get_ns() < end)
		cpu_relax();
	return READ_ONCE(*was);
}

static void lv_counts_nested_comes(struct irq_work *work)
{
	spin_lock(&lv_counts_across_nested);
	spin_unlock(&lv_counts_across_nested);
	WRITE_ONCE(lv_counts_nested_was, true);
}

static struct irq_work lv_counts_nested = IRQ_WORK_INIT_HARD(lv_counts_nested_comes);

static void lv_counts_softirq_comes(struct tasklet_struct *tasklet)
{
	spin_lock(&lv_counts_across_softirq);
	irq_work_queue(&lv_counts_nested);
	lv_counts_happened.hardirq_over_softirq += lv_counts_await(&lv_counts_nested_was);
	spin_unlock(&lv_counts_across_softirq);
	WRITE_ONCE(lv_counts_softirq_was, true);
}

static DECLARE_TASKLET(lv_counts_softirq, lv_counts_softirq_comes);

static void lv_counts_hardirq_comes(struct irq_work *work)
{
	spin_lock(&lv_counts_across_hardirq);
	spin_unlock(&lv_counts_across_hardirq);
	WRITE_ONCE(lv_counts_hardirq_was, true);
	tasklet_schedule(&lv_counts_softirq); /* runs at the end of this interrupt */
}

static struct irq_work lv_counts_hardirq = IRQ_WORK_INIT_HARD(lv_counts_hardirq_comes);

static void lv_counts_across(void)
{
	lv_counts_hardirq_was = lv_counts_softirq_was = lv_counts_nested_was = false;

	spin_lock(&lv_counts_across_task);
	irq_work_queue(&lv_counts_hardirq);
	lv_counts_happened.hardirq_over_task += lv_counts_await(&lv_counts_hardirq_was);
	lv_counts_happened.softirq_over_task += lv_counts_await(&lv_counts_softirq_was);
	spin_unlock(&lv_counts_across_task);

	irq_work_sync(&lv_counts_hardirq);
	while (!READ_ONCE(lv_counts_softirq_was))
		schedule_timeout_uninterruptible(1);
	irq_work_sync(&lv_counts_nested);
}

static void lv_counts_round(void)
{
	lv_counts_task_anywhere();
	lv_counts_task_enabling();
	lv_counts_sleepers();

	mod_timer(&lv_counts_timer, jiffies + 1);
	wait_for_completion(&lv_counts_done);
	tasklet_schedule(&lv_counts_tasklet);
	wait_for_completion(&lv_counts_done);
	irq_work_queue(&lv_counts_irqwork);
	wait_for_completion(&lv_counts_done);
	hrtimer_start(&lv_counts_hrtimer, 50 * NSEC_PER_USEC, HRTIMER_MODE_REL_HARD);
	wait_for_completion(&lv_counts_done);

	lv_counts_across();
	lv_counts_happened.rounds++;
}

static ssize_t lv_counts_write(struct file *file, const char __user *buf, size_t count,
			       loff_t *pos)
{
	unsigned int rounds;
	int err = kstrtouint_from_user(buf, count, 0, &rounds);

	if (err)
		return err;
	if (rounds > LV_COUNTS_MAX)
		return -ERANGE;
	for (unsigned int i = 0; i < rounds; i++)
		lv_counts_round();
	return count;
}

static ssize_t lv_counts_tell(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	char text[200];
	int len = scnprintf(text, sizeof(text),
			    "rounds %lu\nfailed %lu\nhardirq_over_task %lu\n"
			    "softirq_over_task %lu\nhardirq_over_softirq %lu\n",
			    lv_counts_happened.rounds, lv_counts_happened.failed,
			    lv_counts_happened.hardirq_over_task,
			    lv_counts_happened.softirq_over_task,
			    lv_counts_happened.hardirq_over_softirq);

	return simple_read_from_buffer(buf, count, pos, text, len);
}

static const struct file_operations lv_counts_fops = {
	.owner = THIS_MODULE,
	.write = lv_counts_write,
	.read = lv_counts_tell,
	.llseek = default_llseek,
};

static struct miscdevice lv_counts_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lv_counts",
	.fops = &lv_counts_fops,
	.mode = 0600,
};

static int __init lv_counts_init(void)
{
	/* There spinlocks sleep, and none may be taken in a hardirq. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return -EOPNOTSUPP;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(&lv_counts_hrtimer, lv_counts_hrtimer_comes, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_HARD);
#else
	hrtimer_init(&lv_counts_hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	lv_counts_hrtimer.function = lv_counts_hrtimer_comes;
#endif
	return misc_register(&lv_counts_device);
}

/* A round waits for all it has started; these wait for their last instructions. */
static void __exit lv_counts_exit(void)
{
	misc_deregister(&lv_counts_device);
	hrtimer_cancel(&lv_counts_hrtimer);
	irq_work_sync(&lv_counts_irqwork);
	tasklet_kill(&lv_counts_tasklet);
	tasklet_kill(&lv_counts_softirq);
	synchronize_rcu();
}

module_init(lv_counts_init);
module_exit(lv_counts_exit);
MODULE_DESCRIPTION("Locks taken a known number of times");
MODULE_LICENSE("GPL");
