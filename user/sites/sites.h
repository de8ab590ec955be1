/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The type of the memory that a call site locks. For a return address behind a call of a lock
 * function: the struct and member that the lock is, told from the machine code of the function by
 * a static dataflow, from BTF and from symbols. See docs/sites.md.
 */
#ifndef LOCKVANE_SITES_SITES_H
#define LOCKVANE_SITES_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/kbtf.h"
#include "kernel/ksyms.h"
#include "kernel/lockpath.h"

struct sites;

enum sites_kind {
	SITES_UNKNOWN,
	SITES_MEMBER,  /* a member of a struct */
	SITES_SYMBOL,  /* a variable, a per-CPU variable, or behind a global pointer */
	SITES_GENERIC, /* a bare lock, or a library type, that the function was given or found */
};

/* Evidence, the best first. */
enum sites_strength {
	SITES_BY_TYPE, /* prototypes, layouts, the only container of a type, callbacks, callers */
	SITES_BY_USE,  /* the function's own use of the pointer */
	SITES_BY_HINT, /* a guess: never alone a reason to join two classes */
};

#define SITES_NO_ARG UINT32_MAX

struct sites_sources {
	const struct ksyms *ksyms;
	const struct kbtf *btf;
	/* Copies len bytes at a kernel address; 0 or -errno. Text, and constant data of it. */
	int (*read)(void *arg, uint64_t addr, void *buf, size_t len);
	void *arg;
};

struct sites_answer {
	enum sites_kind kind;
	enum sites_strength strength;
	char name[LOCKPATH_LEN + 64];  /* "Qdisc.q.lock", or "symbol" and how it goes on */
	char inner[LOCKPATH_LEN + 64]; /* MEMBER: the innermost struct of a name that is no library
					* type, and the path from there: "qdisc_skb_head.lock" */
	struct kbtf_type type;	       /* MEMBER: the outermost struct known */
	uint32_t offset, size;	       /* MEMBER: of the lock in it; of it, bytes */
	uint32_t inner_offset;	       /* MEMBER: of the lock in the inner struct, bytes */
	uint32_t inner_size;	       /* MEMBER: of the inner struct, bytes */
	bool pointed; /* MEMBER: it points to the lock; `offset` and `size` are of what it points to */
	bool own;     /* UNKNOWN: a variable on the stack of the function, which `name` is */
	uint64_t symbol;	       /* SYMBOL: its address */
	uint32_t arg; /* GENERIC: the argument of the function at the site; else SITES_NO_ARG */
	uint32_t arg_offset;	       /* GENERIC: of the lock in what that points to, bytes */
	uint64_t function;	       /* in which the call is: its address */
};

/* The sources must stay. -ENOMEM, -EINVAL. */
int sites_new(const struct sites_sources *sources, struct sites **ret);
void sites_free(struct sites *s); /* takes NULL */

/*
 * ip: the return address of a call of a lock function. The first question about a function
 * analyses it; answers are kept. -ENOENT: no text, or no such call there.
 */
int sites_ask(struct sites *s, uint64_t ip, struct sites_answer *ret);

/*
 * The lock of a GENERIC answer as the frame above knows it, of any family: where its `arg_offset` is
 * in what its `arg` points to, which the call before ip gives to its `function`, or to one that
 * ends by jumping there. -ENOENT likewise, and where no argument was told.
 */
int sites_ask_argument(struct sites *s, uint64_t ip, const struct sites_answer *below,
		       struct sites_answer *ret);

/* An object as its memory shows it: where a lock lies in it, and how many bytes it has room for. */
struct sites_object {
	uint32_t off, family, size;
};

/* The pointer to a lock that a call was given: `offset` behind its argument `arg`, which is the function's. */
struct sites_pointer {
	uint64_t ip;
	uint64_t function; /* 0: a lock function, and the lock that it takes */
	uint32_t arg, offset;
};

/*
 * The only struct that fits such an object with a lock at that place, and all that the function does with the
 * pointer: a hint, where there is no other answer. -ENOENT likewise.
 */
int sites_ask_object(struct sites *s, const struct sites_pointer *pointer,
		     const struct sites_object *object, struct sites_answer *ret);

/* Can the object be such a struct, by all that the function does with the pointer? True also if there is no telling. */
bool sites_may_be(struct sites *s, const struct sites_pointer *pointer,
		  const struct sites_object *object, struct kbtf_type type);

/* Bytes that the answers and tables take now. */
size_t sites_memory(const struct sites *s);

#endif
