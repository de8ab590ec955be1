/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel types that lockvane reads, kept by hand: only the members
 * used, relocated by CO-RE to where the running kernel has them. Each says
 * where it is defined and since when: tools/vmlinux-check reads it, and holds
 * all of it against the BTF of the kernels we test on. `___name` flavours are
 * other kernels' versions of a type.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef _Bool bool;

/* include/uapi/linux/bpf.h */
enum bpf_map_type {
	BPF_MAP_TYPE_ARRAY = 2,
};

enum {
	BPF_F_MMAPABLE = 1 << 10, /* since 5.5 */
};

/* include/uapi/linux/bpf.h, since 5.1 */
struct bpf_spin_lock {
	__u32 val;
};

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#endif

/* kernel/sched/sched.h; called lock before 5.14 */
struct rq {
	struct {
	} __lock;
};

/* arch/x86/include/asm/ptrace.h, arch/arm64/include/asm/ptrace.h */
struct pt_regs {
	unsigned long r15; /* with CONFIG_X86; its first member */
	unsigned short cs; /* with CONFIG_X86, since 6.9; a word of eight bytes before */
	unsigned long pstate; /* with CONFIG_ARM64 */
};

/* arch/x86/include/asm/current.h, 6.2 to 6.14, with CONFIG_X86 */
struct pcpu_hot {
	int preempt_count;
};

/* arch/arm64/include/asm/thread_info.h */
struct thread_info {
	unsigned long preempt_count; /* with CONFIG_ARM64 */
};

/* kernel/module/internal.h, since 6.0 */
struct mod_tree_root {
	unsigned long addr_min;
	unsigned long addr_max;
};

/* include/linux/mm_types.h; page_type is in a union with _mapcount */
struct page {
	unsigned long flags;	     /* until 6.17: a struct since, and no slab's bit in it */
	unsigned long compound_head; /* until 6.19 */
	unsigned int page_type;
};

/* The same since 7.0: compound_head has become compound_info. */
struct page___7_0 {
	unsigned long compound_info;
};

/* include/linux/page-flags.h; slabs had a bit in flags until 6.9 */
enum pageflags {
	PG_slab = 9, /* until 6.9 */
	PG_head = 16,
};

/* include/linux/page-flags.h, since 6.11: the top byte of page_type */
enum pagetype {
	PGTY_slab = 0xf5,
};

/* mm/slab.h, since 5.17; lies over struct page */
struct slab {
	struct kmem_cache *slab_cache;
};

/* mm/slab.h (include/linux/slub_def.h before 6.8) */
struct kmem_cache {
	unsigned int size;
	unsigned int object_size;
	unsigned int red_left_pad;
	int refcount; /* how many caches were merged into this one */
	const char *name;
};

/* mm/percpu-internal.h, with CONFIG_SMP */
struct pcpu_chunk {
	void *base_addr;
	int nr_pages;
};

/*
 * include/linux/mutex.h (mutex_types.h from 6.7 on), without CONFIG_PREEMPT_RT; there it has no
 * owner but an rt_mutex_base
 */
struct mutex {
	struct {
	} owner, wait_lock;
};

/* include/linux/rtmutex.h, since 5.15; everything has it */
struct rt_mutex_base {
	struct task_struct *owner;
};

/* include/linux/sched.h */
struct task_struct {
	struct {
	} thread_info;
	unsigned int __state;
	unsigned int flags;
	void *stack;
	int on_rq; /* until 7.1 */
	int pid;
	struct mm_struct *mm;
	void *worker_private; /* of a kernel thread: its struct kthread, since 5.17 */
	unsigned long nvcsw;
	unsigned long nivcsw;
	char comm[16];
	void *journal_info;
};

/* kernel/kthread.c */
struct kthread {
	void *data;
};

/* include/linux/workqueue.h (workqueue_types.h from 6.8 on) */
struct work_struct {
	void *func;
};

/* kernel/workqueue.c */
struct workqueue_struct {
	char name[24]; /* 32 since 6.9 */
};

/* kernel/workqueue.c */
struct pool_workqueue {
	struct workqueue_struct *wq;
};

/* kernel/workqueue_internal.h */
struct worker {
	struct work_struct *current_work;
	struct pool_workqueue *current_pwq;
};

/* include/linux/timer.h (timer_types.h from 6.8 on) */
struct timer_list {
	void *function;
};

/* include/linux/mm_types.h */
struct mm_struct {
	struct {
	} mmap_lock;
};

/* include/linux/semaphore.h */
struct semaphore {
	unsigned int count;
};

/* include/linux/blk_types.h */
enum req_flag_bits {
	__REQ_NOWAIT = 21,
};

/* include/linux/blkdev.h */
struct request_queue {
	struct gendisk *disk;
	int mq_freeze_depth;
};

/* include/linux/blkdev.h */
struct gendisk {
	char disk_name[32];
	unsigned long state;
	struct request_queue *queue;
};

/* include/linux/blk_types.h */
struct block_device {
	struct gendisk *bd_disk;
};

/* include/linux/blk_types.h */
struct bio {
	struct block_device *bi_bdev;
	unsigned int bi_opf; /* blk_opf_t */
};

/* include/linux/fs.h (fs/super_types.h from 6.19 on) */
struct file_system_type {
	const char *name;
};

/* The same */
struct super_block {
	struct file_system_type *s_type;
	void *s_fs_info;
};

/* include/linux/fs.h */
struct inode {
	unsigned short i_mode;
	struct super_block *i_sb;
	unsigned int i_nlink;
};

/* include/linux/fs.h */
struct file {
	struct inode *f_inode;
};

/* The same */
struct kiocb {
	struct file *ki_filp;
	void (*ki_complete)(struct kiocb *iocb, long ret);
};

/* include/linux/uio.h */
enum iter_type {
	ITER_BVEC = 2,
};

struct iov_iter {
	__u8 iter_type;
};

/* include/linux/fs.h */
struct address_space {
	struct inode *host;
};

/* include/linux/dcache.h */
struct dentry {
	struct super_block *d_sb;
};

/* include/linux/mount.h */
struct vfsmount {
	struct super_block *mnt_sb;
};

/* include/linux/mm_types.h */
struct vm_area_struct {
	struct file *vm_file;
};

/* include/linux/mm.h */
struct vm_fault {
	struct vm_area_struct *vma;
};

/* include/linux/jbd2.h; optional, it may be a module's */
struct jbd2_journal_handle {
	unsigned int h_reserved : 1;
};

/* fs/f2fs/f2fs.h; module f2fs */
struct f2fs_inode_info {
	struct inode vfs_inode;
	struct inode *cow_inode;
};

/* fs/xfs/xfs_mount.h; module xfs */
struct xfs_mount {
	struct super_block *m_super;
};

/* fs/xfs/xfs_trans.h; module xfs */
struct xfs_trans {
	unsigned int t_flags;
	struct xfs_mount *t_mountp;
};

/* fs/overlayfs/ovl_entry.h; module overlay */
struct ovl_layer {
	struct vfsmount *mnt;
};

/* fs/overlayfs/ovl_entry.h; module overlay */
struct ovl_fs {
	struct ovl_layer *layers;
};

/* fs/btrfs/fs.h (ctree.h on 6.1); module btrfs */
struct btrfs_fs_info {
	struct super_block *sb;
};

/* fs/btrfs/transaction.h; module btrfs */
enum btrfs_trans_state {
	TRANS_STATE_COMMIT_START = 1,
	TRANS_STATE_UNBLOCKED = 3,
};

/* fs/btrfs/transaction.h; module btrfs */
struct btrfs_transaction {
	enum btrfs_trans_state state;
};

/* fs/btrfs/transaction.h; module btrfs */
struct btrfs_trans_handle {
	struct btrfs_transaction *transaction;
	struct {
	} use_count;
	unsigned int type;
	struct btrfs_fs_info *fs_info;
};

/* include/linux/kernfs.h */
struct kernfs_elem_dir {
	struct kernfs_root *root;
};

/* include/linux/kernfs.h */
struct kernfs_node {
	struct {
	} active;
	struct kernfs_node *parent; /* until 6.14 */
	unsigned short flags;
	void *priv;
	struct kernfs_elem_dir dir;
};

/* include/linux/kernfs.h, since 6.15: the parent has another name. */
struct kernfs_node___6_15 {
	struct kernfs_node *__parent;
};

/* fs/kernfs/kernfs-internal.h */
struct kernfs_root {
	struct {
	} kernfs_rwsem;
	struct {
	} kernfs_supers_rwsem; /* optional */
};

/* kernel/cpu.c */
struct cpuhp_cpu_state {
	bool bringup;
};

/* include/linux/sched.h, since 7.2: of another size. */
struct task_struct___7_2 {
	unsigned char on_rq;
};

/*
 * include/linux/rwsem.h, without CONFIG_PREEMPT_RT; there it is a struct rwbase_rt, whose first
 * word counts readers
 */
struct rw_semaphore {
	struct {
	} count, owner, wait_lock;
};

/* include/linux/rcu_sync.h; the first member of struct percpu_rw_semaphore */
struct rcu_sync {
	int gp_state;
};

/* include/linux/filter.h, since 5.12; the runs that were skipped, one a CPU */
struct bpf_prog_stats {
	struct {
	} misses;
};

/* include/linux/bpf.h */
struct bpf_prog_aux {
	__u32 id;
};

/* include/linux/bpf.h (filter.h before 6.2) */
struct bpf_prog {
	struct bpf_prog_stats *stats;
	struct bpf_prog_aux *aux;
};

/* kernel/bpf/prog_iter.c */
struct bpf_iter__bpf_prog {
	struct bpf_prog *prog;
};

/* kernel/bpf/task_iter.c */
struct bpf_iter__task {
	struct task_struct *task;
};

/* include/linux/module.h, since 6.4 */
struct module_memory {
	void *base;
	unsigned int size;
};

/* include/linux/module.h, with CONFIG_SMP */
struct module {
	char name[56];
	struct module_memory mem[7]; /* since 6.4 */
	void *percpu;
	unsigned int percpu_size;
};

/* include/linux/module.h, until 6.3 */
struct module_layout {
	void *base;
	unsigned int size;
};

/* The same until 6.3 */
struct module___6_3 {
	struct module_layout core_layout;
};

/* include/net/sock.h */
struct sock {
	struct {
		int owned;
	} sk_lock;
	__u8 sk_kern_sock : 1;
};

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif
