/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel image as far as the dataflow asks: text, functions by address, per-CPU variables. */
#ifndef LOCKVANE_SITES_IMAGE_H
#define LOCKVANE_SITES_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sites/sites.h"
#include "sites/types.h"

enum target_kind {
	TARGET_PLAIN,
	TARGET_RETURN,	 /* jumping there returns (__x86_return_thunk) */
	TARGET_NORETURN, /* a call does not return */
	TARGET_THUNK,	 /* goes on where a register points to */
};

enum target_lock { LOCK_NONE, LOCK_ARG, LOCK_SOCK, LOCK_CPUS };

#define RETURNED_LOADS 2

/*
 * The value that a function returns wherever it returns no constant: off[0] behind its argument, or what is read
 * there, and off[1] behind that, and so on.
 */
struct returned {
	bool known;
	uint8_t arg, nr_loads;
	int64_t off[RETURNED_LOADS + 1];
};

/* A function by the address that a call or jump names. */
struct target {
	uint64_t addr;
	const struct ksym *sym; /* NULL: none begins there */
	uint8_t kind;		/* enum target_kind */
	uint8_t reg;		/* THUNK */
	uint8_t lock;		/* enum target_lock: what it takes */
	uint8_t lock_arg;	/* which argument that is, or is in */
	uint8_t family;		/* enum lv_family */
	bool acquires;		/* it is a lock function: else it releases */
	bool untyped;		/* no prototype, or none to be trusted */
	const struct btf *btf;	/* the prototype's */
	uint32_t proto;		/* FUNC_PROTO; 0: none */
	bool summarised;
	struct returned returned; /* if summarised */
};

struct image {
	struct sites_sources src;
	struct types *types;
	struct ksyms_bounds bounds;
	uint64_t this_cpu_off, percpu_offsets, pv_ops, pv_ops_end;
	struct target **target; /* hash by address */
	size_t nr_targets, mask;
	/* Analyses a function; NULL: nothing is known of what functions return. */
	void (*summarise)(struct image *im, const struct ksym *sym, struct returned *ret);
	bool summarising;
};

int image_init(struct image *im, const struct sites_sources *src);
void image_free(struct image *im);
size_t image_memory(const struct image *im);

/* NULL: no memory. */
const struct target *image_target(struct image *im, uint64_t addr);

/* The function's returned value. While it is being found out for another function: nothing is known. */
struct returned image_returned(struct image *im, const struct target *t);

/* The types that a function of that symbol sees: the kernel's, or its module's. */
const struct btf *image_btf(const struct image *im, const struct ksym *sym);

/* The type of the per-CPU variable at an address of its section, and the offset in it. 0: none. */
uint32_t image_percpu(const struct image *im, uint64_t addr, uint32_t *ret_off);

/* "foo" for "foo.cold": the function whose part the symbol is; else the symbol itself. */
const struct ksym *image_whole(const struct image *im, const struct ksym *sym);

#endif
