// SPDX-License-Identifier: GPL-2.0-only
/*
 * A deliberate bug: the locking userfaultfd had until 2019, on a kernel whose own
 * userfaultfd is long fixed.
 *
 * /dev/lv_uffd nests its locks as userfaultfd does: a reader takes fd_wqh and, in it,
 * fault_pending_wqh. Polled by aio, fd_wqh itself nests in the kernel's ctx_lock, which
 * is also taken in softirq. Closing the file takes fault_pending_wqh with interrupts on:
 * an interrupt that then wants ctx_lock closes the loop. Nothing here ever deadlocks by
 * itself: it takes two CPUs and bad luck.
 *
 * fixed=1 loads the innocent: the same locks in the same order, interrupts off.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>

/* The members are named, and ordered, as userfaultfd's are: lock names come from here. */
struct lv_uffd_ctx {
	wait_queue_head_t fault_pending_wqh;
	wait_queue_head_t fault_wqh;
	wait_queue_head_t fd_wqh;
	wait_queue_head_t event_wqh;
	unsigned int nr_faults; /* under fault_pending_wqh.lock */
	bool released;
};

static bool fixed;
module_param(fixed, bool, 0444);
MODULE_PARM_DESC(fixed, "take fault_pending_wqh with interrupts off, as since 2019");

static struct kmem_cache *lv_uffd_cachep;

static void lv_uffd_lock_faults(struct lv_uffd_ctx *ctx)
{
	if (fixed)
		spin_lock_irq(&ctx->fault_pending_wqh.lock);
	else
		spin_lock(&ctx->fault_pending_wqh.lock);
}

static void lv_uffd_unlock_faults(struct lv_uffd_ctx *ctx)
{
	if (fixed)
		spin_unlock_irq(&ctx->fault_pending_wqh.lock);
	else
		spin_unlock(&ctx->fault_pending_wqh.lock);
}

static int lv_uffd_open(struct inode *inode, struct file *file)
{
	struct lv_uffd_ctx *ctx = kmem_cache_alloc(lv_uffd_cachep, GFP_KERNEL);

	if (!ctx)
		return -ENOMEM;
	ctx->nr_faults = 0;
	ctx->released = false;
	file->private_data = ctx;
	return 0;
}

static int lv_uffd_release(struct inode *inode, struct file *file)
{
	struct lv_uffd_ctx *ctx = file->private_data;

	WRITE_ONCE(ctx->released, true);

	lv_uffd_lock_faults(ctx);
	wake_up_locked(&ctx->fault_pending_wqh);
	wake_up(&ctx->fault_wqh);
	lv_uffd_unlock_faults(ctx);

	wake_up_all(&ctx->event_wqh);
	wake_up_poll(&ctx->fd_wqh, EPOLLHUP);
	kmem_cache_free(lv_uffd_cachep, ctx);
	return 0;
}

static __poll_t lv_uffd_poll(struct file *file, poll_table *wait)
{
	struct lv_uffd_ctx *ctx = file->private_data;

	poll_wait(file, &ctx->fd_wqh, wait);
	return READ_ONCE(ctx->nr_faults) ? EPOLLIN : 0;
}

/* One fault off the pending ones; the caller holds fd_wqh.lock, interrupts are off. */
static bool lv_uffd_take_fault(struct lv_uffd_ctx *ctx)
{
	bool taken;

	spin_lock(&ctx->fault_pending_wqh.lock);
	taken = ctx->nr_faults > 0;
	if (taken)
		ctx->nr_faults--;
	spin_unlock(&ctx->fault_pending_wqh.lock);
	if (taken)
		return true;

	/* Events come second. There are none, but the lock is taken to look. */
	spin_lock(&ctx->event_wqh.lock);
	spin_unlock(&ctx->event_wqh.lock);
	return false;
}

static ssize_t lv_uffd_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct lv_uffd_ctx *ctx = file->private_data;
	DECLARE_WAITQUEUE(wait, current);
	ssize_t ret = 0;
	u64 msg = 0;

	if (count < sizeof(msg))
		return -EINVAL;

	spin_lock_irq(&ctx->fd_wqh.lock);
	__add_wait_queue(&ctx->fd_wqh, &wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (lv_uffd_take_fault(ctx))
			break;
		ret = -EAGAIN;
		if (file->f_flags & O_NONBLOCK)
			break;
		ret = -ERESTARTSYS;
		if (signal_pending(current))
			break;
		ret = 0;
		spin_unlock_irq(&ctx->fd_wqh.lock);
		schedule();
		spin_lock_irq(&ctx->fd_wqh.lock);
	}
	__remove_wait_queue(&ctx->fd_wqh, &wait);
	__set_current_state(TASK_RUNNING);
	spin_unlock_irq(&ctx->fd_wqh.lock);

	if (ret)
		return ret;
	return copy_to_user(buf, &msg, sizeof(msg)) ? -EFAULT : sizeof(msg);
}

/* A write stands for a page fault: something to read, and readers are woken. */
static ssize_t lv_uffd_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	struct lv_uffd_ctx *ctx = file->private_data;

	lv_uffd_lock_faults(ctx);
	ctx->nr_faults++;
	lv_uffd_unlock_faults(ctx);
	wake_up_poll(&ctx->fd_wqh, EPOLLIN);
	return count;
}

static const struct file_operations lv_uffd_fops = {
	.owner = THIS_MODULE,
	.open = lv_uffd_open,
	.release = lv_uffd_release,
	.poll = lv_uffd_poll,
	.read = lv_uffd_read,
	.write = lv_uffd_write,
	.llseek = noop_llseek,
};

static struct miscdevice lv_uffd_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lv_uffd",
	.fops = &lv_uffd_fops,
	.mode = 0600,
};

/* Runs once for a slab's objects, not once an open: userfaultfd does the same. */
static void lv_uffd_init_once(void *object)
{
	struct lv_uffd_ctx *ctx = object;

	init_waitqueue_head(&ctx->fault_pending_wqh);
	init_waitqueue_head(&ctx->fault_wqh);
	init_waitqueue_head(&ctx->event_wqh);
	init_waitqueue_head(&ctx->fd_wqh);
}

static int __init lv_uffd_init(void)
{
	int err;

	lv_uffd_cachep = kmem_cache_create("lv_uffd_ctx_cache", sizeof(struct lv_uffd_ctx), 0,
					   SLAB_HWCACHE_ALIGN, lv_uffd_init_once);
	if (!lv_uffd_cachep)
		return -ENOMEM;
	err = misc_register(&lv_uffd_device);
	if (err)
		kmem_cache_destroy(lv_uffd_cachep);
	return err;
}

static void __exit lv_uffd_exit(void)
{
	misc_deregister(&lv_uffd_device);
	kmem_cache_destroy(lv_uffd_cachep);
}

module_init(lv_uffd_init);
module_exit(lv_uffd_exit);
MODULE_DESCRIPTION("userfaultfd's locking as it was before the 2019 fix");
MODULE_LICENSE("GPL");
