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

/* The function that the address, a return address, lies in; NULL: not known. After words_follow(). */
const char *words_function(const struct words *w, uint64_t ip);

/* Read what has to be read again now, and not when somebody waits for names. */
void words_follow(struct words *w);

#endif
