/* SPDX-License-Identifier: GPL-2.0-only */
/* The running kernel's names and symbols for the recorder's tables. */
#ifndef LOCKVANE_TRACE_WORDS_H
#define LOCKVANE_TRACE_WORDS_H

#include "base/error.h"
#include "capture/tables.h"
#include "kernel/kbtf.h"

/* btf: of the kernel and the modules there are now. -ENOMEM. */
struct words;
int words_new(const struct kbtf *btf, struct words **ret);
void words_free(struct words *w); /* takes NULL */

/*
 * Append the tables to a capture with every class named and every frame symbolised.
 * For who asks again: symbols are kept until words_forget() (hooks were attached:
 * their trampolines have symbols) or until other modules are loaded, whose types are
 * read then, too. ret_classes, room for LV_MAX_CLASSES: of each class of the tables its
 * place in the capture, or LV_NONE; several may have one place. May be NULL.
 */
int words_capture(struct words *w, const struct tables *tables, struct capture *ret,
		uint32_t *ret_classes, struct error *err);
void words_forget(struct words *w);

/*
 * The return address of the function that asked for a sleeping lock, among those of a task that waits for
 * it: the first that is not in a lock's functions. 0: not known. After words_follow().
 */
uint64_t words_taker(const struct words *w, const __u64 *ip, uint32_t nr);

/* Read what has to be read again now, and not when somebody waits for names. */
void words_follow(struct words *w);

#endif
