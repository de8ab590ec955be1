/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs of pseudo-locks: see_<id>(ctx, meta) for each LV_PSEUDO of hooks.def. The arguments are
 * typed pointers, which argument() and traced() make scalars.
 */
#ifndef LOCKVANE_PSEUDO_HOOKS_BPF_H
#define LOCKVANE_PSEUDO_HOOKS_BPF_H

#include "record/recorder.h"

extern const void process_timeout __ksym __weak;
extern const void console_owner __ksym __weak;
extern const void console_sem __ksym __weak;
extern const void cpuhp_state __ksym __weak;
extern const void cgroup_threadgroup_rwsem __ksym __weak;
extern const void work_for_cpu_fn __ksym __weak;
extern const void smp_call_on_cpu_callback __ksym __weak;

/* An instance is odd, as no lock's address is; one object may be several kinds' instance. */
#define INSTANCE(addr, kind) ((__u64)(addr) + 1 + (LV_PSEUDO_##kind & 3))

/* The address of a thing of which there is one: any address of the kernel's, the kind tells it. */
#define THE_ONE ((__u64)&_end)

static __always_inline void pseudo_hold(void *ctx, __u64 addr, __u64 base, __u32 meta, __u32 how)
{
	record_pseudo(ctx, addr, base, meta, how);
	OBSERVE_PSEUDO(addr, base, how);
}

static __always_inline void pseudo_attempt(void *ctx, __u64 addr, __u64 base, __u32 meta,
					   __u32 how)
{
	if (pseudo_tells(how))
		record_pseudo(ctx, addr, base, meta, how | PSEUDO_ATTEMPT);
	OBSERVE_PSEUDO(addr, base, how | PSEUDO_ATTEMPT);
}

/* Work items and workqueues */

/* The function of a work; 0: one that many use for what they like. */
static __always_inline __u64 work_function(__u64 work)
{
	__u64 function = MEMORY_MEMBER(work, struct work_struct, func);

	if (function == (__u64)&work_for_cpu_fn || function == (__u64)&smp_call_on_cpu_callback)
		return 0;
	return function;
}

#define PF_WQ_WORKER 0x20 /* include/linux/sched.h */

/* The workqueue whose work the running task executes; 0: it is no worker. */
static __always_inline __u64 running_wq(void)
{
	__u64 task = world_task(), kthread, worker, pwq;

	if (!((__u32)MEMORY_MEMBER(task, struct task_struct, flags) & PF_WQ_WORKER))
		return 0;
	kthread = MEMORY_MEMBER(task, struct task_struct, worker_private);
	worker = kthread ? MEMORY_MEMBER(kthread, struct kthread, data) : 0;
	pwq = worker ? MEMORY_MEMBER(worker, struct worker, current_pwq) : 0;
	return pwq ? MEMORY_MEMBER(pwq, struct pool_workqueue, wq) : 0;
}

/* A worker begins with nothing, and the queue comes before the work, as in process_one_work(). */
static __always_inline void see_work_start(__u64 *ctx, __u32 meta)
{
	__u64 work = traced(ctx, 0), wq = running_wq(), function = work_function(work);

	pseudo_hold(ctx, INSTANCE(wq, WQ), wq, meta,
		    PSEUDO(WQ) | PSEUDO_IN_TRACE | PSEUDO_FRESH | PSEUDO_IF_KNOWN);
	if (function)
		pseudo_hold(ctx, INSTANCE(work, WORK), function, meta,
			    PSEUDO(WORK) | PSEUDO_IN_TRACE);
}

/* The work may be gone by now. */
static __always_inline void see_work_end(__u64 *ctx, __u32 meta)
{
	pseudo_drop(INSTANCE(traced(ctx, 0), WORK), meta, PSEUDO(WORK));
	pseudo_drop(INSTANCE(running_wq(), WQ), meta, PSEUDO(WQ));
}

static __always_inline void see_work_flush(__u64 *ctx, __u32 meta)
{
	__u64 work = argument(ctx, 0), function = pseudo_holds_any() ? work_function(work) : 0;
	__u32 id;

	if (!function)
		return;
	pseudo_attempt(ctx, INSTANCE(work, WORK), function, meta, PSEUDO(WORK));
	if (!lv_waits.watched)
		return;
	id = wait_begin(INSTANCE(work, WORK), WAIT_HOW(LV_PSEUDO, LV_WRITE) | WAIT_ANEW,
			pseudo_known_class(INSTANCE(work, WORK), function, LV_PSEUDO_WORK));
	if (id != LV_NONE)
		wait_note_site(ctx, id, 0);
}

static __always_inline void see_work_flushed(__u64 *ctx, __u32 meta)
{
	if (lv_waits.watched)
		wait_end(INSTANCE(argument(ctx, 0), WORK));
}

static __always_inline void see_work_flush_6_1(__u64 *ctx, __u32 meta)
{
	see_work_flush(ctx, meta);
}

static __always_inline void see_wq_flush(__u64 *ctx, __u32 meta)
{
	__u64 wq = argument(ctx, 0);

	pseudo_attempt(ctx, INSTANCE(wq, WQ), wq, meta, PSEUDO(WQ));
}

/* The next one may come to lie where it was. */
static __always_inline void see_wq_gone(__u64 *ctx, __u32 meta)
{
	pseudo_retire(INSTANCE(argument(ctx, 0), WQ), argument(ctx, 0), PSEUDO(WQ));
}

/* Timers */

/* A sleep with a timeout has a timer of its own on the stack, and nobody else's. */
static __always_inline int timer_is_private(__u64 function)
{
	return function == (__u64)&process_timeout;
}

static __always_inline void see_timer_start(__u64 *ctx, __u32 meta)
{
	__u64 timer = argument(ctx, 0), function = argument(ctx, 1);

	if (!timer_is_private(function))
		pseudo_hold(ctx, INSTANCE(timer, TIMER), function, meta, PSEUDO(TIMER));
}

static __always_inline void see_timer_end(__u64 *ctx, __u32 meta)
{
	__u64 timer = argument(ctx, 0), function = argument(ctx, 1);

	if (!timer_is_private(function))
		pseudo_drop(INSTANCE(timer, TIMER), meta, PSEUDO(TIMER));
}

static __always_inline void see_timer_delete(__u64 *ctx, __u32 meta)
{
	__u64 timer = argument(ctx, 0), function;

	if (!pseudo_tells(PSEUDO(TIMER)))
		return;
	function = MEMORY_MEMBER(timer, struct timer_list, function);
	if (function && !timer_is_private(function))
		pseudo_attempt(ctx, INSTANCE(timer, TIMER), function, meta, PSEUDO(TIMER));
}

static __always_inline void see_timer_delete_6_12(__u64 *ctx, __u32 meta)
{
	see_timer_delete(ctx, meta);
}

static __always_inline void see_timer_shutdown(__u64 *ctx, __u32 meta)
{
	see_timer_delete(ctx, meta);
}

/* Page faults */

/* (mm, address, regs): the fault of a kernel's access to user memory is about to take mmap_lock. */
static __always_inline void see_fault(__u64 *ctx, __u32 meta)
{
	__u64 mm, regs = argument(ctx, 2);

	if (arch_regs_are_user(regs) || !pseudo_holds_any())
		return;
	mm = argument(ctx, 0);
	meta = EVENT_META(META_HOOK(meta), LV_LEVEL_TASK, LV_RWSEM);
	pseudo_attempt(ctx, mm + bpf_core_field_offset(struct mm_struct, mmap_lock), 0, meta,
		       PSEUDO_READ);
}

/* (start, pages, flags, ...): looks for the pages without the lock, and takes it if they are not all there. */
static __always_inline void see_user_pages(__u64 *ctx, __u32 meta)
{
	__u64 mm;

	if (!pseudo_holds_any())
		return;
	mm = MEMORY_MEMBER(world_task(), struct task_struct, mm);
	meta = EVENT_META(META_HOOK(meta), LV_LEVEL_TASK, LV_RWSEM);
	if (mm)
		pseudo_attempt(ctx, mm + bpf_core_field_offset(struct mm_struct, mmap_lock), 0,
			       meta, PSEUDO_READ);
}

static __always_inline void see_user_pages_pin(__u64 *ctx, __u32 meta)
{
	see_user_pages(ctx, meta);
}

/* The console: who prints to its devices, and who has console_lock() */

static __always_inline void see_console_print(__u64 *ctx, __u32 meta)
{
	pseudo_hold(ctx, INSTANCE(&console_owner, CONSOLE_OWNER), (__u64)&console_owner, meta,
		    PSEUDO(CONSOLE_OWNER));
}

static __always_inline void see_console_printed(__u64 *ctx, __u32 meta)
{
	pseudo_drop(INSTANCE(&console_owner, CONSOLE_OWNER), meta, PSEUDO(CONSOLE_OWNER));
}

#define LOGLEVEL_SCHED -2 /* include/linux/kern_levels.h: printed later, by nobody who is here */

/* (facility, level, ...): who prints may wait for the one who does already. */
static __always_inline void see_console_printk(__u64 *ctx, __u32 meta)
{
	if ((__s32)argument(ctx, 1) != LOGLEVEL_SCHED)
		pseudo_attempt(ctx, INSTANCE(&console_owner, CONSOLE_OWNER),
			       (__u64)&console_owner, meta, PSEUDO(CONSOLE_OWNER));
}

static __always_inline void see_console_locked(__u64 *ctx, __u32 meta)
{
	pseudo_hold(ctx, INSTANCE(&console_sem, CONSOLE_LOCK), (__u64)&console_sem, meta,
		    PSEUDO(CONSOLE_LOCK));
}

static __always_inline void see_console_unlocked(__u64 *ctx, __u32 meta)
{
	pseudo_drop(INSTANCE(&console_sem, CONSOLE_LOCK), meta, PSEUDO(CONSOLE_LOCK));
}

/* Block queues: readers have a bio or a request in one, the writer has frozen it */

/* (bio) */
static __always_inline void see_queue_bio(__u64 *ctx, __u32 meta)
{
	__u64 bio = argument(ctx, 0), disk, queue;

	if (!pseudo_holds_any() ||
	    (__u32)MEMORY_MEMBER(bio, struct bio, bi_opf) >>
			    bpf_core_enum_value(enum req_flag_bits, __REQ_NOWAIT) & 1)
		return;
	disk = MEMORY_MEMBER(MEMORY_MEMBER(bio, struct bio, bi_bdev), struct block_device, bd_disk);
	queue = MEMORY_MEMBER(disk, struct gendisk, queue);
	pseudo_attempt(ctx, INSTANCE(queue, QUEUE_IO), queue, meta,
		       PSEUDO(QUEUE_IO) | PSEUDO_READ);
}

#define BLK_MQ_REQ_NOWAIT 1 /* include/linux/blk-mq.h */

/* (queue, flags): an entry that failed waited for nobody who came. */
static __always_inline void see_queue_enter(__u64 *ctx, __u32 meta)
{
	__u64 queue = argument(ctx, 0);

	if (!(__u32)returned(ctx) && !(argument(ctx, 1) & BLK_MQ_REQ_NOWAIT))
		pseudo_attempt(ctx, INSTANCE(queue, QUEUE), queue, meta,
			       PSEUDO(QUEUE) | PSEUDO_READ);
}

/* Bits of struct gendisk's state, include/linux/blkdev.h, since 5.16 */
#define GD_DEAD (1 << 2)
#define GD_ADDED (1 << 4)
#define GD_OWNS_QUEUE (1 << 6)

/*
 * A frozen queue holds up bios only if its disk is there: those of a dead one fail, and so do requests if
 * the queue dies with it; before a disk is added it has no bios (blk_freeze_set_owner() in block/blk-mq.c,
 * since 6.13).
 */
static __always_inline void see_queue_freeze_6_1(__u64 *ctx, __u32 meta)
{
	__u64 queue = argument(ctx, 0), disk = MEMORY_MEMBER(queue, struct request_queue, disk);
	__u64 state = disk ? MEMORY_MEMBER(disk, struct gendisk, state) : 0;

	if ((state & (GD_DEAD | GD_ADDED)) == GD_ADDED)
		pseudo_hold(ctx, INSTANCE(queue, QUEUE_IO), queue, meta,
			    PSEUDO(QUEUE_IO) | LV_HELD_TRY);
	if ((state & (GD_DEAD | GD_OWNS_QUEUE)) != (GD_DEAD | GD_OWNS_QUEUE))
		pseudo_hold(ctx, INSTANCE(queue, QUEUE), queue, meta,
			    PSEUDO(QUEUE) | LV_HELD_TRY);
}

/* (queue, owner): without one, another task will unfreeze it. */
static __always_inline void see_queue_freeze(__u64 *ctx, __u32 meta)
{
	if (argument(ctx, 1))
		see_queue_freeze_6_1(ctx, meta);
}

static __always_inline void see_queue_unfreeze(__u64 *ctx, __u32 meta)
{
	__u64 queue = argument(ctx, 0);

	pseudo_drop(INSTANCE(queue, QUEUE), meta, PSEUDO(QUEUE));
	pseudo_drop(INSTANCE(queue, QUEUE_IO), meta, PSEUDO(QUEUE_IO));
}

static __always_inline void see_queue_unfreeze_6_12(__u64 *ctx, __u32 meta)
{
	see_queue_unfreeze(ctx, meta);
}

static __always_inline void see_queue_unfreeze_7_2(__u64 *ctx, __u32 meta)
{
	see_queue_unfreeze(ctx, meta);
}

/* It leaves the queue frozen for good; and another may come to lie there. */
static __always_inline void see_queue_gone(__u64 *ctx, __u32 meta)
{
	__u64 disk = argument(ctx, 0), queue = MEMORY_MEMBER(disk, struct gendisk, queue);

	pseudo_drop(INSTANCE(queue, QUEUE), meta, PSEUDO(QUEUE));
	pseudo_drop(INSTANCE(queue, QUEUE_IO), meta, PSEUDO(QUEUE_IO));
	pseudo_retire(INSTANCE(queue, QUEUE), queue, PSEUDO(QUEUE));
	pseudo_retire(INSTANCE(queue, QUEUE_IO), queue, PSEUDO(QUEUE_IO));
}

/* The levels of a filesystem's freeze, by type: readers write, and the writer has a lock (percpu_down_write()) */

#define SB_TYPE(sb) MEMORY_MEMBER(sb, struct super_block, s_type)
#define FILE_INODE(at) MEMORY_MEMBER(at, struct file, f_inode)
#define INODE_SB(at) MEMORY_MEMBER(at, struct inode, i_sb)
#define S_IFMT 0170000
#define S_IFREG 0100000

static __always_inline int inode_is_file(__u64 inode)
{
	return ((__u32)MEMORY_MEMBER(inode, struct inode, i_mode) & S_IFMT) == S_IFREG;
}

#define SB_HOW(level) (PSEUDO(SB_##level) | PSEUDO_READ | PSEUDO_ONCE)
#define SB_HOLD(ctx, sb, level, meta) \
	pseudo_hold(ctx, INSTANCE(sb, SB_##level), SB_TYPE(sb), meta, SB_HOW(level))
#define SB_DROP(sb, level, meta) pseudo_drop(INSTANCE(sb, SB_##level), meta, PSEUDO(SB_##level))

static __always_inline void see_sb_want(__u64 *ctx, __u32 meta)
{
	__u64 mount = argument(ctx, 0), sb;

	if ((__u32)returned(ctx))
		return;
	sb = MEMORY_MEMBER(mount, struct vfsmount, mnt_sb);
	SB_HOLD(ctx, sb, WRITERS, meta);
}

static __always_inline void see_sb_done(__u64 *ctx, __u32 meta)
{
	__u64 mount = argument(ctx, 0), sb = MEMORY_MEMBER(mount, struct vfsmount, mnt_sb);

	SB_DROP(sb, WRITERS, meta);
}

static __always_inline void see_sb_want_file(__u64 *ctx, __u32 meta)
{
	__u64 file = argument(ctx, 0), sb;

	if ((__u32)returned(ctx))
		return;
	sb = INODE_SB(FILE_INODE(file));
	SB_HOLD(ctx, sb, WRITERS, meta);
}

static __always_inline void see_sb_done_file(__u64 *ctx, __u32 meta)
{
	__u64 file = argument(ctx, 0), sb = INODE_SB(FILE_INODE(file));

	SB_DROP(sb, WRITERS, meta);
}

/* (file, ...): of anything but a file, nothing is held. */
static __always_inline void see_sb_allocate(__u64 *ctx, __u32 meta)
{
	__u64 file = argument(ctx, 0), inode = FILE_INODE(file), sb;

	if (!inode_is_file(inode))
		return;
	sb = INODE_SB(inode);
	SB_HOLD(ctx, sb, WRITERS, meta);
}

static __always_inline void see_sb_allocated(__u64 *ctx, __u32 meta)
{
	__u64 file = argument(ctx, 0), inode = FILE_INODE(file), sb;

	if (!inode_is_file(inode))
		return;
	sb = INODE_SB(inode);
	SB_DROP(sb, WRITERS, meta);
}

/* (kiocb, ...): the filesystem's file */
static __always_inline __u64 written_sb(__u64 *ctx)
{
	__u64 iocb = argument(ctx, 0), file = MEMORY_MEMBER(iocb, struct kiocb, ki_filp);
	__u64 inode = FILE_INODE(file);

	return INODE_SB(inode);
}

/* A splice took the level before it locked its pipe, and writes pages without a completion. (kiocb, iov_iter) */
static __always_inline int is_spliced(__u64 *ctx)
{
	__u64 iocb = argument(ctx, 0), from = argument(ctx, 1);

	return (__u8)MEMORY_MEMBER(from, struct iov_iter, iter_type) ==
		       bpf_core_enum_value(enum iter_type, ITER_BVEC) &&
	       !MEMORY_MEMBER(iocb, struct kiocb, ki_complete);
}

/* A splice holds locks that it took after the level, and did not wait for the level under them: as if tried. */
static __always_inline void see_sb_write(__u64 *ctx, __u32 meta)
{
	__u64 sb = written_sb(ctx);

	pseudo_hold(ctx, INSTANCE(sb, SB_WRITERS), SB_TYPE(sb), meta,
		    SB_HOW(WRITERS) | (is_spliced(ctx) ? LV_HELD_TRY : 0));
}

static __always_inline void see_sb_wrote(__u64 *ctx, __u32 meta)
{
	__u64 sb = written_sb(ctx);

	SB_DROP(sb, WRITERS, meta);
}

static __always_inline void see_sb_write_ext4(__u64 *ctx, __u32 meta)
{
	see_sb_write(ctx, meta);
}

static __always_inline void see_sb_wrote_ext4(__u64 *ctx, __u32 meta)
{
	see_sb_wrote(ctx, meta);
}

static __always_inline void see_sb_write_xfs(__u64 *ctx, __u32 meta)
{
	see_sb_write(ctx, meta);
}

static __always_inline void see_sb_wrote_xfs(__u64 *ctx, __u32 meta)
{
	see_sb_wrote(ctx, meta);
}

static __always_inline void see_sb_write_btrfs(__u64 *ctx, __u32 meta)
{
	see_sb_write(ctx, meta);
}

static __always_inline void see_sb_wrote_btrfs(__u64 *ctx, __u32 meta)
{
	see_sb_wrote(ctx, meta);
}

static __always_inline void see_sb_write_f2fs(__u64 *ctx, __u32 meta)
{
	see_sb_write(ctx, meta);
}

static __always_inline void see_sb_wrote_f2fs(__u64 *ctx, __u32 meta)
{
	see_sb_wrote(ctx, meta);
}

static __always_inline void see_sb_write_shmem(__u64 *ctx, __u32 meta)
{
	see_sb_write(ctx, meta);
}

static __always_inline void see_sb_wrote_shmem(__u64 *ctx, __u32 meta)
{
	see_sb_wrote(ctx, meta);
}

static __always_inline void see_sb_write_fuse(__u64 *ctx, __u32 meta)
{
	see_sb_write(ctx, meta);
}

static __always_inline void see_sb_wrote_fuse(__u64 *ctx, __u32 meta)
{
	see_sb_wrote(ctx, meta);
}

static __always_inline void see_sb_write_ovl(__u64 *ctx, __u32 meta)
{
	see_sb_write(ctx, meta);
}

static __always_inline void see_sb_wrote_ovl(__u64 *ctx, __u32 meta)
{
	see_sb_wrote(ctx, meta);
}

static __always_inline void see_sb_write_generic(__u64 *ctx, __u32 meta)
{
	see_sb_write(ctx, meta);
}

static __always_inline void see_sb_wrote_generic(__u64 *ctx, __u32 meta)
{
	see_sb_wrote(ctx, meta);
}

/* The inode that a fault is about. */
static __always_inline __u64 fault_inode(__u64 vmf)
{
	__u64 vma = MEMORY_MEMBER(vmf, struct vm_fault, vma);
	__u64 file = vma ? MEMORY_MEMBER(vma, struct vm_area_struct, vm_file) : 0;

	return file ? FILE_INODE(file) : 0;
}

static __always_inline void see_sb_mkwrite(__u64 *ctx, __u32 meta)
{
	__u64 vmf = argument(ctx, 0), inode = fault_inode(vmf), sb;

	if (!inode || !inode_is_file(inode))
		return;
	sb = INODE_SB(inode);
	SB_HOLD(ctx, sb, PAGEFAULTS, meta);
}

/* The mapping may be another by now: mmap_lock may have been given back. */
static __always_inline void see_sb_mkwritten(__u64 *ctx, __u32 meta)
{
	pseudo_drop_kind(meta, PSEUDO(SB_PAGEFAULTS));
}

/* Only where it deletes the file, and begins a handle, does it take the level. */
static __always_inline void see_sb_evict(__u64 *ctx, __u32 meta)
{
	__u64 inode = argument(ctx, 0), sb;

	if ((__u32)MEMORY_MEMBER(inode, struct inode, i_nlink) ||
	    MEMORY_MEMBER(world_task(), struct task_struct, journal_info))
		return;
	sb = INODE_SB(inode);
	SB_HOLD(ctx, sb, INTERNAL, meta);
}

static __always_inline void see_sb_evicted(__u64 *ctx, __u32 meta)
{
	__u64 inode = argument(ctx, 0), sb = INODE_SB(inode);

	SB_DROP(sb, INTERNAL, meta);
}

/* Nor does one that has a copy of a file's pages (see fs/f2fs/inode.c): that goes before, with its locks. */
static __always_inline void see_sb_f2fs_evict(__u64 *ctx, __u32 meta)
{
	__u64 inode = argument(ctx, 0);
	__u64 of_f2fs = inode - bpf_core_field_offset(struct f2fs_inode_info, vfs_inode);

	if (!MEMORY_MEMBER(of_f2fs, struct f2fs_inode_info, cow_inode))
		see_sb_evict(ctx, meta);
}

static __always_inline void see_sb_f2fs_evicted(__u64 *ctx, __u32 meta)
{
	see_sb_evicted(ctx, meta);
}

/* (sb, ...): within a transaction it only counts. It takes a lock of its own beneath the level, so from the entry. */
static __always_inline void see_sb_nilfs_begin(__u64 *ctx, __u32 meta)
{
	__u64 sb = argument(ctx, 0);

	if (!MEMORY_MEMBER(world_task(), struct task_struct, journal_info))
		SB_HOLD(ctx, sb, INTERNAL, meta);
}

static __always_inline void see_sb_nilfs_begun(__u64 *ctx, __u32 meta)
{
	__u64 sb = argument(ctx, 0);

	if ((__u32)returned(ctx))
		SB_DROP(sb, INTERNAL, meta);
}

/* (sb): the outermost leaves no transaction to the task. */
static __always_inline void see_sb_nilfs_commit(__u64 *ctx, __u32 meta)
{
	__u64 sb = argument(ctx, 0);

	if (!MEMORY_MEMBER(world_task(), struct task_struct, journal_info))
		SB_DROP(sb, INTERNAL, meta);
}

static __always_inline void see_sb_nilfs_abort(__u64 *ctx, __u32 meta)
{
	see_sb_nilfs_commit(ctx, meta);
}

#define XFS_TRANS_NO_WRITECOUNT (1u << 5) /* fs/xfs/libxfs/xfs_shared.h */

/* (mount, reservation, blocks, extents, flags, ...) */
static __always_inline void see_sb_xfs_begin(__u64 *ctx, __u32 meta)
{
	__u64 mount = argument(ctx, 0), sb;

	if ((__u32)returned(ctx) || argument(ctx, 4) & XFS_TRANS_NO_WRITECOUNT)
		return;
	sb = MEMORY_MEMBER(mount, struct xfs_mount, m_super);
	SB_HOLD(ctx, sb, INTERNAL, meta);
}

/* One that is rolled on has given the level to the next. */
static __always_inline void see_sb_xfs_end(__u64 *ctx, __u32 meta)
{
	__u64 transaction = argument(ctx, 0), mount, sb;

	if (MEMORY_MEMBER(transaction, struct xfs_trans, t_flags) & XFS_TRANS_NO_WRITECOUNT)
		return;
	mount = MEMORY_MEMBER(transaction, struct xfs_trans, t_mountp);
	sb = MEMORY_MEMBER(mount, struct xfs_mount, m_super);
	SB_DROP(sb, INTERNAL, meta);
}

/* (dentry): of the filesystem that overlayfs writes to. */
static __always_inline __u64 overlaid_sb(__u64 dentry)
{
	__u64 sb = MEMORY_MEMBER(dentry, struct dentry, d_sb);
	__u64 overlay = MEMORY_MEMBER(sb, struct super_block, s_fs_info);
	__u64 layers = MEMORY_MEMBER(overlay, struct ovl_fs, layers);
	__u64 mount = MEMORY_MEMBER(layers, struct ovl_layer, mnt);

	return MEMORY_MEMBER(mount, struct vfsmount, mnt_sb);
}

static __always_inline void see_sb_overlay(__u64 *ctx, __u32 meta)
{
	__u64 dentry = argument(ctx, 0), sb = overlaid_sb(dentry);

	SB_HOLD(ctx, sb, WRITERS, meta);
}

static __always_inline void see_sb_overlay_end(__u64 *ctx, __u32 meta)
{
	__u64 dentry = argument(ctx, 0), sb = overlaid_sb(dentry);

	SB_DROP(sb, WRITERS, meta);
}

/* btrfs: who has joined a transaction is a reader of two counts; who commits it waits until they are gone */

#define BTRFS_FREEZABLE 1u /* __TRANS_FREEZABLE (fs/btrfs/transaction.h) */
#define BTRFS_HOW(kind) (PSEUDO(BTRFS_##kind) | PSEUDO_READ | PSEUDO_ONCE)

static __always_inline void see_btrfs_join(__u64 *ctx, __u32 meta)
{
	__u64 fs_info = argument(ctx, 0), sb;

	if ((__u32)returned(ctx))
		return;
	sb = MEMORY_MEMBER(fs_info, struct btrfs_fs_info, sb);
	if (argument(ctx, 1) & BTRFS_FREEZABLE)
		SB_HOLD(ctx, sb, INTERNAL, meta);
	pseudo_hold(ctx, INSTANCE(fs_info, BTRFS_WRITERS), THE_ONE, meta, BTRFS_HOW(WRITERS));
	pseudo_hold(ctx, INSTANCE(fs_info, BTRFS_EXTWRITERS), THE_ONE, meta,
		    BTRFS_HOW(EXTWRITERS));
}

/* (handle, ...): one that was begun in another only counts. */
static __always_inline void see_btrfs_end(__u64 *ctx, __u32 meta)
{
	__u64 handle = argument(ctx, 0), fs_info, sb;

	if ((__u32)MEMORY_MEMBER(handle, struct btrfs_trans_handle, use_count) > 1)
		return;
	fs_info = MEMORY_MEMBER(handle, struct btrfs_trans_handle, fs_info);
	sb = MEMORY_MEMBER(fs_info, struct btrfs_fs_info, sb);
	pseudo_drop(INSTANCE(fs_info, BTRFS_EXTWRITERS), meta, PSEUDO(BTRFS_EXTWRITERS));
	pseudo_drop(INSTANCE(fs_info, BTRFS_WRITERS), meta, PSEUDO(BTRFS_WRITERS));
	if (MEMORY_MEMBER(handle, struct btrfs_trans_handle, type) & BTRFS_FREEZABLE)
		SB_DROP(sb, INTERNAL, meta);
}

/* (handle): each count is given back just before it is waited for; that of all who joined is the second. */
static __always_inline void see_btrfs_commit(__u64 *ctx, __u32 meta)
{
	__u64 handle = argument(ctx, 0);
	__u64 fs_info = MEMORY_MEMBER(handle, struct btrfs_trans_handle, fs_info);

	pseudo_drop(INSTANCE(fs_info, BTRFS_EXTWRITERS), meta, PSEUDO(BTRFS_EXTWRITERS));
	pseudo_attempt(ctx, INSTANCE(fs_info, BTRFS_EXTWRITERS), THE_ONE, meta,
		       PSEUDO(BTRFS_EXTWRITERS));
}

/* From here on the transaction that the task commits blocks others, until its state is another. */
static __always_inline void see_btrfs_block(__u64 *ctx, __u32 meta)
{
	__u64 fs_info = argument(ctx, 0), handle = pseudo_handle(), transaction;

	if (!memory_is_direct(handle))
		return;
	pseudo_drop(INSTANCE(fs_info, BTRFS_WRITERS), meta, PSEUDO(BTRFS_WRITERS));
	pseudo_attempt(ctx, INSTANCE(fs_info, BTRFS_WRITERS), THE_ONE, meta,
		       PSEUDO(BTRFS_WRITERS));
	transaction = MEMORY_MEMBER(handle, struct btrfs_trans_handle, transaction);
	pseudo_hold(ctx, INSTANCE(transaction, BTRFS_UNBLOCKED), THE_ONE, meta,
		    BTRFS_HOW(UNBLOCKED));
}

/* The handle is freed by now. */
static __always_inline void see_btrfs_committed(__u64 *ctx, __u32 meta)
{
	pseudo_drop_kind(meta, PSEUDO(BTRFS_UNBLOCKED));
	pseudo_drop_kind(meta, PSEUDO(BTRFS_WRITERS));
	pseudo_drop_kind(meta, PSEUDO(SB_INTERNAL));
}

/* (fs_info, type): who is about to join, and has the level by now, as after btrfs_join. */
static __always_inline void see_btrfs_wait(__u64 *ctx, __u32 meta)
{
	__u64 fs_info = argument(ctx, 0), sb = MEMORY_MEMBER(fs_info, struct btrfs_fs_info, sb);
	__u32 freezable = argument(ctx, 1) & BTRFS_FREEZABLE;

	if (freezable)
		SB_HOLD(ctx, sb, INTERNAL, meta);
	pseudo_attempt(ctx, INSTANCE(fs_info, BTRFS_UNBLOCKED), THE_ONE, meta,
		       PSEUDO(BTRFS_UNBLOCKED));
	if (freezable)
		SB_DROP(sb, INTERNAL, meta);
}

/* Memory reclaim: held while it runs, waited for by who allocates with what lets it enter a filesystem */

/* include/linux/gfp_types.h, and include/linux/sched.h */
#define GFP_FS 0x80u
#define GFP_DIRECT_RECLAIM 0x400u
#define PF_MEMALLOC 0x800u
#define PF_MEMALLOC_NOFS 0x40000u
#define PF_MEMALLOC_NOIO 0x80000u

/* __need_reclaim() of mm/page_alloc.c, with current_gfp_context() */
static __always_inline int may_reclaim(__u32 gfp)
{
	__u32 flags;

	if ((gfp & (GFP_FS | GFP_DIRECT_RECLAIM)) != (GFP_FS | GFP_DIRECT_RECLAIM))
		return 0;
	flags = MEMORY_MEMBER(world_task(), struct task_struct, flags);
	return !(flags & (PF_MEMALLOC | PF_MEMALLOC_NOFS | PF_MEMALLOC_NOIO));
}

/* (zonelist, order, gfp): the task has PF_MEMALLOC by now. */
static __always_inline void see_reclaim_start(__u64 *ctx, __u32 meta)
{
	__u32 scoped = PF_MEMALLOC_NOFS | PF_MEMALLOC_NOIO;

	if (argument(ctx, 2) & GFP_FS &&
	    !((__u32)MEMORY_MEMBER(world_task(), struct task_struct, flags) & scoped))
		pseudo_hold(ctx, INSTANCE(THE_ONE, RECLAIM), THE_ONE, meta, PSEUDO(RECLAIM));
}

static __always_inline void see_reclaim_end(__u64 *ctx, __u32 meta)
{
	pseudo_drop(INSTANCE(THE_ONE, RECLAIM), meta, PSEUDO(RECLAIM));
}

static __always_inline void see_reclaim_kswapd(__u64 *ctx, __u32 meta)
{
	pseudo_hold(ctx, INSTANCE(THE_ONE, RECLAIM), THE_ONE, meta, PSEUDO(RECLAIM));
}

static __always_inline void see_reclaim_kswapd_end(__u64 *ctx, __u32 meta)
{
	see_reclaim_end(ctx, meta);
}

/* (cache, gfp, ...): who may reclaim spins on nothing. */
static __always_inline void see_reclaim_slab(__u64 *ctx, __u32 meta)
{
	if (may_reclaim(argument(ctx, 1)))
		pseudo_attempt(ctx, INSTANCE(THE_ONE, RECLAIM), THE_ONE, meta,
			       PSEUDO(RECLAIM) | PSEUDO_IN_TRACE);
}

/* (cache, objects, gfp, ...) */
static __always_inline void see_reclaim_slab_7_2(__u64 *ctx, __u32 meta)
{
	if (may_reclaim(argument(ctx, 2)))
		pseudo_attempt(ctx, INSTANCE(THE_ONE, RECLAIM), THE_ONE, meta,
			       PSEUDO(RECLAIM) | PSEUDO_IN_TRACE);
}

/* jbd2: a handle is held in its transaction, whose commit waits for it */

/* (journal, handle, gfp): what was reserved before does not wait. */
static __always_inline void see_journal_wait(__u64 *ctx, __u32 meta)
{
	__u64 handle = argument(ctx, 1);

	if (!BPF_CORE_READ_BITFIELD_PROBED((struct jbd2_journal_handle *)handle, h_reserved))
		pseudo_attempt(ctx, INSTANCE(handle, JOURNAL), THE_ONE, meta, PSEUDO(JOURNAL));
}

/* As if tried: the attempt has its dependencies, and what is taken later hangs on older holders, too. */
static __always_inline void see_journal_start(__u64 *ctx, __u32 meta)
{
	__u64 handle = argument(ctx, 1);

	if (!(__u32)returned(ctx))
		pseudo_hold(ctx, INSTANCE(handle, JOURNAL), THE_ONE, meta,
			    PSEUDO(JOURNAL) | PSEUDO_READ | LV_HELD_TRY | PSEUDO_ONCE);
}

static __always_inline void see_journal_stop(__u64 *ctx, __u32 meta)
{
	pseudo_drop(INSTANCE(argument(ctx, 0), JOURNAL), meta, PSEUDO(JOURNAL));
}

/* (journal, tid) */
static __always_inline void see_journal_commit(__u64 *ctx, __u32 meta)
{
	pseudo_attempt(ctx, INSTANCE(argument(ctx, 0), JOURNAL), THE_ONE, meta, PSEUDO(JOURNAL));
}

/* srcu: of few is it ever waited for under a lock */

static __always_inline void see_srcu_read(__u64 *ctx, __u32 meta)
{
	__u64 srcu = argument(ctx, 0);

	if (pseudo_kind_is_known(LV_PSEUDO_SRCU))
		pseudo_hold(ctx, INSTANCE(srcu, SRCU), srcu, meta,
			    PSEUDO(SRCU) | PSEUDO_READ | PSEUDO_RECURSIVE | PSEUDO_IF_KNOWN);
}

static __always_inline void see_srcu_read_end(__u64 *ctx, __u32 meta)
{
	if (pseudo_kind_is_known(LV_PSEUDO_SRCU))
		pseudo_drop(INSTANCE(argument(ctx, 0), SRCU), meta, PSEUDO(SRCU));
}

static __always_inline void see_srcu_wait(__u64 *ctx, __u32 meta)
{
	__u64 srcu = argument(ctx, 0);

	pseudo_attempt(ctx, INSTANCE(srcu, SRCU), srcu, meta, PSEUDO(SRCU));
}

/* CPUs that come and go: the callbacks run in a thread, for which who starts them waits */

static __always_inline void see_cpuhp_start(__u64 *ctx, __u32 meta)
{
	const struct lv_cpu *cpu = world_cpu(world_cpu_id());
	__u64 state = cpu ? (__u64)&cpuhp_state + cpu->percpu : 0;

	if (!cpu || !&cpuhp_state)
		return;
	if ((__u8)MEMORY_MEMBER(state, struct cpuhp_cpu_state, bringup))
		pseudo_hold(ctx, INSTANCE(THE_ONE, CPUHP_UP), THE_ONE, meta, PSEUDO(CPUHP_UP));
	else
		pseudo_hold(ctx, INSTANCE(THE_ONE, CPUHP_DOWN), THE_ONE, meta, PSEUDO(CPUHP_DOWN));
}

static __always_inline void see_cpuhp_end(__u64 *ctx, __u32 meta)
{
	pseudo_drop(INSTANCE(THE_ONE, CPUHP_UP), meta, PSEUDO(CPUHP_UP));
	pseudo_drop(INSTANCE(THE_ONE, CPUHP_DOWN), meta, PSEUDO(CPUHP_DOWN));
}

static __always_inline void see_cpuhp_up(__u64 *ctx, __u32 meta)
{
	pseudo_attempt(ctx, INSTANCE(THE_ONE, CPUHP_UP), THE_ONE, meta, PSEUDO(CPUHP_UP));
}

static __always_inline void see_cpuhp_down(__u64 *ctx, __u32 meta)
{
	pseudo_attempt(ctx, INSTANCE(THE_ONE, CPUHP_DOWN), THE_ONE, meta, PSEUDO(CPUHP_DOWN));
}

/* cgroup_threadgroup_rwsem: its writers are seen as a lock's, its readers are inlined in these */

#define PERCPU_META(meta) EVENT_META(META_HOOK(meta), LV_LEVEL_TASK, LV_PERCPU_RWSEM)

static __always_inline void see_threads_fork(__u64 *ctx, __u32 meta)
{
	if (!(__u32)returned(ctx) && &cgroup_threadgroup_rwsem)
		pseudo_hold(ctx, (__u64)&cgroup_threadgroup_rwsem, 0, PERCPU_META(meta),
			    PSEUDO_READ);
}

static __always_inline void see_threads_forked(__u64 *ctx, __u32 meta)
{
	pseudo_drop((__u64)&cgroup_threadgroup_rwsem, PERCPU_META(meta), PSEUDO_READ);
}

static __always_inline void see_threads_not_forked(__u64 *ctx, __u32 meta)
{
	see_threads_forked(ctx, meta);
}

/* ext4's s_writepages_rwsem: a lock, whose readers are inlined, too, and of no type that its memory would tell */

/* (mapping, ...): the filesystem stands for its lock. */
static __always_inline __u64 writepages_lock(const __u64 *ctx)
{
	__u64 inode = MEMORY_MEMBER(argument((void *)ctx, 0), struct address_space, host);

	return MEMORY_MEMBER(INODE_SB(inode), struct super_block, s_fs_info);
}

static __always_inline void see_writepages(__u64 *ctx, __u32 meta)
{
	pseudo_hold(ctx, INSTANCE(writepages_lock(ctx), WRITEPAGES), THE_ONE, meta,
		    PSEUDO(WRITEPAGES) | PSEUDO_READ);
}

static __always_inline void see_writepages_end(__u64 *ctx, __u32 meta)
{
	pseudo_drop(INSTANCE(writepages_lock(ctx), WRITEPAGES), meta, PSEUDO(WRITEPAGES));
}

/* kernfs: who uses a file of sysfs or of a cgroup has a reference; who removes it waits until they are gone */

/* include/linux/kernfs.h */
#define KERNFS_FILE 0x2u
#define KERNFS_ACTIVATED 0x10u

/*
 * The attribute that a node is a file of; 0: it is none, or the attribute is no static object: what
 * comes to lie where that was is not told apart.
 */
static __always_inline __u64 kernfs_attribute(__u64 node)
{
	__u64 attribute;

	if (!(MEMORY_MEMBER(node, struct kernfs_node, flags) & KERNFS_FILE))
		return 0;
	attribute = MEMORY_MEMBER(node, struct kernfs_node, priv);
	return arch_is_image(attribute) ? attribute : 0;
}

static __always_inline void see_kernfs_get(__u64 *ctx, __u32 meta)
{
	__u64 node = argument(ctx, 0), attribute = returned(ctx) ? kernfs_attribute(node) : 0;

	if (attribute)
		pseudo_hold(ctx, INSTANCE(node, KERNFS), attribute, meta,
			    PSEUDO(KERNFS) | PSEUDO_READ | LV_HELD_TRY | PSEUDO_IF_KNOWN);
}

static __always_inline void see_kernfs_put(__u64 *ctx, __u32 meta)
{
	__u64 node = argument(ctx, 0);

	if (node)
		pseudo_drop(INSTANCE(node, KERNFS), meta, PSEUDO(KERNFS));
}

/* A file always has a parent, and that is a folder. */
static __always_inline __u64 kernfs_root_of(__u64 node)
{
	__u64 parent = bpf_core_field_exists(struct kernfs_node, parent) ?
			       MEMORY_MEMBER(node, struct kernfs_node, parent) :
			       MEMORY_MEMBER(node, struct kernfs_node___6_15, __parent);

	return parent ? MEMORY_MEMBER(parent, struct kernfs_node, dir.root) : 0;
}

/* (node, on newer kernels whether the supers' lock, too): the caller's lock of the tree is given back for the wait. */
static __always_inline void see_kernfs_drain(__u64 *ctx, __u32 meta)
{
	__u64 node = argument(ctx, 0), root, attribute;
	__u32 tree, supers = 0;

	if (!pseudo_holds_any() ||
	    !(MEMORY_MEMBER(node, struct kernfs_node, flags) & KERNFS_ACTIVATED))
		return;
	attribute = kernfs_attribute(node);
	root = attribute ? kernfs_root_of(node) : 0;
	if (!root)
		return;
	tree = pseudo_lay_aside(root + bpf_core_field_offset(struct kernfs_root, kernfs_rwsem));
	if (!tree)
		return;
	if (bpf_core_field_exists(struct kernfs_root, kernfs_supers_rwsem) && (__u8)argument(ctx, 1))
		supers = pseudo_lay_aside(root + bpf_core_field_offset(struct kernfs_root,
								       kernfs_supers_rwsem));
	pseudo_attempt(ctx, INSTANCE(node, KERNFS), attribute, meta, PSEUDO(KERNFS));
	pseudo_take_back(supers);
	pseudo_take_back(tree);
}

#endif
