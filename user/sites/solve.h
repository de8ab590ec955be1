/* SPDX-License-Identifier: GPL-2.0-only */
/* The types of a function's values, from declarations first, then from facts. */
#ifndef LOCKVANE_SITES_SOLVE_H
#define LOCKVANE_SITES_SOLVE_H

#include "sites/flow.h"
#include "sites/sites.h"

#define SOLVE_TOLD 16
#define SOLVE_STEPS 100000 /* steps for one function, however often it is asked about */

/* An object of a type, and an offset in it. */
struct place {
	uint32_t type; /* 0: unknown */
	int64_t off;
	uint8_t strength; /* enum sites_strength */
};

enum memo_state { MEMO_NONE, MEMO_BUSY, MEMO_DONE };

struct memo {
	uint8_t state, islands_state;
	uint8_t tries;	      /* that ended unknown, as something was busy */
	struct place pointee; /* the node's target, by declarations */
	uint32_t island, nr_islands;
};

/* Other types that lie around a node: a type at an offset from it. */
struct island {
	uint32_t type;
	int64_t off;
	uint8_t strength;
	bool library;
	bool joined; /* told by what a PHI of several values is used for, or by another of these */
};

/* How a struct that BTF does not name hangs on one that it names. */
enum opened_kind {
	OPENED_MEMBER, /* a pointer member that is void to BTF points to it */
	OPENED_TAIL,   /* private data, `off` bytes behind the start of the other */
	OPENED_AROUND, /* the other is a member of it, at `off` */
	OPENED_LIST, /* the head of a list or tree at `off` leads to links that are members of it */
};

struct opened {
	uint32_t type, off, to; /* to 0: unknown; LIST: type 0: a variable, off of its address */
	uint32_t kind;		/* enum opened_kind */
	uint32_t link;		/* LIST: where in `to` the link is */
};

#define SOLVE_OPENED 8

struct solver {
	const struct flow *f;
	struct memo *memo; /* by node */
	struct island *island;
	uint32_t nr_islands, room_islands;
	struct solve_told {
		uint32_t node;
		struct place place; /* type 0: others were asked, and do not know */
	} told[SOLVE_TOLD];	    /* by other functions */
	uint32_t nr_told;
	struct opened opened[SOLVE_OPENED];
	uint32_t nr_opened;
	int depth;
	size_t steps;
	size_t busy; /* times that an answer was not to be had, as it was being looked for */
	bool failed;
};

int solver_init(struct solver *s, const struct flow *f);
void solver_free(struct solver *s);

/* Other functions say what a node points to. Earlier conclusions are forgotten. */
void solver_tell(struct solver *s, uint32_t node, struct place place);
void solver_again(struct solver *s);

/* The object that a value points into. */
struct place solve_place(struct solver *s, struct value v);

/* The lock of the family that a value points to. */
void solve_lock(struct solver *s, struct value v, uint32_t family, struct sites_answer *ret);

/* The lock at a place in an object of which no more is known than the value and its memory. */
struct object;
void solve_object(struct solver *s, struct value v, const struct object *object,
		  struct sites_answer *ret);

/* The lock of a socket that the value points to. */
void solve_sock(struct solver *s, struct value v, uint32_t family, struct sites_answer *ret);

/* The open member, or tail, that the type of the value hangs on. False: on something else. */
bool solve_open(struct solver *s, struct value v, struct opened *ret);

/* The head of a list or tree at a place: as an OPENED_LIST of no struct. False: there is none. */
bool solve_list_head(struct solver *s, struct value at, struct opened *ret);

/* Is the node a pointer to void, by its declaration, and nothing more known of it? */
bool solve_is_void(struct solver *s, uint32_t node);

/* The open members and tails whose types this function shows; each() may be called for one twice.
 */
void solve_each_opened(struct solver *s, void (*each)(void *arg, const struct opened *o),
		       void *arg);

/* Is the argument declared to point to a lock: any lock, as far as a prototype can say it? */
bool solve_arg_is_lock(const struct solver *s, uint32_t arg);

/*
 * Where a value comes from that other functions may know: an argument, the result of a call, or
 * a stack slot that a call may have filled; whose type is open, and that was not told yet. 0: none.
 */
uint32_t solve_origin(struct solver *s, struct value v);

#endif
