/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A lock class' name, from where its locks live. The same class gets the same
 * name in every run on one kernel build, whatever was seen first.
 */
#ifndef LOCKVANE_NAMING_NAMES_H
#define LOCKVANE_NAMING_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "naming/callsite.h"
#include "kernel/kbtf.h"
#include "kernel/ksyms.h"
#include "kernel/slabs.h"

/* The values of enum capture_certainty, whose layer is above this one. */
enum names_certainty {
	NAMES_EXACT = 0,
	NAMES_INFERRED = 1,
	NAMES_AMBIGUOUS = 2,
};

#define NAMES_LEN 224

struct names_result {
	char name[NAMES_LEN];	 /* "kioctx.ctx_lock", "tasklist_lock", "kmalloc-256+0x58" */
	char alias[LV_NAME_LEN]; /* "&ctx->fd_wqh", or "" */
	char key[NAMES_LEN];	 /* where it lives: "[<ffffffff89c31430>]", "kioctx+0x140" */
	const char *kind;	 /* "static", "percpu", "slab", "kmalloc", … */
	enum names_certainty certainty;
	bool by_callsite; /* the functions that took it say so, not the memory it lies in */
	/* the name stands for all elements of an array: "a.bucket[].lock" for "a.bucket[3].lock" */
	bool collapsed;
	char full[NAMES_LEN];
	/* tell apart two of one name */
	char cache[LV_NAME_LEN]; /* "" if not in a slab */
	uint32_t family;
};

/* Any may be NULL: names get poorer, nothing fails. They must outlive the namer. */
struct names_sources {
	const struct ksyms *ksyms;
	const struct kbtf *btf;
	const struct slabs *slabs;
};

struct names;

/* All names the kernel half collected; those not READY or DEAD are passed over. */
int names_new(const struct names_sources *from, const struct lv_name *names, size_t nr,
	      struct names **ret);
void names_free(struct names *n); /* takes NULL */

/* stacks: where some of the class' locks were taken. */
void names_class(const struct names *n, const struct lv_class *class,
		 const struct callsite_stack *stacks, size_t nr_stacks, struct names_result *ret);

/*
 * Make the names of one capture's classes unique. Elements of an array get
 * their index, always, or the name would depend on which others were seen:
 * whoever takes all elements for one class does that before. Names that are still equal get
 * "@cache", then "#2" in the order of the keys.
 */
int names_unique(struct names_result *results, size_t nr);

#endif
