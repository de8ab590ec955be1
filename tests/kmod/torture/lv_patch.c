// SPDX-License-Identifier: GPL-2.0-only
/*
 * A live patch of a function that lockvane hooks. The new function does what the old one did, so it has no
 * effect but that ftrace serves two at this function.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/spinlock.h>

static void lv_patch_spin_lock_bh(raw_spinlock_t *lock)
{
	__raw_spin_lock_bh(lock);
}

static struct klp_func lv_patch_funcs[] = {
	{.old_name = "_raw_spin_lock_bh", .new_func = lv_patch_spin_lock_bh},
	{},
};

static struct klp_object lv_patch_objects[] = {{.funcs = lv_patch_funcs}, {}};

static struct klp_patch lv_patch = {.mod = THIS_MODULE, .objs = lv_patch_objects};

static int __init lv_patch_init(void)
{
	return klp_enable_patch(&lv_patch);
}

static void __exit lv_patch_exit(void)
{
}

module_init(lv_patch_init);
module_exit(lv_patch_exit);
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("A live patch of a function that lockvane hooks");
MODULE_LICENSE("GPL");
