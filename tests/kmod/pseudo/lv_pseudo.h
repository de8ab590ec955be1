/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of lv_pseudo.ko share. */
#ifndef LV_PSEUDO_H
#define LV_PSEUDO_H

#include <linux/mutex.h>

struct lv_pseudo_verb {
	const char *word;
	void (*run)(void);
};

/* Each file's words, and what it needs made before and dropped after. */
struct lv_pseudo_part {
	const struct lv_pseudo_verb *verbs; /* the last has no word */
	int (*init)(void);
	void (*exit)(void);
};

extern const struct lv_pseudo_part lv_pseudo_deferred, lv_pseudo_memory, lv_pseudo_files,
	lv_pseudo_block, lv_pseudo_system;

void lv_pseudo_take(struct mutex *mutex);

/*
 * The two mutexes of a pair: both are taken under the pseudo-lock. The pseudo-lock is waited for
 * under the first, which is the bug; and when the second has been given back, which is none.
 */
#define LV_PSEUDO_PAIR(kind)                         \
	static DEFINE_MUTEX(lv_pseudo_##kind##_mutex); \
	static DEFINE_MUTEX(lv_pseudo_##kind##_late)

#endif
