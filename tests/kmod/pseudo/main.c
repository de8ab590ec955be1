// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deliberate bugs with what is waited for like a lock, and their innocent twins. None needs bad luck
 * to be shown, none can hang: the two sides are one word each, written to /dev/lv_pseudo, and run
 * one after the other.
 *
 * work     work_run: a work takes a mutex. work_cancel: it is cancelled under that mutex.
 * wq       wq_run, wq_flush: the same of a workqueue of its own.
 * timer    timer_run: a timer takes a spinlock. timer_delete: it is deleted under that spinlock.
 * fault    fault_copy: user memory that is not there yet is written under a mutex. fault_mmap: that
 *          mutex is taken under mmap_lock.
 * reclaim  reclaim_run: a shrinker takes a mutex. reclaim_wait: memory is allocated under it.
 * srcu     srcu_run: a reader takes a mutex. srcu_wait: a grace period is waited for under it.
 * cpuhp    cpuhp_run: the callback of a CPU that comes takes a mutex. cpuhp_wait: a CPU comes under it.
 * console  console_run, console_wait: console_lock and a mutex, one under the other.
 * kernfs   kernfs_run: an attribute takes a mutex. kernfs_wait: it is removed under that mutex.
 * writers  writers_run, writers_wait: mnt_want_write_file() and a mutex, one under the other.
 * journal  journal_run: a mutex is taken under a handle of jbd2. journal_wait: a commit is waited for
 *          under it. Wants an ext4 at /tmp/m.
 * queue    queue_run: a mutex is taken while a queue is frozen. queue_wait: a bio is sent to that queue
 *          under the mutex.
 * _late    the innocent twins: what is waited for is waited for when the lock is given back.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "lv_pseudo.h"

static const struct lv_pseudo_part *const lv_pseudo_parts[] = {
	&lv_pseudo_deferred, &lv_pseudo_memory, &lv_pseudo_files, &lv_pseudo_block,
	&lv_pseudo_system,
};

noinline void lv_pseudo_take(struct mutex *mutex)
{
	mutex_lock(mutex);
	mutex_unlock(mutex);
}

static const struct lv_pseudo_verb *lv_pseudo_verb(const char *word)
{
	const struct lv_pseudo_verb *verb;

	for (size_t i = 0; i < ARRAY_SIZE(lv_pseudo_parts); i++)
		for (verb = lv_pseudo_parts[i]->verbs; verb->word; verb++)
			if (!strcmp(word, verb->word))
				return verb;
	return NULL;
}

static ssize_t lv_pseudo_write(struct file *file, const char __user *data, size_t size,
			       loff_t *at)
{
	const struct lv_pseudo_verb *verb;
	char word[32];
	size_t len = min(size, sizeof(word) - 1);

	if (copy_from_user(word, data, len))
		return -EFAULT;
	word[len] = '\0';
	strim(word);
	verb = lv_pseudo_verb(word);
	if (!verb)
		return -EINVAL;
	verb->run();
	return size;
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

static void lv_pseudo_drop(size_t count)
{
	while (count--)
		if (lv_pseudo_parts[count]->exit)
			lv_pseudo_parts[count]->exit();
}

static int __init lv_pseudo_init(void)
{
	int err = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lv_pseudo_parts) && !err; i++)
		if (lv_pseudo_parts[i]->init)
			err = lv_pseudo_parts[i]->init();
	if (err)
		i--; /* the one that failed has nothing */
	else
		err = misc_register(&lv_pseudo_device);
	if (err)
		lv_pseudo_drop(i);
	return err;
}

static void __exit lv_pseudo_exit(void)
{
	misc_deregister(&lv_pseudo_device);
	lv_pseudo_drop(ARRAY_SIZE(lv_pseudo_parts));
}

module_init(lv_pseudo_init);
module_exit(lv_pseudo_exit);
MODULE_DESCRIPTION("lockvane: deliberate bugs with what is waited for like a lock");
MODULE_LICENSE("GPL");
