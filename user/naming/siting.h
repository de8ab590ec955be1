/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Classes of untyped memory, named by the types of their call sites. The recorder has a class
 * for each site; those of one type are joined here, and no others.
 */
#ifndef LOCKVANE_NAMING_SITING_H
#define LOCKVANE_NAMING_SITING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "naming/names.h"
#include "sites/sites.h"

#define SITING_FRAMES 4 /* generic functions that call each other, and who calls them */

/* The best of what the call sites on a class's stacks say. */
struct siting {
	struct sites_answer answer; /* kind SITES_UNKNOWN: nothing */
	struct sites_answer hint;   /* a guess, kind SITES_UNKNOWN: none */
	bool contradicts;	    /* two sites name different types */
	uint64_t function;	    /* in which the call is: its address, 0: not known, or in several */
	char own[64];		    /* the function on whose own stack the lock is, by all sites; or "" */
	/* The frames of a stack no site of which says anything, up from the lock's function; ip 0: no more. */
	struct sites_pointer open[SITING_FRAMES];
};

/*
 * Ask for each stack: the call of the lock's function, and above a generic function the call of
 * that; and where that is not known, what fits the class's memory. s may be NULL: nothing is known then.
 */
void siting_ask(struct sites *s, const struct lv_class *class, const struct callsite_stack *stacks,
		size_t nr, struct siting *ret);

/* "member tmigr_group.lock, by type": for people. */
void siting_describe(const struct siting *s, struct strbuf *ret);

struct siting_item {
	uint32_t id; /* in the kernel half's table of classes; ascending */
	const struct lv_class *class;
	struct names_result *result;
	struct siting siting;
	size_t one_with; /* out: index of the item that stands for it; its own: itself */
};

/*
 * Name the classes that have a site (place.site) and join those of one type. A class whose site is not typed
 * joins the one type at its place that its function takes elsewhere, whose objects look as its own
 * (alike.h), or whose member the kernel has told a name for; else it keeps its name, and is joined with none. s may be NULL. 0 or -ENOMEM.
 */
int siting_join(struct sites *s, struct siting_item *items, size_t nr);

#endif
