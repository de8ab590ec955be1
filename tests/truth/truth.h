/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the judge notes in the kernel. A situation is a lock event with all
 * that lockdep and lockvane believed at that moment; equal ones are counted,
 * not repeated, so that a few thousand hold a run of minutes. What lockdep's
 * rules make of them is worked out afterwards, by tests/truth/judge.py, which
 * reads these structs as they lie here.
 */
#ifndef LOCKVANE_TRUTH_H
#define LOCKVANE_TRUTH_H

#include "abi.h"

#define TRUTH_SITUATIONS 262144 /* a power of 2 */
#define TRUTH_PROBES 64
#define TRUTH_OURS 20
#define TRUTH_THEIRS 20
#define TRUTH_DEPTH 48	/* MAX_LOCK_DEPTH */
#define TRUTH_CLASSES 8192 /* MAX_LOCKDEP_KEYS */
#define TRUTH_KEYS 32768   /* a power of 2: all that had one of lockdep's classes in the run */
#define TRUTH_KEY_PROBES 32
#define TRUTH_NO_KEY 0xffff
#define TRUTH_NAME_LEN 64
#define TRUTH_PSEUDOS 16384 /* a power of 2: all keys, and our classes of those that are pseudo-locks' */
#define TRUTH_PSEUDO_PROBES 64
#define TRUTH_FAULT 31 /* among the kinds of enum lv_pseudo: mmap_lock, as might_fault() says it */
#define TRUTH_FRAMES 4
#define TRUTH_NOBODY 0xff

enum truth_what {
	TRUTH_TAKEN = 0,
	TRUTH_GIVEN_BACK = 1,
	TRUTH_GIVEN_BACK_ON = 2, /* and interrupts go on with it */
	TRUTH_ACQUIRED = 3, /* by lockdep, a pseudo-lock that is waited for: it comes last, and is not held yet */
	TRUTH_ATTEMPTED = 4, /* by us, whether or not lockdep looks: the same, but for the key, which may be none */
};

/* In a word of lockdep's, where its class's number stood: */
#define TRUTH_KIND 0x1f	      /* enum lv_pseudo, or TRUTH_FAULT; 0: a lock */
#define TRUTH_KNOWN (1u << 5) /* by then we had a class for it */
#define TRUTH_CONTEXT_SHIFT 13
#define TRUTH_READ_SHIFT 16
#define TRUTH_CHECK_SHIFT 18

/* irqs */
#define TRUTH_HARDIRQS_ON (1 << 0) /* as lockdep has them */
#define TRUTH_SOFTIRQS_ON (1 << 1)
#define TRUTH_IN_HARDIRQ (1 << 2)
#define TRUTH_IN_SOFTIRQ (1 << 3)
#define TRUTH_LOST (1 << 4)   /* an interrupt hit one of our programs: counted as lost */
#define TRUTH_DEEPER (1 << 5) /* more was held than fits */

struct truth_ours {
	__u32 class;
	__u8 mode;
	__u8 flags;
	__u8 sleeping;
	__u8 theirs; /* index of lockdep's entry for the same lock, or TRUTH_NOBODY */
};

struct truth_theirs {
	__u32 word; /* struct held_lock: irq_context:2, trylock:1, read:2, check:1, ..., from bit 13 */
	__u8 ours;
	__u8 nested; /* a nest_lock was told */
	__u16 key;   /* index in the table of keys, or TRUTH_NO_KEY */
};

struct truth_situation {
	__u64 hash; /* of all that comes after `state` and before `frames` */
	__u64 count;
	__u32 state; /* enum lv_slot_state */
	__u32 class; /* ours, of the lock; LV_NONE: not known, or given back */
	__u16 hook;
	__u8 level;
	__u8 irqs;
	__u8 what; /* enum truth_what */
	__u8 nr_ours, nr_theirs;
	__u8 subject; /* lockdep's entry of the lock, or TRUTH_NOBODY */
	struct truth_ours ours[TRUTH_OURS];
	struct truth_theirs theirs[TRUTH_THEIRS];
	__u64 frames[TRUTH_FRAMES]; /* at first sight: who took the newest locks that lockdep has */
};

/*
 * One of lockdep's classes, as it was when a lock of it was first noted: a key in memory that is freed
 * gives its class back, which another key may get (lockdep_unregister_key()).
 */
struct truth_key {
	__u64 key;
	__u64 name_at; /* its address */
	__u64 usage;   /* when all is over; 0: the class was given back by then */
	__u32 subclass;
	__u32 lock_type; /* and wait types: inner << 8, outer << 16 */
	__u32 state;	 /* enum lv_slot_state */
	__u32 live;	 /* it is one of lockdep's when all is over */
	char name[TRUTH_NAME_LEN];
};

/* A key's kind, where `class` is LV_NONE; else one of our classes of what has the key. */
struct truth_pseudo {
	__u64 key;
	__u32 class;
	__u32 kind; /* enum lv_pseudo, or TRUTH_FAULT; 0: a lock */
	__u32 state; /* enum lv_slot_state */
	__u32 pad;
};

/* The keys of the two locks that an edge of ours was first seen with; by then they may be others. */
struct truth_ends {
	__u64 from, to;
};

struct truth_control {
	__u64 noted;
	__u64 skipped; /* the observer was busy: another task came in between */
	__u64 dropped; /* no room for another situation */
	__u64 unread;  /* lockdep's stack could not be read */
	__u64 crowded; /* no room for another key of pseudo-locks, or class */
};

_Static_assert(sizeof(struct truth_situation) ==
		       32 + 8 * TRUTH_OURS + 8 * TRUTH_THEIRS + 8 * TRUTH_FRAMES,
	       "judge.py");
_Static_assert(sizeof(struct truth_pseudo) == 24, "judge.py");
_Static_assert(sizeof(struct truth_key) == 40 + TRUTH_NAME_LEN, "judge.py");

#endif
