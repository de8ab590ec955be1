/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ABI that the kernel half and the user half share: plain structs of fixed width and the limits
 * of the tables. Nothing here has behaviour.
 *
 * Every table is an array in memory that both halves map. A slot goes
 * FREE -> CLAIMED -> READY and is never given back while the programs live,
 * so a reader needs no lock: a READY slot's identity does not change, its
 * counters and bits only grow. A class whose module or cache has gone is
 * DEAD: what was recorded of it stays, and the place is another class's from then on.
 */
#ifndef LOCKVANE_ABI_H
#define LOCKVANE_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* Limits. Powers of two: indices are masked, for the verifier and for speed. */
#define LV_MAX_CLASSES 8192 /* lockdep's MAX_LOCKDEP_KEYS */
#define LV_MAX_EDGES 32768  /* lockdep's MAX_LOCKDEP_ENTRIES on small configurations */
#define LV_MAX_STACKS 16384
#define LV_MAX_NAMES 4096 /* names of locks and wait queues seen at (cache, offset) */
#define LV_MAX_TASKS 4096 /* tasks that hold a sleeping lock at one moment */
#define LV_MAX_FACTS 256
#define LV_MAX_CPUS 1024
#define LV_MAX_HOOKS 256 /* lines of hooks.def, and the task switch */
#define LV_MAX_ANCHORS 1024
#define LV_MAX_WAITS 1024 /* tasks that wait for a sleeping lock at one moment */

#define LV_STACK_DEPTH 48 /* frames kept per stack */
#define LV_ABOVE_FRAMES 8 /* read to find a generic function's caller; ours and the lock's are in it */
#define LV_HELD_DEPTH 16  /* locks held per CPU and level, or per task */
#define LV_ADDR_SLOTS 1024
#define LV_ADDR_AGE 16384
#define LV_PAGES 1024
#define LV_EDGE_SLOTS 1024
#define LV_MEMO_BITS 11
#define LV_MEMOS (1 << LV_MEMO_BITS)
#define LV_CLASS_MEMO_BITS 10
#define LV_CLASS_MEMOS (1 << LV_CLASS_MEMO_BITS)
#define LV_DERIVED 128
#define LV_MAX_RELEASES 48 /* programs of releases that prove nothing by an owner: see misses.h */
#define LV_COMM_LEN 16 /* TASK_COMM_LEN */
#define LV_NAME_LEN 48

#define LV_KFENCE_SIZE (2u << 20) /* KFENCE_POOL_SIZE of 255 objects, the usual number */

#define LV_NONE 0xffffffffu /* no class, edge or stack */
#define LV_ABOVE 0xfffffffeu /* no class yet: the frames above a generic function must be read */

enum lv_slot_state {
	LV_SLOT_FREE = 0,
	LV_SLOT_CLAIMED = 1,
	LV_SLOT_READY = 2,
	LV_SLOT_DEAD = 3, /* classes and names only */
};

/* Interrupt levels of a CPU that hold locks of their own, lowest first. */
enum lv_level {
	LV_LEVEL_TASK = 0,
	LV_LEVEL_SOFTIRQ = 1,
	LV_LEVEL_HARDIRQ = 2,
	LV_LEVELS = 3,
};

enum lv_family {
	LV_SPIN = 0,
	LV_RWLOCK = 1,
	LV_MUTEX = 2,
	LV_RWSEM = 3,
	LV_RAWSPIN = 4, /* told apart from LV_SPIN only where a kernel shows it (PREEMPT_RT) */
	LV_PERCPU_RWSEM = 5,
	LV_SOCK = 6, /* a socket's owner: lock_sock() */
	LV_PSEUDO = 7, /* waited for like a lock: see enum lv_pseudo */
	LV_FAMILIES = 8,
	/* PREEMPT_RT's spinlocks and rwlocks sleep; a capture calls them spin and rwlock. */
	LV_RT_SPIN = 8,
	LV_RT_RWLOCK = 9,
};

/* The kinds of pseudo-locks, and what is known of each: see pseudo.def. */
enum lv_pseudo {
	LV_PSEUDO_NONE = 0,
#define LV_PSEUDO_KIND(id, word, text, traits) LV_PSEUDO_##id,
#include "pseudo.def"
	LV_PSEUDO_KINDS
};

enum lv_pseudo_trait {
	LV_PSEUDO_BY_STACK = 1 << 0, /* held while a function runs: stacks prove it */
	LV_PSEUDO_BY_WORD = 1 << 1,  /* a word in memory proves who holds it */
	LV_PSEUDO_SPINS = 1 << 2,    /* held by a CPU and level: its holder does not sleep */
	LV_PSEUDO_SELF = 1 << 3,     /* an attempt by the holder of the same instance never ends */
	LV_PSEUDO_BY_TEXT = 1 << 4,  /* the class has a text of the kernel's, not a symbol, for a name */
	LV_PSEUDO_TOLD = 1 << 5,     /* nothing but an annotation: only a scenario tells of it */
};

/* How a lock is taken: the values of lockdep's held_lock.read. */
enum lv_mode {
	LV_WRITE = 0,
	LV_READ = 1,
	LV_RECURSIVE = 2, /* a reader that waiting writers do not stop */
};

/* The state of irqs and softirqs after a function. */
enum lv_irq_effect {
	LV_IRQ_KEEP = 0,
	LV_IRQ_OFF = 1,     /* _irq, _irqsave */
	LV_IRQ_ON = 2,      /* unlock_irq */
	LV_IRQ_RESTORE = 3, /* unlock_irqrestore: as its flags argument says */
	LV_IRQ_BH_OFF = 4,
	LV_IRQ_BH_ON = 5,
};

/*
 * Usage bits of a class, numbered as lockdep numbers them
 * (kernel/locking/lockdep_internals.h, enum lock_usage_bit): for each of
 * hardirq and softirq IN, IN-R, ON, ON-R; then first use.
 */
enum lv_usage {
	LV_USED_IN_HARDIRQ = 0,
	LV_USED_IN_HARDIRQ_READ = 1,
	LV_ENABLED_HARDIRQ = 2,
	LV_ENABLED_HARDIRQ_READ = 3,
	LV_USED_IN_SOFTIRQ = 4,
	LV_USED_IN_SOFTIRQ_READ = 5,
	LV_ENABLED_SOFTIRQ = 6,
	LV_ENABLED_SOFTIRQ_READ = 7,
	LV_USED = 8,
	LV_USED_READ = 9,
	LV_USAGES = 10,
};

/*
 * How an edge's two ends were taken, one bit a pair
 * (Documentation/locking/lockdep-design.rst, "Dependency types"):
 * the first letter S or E is the holder (shared reader or exclusive), the
 * second N or R the one that follows (non-recursive or recursive reader).
 */
enum lv_dep {
	LV_DEP_SR = 1 << 0,
	LV_DEP_ER = 1 << 1,
	LV_DEP_SN = 1 << 2,
	LV_DEP_EN = 1 << 3,
};

/* A class nesting in itself, the instance at the higher address first. */
#define LV_DEP_DOWN (1 << 4)

/* Where a lock lives: the ways its class is told. */
enum lv_place_kind {
	LV_PLACE_NONE = 0,
	LV_PLACE_STATIC = 1,     /* kernel or module image: base is the address */
	LV_PLACE_PERCPU = 2,     /* static per-CPU: base is the offset in the section */
	LV_PLACE_SLAB = 3,       /* base is the struct kmem_cache, off the offset in the object */
	LV_PLACE_PERCPU_DYN = 4, /* base is the offset in the first chunk */
	LV_PLACE_PAGE = 5,       /* in struct page: off */
	LV_PLACE_VMALLOC = 6,    /* no anchor's; later per-CPU chunks are there, too: all in one */
	LV_PLACE_EARLY = 7,      /* pages that are no slab's, and no anchor's: all in one */
	LV_PLACE_KFENCE = 8,     /* all in one */
	LV_PLACE_TOLD = 9,       /* replay: a scenario names the class: base is its number */
	LV_PLACE_TABLE = 10,     /* an anchor's: base is its variable, off the offset in an element */
	LV_PLACE_STACK = 11,     /* a task's stack */
	LV_PLACE_PSEUDO = 12,    /* no lock: base is what the pseudo-lock is about, a kernel address */
	LV_PLACE_KINDS = 13,
};

/*
 * site: memory of one type has none (0). Untyped memory (a stack, kmalloc's and merged caches, pages,
 * vmalloc) has objects of many types at one place; the call of the lock function, by its return
 * address, knows the type. A function that is handed bare locks or wait queues is generic: the
 * site is then the call of that function.
 */
struct lv_place {
	__u64 base;
	__u64 site; /* 0, an enum lv_site or a return address in the kernel or a module */
	__u32 off;
	__u32 kind;
};

enum lv_site {
	LV_SITE_OPEN = 1,  /* there should be one; it is not known */
	LV_SITE_ABOVE = 2, /* the caller is generic and the frames above have not been read */
};

/* Subclasses set classes of one place and family apart: */
#define LV_SUBCLASS_TWIN (1 << 0)   /* another's twin, see class_twin() */
#define LV_SUBCLASS_KERNEL (1 << 1) /* a lock of the kernel's own sockets */
#define LV_SUBCLASS_KIND_SHIFT 4    /* from here on: enum lv_pseudo */
#define LV_PSEUDO_KIND_OF(subclass) ((subclass) >> LV_SUBCLASS_KIND_SHIFT)

/* Class flags */
#define LV_CLASS_SELF_ORDER (1 << 1) /* the same two instances nested in both orders */
#define LV_CLASS_SELF_SURE (1 << 3)  /* and again, while what lies before the locks stayed as it was */
#define LV_CLASS_HANDED (1 << 2)     /* a reader's lock was given back by another task */

/* In the hash of an object's look: it points to another object, as hardly two of two types do alike. */
#define LV_LOOK_RICH 2
#define LV_ALIKE_RICH (1 << 7) /* such a look was among those that two classes showed */
#define LV_ALIKE 4 /* others that a class is known to be alike */

struct lv_class {
	struct lv_place place;
	__u32 state; /* enum lv_slot_state */
	__u32 usage; /* 1 << enum lv_usage */
	__u32 flags;
	__u16 family;
	__u16 subclass;                /* LV_SUBCLASS_*; told in a replay */
	__u32 usage_stack[LV_USAGES];  /* stack slot, LV_NONE where none was left */
	__u64 usage_addr[LV_USAGES];   /* the instance */
	char cache[LV_NAME_LEN];       /* slab: the cache's name; a dead one in a module: the module's */
	__u32 cache_size;              /* slab: object size, bytes; of that module's: where in it */
	__u32 other;                   /* 1 + the class's twin, or whose twin it is; 0: none yet */
	__u32 twice;                   /* usage bits seen by two acquisitions */
	__u32 settled;                 /* seen so often that no more of them is to be learnt */
	__u64 usage_low[LV_USAGES];    /* the instance of least hash among those seen */
	__u64 usage_seen[LV_USAGES];   /* a bit for each instance: LV_INSTANCE_BIT() */
	__u8 looks[LV_USAGES];         /* times each bit was looked at */
	__u8 alike_looks[LV_ALIKE];    /* a bit for each look of an object, by its hash, that both showed; LV_ALIKE_RICH */
	__u8 pad[2];
	__u32 alike[LV_ALIKE];         /* 1 + a class of another site that takes locks of objects that look the same */
};

/* Words of record/alike.h: a hash of an object's address and look, and the class that was taken in it. */
#define LV_MAX_ALIKES 4096

struct lv_alikes {
	__u64 word[LV_MAX_ALIKES];
};

/*
 * Which of a class's instances were seen: 64 bits by the address's hash. Two sets that share no bit
 * share no instance. And samples that agree on what they prefer, the least hash, meet where the
 * instances are the same.
 */
#define LV_INSTANCE_HASH(addr) ((addr) * 0x9e3779b97f4a7c15ull)
#define LV_INSTANCE_BIT(addr) (1ull << (LV_INSTANCE_HASH(addr) >> 58))

#define LV_USAGE_LOOKS 64 /* at a usage bit, to know its instances */
#define LV_GATES 3 /* see edge_has_news() */

struct lv_pair {
	__u64 from;
	__u64 to;
};

struct lv_edge {
	__u32 from;
	__u32 to;
	__u32 dep; /* one enum lv_dep, and LV_DEP_DOWN: one slot a kind */
	__u32 state;
	__u32 stack; /* where `to` was taken */
	__u32 looking; /* a CPU is at what follows from_caller; others let it be */
	__u64 from_addr; /* the instances at first sight */
	__u64 to_addr;
	__u64 from_caller; /* where `from` had been taken then, 0: not known */
	__u64 seen_from;   /* the instances: LV_INSTANCE_BIT() */
	__u64 seen_to;
	struct lv_pair low[2]; /* instances seen together: of the least hash of from, and of to */
	/* Locks that were held exclusively before `from`, each time that was looked at; 0: none. */
	__u64 gate[LV_GATES];
	__u32 gate_class[LV_GATES];
	__u32 order; /* for two classes that might be one: LV_CLASS_SELF_* */
	/* Where unlocks are hidden: sightings in which nobody else seemed to hold `from`, and others. */
	__u16 sure;
	__u16 unsure;
	__u32 pad;
};

#define LV_EDGE_SURE 2    /* so many of `sure` are enough; a holder that sleeps needs none */
#define LV_EDGE_UNSURE 64 /* and after so many of `unsure` nobody looks any more */

struct lv_stack {
	__u64 task;
	__u32 pid;
	__u32 cpu;
	__u16 hook; /* index in hooks.def */
	__u16 level;
	__u32 nr; /* frames, 0 while none */
	char comm[LV_COMM_LEN];
	__u64 ip[LV_STACK_DEPTH];
};

/* Facts that one event shows to be wrong by itself. Numbered as enum capture_fact_kind. */
enum lv_fact_kind {
	LV_FACT_BAD_UNLOCK = 1,   /* a release of what nobody holds */
	LV_FACT_HELD_FREED = 2,   /* memory freed with a held lock in it */
	LV_FACT_HELD_AT_EXIT = 3, /* held on return to user space */
	LV_FACT_WAIT_ATOMIC = 4,  /* a sleeping lock taken with preemption or softirqs off */
	LV_FACT_HELD_AT_DEATH = 5, /* held by a task that has ended */
};

struct lv_fact {
	__u64 addr; /* the instance */
	__u32 class;
	__u32 kind; /* enum lv_fact_kind */
	__u32 stack;
	__u32 state;
};

/* A name the kernel passed to an init function, and the place it named. */
struct lv_name {
	struct lv_place place;
	__u64 addr; /* address of the string in the kernel */
	__u32 state;
	__u32 clashes; /* times another name came for the same place */
	char text[LV_NAME_LEN];
	char cache[LV_NAME_LEN];
	__u32 cache_size;
	__u32 pad;
};

#define LV_IRQ_FLAG (1u << 9) /* set in the flags that a scenario saves: irqs are on */
#define LV_TASK_DEAD 0x80     /* include/linux/sched.h; the number in sched_switch since 5.18 */

/* Where the irq flag is read from; the user half chooses. */
enum lv_irq_source {
	LV_IRQ_SOURCE_NONE = 0,
	LV_IRQ_SOURCE_SPIN_LOCK = 1, /* bpf_spin_lock() and the kernel's irqsave_flags */
	LV_IRQ_SOURCE_KFUNC = 2,     /* bpf_local_irq_save(), since 6.14 */
};

/* Losses are counted by kind; the order is the order of reports. */
#define LV_LOSSES(X)                                                                  \
	X(GUARD, guard, "events skipped: an interrupt hit a running program")         \
	X(NMI, nmi, "events in NMI, not traced")                                      \
	X(SLEEPS_IN_IRQ, sleeps_in_irq, "sleeping locks tried in an interrupt, not traced") \
	X(DEPTH, held_full, "acquisitions deeper than the held stack")                \
	X(TASKS, tasks_full, "sleeping locks of more tasks than the table holds")     \
	X(CLASSES, classes_full, "locks without a class: class table full")           \
	X(EDGES, edges_full, "dependencies dropped: edge table full")                 \
	X(STACKS, stacks_full, "stacks not kept: stack table full")                   \
	X(FACTS, facts_full, "misuses not kept: fact table full")                     \
	X(WAITS, waits_full, "waits of more tasks than the table holds")              \
	X(NAMES, names_full, "names of locks dropped: name table full")                 \
	X(UNKNOWN_RELEASE, unknown_releases, "releases of locks not seen taken")      \
	X(STALE_HOLDER, stale_holders, "held entries found not to be held")           \
	X(DOUBTED, doubted_holders, "held readers forgotten: a release may have been missed") \
	X(STALE_CLASS, stale_classes, "cached classes found outdated")                \
	X(TAINTED, tainted, "acquisitions under a stack not trusted")                 \
	X(NO_CLASS, no_class, "locks whose memory could not be placed")               \
	X(NO_CPU, no_cpu, "events on a CPU that was not planned for")                 \
	X(RACE, races, "slots that another CPU was filling")                          \
	X(LAPSE, lapsed_ms, "milliseconds not recorded: lockvane was stopped or did not get to run") \
	X(RECURSION, recursion_misses, "runs the kernel skipped: program was running")

enum lv_loss {
#define X(id, name, text) LV_LOSS_##id,
	LV_LOSSES(X)
#undef X
	LV_LOSS_KINDS
};

struct lv_held {
	__u64 caller; /* where it was taken: the return address of its function, 0: not known */
	__u64 addr; /* caller comes first so that 6.1's verifier lets held[depth - 1].entry pass for any depth */
	union {
		struct {
			__u32 class;
			__u8 mode;  /* enum lv_mode */
			__u8 flags; /* LV_HELD_* */
			__u8 count; /* spinning lock: preemption count with it, see held_count() */
			union {
				__u8 under; /* sleeping lock: spinning locks held when it was taken */
				__u8 irq;   /* spinning lock: enum lv_irq_effect of its function */
			};
		};
		__u64 entry; /* all that at once; never 0 */
	};
};

#define LV_HELD_TRY (1 << 0)     /* taken by a trylock: gets no incoming edge */
#define LV_HELD_IRQ_OFF (1 << 1) /* known to be held with irqs off */
#define LV_HELD_NESTED (1 << 2)  /* told: another lock, or its acquire context, orders it among its equals */
#define LV_HELD_AGAIN (1 << 3)   /* told by a hook: maybe seen already, by an inner function's */
#define LV_HELD_TWIN (1 << 3)    /* in an entry: its class is another's twin */
/* Irqs on, or softirqs, would teach nothing of it and those below: they have their ON bits. */
#define LV_HELD_ON_HARDIRQ (1 << 4)
#define LV_HELD_ON_SOFTIRQ (1 << 5)
/* Nothing older was held: edges from here are all there are, however it was taken. */
#define LV_HELD_OLDEST (1 << 6)
#define LV_HELD_ENTRY (1 << 7) /* always set */

struct lv_held_stack {
	union {
		struct {
			__u32 depth;
			__u32 tainted; /* met a loss: gives no edge until it empties */
		};
		__u64 depth_tainted; /* both at once */
	};
	struct lv_held held[LV_HELD_DEPTH];
	/* Sleeping: entries below this index may have been given back unseen, see record/doubt.h */
	__u32 doubted;
};

/*
 * Which task has which slot of the table of held stacks: its address with the
 * epoch on top; 0, or of another epoch: free. Apart from the stacks, so that
 * looking for a task reads few lines.
 */
struct lv_task_keys {
	__u64 key[LV_MAX_TASKS];
};

/*
 * A task's wait, from the kernel's contention_begin to its contention_end. The task alone writes
 * the first part; an iterator over tasks fills in the second while the task sleeps
 * (bpf/wait.bpf.h), and with it says that it slept: looked_ns is since_ns then.
 */
struct lv_wait {
	__u64 task;	/* its address: the slot's key, while it waits */
	__u64 addr;	/* the lock's */
	__u64 since_ns; /* CLOCK_MONOTONIC: when it began; 0 while the fields are written */
	__u32 class;	/* LV_NONE: not derived yet */
	__u8 family;	/* enum lv_family */
	__u8 mode;	/* enum lv_mode */
	__u16 pad;
	__u64 looked_ns;
	__u64 owner;	/* the task that the lock's word names: a mutex's, a rwsem's writer; 0: none */
	__u64 readers;	/* that hold the rwsem, by its count */
	__u64 switches; /* times the task has left its CPU */
	__u32 round;	/* number of the look */
	__u32 state;	/* task_struct.__state */
	__u32 pid;
	__u32 nr; /* frames */
	char comm[LV_COMM_LEN];
	__u64 begin[LV_ABOVE_FRAMES]; /* the stack when it went to sleep: where the lock was asked for */
	__u64 ip[LV_STACK_DEPTH];     /* when it was looked at, without the scheduler's and the lock's functions */
};

struct lv_waits {
	__u32 watched; /* 0: nobody asks, nothing is noted */
	__u32 round;   /* the next look's */
	__u64 key[LV_MAX_WAITS]; /* the slot's task, 0: free; apart, as ends of waits look for theirs */
	struct lv_wait wait[LV_MAX_WAITS];
};

/* enum of include/linux/sched.h: a task sleeps in one of the first two, and a signal ends it by the others. */
#define LV_TASK_INTERRUPTIBLE 0x1
#define LV_TASK_UNINTERRUPTIBLE 0x2
#define LV_TASK_WAKEKILL 0x100

/*
 * An address's class, believed for LV_ADDR_AGE acquisitions of its CPU, or for
 * good. The programs of sleeping locks can be preempted between two stores:
 * xor-ed, halves of two entries do not look like one.
 */
struct lv_addr_slot {
	__u64 key;   /* address, family and value, xor-ed */
	__u64 value; /* class, and above it when it was derived, lowest bit set; 0: for good */
};

#define LV_ADDR_SITED (1u << 16) /* beside the class: its place has a site, to be compared */

/*
 * A page of a slab's: where a lock in it lies in its object is a matter of arithmetic. Believed as an
 * address's class is, which is not remembered there, and as hard to tear.
 */
struct lv_page {
	__u64 key;   /* where the page begins, and all that follows, xor-ed */
	__u64 base;  /* where an object begins: the page's first, or one before it; bit 0: LV_PAGE_SITED */
	__u64 cache; /* the struct kmem_cache */
	union {
		struct {
			__u32 stride; /* from one object to the next */
			__u32 clock;
		};
		__u64 strides; /* both */
	};
};

#define LV_PAGE_SITED 1ull /* the cache has objects of several types: see struct lv_place */
#define LV_PAGE_STRIDE (1u << 16) /* at most: so many bits has an offset in a memo's key */

/* An acquisition that taught nothing: see record/memo.h. */
struct lv_memo {
	__u64 key;   /* address, family and entry, xor-ed: for the same reason */
	__u64 under; /* the newest holder's entry */
	__u64 when;  /* hook and preempt count */
	__u64 entry;
	__u32 edge;
	__u32 clock; /* the class', as in lv_addr_slot */
	__u64 caller; /* the first; another place of the same lock, function and context is this; in a class's, its site */
	__u64 hits;  /* spinning locks: not in acquisitions[] and edge_hits[] yet */
	__u32 site_at; /* the class has a site, told by the word so far above the event: another's is no repetition */
	__u32 wanted; /* a hash of the lock that is kept here, perhaps, when it is met again */
} __attribute__((aligned(64)));

struct lv_edge_slot {
	__u64 key;
	__u32 edge;
	__u32 pairs; /* instances that were looked at, by a hash of both */
};

/*
 * Pairs of instances of one class that nested, by a hash of the two: the rest of the hash, and
 * LV_ORDER_* below it. `who` tells the objects from others in the same memory.
 */
struct lv_order {
	__u64 word;
	__u64 who;
};

#define LV_MAX_ORDERS 4096
#define LV_ORDER_UP (1 << 0) /* the lower address first */
#define LV_ORDER_DOWN (1 << 1)
#define LV_ORDER_LAST (1 << 2) /* the last time it was DOWN */
#define LV_ORDER_TURNS_SHIFT 3 /* times it was not as the time before */
#define LV_ORDER_TURNS 7
#define LV_ORDER_BITS 6

struct lv_orders {
	struct lv_order order[LV_MAX_ORDERS];
};

struct lv_cpu {
	__u32 guard; /* 1 + the hook whose program is running; 0: none, or a sleeping lock's */
	__u32 word;  /* the control's, whose epoch the held stacks are of */
	__u32 clock;     /* acquisitions on this CPU, wraps */
	__u32 task_slot; /* the running task's in the task table, or LV_NONE */
	__u32 rq_class;  /* 1 + the class of run-queue locks, once this CPU has met it */
	__u32 sleeper;   /* the hook of a sleeping lock that ran last */
	__u64 task;    /* the task that the locks of stack[LV_LEVEL_TASK] belong to */
	__u64 percpu;  /* __per_cpu_offset of this CPU; set before arming */
	__u64 rq_lock; /* address of its run-queue lock; set before arming */
	__u64 count_at; /* and of its preemption count, likewise; 0: it is a task's */
	__u64 argument; /* on its way to the running program: see world_argument() */
	__u64 event; /* a spinning lock's program's ctx */
	__u64 above; /* the caller above the generic functions, once it was read */
	__u64 caller; /* the call of the spinning lock that is looked at */
	__u64 frames[LV_ABOVE_FRAMES]; /* to find it */
	__u8 caller_at[LV_MAX_HOOKS]; /* how far above a hook's event its caller stands; 0: not known */
	__u32 derived[LV_DERIVED]; /* classes by a hash of their places, as they were derived last */
	__u32 tick; /* the jiffy in which the lease was looked at last */
	__u64 sleep_event; /* a sleeping lock's program's, likewise; maybe a preempted one's */
	__u64 missed; /* releases of sleeping locks that the kernel skipped here, when last looked */
	__u64 task_top; /* the entry of the running task's newest sleeping lock, 0: it holds none */
	__u64 events[LV_MAX_HOOKS];
	struct lv_held_stack stack[LV_LEVELS];
	/* Within reach of an instruction's offset, 32 KiB: the common path reads it. */
	struct lv_memo memo[LV_MEMOS];
	struct lv_memo class_memo[LV_CLASS_MEMOS];
	struct lv_page page[LV_PAGES];
	struct lv_addr_slot addr[LV_ADDR_SLOTS];
	struct lv_edge_slot edge[LV_EDGE_SLOTS];
	__u64 acquisitions[LV_MAX_CLASSES];
	__u64 edge_hits[LV_MAX_EDGES];
	__u64 lost[LV_LOSS_KINDS][LV_MAX_HOOKS];
};

/* Where this kernel keeps things; found out by one run of a program, before arming. */
struct lv_layout {
	__u64 page_offset; /* start and end of the direct map */
	__u64 page_offset_end;
	__u64 vmemmap; /* the struct pages */
	__u64 percpu_start; /* static per-CPU section, as link addresses */
	__u64 percpu_end;
	__u64 percpu_unit_end; /* end of each CPU's part of the first chunk, as percpu_end */
	__u64 kfence; /* KFENCE's pool, 0 if there is none */
	__u64 kfence_end;
	__u64 phys_start; /* the physical address of page_offset */
	__u64 frame_mask; /* the physical address in a page tables' entry */
	__u32 top_shift;  /* from an address to its entry in the topmost of them */
	__u32 top_mask;	  /* and the bits of that entry's number */
	__u32 orc_kind;   /* see x86/unwind.bpf.h; 0: no ORC */
	__u32 pad;
};

/* Where each CPU's part of the first per-CPU chunk begins, sorted, and where the last one ends. */
struct lv_units {
	__u64 end;
	__u32 nr;
	__u32 pad;
	__u64 start[LV_MAX_CPUS];
};

/* How often somebody had to wait for a lock, by CPU: see valve.bpf.h. A line each. */
struct lv_valve {
	struct {
		__u64 waits;
		__u64 pad[7];
	} cpu[LV_MAX_CPUS];
};

/* Tasks by a hash of where their stack is; one of several with one hash. */
#define LV_STACK_TASKS_BITS 14
struct lv_stack_tasks {
	__u64 task[1 << LV_STACK_TASKS_BITS];
};

/*
 * A word in the kernel's own data that points into the direct map or vmalloc: the boot's hash tables
 * and other memory of one variable, whose locks have no place else to be told by.
 */
struct lv_anchor {
	__u64 addr;   /* its target, as long as that stands at `where` */
	__u64 where;
	__u64 base;   /* the class's: the variable, or its member */
	__u32 size;   /* bytes that are one allocation's, as far as can be seen */
	__u32 stride; /* the elements' size; 0: not known, and all of it is one class */
	__u32 slab;   /* it points into a slab's object */
	__u32 pad;
};

#define LV_GENERIC_SHIFT 4
#define LV_GENERIC_STEPS (2u << 20) /* steps of 16 bytes: 32 MiB of the kernel's text */

/* The kernel's functions that are handed bare locks: a bit for each 16 bytes of its text. */
struct lv_generic {
	__u64 start; /* the text's */
	__u64 bits[LV_GENERIC_STEPS / 64];
};

/* Sorted by address. In the search for them, before arming, what was found and is not looked at yet. */
struct lv_anchors {
	__u32 nr;
	__u32 pad;
	__u64 next; /* the search: where it goes on, and where it ends */
	__u64 end;
	__u64 pages[64]; /* a bit for each page of a slab's that has some, hashed */
	struct lv_anchor anchor[LV_MAX_ANCHORS];
};

/* The lowest bits of the control's word; above them the epoch. All of it 0: disarmed. */
enum lv_armed {
	LV_ARMED = 1,
	LV_PROBING = 2, /* only what happens in the task that asks: the self-check */
};

/* Armed for so long, unless that is put off: who is stopped disarms the kernel within two seconds. */
#define LV_LEASE_NS 1500000000ull

#define LV_EPOCH_SHIFT 2
#define LV_EPOCH_MAX 0xffffu /* then from 1 again: a task's slot knows so much of it */
#define LV_TASK_IDLE 1ull    /* beside a key: its task blocked with nothing held */

/* The programs that give back what names no owner, and where the kernel counts their skipped runs. */
struct lv_releases {
	__u32 id[LV_MAX_RELEASES];     /* the kernel's id, 0: none */
	__u64 misses[LV_MAX_RELEASES]; /* a per-CPU address; 0: not found */
};

struct lv_control {
	__u32 word; /* armed, and the epoch: a new one empties every held stack */
	__u32 nr_cpus;
	__u64 probe_task; /* the task of LV_PROBING */
	struct lv_layout layout;
	/* Fields written while armed have a line of their own: every event reads the above. */
	__u64 lost_cpu __attribute__((aligned(64))); /* events on CPUs that were not planned for */
	__u32 next_stack; /* stack slots given out */
	__u32 pseudo_kinds; /* bits: kinds of pseudo-locks of which there is a class */
	__u64 lease_ns;  /* armed until then, CLOCK_MONOTONIC: see lease.bpf.h */
	__u64 lapsed_ns; /* when the hooks found it to be over, and disarmed themselves */
};

_Static_assert(sizeof(struct lv_place) == 24, "ABI");
_Static_assert(sizeof(struct lv_class) == 40 + 4 * LV_USAGES + 3 * 8 * LV_USAGES + LV_NAME_LEN + 48,
	       "ABI");
_Static_assert(sizeof(struct lv_edge) == 144, "ABI");
_Static_assert(sizeof(struct lv_stack) == 40 + 8 * LV_STACK_DEPTH, "ABI");
_Static_assert(sizeof(struct lv_fact) == 24, "ABI");
_Static_assert(sizeof(struct lv_anchor) == 40, "ABI");
_Static_assert(sizeof(struct lv_wait) == 96 + 8 * (LV_ABOVE_FRAMES + LV_STACK_DEPTH), "ABI");
_Static_assert(sizeof(struct lv_name) == 48 + 2 * LV_NAME_LEN, "ABI");
_Static_assert(sizeof(struct lv_held) == 24, "ABI");
_Static_assert(sizeof(struct lv_page) == 32, "ABI");
_Static_assert(sizeof(struct lv_memo) == 64, "ABI: a line each");
_Static_assert(sizeof(struct lv_held_stack) == 16 + sizeof(struct lv_held) * LV_HELD_DEPTH, "ABI");

#endif
