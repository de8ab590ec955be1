/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Annotations applied to the evidence: whether two sightings of a class are of one of lockdep's
 * classes. They only take confidence away.
 */
#ifndef LOCKVANE_FINDING_ANNOTATED_H
#define LOCKVANE_FINDING_ANNOTATED_H

#include "base/strbuf.h"
#include "finding/model.h"

/* One sighting of a class's lock: taken, held or used. */
struct annotated_side {
	const struct capture_stack *taken; /* where it was taken, or NULL */
	bool by_caller;			   /* that begins behind the lock's function */
	const struct capture_stack *under; /* else: what ran while it was held, or NULL */
	uint64_t addr;			   /* the instance, 0 unknown */
	bool self;			   /* taken under another of its class */
	bool shared;			   /* held by a reader */
};

/* The lock that an edge's `to` was, and the one its `from` was. */
struct annotated_side annotated_taken(const struct capture *c, const struct capture_edge *edge);
struct annotated_side annotated_held(const struct capture *c, const struct capture_edge *edge);
/* One use of a class, by its usage bit. */
struct annotated_side annotated_used(const struct capture *c, const struct capture_class *class,
				     uint32_t usage);

/*
 * May the two be of different classes of lockdep's, or no order at all? Not if
 * both are one instance. Joined: other sightings than those of the two stacks are of one instance,
 * which is enough for a lock that is not validated, whose classes no stack tells. The reason is added to
 * ret_why, unless that is NULL.
 */
bool annotated_apart(const struct finding_model *m, uint32_t class, const struct annotated_side *in,
		     const struct annotated_side *out, bool joined, struct strbuf *ret_why);

/* The cost of that comparison: frames to look at, each with the rows of its member. */
uint64_t annotated_cost(const struct finding_model *m, uint32_t class,
			const struct annotated_side *in, const struct annotated_side *out);

/* Was the edge of a class to itself an annotated nesting? As above. */
bool annotated_nesting(const struct finding_model *m, const struct capture_edge *edge,
		       struct strbuf *ret_why);
/* Does a function take locks of this class with a subclass that is computed? The reason is added to ret_why. */
bool annotated_computed(const struct finding_model *m, uint32_t class, struct strbuf *ret_why);
/* Does a function order the locks of this class among each other? */
bool annotated_ordered(const struct finding_model *m, uint32_t class);
/* Does lockdep leave the locks of this class out, a tree's, in which each nests in its parent's? */
bool annotated_unvalidated(const struct finding_model *m, uint32_t class);

/*
 * Makes a chain weak for the first reason there is, once its edges and uses are
 * chosen; joined: by sightings of which each two that meet at a class are of one instance. -ENOMEM.
 */
int annotated_grade(const struct finding_model *m, bool closed, bool joined,
		    struct finding_chain *chain);

#endif
