/* SPDX-License-Identifier: GPL-2.0-only */
/* The running kernel's names and symbols for the recorder's tables. */
#ifndef LOCKVANE_TRACE_WORDS_H
#define LOCKVANE_TRACE_WORDS_H

#include "base/error.h"
#include "capture/tables.h"
#include "kernel/kbtf.h"

/*
 * Append the tables to a capture with every class named and every frame
 * symbolised. Symbols are read now, so that modules which came during the
 * trace are known. 0 or -errno.
 */
int words_capture(const struct tables *tables, const struct kbtf *btf, struct capture *ret,
		  struct error *err);

/*
 * The same for who asks again and again: symbols are kept until words_forget()
 * (hooks were attached: their trampolines have symbols) or until other modules
 * are loaded. ret_classes, room for LV_MAX_CLASSES: of each class of the tables its
 * place in the capture, or LV_NONE; several may have one place.
 */
struct words;
int words_new(const struct kbtf *btf, struct words **ret);
void words_free(struct words *w); /* takes NULL */
void words_forget(struct words *w);
int words_again(struct words *w, const struct tables *tables, struct capture *ret,
		uint32_t *ret_classes, struct error *err);

#endif
