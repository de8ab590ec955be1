// SPDX-License-Identifier: GPL-2.0-only
#include "finding/pseudo.h"

#include <string.h>

#include "finding/framename.h"
#include "traits.h"

uint32_t finding_pseudo_kind(const struct capture_class *class)
{
	return class->family == LV_PSEUDO ? LV_PSEUDO_KIND_OF(class->subclass) : LV_PSEUDO_NONE;
}

enum capture_certainty finding_pseudo_grade(const struct capture *c,
					    const struct capture_class *class)
{
	uint32_t kind = finding_pseudo_kind(class), traits = pseudo_traits(kind);

	/*
	 * A caller alone knows which flags it may allocate with; and whether a handle would ever
	 * wait for the transaction's commit, too.
	 */
	if (kind == LV_PSEUDO_RECLAIM || kind == LV_PSEUDO_JOURNAL)
		return CAPTURE_INFERRED;
	if (!kind || traits & (LV_PSEUDO_BY_STACK | LV_PSEUDO_BY_WORD))
		return CAPTURE_EXACT;
	return c->preempts && !c->misses_asked ? CAPTURE_AMBIGUOUS : CAPTURE_INFERRED;
}

/* The functions that run while a pseudo-lock of the kind is held: one of them is on each stack. */
static const struct {
	uint32_t kind;
	const char *function;
} holders[] = {
	{LV_PSEUDO_WORK, "process_one_work"},
	{LV_PSEUDO_WORK, "process_scheduled_works"},
	{LV_PSEUDO_WQ, "process_one_work"},
	{LV_PSEUDO_WQ, "process_scheduled_works"},
	{LV_PSEUDO_TIMER, "call_timer_fn"},
	{LV_PSEUDO_RECLAIM, "try_to_free_pages"},
	{LV_PSEUDO_RECLAIM, "balance_pgdat"},
	{LV_PSEUDO_RECLAIM, "node_reclaim"},
	{LV_PSEUDO_SB_PAGEFAULTS, "do_page_mkwrite"},
	{LV_PSEUDO_CPUHP_UP, "cpuhp_thread_fun"},
	{LV_PSEUDO_CPUHP_DOWN, "cpuhp_thread_fun"},
	{LV_PSEUDO_WRITEPAGES, "ext4_writepages"},
	{LV_PSEUDO_KERNFS, "kernfs_fop_read_iter"},
	{LV_PSEUDO_KERNFS, "kernfs_fop_write_iter"},
	{LV_PSEUDO_KERNFS, "kernfs_fop_open"},
	{LV_PSEUDO_KERNFS, "kernfs_fop_mmap"},
	{LV_PSEUDO_KERNFS, "kernfs_fop_poll"},
	/* Calls at a function's end leave only the last of them: */
	{LV_PSEUDO_KERNFS, "kernfs_file_read_iter"},
	{LV_PSEUDO_KERNFS, "kernfs_seq_show"},
	{LV_PSEUDO_KERNFS, "sysfs_kf_seq_show"},
	{LV_PSEUDO_KERNFS, "cgroup_seqfile_show"},
};

/* The functions that hold sb_internal for a part of their time, and what they call beside it. */
static const char *const evicts[] = {"ext4_evict_inode", "f2fs_evict_inode"};
static const char *const beside_evict[] = {
	/* The first ends in a call of the second: */
	"truncate_inode_pages_final", "truncate_inode_pages", "truncate_inode_pages_range",
	"invalidate_mapping_pages", "dquot_initialize", "__dquot_initialize", "f2fs_dquot_initialize", "dquot_drop", "__dquot_drop", "ext4_begin_ordered_truncate",
	"jbd2_journal_begin_ordered_truncate", "ext4_evict_ea_inode", "ext4_xattr_inode_array_free",
	"dax_break_layout_final", "inode_io_list_del", "f2fs_remove_dirty_inode",
	"f2fs_remove_donate_inode", "f2fs_destroy_extent_tree", "f2fs_remove_ino_entry",
	"f2fs_add_ino_entry", "f2fs_inode_synced", "f2fs_alloc_nid_failed",
	"fscrypt_put_encryption_info",
};

/*
 * Attributes whose active references lockdep is told to ignore (__ATTR_IGNORE_LOCKDEP): they remove others like
 * themselves, or themselves. drivers/base/bus.c, drivers/dma/idxd/compat.c, drivers/usb/core/sysfs.c,
 * drivers/peci/sysfs.c, drivers/i2c/i2c-core-base.c, drivers/pci/pci-sysfs.c
 */
static const char *const ignored[] = {
	"driver_attr_bind", "driver_attr_unbind", "dev_attr_remove", "dev_attr_authorized",
	"dev_attr_bConfigurationValue", "dev_attr_delete_device",
};

#define NR(array) (sizeof(array) / sizeof(*(array)))

static bool is_holder(const char *text, const struct capture_class *class)
{
	uint32_t kind = finding_pseudo_kind(class);
	const char *own = strstr(class->name, ") ");

	for (size_t i = 0; i < NR(holders); i++)
		if (holders[i].kind == kind && framename_is(text, holders[i].function))
			return true;
	/* "(work) function [module]": a class that is called like what runs. */
	return own && (kind == LV_PSEUDO_WORK || kind == LV_PSEUDO_TIMER) &&
	       framename_begins(text, own + 2, strcspn(own + 2, " #+"));
}

/* vfs_fallocate() asks others, who may wait for user space, before it takes the level. */
static bool is_before_writing(const struct capture_stack *stack)
{
	for (uint32_t i = 0; i < stack->nr_frames; i++)
		if (framename_is(stack->frames[i].text, "rw_verify_area") ||
		    framename_is(stack->frames[i].text, "security_file_permission"))
			return true;
	return false;
}

static bool is_beside_evict(const struct capture_stack *stack)
{
	for (uint32_t i = 0; i + 1 < stack->nr_frames; i++)
		if (framename_is_one_of(stack->frames[i + 1].text, evicts, NR(evicts)))
			return framename_is_one_of(stack->frames[i].text, beside_evict, NR(beside_evict));
	return false;
}

/* "kn->active dev_attr_remove#2 [usbcore]" */
static bool is_ignored(const struct capture_class *class)
{
	const char *own = strchr(class->name, ' ');

	for (size_t i = 0; own && i < NR(ignored); i++)
		if (!strncmp(own + 1, ignored[i], strlen(ignored[i])) &&
		    strchr(" #", own[1 + strlen(ignored[i])]))
			return true;
	return false;
}

bool finding_pseudo_in_irqs(const struct capture_class *class)
{
	return !(pseudo_traits(finding_pseudo_kind(class)) & LV_PSEUDO_TOLD);
}

bool finding_pseudo_refutes(const struct capture *c, const struct capture_edge *edge)
{
	const struct capture_class *from = &c->classes[edge->from];
	uint32_t kind = finding_pseudo_kind(from);
	const struct capture_stack *stack =
		edge->stack < c->nr_stacks ? &c->stacks[edge->stack] : NULL;

	if (kind == LV_PSEUDO_SB_WRITERS && stack)
		return is_before_writing(stack);
	if (kind == LV_PSEUDO_SB_INTERNAL && stack)
		return is_beside_evict(stack);
	if (kind == LV_PSEUDO_KERNFS && is_ignored(from))
		return true;
	if (!(pseudo_traits(kind) & LV_PSEUDO_BY_STACK) || !c->nr_stacks)
		return false;
	if (!stack)
		return true;
	for (uint32_t i = 0; i < stack->nr_frames; i++)
		if (is_holder(stack->frames[i].text, from))
			return false;
	/* A scenario's frames are not the kernel's. */
	return stack->nr_frames && strstr(stack->frames[stack->nr_frames - 1].text, "+0x");
}
