/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dataflow over one function: which values its calls are given, and what it does with each
 * pointer (facts). Types are asked for later.
 */
#ifndef LOCKVANE_SITES_FLOW_H
#define LOCKVANE_SITES_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sites/code.h"
#include "sites/image.h"
#include "sites/value.h"

#define FLOW_ARGS 6

enum fact_kind {
	FACT_ACCESS,   /* `size` bytes at node + off were read or written */
	FACT_GIVEN,    /* node + off was argument `arg` of call `call` */
	FACT_STORED,   /* node + off was stored at `where` */
	FACT_JOINS,    /* node + off is an input of PHI where.base */
	FACT_RETURNED, /* node + off is what the function returns */
};

struct fact {
	uint32_t next; /* index + 1 of the next of the node */
	uint8_t kind;  /* enum fact_kind */
	uint8_t arg;
	uint32_t call, size;
	bool indexed;  /* at multiples of `scale` from there */
	int32_t scale; /* STORED */
	int64_t off;
	struct value where;
};

struct flow_call {
	uint64_t ip;		 /* the return address; of a tail call, behind the jump */
	const struct target *to; /* NULL: indirect */
	struct value callee;	 /* indirect: what is called */
	struct value arg[FLOW_ARGS];
	uint32_t result; /* node */
	bool tail;
};

/* A function's address was stored: a callback. */
struct flow_stored {
	struct value where;
	uint64_t function;
};

/* A value was stored on the stack. */
struct flow_slot {
	int64_t off; /* from the stack pointer at the entry */
	struct value value;
};

struct flow {
	struct image *im;
	const struct ksym *sym;
	const struct btf *btf;	   /* types as this function sees them */
	const struct target *self; /* its prototype, if any */
	struct code code;
	struct nodes nodes;
	struct fact *fact;
	uint32_t nr_facts, room_facts;
	struct flow_call *call;
	uint32_t nr_calls, room_calls;
	struct flow_stored *stored;
	uint32_t nr_stored, room_stored;
	struct flow_slot *slot;
	uint32_t nr_slots, room_slots;
	struct value returned; /* a PHI of all that it returns, or none */
	bool failed;	       /* no memory, or more than the bounds allow: nothing is sure */
};

/* -ENOENT: no text there; -E2BIG: beyond the bounds; -ENOMEM. */
int flow_run(struct image *im, const struct ksym *sym, struct flow *ret);
void flow_free(struct flow *f);

/* The call that returns to ip; NULL: none. */
const struct flow_call *flow_find_call(const struct flow *f, uint64_t ip);

/* The bare type that a value of that declared type points to, as this function sees it. */
uint32_t flow_declared_pointee(const struct flow *f, uint32_t node);

/* The type of a parameter of a prototype, or with arg FLOW_RETURN of the result. 0: unknown. */
#define FLOW_RETURN 255
uint32_t flow_param(const struct flow *f, const struct target *t, uint32_t arg);
uint32_t flow_proto_param(const struct btf *btf, uint32_t proto, uint32_t arg);

#endif
