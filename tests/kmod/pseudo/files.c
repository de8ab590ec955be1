// SPDX-License-Identifier: GPL-2.0-only
/* Attributes in sysfs, who writes to a file system, and jbd2's handles. */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/jbd2.h>
#include <linux/kobject.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/mutex.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>

#include "lv_pseudo.h"

#define LV_PSEUDO_ATTRIBUTE "/sys/kernel/lv_pseudo/pair"
#define LV_PSEUDO_FILE	    "/tmp/lv_pseudo_file"
#define LV_PSEUDO_EXT4_FILE "/tmp/m/lv_pseudo_file"

LV_PSEUDO_PAIR(kernfs);
LV_PSEUDO_PAIR(writers);
LV_PSEUDO_PAIR(journal);
static struct kobject *lv_pseudo_kobject;
static bool lv_pseudo_doze; /* the attribute takes nothing, and lasts a moment */
static journal_t *lv_pseudo_journal;

static noinline ssize_t pair_show(struct kobject *kobject, struct kobj_attribute *attribute,
				  char *text)
{
	if (READ_ONCE(lv_pseudo_doze)) {
		msleep(50);
	} else {
		lv_pseudo_take(&lv_pseudo_kernfs_mutex);
		lv_pseudo_take(&lv_pseudo_kernfs_late);
	}
	return sysfs_emit(text, "read\n");
}

static struct kobj_attribute lv_pseudo_attribute = __ATTR_RO(pair);

static noinline void lv_pseudo_kernfs_run(void)
{
	struct file *file = filp_open(LV_PSEUDO_ATTRIBUTE, O_RDONLY, 0);
	char text[8];
	loff_t at = 0;

	if (IS_ERR(file))
		return;
	if (kernel_read(file, text, sizeof(text), &at) < 0)
		pr_err("lv_pseudo: %s cannot be read\n", LV_PSEUDO_ATTRIBUTE);
	filp_close(file, NULL);
}

static void lv_pseudo_read_fn(struct work_struct *work)
{
	lv_pseudo_kernfs_run();
}

static DECLARE_WORK(lv_pseudo_read_work, lv_pseudo_read_fn);

/* The attribute goes while it is read: lockdep looks at no removal that has nobody to wait for. */
static void lv_pseudo_remove(struct mutex *mutex)
{
	WRITE_ONCE(lv_pseudo_doze, true);
	schedule_work(&lv_pseudo_read_work);
	msleep(20);
	if (mutex)
		mutex_lock(mutex);
	sysfs_remove_file(lv_pseudo_kobject, &lv_pseudo_attribute.attr);
	if (mutex)
		mutex_unlock(mutex);
	flush_work(&lv_pseudo_read_work);
	WRITE_ONCE(lv_pseudo_doze, false);
	if (sysfs_create_file(lv_pseudo_kobject, &lv_pseudo_attribute.attr))
		pr_err("lv_pseudo: no attribute\n");
}

static noinline void lv_pseudo_kernfs_wait(void)
{
	lv_pseudo_remove(&lv_pseudo_kernfs_mutex);
}

static noinline void lv_pseudo_kernfs_after(void)
{
	lv_pseudo_take(&lv_pseudo_kernfs_late);
	lv_pseudo_remove(NULL);
}

static noinline void lv_pseudo_want_write(struct mutex *under, struct mutex *over)
{
	struct file *file = filp_open(LV_PSEUDO_FILE, O_RDWR | O_CREAT, 0600);

	if (IS_ERR(file))
		return;
	if (under)
		mutex_lock(under);
	if (!mnt_want_write_file(file)) {
		if (over)
			lv_pseudo_take(over);
		mnt_drop_write_file(file);
	}
	if (under)
		mutex_unlock(under);
	filp_close(file, NULL);
}

static noinline void lv_pseudo_writers_run(void)
{
	lv_pseudo_want_write(NULL, &lv_pseudo_writers_mutex);
	lv_pseudo_want_write(NULL, &lv_pseudo_writers_late);
}

static noinline void lv_pseudo_writers_wait(void)
{
	lv_pseudo_want_write(&lv_pseudo_writers_mutex, NULL);
}

static noinline void lv_pseudo_writers_after(void)
{
	lv_pseudo_take(&lv_pseudo_writers_late);
	lv_pseudo_want_write(NULL, NULL);
}

static int lv_pseudo_at_start(struct kprobe *probe, struct pt_regs *regs)
{
	WRITE_ONCE(lv_pseudo_journal, (journal_t *)regs_get_kernel_argument(regs, 0));
	return 0;
}

/* ext4 gives its journal to nobody: a write tells which it is. */
static bool lv_pseudo_learn_journal(void)
{
	struct kprobe probe = { .symbol_name = "jbd2__journal_start",
				.pre_handler = lv_pseudo_at_start };
	struct file *file;
	loff_t at = 0;

	lv_pseudo_journal = NULL;
	if (register_kprobe(&probe))
		return false;
	file = filp_open(LV_PSEUDO_EXT4_FILE, O_RDWR | O_CREAT, 0600);
	if (!IS_ERR(file)) {
		if (kernel_write(file, "text", 4, &at) != 4)
			pr_err("lv_pseudo: %s cannot be written\n", LV_PSEUDO_EXT4_FILE);
		filp_close(file, NULL);
	}
	unregister_kprobe(&probe);
	if (!lv_pseudo_journal)
		pr_err("lv_pseudo: no journal is seen\n");
	return lv_pseudo_journal;
}

static noinline void lv_pseudo_journal_run(void)
{
	handle_t *handle;

	if (!lv_pseudo_learn_journal())
		return;
	handle = jbd2_journal_start(lv_pseudo_journal, 1);
	if (IS_ERR(handle))
		return;
	lv_pseudo_take(&lv_pseudo_journal_mutex);
	lv_pseudo_take(&lv_pseudo_journal_late);
	jbd2_journal_stop(handle);
}

static noinline void lv_pseudo_commit(void)
{
	if (jbd2_journal_force_commit(lv_pseudo_journal))
		pr_err("lv_pseudo: no commit\n");
}

static noinline void lv_pseudo_journal_wait(void)
{
	if (!lv_pseudo_learn_journal())
		return;
	mutex_lock(&lv_pseudo_journal_mutex);
	lv_pseudo_commit();
	mutex_unlock(&lv_pseudo_journal_mutex);
}

static noinline void lv_pseudo_journal_after(void)
{
	if (!lv_pseudo_learn_journal())
		return;
	lv_pseudo_take(&lv_pseudo_journal_late);
	lv_pseudo_commit();
}

static int lv_pseudo_files_init(void)
{
	int err;

	lv_pseudo_kobject = kobject_create_and_add("lv_pseudo", kernel_kobj);
	if (!lv_pseudo_kobject)
		return -ENOMEM;
	err = sysfs_create_file(lv_pseudo_kobject, &lv_pseudo_attribute.attr);
	if (err)
		kobject_put(lv_pseudo_kobject);
	return err;
}

static void lv_pseudo_files_exit(void)
{
	kobject_put(lv_pseudo_kobject);
}

static const struct lv_pseudo_verb lv_pseudo_verbs[] = {
	{ "kernfs_run", lv_pseudo_kernfs_run },	    { "kernfs_wait", lv_pseudo_kernfs_wait },
	{ "kernfs_late", lv_pseudo_kernfs_after },   { "writers_run", lv_pseudo_writers_run },
	{ "writers_wait", lv_pseudo_writers_wait },  { "writers_late", lv_pseudo_writers_after },
	{ "journal_run", lv_pseudo_journal_run },    { "journal_wait", lv_pseudo_journal_wait },
	{ "journal_late", lv_pseudo_journal_after }, {},
};

const struct lv_pseudo_part lv_pseudo_files = {
	.verbs = lv_pseudo_verbs,
	.init = lv_pseudo_files_init,
	.exit = lv_pseudo_files_exit,
};
