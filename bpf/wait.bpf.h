/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's tracepoints around a wait for a lock, since 5.19, and the look at those who wait.
 * The address is the lock's own: struct mutex's, struct rw_semaphore's, struct percpu_rw_semaphore's.
 * (kernel/locking/mutex.c, rwsem.c, percpu-rwsem.c of 6.1, 6.12, 7.2.) Not followed are spinning
 * locks, which show a lockup by themselves, and whose address may be that of a lock inside another
 * (qrwlock's wait_lock), semaphores, which have no holder, and PREEMPT_RT's, whose flags do not tell a
 * mutex from a spinlock.
 */
#ifndef LOCKVANE_WAIT_BPF_H
#define LOCKVANE_WAIT_BPF_H

/* include/trace/events/lock.h */
#define LCB_F_SPIN (1u << 0)
#define LCB_F_READ (1u << 1)
#define LCB_F_WRITE (1u << 2)
#define LCB_F_RT (1u << 3)
#define LCB_F_PERCPU (1u << 4)
#define LCB_F_MUTEX (1u << 5)

#define WAIT_NONE 0xffffffffu

/* WAIT_HOW() of what is waited for, WAIT_NONE: not followed. */
static __always_inline __u32 wait_how(__u32 flags)
{
	__u32 mode = flags & LCB_F_READ ? LV_READ : LV_WRITE;

	if (flags & LCB_F_RT)
		return WAIT_NONE;
	/* Before it sleeps, a mutex's waiter tells so twice: spinning, and with the inner lock taken. */
	if (flags & LCB_F_MUTEX)
		return WAIT_HOW(LV_MUTEX, LV_WRITE) | (flags & LCB_F_SPIN ? 0 : WAIT_INNER);
	if (flags & LCB_F_SPIN || !(flags & (LCB_F_READ | LCB_F_WRITE)))
		return WAIT_NONE;
	if (flags & LCB_F_PERCPU)
		return WAIT_HOW(LV_PERCPU_RWSEM, mode);
	return WAIT_HOW(LV_RWSEM, mode) | WAIT_INNER;
}

#define WAIT_FRAMES 2 /* are the tracepoint's own */

static __noinline int wait_note_site(void *ctx, __u32 id)
{
	struct lv_wait *wait = world_wait(id);

	if (bpf_get_stack(ctx, wait->begin, sizeof(wait->begin), WAIT_FRAMES) < (long)sizeof(wait->begin[0]))
		wait->begin[0] = 0;
	return 0;
}

/* (void *lock, unsigned int flags) */
SEC("raw_tp/contention_begin")
int lv_contention_begin(__u64 *ctx)
{
	__u32 how = wait_how(ctx[1]), stack, id;

	valve_count();
	if (how == WAIT_NONE || !lv_waits.watched)
		return 0;
	id = wait_begin(ctx[0], how);
	if (id != LV_NONE && !(ctx[1] & LCB_F_SPIN))
		wait_note_site(ctx, id);
	if (!is_armed(armed_word()))
		return 0;
	stack = wait_attempt(ctx[0], how, 0);
	if (stack == LV_ABOVE)
		stack = wait_attempt(ctx[0], how, world_walk_task(ctx, WAIT_FRAMES));
	record_stack(ctx, stack);
	return 0;
}

/* (void *lock, int ret); of spinning locks, too */
SEC("raw_tp/contention_end")
int lv_contention_end(__u64 *ctx)
{
	if (lv_waits.watched)
		wait_end(ctx[0]);
	return 0;
}

#define WAIT_ASLEEP (LV_TASK_INTERRUPTIBLE | LV_TASK_UNINTERRUPTIBLE)

/* The class, if none was derived yet: the site is in the stack of who sleeps. */
static __noinline int wait_classify(__u32 id)
{
	struct lv_wait *wait = world_wait(id);
	__u32 class;

	if (wait->class != LV_NONE)
		return 0;
	class = class_of(wait->addr, wait->family, LV_SITE_ABOVE,
			 above_generic(wait->ip, LV_STACK_DEPTH));
	if (class < LV_ABOVE)
		wait->class = class;
	return 0;
}

static __noinline int wait_look_at_lock(__u32 id)
{
	struct lv_wait *wait = world_wait(id);
	__u64 count = 0;

	wait->owner = word_holder(wait->addr, wait->family);
	if (wait->family == LV_RWSEM && word_has_count() && word_rwsem_count(wait->addr, &count))
		count = 0;
	wait->readers = count & WORD_RWSEM_WRITER ? 0 : count >> WORD_RWSEM_READERS;
	return 0;
}

static __always_inline int wait_is_queued(struct task_struct *task)
{
	struct task_struct___7_2 *newer = (void *)task;

	if (bpf_core_field_size(task->on_rq) == sizeof(newer->on_rq))
		return BPF_CORE_READ(newer, on_rq);
	return BPF_CORE_READ(task, on_rq);
}

/* A task that is waiting and sleeps: who it is, where, and who holds what it waits for. */
SEC("iter/task")
int lv_look_at_waits(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct lv_wait *wait;
	__u64 addr = 0, since;
	long bytes;
	__u32 id;

	/* Read, as a typed pointer refuses arithmetic. */
	if (!task || bpf_probe_read_kernel(&addr, sizeof(addr), &ctx->task))
		return 0;
	id = wait_find(addr);
	if (id == LV_NONE)
		return 0;
	wait = world_wait(id);
	wait->round = lv_waits.round;
	wait->looked_ns = 0;
	since = read_once(wait->since_ns);
	wait->state = BPF_CORE_READ(task, __state);
	if (!(wait->state & WAIT_ASLEEP) || wait_is_queued(task))
		return 0;
	wait->pid = BPF_CORE_READ(task, pid);
	wait->switches = BPF_CORE_READ(task, nvcsw) + BPF_CORE_READ(task, nivcsw);
	bpf_probe_read_kernel_str(wait->comm, sizeof(wait->comm), &task->comm);
	bytes = bpf_get_task_stack(task, wait->ip, sizeof(wait->ip), 0);
	wait->nr = bytes > 0 ? bytes / sizeof(wait->ip[0]) : 0;
	wait_look_at_lock(id);
	wait_classify(id);
	if (read_once(wait->since_ns) == since)
		wait->looked_ns = since;
	return 0;
}

#endif
