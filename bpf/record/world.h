/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that the recorder asks of the world around it. The file that includes
 * the recorder defines these first: bpf/world.bpf.h over BPF maps and helpers,
 * user/replay/world.h over plain memory for tests and scenarios.
 *
 * RECORD_RARE marks the functions of the rare path: kept out of line, with
 * scalar arguments only, so that the BPF verifier looks at each once and not
 * once a program. RECORD_SHARED is the same for what several programs share.
 */
#ifndef LOCKVANE_RECORD_WORLD_H
#define LOCKVANE_RECORD_WORLD_H

#include "abi.h"

/* A word that another CPU may be writing: one load, and what it guards comes after. */
#ifdef __bpf__
#define read_once(x) (*(volatile __typeof__(x) *)&(x))
#define write_once(x, value) (*(volatile __typeof__(x) *)&(x) = (value))
#else
#define read_once(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define write_once(x, value) __atomic_store_n(&(x), value, __ATOMIC_RELEASE)
#endif

/* Tables; NULL past their end. */
static struct lv_cpu *world_cpu(__u32 cpu);
static struct lv_class *world_class(__u32 id);
static struct lv_edge *world_edge(__u32 id);
static struct lv_stack *world_stack(__u32 id);
static struct lv_name *world_name(__u32 id);
static struct lv_fact *world_fact(__u32 id);
static struct lv_held_stack *world_task_stack(__u32 id);
static __u64 *world_task_key(__u32 id); /* never NULL: id is taken modulo the table */
static struct lv_control *world_control(void); /* never NULL */
static struct lv_order *world_order(__u32 id); /* never NULL: id is taken modulo the table */
static __u64 *world_alike(__u32 id);	       /* likewise */
static struct lv_wait *world_wait(__u32 id);   /* likewise */
static __u64 *world_wait_key(__u32 id);	       /* likewise */

/* The running CPU and task. */
static __u32 world_cpu_id(void);
static __u64 world_task(void);
static void world_describe_task(struct lv_stack *stack); /* task, pid, comm */

/*
 * An argument of the hooked function, as a scalar. ctx is the program's; the CPU
 * is this one, under its guard.
 */
static __u64 world_argument(void *ctx, struct lv_cpu *cpu, __u32 n);

/*
 * The hooked function's caller: the return address, 0 if it can't be told. event: the ctx of a
 * program that runs on the function's return, as a scalar.
 */
static __u64 world_caller(__u64 event);
/* The same of a sleeping lock's function; 0, too, where the event is not the running task's. */
static __u64 world_sleeping_caller(__u64 event);

/* May that be a return address in the kernel? */
static int world_is_code(__u64 ip);

/* How far above the event that word lies, never 0; and what stands so far above another of the same hook. */
static __u32 world_caller_at(__u64 event);
static __u32 world_sleeping_caller_at(__u64 event);
static __u64 world_event_word(__u64 event, __u32 at);
static __u64 world_sleeping_word(__u64 event, __u32 at);

/* Does the address lie in a function that is handed bare locks, wait queues and their like? */
static int world_is_generic(__u64 ip);
/*
 * The return address of the call of the generic functions that the event was in: LV_SITE_OPEN if it
 * can't be told. ctx is the program's, and cpu->event. May cost a stack.
 */
static __u64 world_above(void *ctx, struct lv_cpu *cpu);
/* The same in a program that can be preempted, of cpu->sleep_event. */
static __u64 world_above_task(void *ctx);

/*
 * A preempt_count of 7.3 or later with its fields where 6.1 to 7.2 have them. There bits 16 to 23 count who has
 * switched irqs off; hardirq is 0x0f000000, NMI 0xf0000000 (include/linux/preempt.h).
 */
static __always_inline __u32 world_count_of_7_3(__u32 count)
{
	return (count & 0xffffu) | (count >> 24 & 0xfu) << 16 | count >> 28 << 20;
}

/* preempt_count as of 6.1 .. 7.2: see context.h for its fields. */
static __u32 world_preempt_count(void);
static __u32 world_preempt_count_of(const struct lv_cpu *cpu); /* the same, of the running one */
static int world_counts_preemption(void); /* CONFIG_PREEMPT_COUNT */
/* Is the count in a program that of the function that it hooks? Not where RCU's readers raise it. */
static int world_shows_atomic(void);

/*
 * Does the kernel preempt itself, and with that the programs of sleeping locks? It then skips what
 * other tasks run of the same program on that CPU, and counts it: of programs of releases, on this CPU.
 */
static int world_preempts(void);
static __u64 world_releases_missed(const struct lv_cpu *cpu);

/* Are irqs on, by the flags that a lock function saved? */
static int world_flags_irqs_on(__u64 flags);
/* The CPU's irq flag: 1 on, 0 off, -1 unknown. May cost a locked instruction. */
static int world_irqs_on(__u32 cpu);

/* Copy a string from kernel memory: its length with the NUL, or -errno. */
static int world_read_str(char *ret, __u32 size, __u64 addr);

/*
 * The task that the lock's own memory names as its holder, 0: none; -errno
 * where locks of this family name none. *ret_shared: it has taken it to read.
 */
static int world_owner(__u64 addr, __u32 family, __u64 *ret, int *ret_shared);
/* The task that the rwsem at addr names as its only reader; -errno: it has none, or more, or names none. */
static int world_only_reader(__u64 addr, __u64 *ret);
/* The word that is not zero while a lock of this family is held; -errno: it cannot be read. */
static int world_lock_word(__u64 addr, __u32 family, __u32 *ret);

/* Bytes from a mutex or rwsem to the spinlock inside it that who waits takes; 0: it has none. */
static __u32 world_inner_lock(__u32 family);
static __u64 world_time_ns(void); /* CLOCK_MONOTONIC; never 0 */

/* Where the lock lives, site not 0 in untyped memory: 0, or -errno when it can't be told. */
static int world_place(__u64 addr, struct lv_place *ret);
/*
 * Where the page of the address begins; and where all of that page is objects of one size, the lock's place being
 * that one: from one object to the next, else 0.
 */
static __u64 world_page(__u64 addr);
static __u32 world_stride(__u64 addr, const struct lv_place *place);
/* Is that still where it lives? The site is not compared. */
static int world_is_at(__u64 addr, const struct lv_place *place);
/* The cache's name and object size for a slab place. */
static void world_describe_cache(const struct lv_place *place, char *ret_name, __u32 *ret_size);
/*
 * For a pseudo-lock: where its class is told by, the text of one that has a text, and is it held
 * still? Negative: nothing tells for now.
 */
static int world_pseudo_place(__u64 addr, __u64 base, struct lv_place *ret);
static void world_describe_pseudo(__u64 base, __u32 kind, char *ret_text);
static int world_pseudo_is_held(__u32 kind, __u64 addr);
/* Is the socket the kernel's own, whose sk_lock this is? */
static int world_is_kernel_sock(__u64 addr);
/* Does an address of this place keep its class for good (no memory reuse)? */
static int world_place_is_permanent(__u64 addr, const struct lv_place *place);

/* Is the lock on the held stacks of another CPU than this, or may it be? */
static int world_holds_elsewhere(__u32 cpu_id, __u64 addr);
/*
 * A hash of the beginning of the object of `size` bytes that the lock at addr lies in, but for the
 * lock and for pointers to itself: what tells it from another in the same memory. 0: not known.
 */
static __u64 world_object_hash(__u64 addr, const struct lv_place *place, __u32 size);

/* Fill in the frames of a stack. ctx is the program's. */
static void world_take_stack(void *ctx, struct lv_stack *stack);

#endif
