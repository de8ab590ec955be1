/* SPDX-License-Identifier: GPL-2.0-only */
/* A capture as the rules see it: the graph, and how far each class is trusted. */
#ifndef LOCKVANE_FINDING_MODEL_H
#define LOCKVANE_FINDING_MODEL_H

#include "capture/capture.h"
#include "finding/annotations.h"
#include "finding/finding.h"
#include "graph/graph.h"
#include "graph/reach.h"
#include "graph/walk.h"

#define FINDING_NOT_ASKED 0xff

struct finding_model {
	const struct capture *c;
	struct graph *g;
	struct graph_reach *reach;
	struct graph_walk *walk;
	uint32_t *capture_class; /* by graph class */
	uint32_t *graph_class;	 /* by capture class */
	uint8_t *grade;		 /* by graph class: enum capture_certainty, or one more: on no inversion */
	uint8_t *cycle_grade;	 /* the same, for cycles */
	uint32_t *first_edge;	 /* by graph edge: a capture edge, or LV_NONE */
	uint32_t *next_edge;	 /* by capture edge: another of the same two classes */
	uint8_t *fault;		 /* by graph edge: fault.c's answer, or FINDING_NOT_ASKED */
	uint32_t *first_self;	 /* by graph class: a capture edge to itself */
	uint32_t *mark;		 /* by graph class: the round that marked it */
	uint32_t round;
	uint32_t room_classes, room_edges;
	uint64_t work; /* spent on chains: see finding_model_spend() */

	/* NULL: the capture was told itself. */
	struct annotations *annotations;
	/* By graph class: what is told of it, or NULL; does it lie in a struct around the member's? */
	const struct annotation_member **member;
	uint8_t *inner;
};

/* With nothing in it. -ENOMEM, -EINVAL when the capture has an index out of bounds. */
int finding_model_new(const struct capture *c, struct finding_model **ret_model);

/*
 * Takes in all of the capture, its classes in the order of their names, so that
 * what a search meets first does not depend on the order of recording. -ENOMEM.
 */
int finding_model_fill(struct finding_model *m);

/* One class, or one edge between classes that were added. -ENOMEM, -EINVAL. */
int finding_model_add_class(struct finding_model *m, uint32_t class);
/* As graph_add_edge: 1 when it says something new. One that is refuted (pseudo.h) is not added: 0. */
int finding_model_add_edge(struct finding_model *m, uint32_t edge, uint32_t *ret_edge);

void finding_model_free(struct finding_model *m); /* takes NULL */

/* The usage bits that count: on PREEMPT_RT irqs interrupt raw locks only. */
uint32_t finding_usage(const struct capture *c, const struct capture_class *class);

/*
 * How much a class can be relied on: its certainty; but on a kernel that preempts
 * itself, and was not asked for missed releases, that of a sleeping lock without an owner to ask is
 * CAPTURE_AMBIGUOUS: who holds it may have given it back unseen. So is that of a lock whose readers
 * have others give it back. So is that of a lock on a task's stack
 * where unlocks are hidden.
 */
enum capture_certainty finding_grade(const struct capture *c, const struct capture_class *class);

/* Is it the one lock, twice? */
bool finding_same_instance(const struct capture_edge *edge);

const struct capture_class *finding_class(const struct finding_model *m, uint32_t graph_class);
/* A variable's lock: its memory never becomes another object. */
bool finding_is_permanent(const struct capture_class *class);

/*
 * A capture may come from anyone, and a small one can make chains without end: a thousand classes in a
 * row, a thousand unsafe ones behind them. Analysis has a budget: steps of the searches, and work on
 * chains, whose unit is a comparison of two sightings. Work counts from the last reset.
 */
void finding_model_spend(struct finding_model *m, uint64_t work);
/* For a path of graph classes that becomes a chain: its elements, and their names. */
void finding_model_spend_path(struct finding_model *m, const struct graph_path *path);
void finding_model_reset_work(struct finding_model *m);
/* Has more work gone into chains than any honest capture asks for? */
bool finding_model_overworked(const struct finding_model *m);
/* The same, or has this analysis searched more? */
bool finding_model_tired(const struct finding_model *m);

/* Usage bits as the graph has them. */
static inline uint32_t finding_model_usage(const struct finding_model *m, uint32_t graph_class)
{
	return m->g->classes[graph_class].usage;
}

#endif
