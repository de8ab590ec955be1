/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of registers and stack slots at a point of a function, and the effect of instructions
 * on it.
 */
#ifndef LOCKVANE_SITES_STATE_H
#define LOCKVANE_SITES_STATE_H

#include "sites/flow.h"

#define STATE_SLOTS 96

struct slot {
	int64_t off; /* from the stack pointer at the entry */
	struct value value;
};

struct state {
	struct value reg[R_NR];
	uint32_t nr_slots;
	struct slot slot[STATE_SLOTS]; /* by offset; of 8 bytes each */
};

/* At the function's entry, or, `unknown`, where nothing but the stack pointer is known. */
void state_begin(struct flow *f, struct state *st, bool unknown, uint64_t ip);

/* Apply an instruction; `record`: note calls and facts. */
void state_apply(struct flow *f, struct state *st, const struct decode_insn *insn, bool record);

/* That value is known to be 0 here. */
void state_make_null(struct state *st, struct value v);

/* Notes for `record`. */
void record_access(struct flow *f, struct value addr, uint32_t size);
void record_store(struct flow *f, struct value addr, struct value stored);
void record_call(struct flow *f, const struct state *st, const struct decode_insn *insn,
		 const struct target *to, struct value callee);
void record_return(struct flow *f, struct value result);
void record_joins(struct flow *f);

#endif
