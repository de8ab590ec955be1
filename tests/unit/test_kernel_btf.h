/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel's types in small, made with libbpf's own builder: the structs the
 * naming rules are about, with the real offsets of 6.12 where that matters.
 */
#ifndef LOCKVANE_TEST_KERNEL_BTF_H
#define LOCKVANE_TEST_KERNEL_BTF_H

#include "test_kernel_util.h"

#include <bpf/btf.h>

#include "kernel/kbtf.h"

struct mini {
	struct btf *btf;
	int u8, u32, u64, boolean;
	int spinlock_t, raw_spinlock_t, rwlock_t, mutex, rw_semaphore, wait_queue_head_t, swait;
	int completion, inode;
};

static inline int mini_struct(struct mini *m, const char *name, uint32_t size)
{
	int id = btf__add_struct(m->btf, name, size);

	assert_true(id > 0);
	return id;
}

/* Adds to the struct or union begun last. */
static inline void mini_field(struct mini *m, const char *name, int type, uint32_t off)
{
	assert_int_equal(btf__add_field(m->btf, name, type, off * 8, 0), 0);
}

static inline int mini_array(struct mini *m, int type, uint32_t nr)
{
	int id = btf__add_array(m->btf, m->u32, type, nr);

	assert_true(id > 0);
	return id;
}

static inline void mini_spinlocks(struct mini *m, bool rt)
{
	struct btf *b = m->btf;
	int raw, base, spin;

	raw = mini_struct(m, "raw_spinlock", 4);
	mini_field(m, "raw_lock", m->u32, 0);
	m->raw_spinlock_t = btf__add_typedef(b, "raw_spinlock_t", raw);
	if (rt) {
		base = mini_struct(m, "rt_mutex_base", 32);
		mini_field(m, "wait_lock", m->raw_spinlock_t, 0);
		mini_field(m, "owner", m->u64, 24);
		spin = mini_struct(m, "spinlock", 32);
		mini_field(m, "lock", base, 0);
	} else {
		int rlock = btf__add_union(b, NULL, 4);

		mini_field(m, "rlock", raw, 0);
		spin = mini_struct(m, "spinlock", 4);
		mini_field(m, NULL, rlock, 0);
	}
	m->spinlock_t = btf__add_typedef(b, "spinlock_t", spin);
}

static inline void mini_locks(struct mini *m)
{
	struct btf *b = m->btf;
	int list, anon, head;

	list = mini_struct(m, "list_head", 16);
	mini_field(m, "next", m->u64, 0);
	mini_field(m, "prev", m->u64, 8);
	anon = mini_struct(m, NULL, 8);
	mini_field(m, "raw_lock", m->u64, 0);
	m->rwlock_t = btf__add_typedef(b, "rwlock_t", anon);
	m->mutex = mini_struct(m, "mutex", 32);
	mini_field(m, "owner", m->u64, 0);
	mini_field(m, "wait_lock", m->raw_spinlock_t, 8);
	mini_field(m, "wait_list", list, 16);
	m->rw_semaphore = mini_struct(m, "rw_semaphore", 40);
	mini_field(m, "count", m->u64, 0);
	mini_field(m, "wait_lock", m->raw_spinlock_t, 20);
	head = mini_struct(m, "wait_queue_head", 24);
	mini_field(m, "lock", m->spinlock_t, 0);
	mini_field(m, "head", list, 8);
	m->wait_queue_head_t = btf__add_typedef(b, "wait_queue_head_t", head);
	m->swait = mini_struct(m, "swait_queue_head", 24);
	mini_field(m, "lock", m->raw_spinlock_t, 0);
	mini_field(m, "task_list", list, 8);
	m->completion = mini_struct(m, "completion", 32);
	mini_field(m, "done", m->u32, 0);
	mini_field(m, "wait", m->swait, 8);
}

static inline void mini_objects(struct mini *m)
{
	mini_struct(m, "kioctx", 576);
	mini_field(m, "ctx_lock", m->spinlock_t, 0x100);
	mini_field(m, "ring_lock", m->mutex, 0x140);
	mini_field(m, "wait", m->wait_queue_head_t, 0x160);
	mini_struct(m, "bfq_queue", 576);
	mini_field(m, "ref", m->u32, 0);
	mini_struct(m, "userfaultfd_ctx", 176);
	mini_field(m, "fault_pending_wqh", m->wait_queue_head_t, 0);
	mini_field(m, "fd_wqh", m->wait_queue_head_t, 0x30);
	mini_struct(m, "sighand_struct", 2080);
	mini_field(m, "siglock", m->spinlock_t, 0);
	mini_field(m, "signalfd_wqh", m->wait_queue_head_t, 8);
	m->inode = mini_struct(m, "inode", 624);
	mini_field(m, "i_lock", m->spinlock_t, 0x80);
	mini_struct(m, "ext4_inode", 160); /* on disk: no lock */
	mini_field(m, "i_mode", m->u32, 0);
	mini_struct(m, "ext4_inode_info", 1160);
	mini_field(m, "i_raw_lock", m->spinlock_t, 0x20);
	mini_field(m, "vfs_inode", m->inode, 0x100);
	mini_struct(m, "socket_alloc", 768);
	mini_field(m, "vfs_inode", m->inode, 0x80);
	mini_struct(m, "task_struct", 9792); /* ends in the largest FPU state there is */
	mini_field(m, "pi_lock", m->raw_spinlock_t, 0xb90);
	mini_struct(m, "pipe_inode_info", 168);
	mini_field(m, "mutex", m->mutex, 0);
	mini_field(m, "rd_wait", m->wait_queue_head_t, 0x20);
	mini_struct(m, "stranger", 176);
	mini_field(m, "guard", m->mutex, 0);
	mini_struct(m, "ptdesc", 64);
	mini_field(m, "ptl", m->spinlock_t, 0x28);
}

static inline void mini_sockets(struct mini *m)
{
	int sock, inet;

	sock = mini_struct(m, "sock", 760);
	mini_field(m, "sk_lock", m->spinlock_t, 0x98);
	inet = mini_struct(m, "inet_sock", 984);
	mini_field(m, "sk", sock, 0);
	mini_struct(m, "unix_sock", 1024);
	mini_field(m, "sk", sock, 0);
	mini_field(m, "lock", m->spinlock_t, 0x320);
	mini_field(m, "peer_wait", m->wait_queue_head_t, 0x340);
	mini_struct(m, "udp_sock", 1152);
	mini_field(m, "inet", inet, 0);
	mini_struct(m, "signal_struct", 1104);
	mini_field(m, "wait_chldexit", m->wait_queue_head_t, 0x20);
}

/* Unions, arrays, what has no name, and arrays without length. */
static inline void mini_shapes(struct mini *m)
{
	int bucket, un, same, anon, table, grid, tail;

	bucket = mini_struct(m, "bucket", 16);
	mini_field(m, "chain", m->u64, 0);
	mini_field(m, "lock", m->spinlock_t, 8);
	un = btf__add_union(m->btf, NULL, 8);
	mini_field(m, "one", m->spinlock_t, 0);
	mini_field(m, "other", m->spinlock_t, 0);
	mini_field(m, "word", m->u64, 0);
	same = btf__add_union(m->btf, NULL, 8);
	mini_field(m, "alone", m->spinlock_t, 0);
	mini_field(m, "raw", m->u64, 0);
	anon = mini_struct(m, NULL, 16);
	mini_field(m, NULL, same, 8);
	mini_struct(m, NULL, 16);
	mini_field(m, "inner", m->spinlock_t, 12);
	mini_struct(m, NULL, 136);
	mini_field(m, "hidden", m->spinlock_t, 116);
	mini_struct(m, "rival", 136);
	mini_field(m, "shown", m->spinlock_t, 116);
	mini_struct(m, "ratelimit_state", 40);
	mini_field(m, "lock", m->raw_spinlock_t, 8);
	table = mini_array(m, bucket, 4);
	grid = mini_array(m, mini_array(m, m->spinlock_t, 2), 3);
	tail = mini_array(m, bucket, 0);
	mini_struct(m, "waiter", 32);
	mini_field(m, "done", m->completion, 0);
	mini_struct(m, "shapes", 128);
	mini_field(m, "table", table, 0);
	mini_field(m, NULL, un, 64);
	mini_field(m, NULL, anon, 72);
	mini_field(m, "grid", grid, 88);
	mini_field(m, "tail", tail, 128);
}

static inline void mini_percpu(struct mini *m)
{
	static const char *const names[] = {"runqueues",   "timer_bases", "first_list",
					    "second_list", "pure_lock",	  "__preempt_count",
					    "stopped"};
	int rq, base, list, types[7], vars[7];
	uint32_t at[] = {0x100, 0x400, 0x600, 0x640, 0x680, 0x6c0, 0x700};
	size_t i;

	rq = mini_struct(m, "rq", 256);
	mini_field(m, "__lock", m->raw_spinlock_t, 0);
	base = mini_struct(m, "timer_base", 128);
	mini_field(m, "lock", m->raw_spinlock_t, 0);
	list = mini_struct(m, "lock_list", 32);
	mini_field(m, "lock", m->spinlock_t, 16);
	types[0] = rq;
	types[1] = mini_array(m, base, 3);
	types[2] = types[3] = list;
	types[4] = m->spinlock_t;
	types[5] = m->u32;
	types[6] = m->completion;
	for (i = 0; i < 7; i++)
		vars[i] = btf__add_var(m->btf, names[i], BTF_VAR_GLOBAL_ALLOCATED, types[i]);
	assert_true(btf__add_datasec(m->btf, ".data..percpu", 0x1000) > 0);
	for (i = 0; i < 7; i++)
		assert_int_equal(btf__add_datasec_var_info(m->btf, vars[i], at[i],
							   btf__resolve_size(m->btf, types[i])),
				 0);
}

static inline void mini_func(struct mini *m, const char *name)
{
	int proto = btf__add_func_proto(m->btf, 0);

	assert_true(btf__add_func(m->btf, name, BTF_FUNC_GLOBAL, proto) > 0);
}

static inline void mini_begin(struct mini *m)
{
	memset(m, 0, sizeof(*m));
	m->btf = btf__new_empty();
	assert_non_null(m->btf);
	m->u8 = btf__add_int(m->btf, "unsigned char", 1, 0);
	m->u32 = btf__add_int(m->btf, "unsigned int", 4, 0);
	m->u64 = btf__add_int(m->btf, "long unsigned int", 8, 0);
	m->boolean = btf__add_int(m->btf, "_Bool", 1, BTF_INT_BOOL);
}

/* What comes after mini_begin() and before mini_end() is the test's own. */
static inline struct kbtf *mini_end(struct mini *m, struct btf *module)
{
	struct kbtf *k = NULL;

	assert_int_equal(kbtf_from(m->btf, module, &k), 0);
	return k;
}

static inline struct kbtf *mini_kernel(void)
{
	struct mini m;

	mini_begin(&m);
	mini_spinlocks(&m, false);
	mini_locks(&m);
	mini_objects(&m);
	mini_sockets(&m);
	mini_shapes(&m);
	mini_percpu(&m);
	mini_func(&m, "_raw_spin_lock");
	return mini_end(&m, NULL);
}

#endif
