/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Several places, one class: the elements of an array. The recorder has a class
 * for each place; lockdep is told one key in the loop that initialises them.
 */
#ifndef LOCKVANE_NAMING_NAMES_FOLD_H
#define LOCKVANE_NAMING_NAMES_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "naming/names.h"

#define NAMES_FOLD_SITES 32
#define NAMES_FOLD_MAX 1024 /* elements of an array that are looked at */

struct names_fold_item {
	const struct lv_class *class;
	struct names_result *result;
	uint64_t sites[NAMES_FOLD_SITES]; /* return addresses where its locks were taken */
	size_t nr_sites;
	bool is_waitq; /* a wait-queue head's: who took it is the same for all of those */
	size_t one_with; /* in and out: index of the item that stands for it, none above; its own: itself */
};

/*
 * Sets one_with, and the names of elements: "a.bucket[].lock" in the place of an
 * index, whether one of them was seen or all. 0 or -ENOMEM.
 */
int names_fold(struct names_fold_item *items, size_t nr);

#endif
