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

#endif
