/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values that registers and stack slots hold: a node (where a value came from), plus a constant,
 * plus an index times a scale. Equal origins are one node.
 */
#ifndef LOCKVANE_SITES_VALUE_H
#define LOCKVANE_SITES_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum node_kind {
	NODE_NONE,   /* no node: the value is a constant */
	NODE_ANY,    /* some number */
	NODE_PERCPU, /* where this or another CPU's copy of the per-CPU section is */
	NODE_STACK,  /* the stack pointer at the entry */
	NODE_OPAQUE, /* the value that instruction `key` left in register `off` */
	NODE_ARG,    /* argument `off` */
	NODE_RESULT, /* the result of the call that returns to `key` */
	NODE_LOAD,   /* 8 bytes from base + off (+ index times scale) */
	NODE_PHI,    /* where paths meet at `key`, in register or slot `off` */
};

#define NODE_INPUTS 8

struct value {
	uint32_t base, index; /* nodes */
	int32_t scale;	      /* the index's; 0: there is none */
	int64_t off;
};

struct node {
	uint8_t kind; /* enum node_kind */
	bool many;    /* PHI: more inputs than are kept */
	uint8_t nr_inputs;
	uint32_t base; /* LOAD: node */
	int32_t scale; /* LOAD */
	int64_t off;
	uint64_t key;
	uint32_t declared; /* BTF type of the value, as far as that is plain; 0: unknown */
	uint32_t next;	   /* next of the same hash */
	uint32_t inputs;   /* PHI: index of the first in the list of inputs */
	uint32_t facts;	   /* index + 1 of the last of a list that flow.h has */
};

struct nodes {
	struct node *node; /* [0] to [3] are NONE, ANY, PERCPU, STACK */
	uint32_t nr, room;
	uint32_t *hash;
	struct value *inputs; /* NODE_INPUTS for each PHI */
	uint32_t nr_phis, room_phis;
	bool failed; /* no memory, or too many */
};

int nodes_init(struct nodes *n);
void nodes_free(struct nodes *n);
size_t nodes_memory(const struct nodes *n);

/* The node of that origin, which may be a new one. When too many: NODE_ANY, and failed is set. */
uint32_t nodes_get(struct nodes *n, const struct node *origin);

struct value value_node(uint32_t node);
struct value value_const(int64_t c);
bool value_is_const(struct value v);
bool value_equal(struct value a, struct value b);

/* Ranks two nodes that are added: the one that is likelier an address is higher. */
typedef int (*value_rank)(void *arg, uint32_t node);
struct value value_add(struct value a, struct value b, value_rank rank, void *arg);
struct value value_mul(struct value a, int64_t k);

/* Add an input to a PHI, unless it says nothing (small constants: NULL, errors) or is there. */
void nodes_add_input(struct nodes *n, uint32_t phi, struct value in);
const struct value *nodes_inputs(const struct nodes *n, uint32_t phi);
void nodes_clear_inputs(struct nodes *n);

/* Merge `in` into *to, at the place that key and slot name. True: *to is another value now. */
bool value_join(struct nodes *n, struct value *to, struct value in, uint64_t key, int64_t slot);

#endif
