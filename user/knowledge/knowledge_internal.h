/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files of knowledge: knowledge.c lets it grow, knowledge_edges.c finds its edges,
 * knowledge_stack.c keeps its stacks, knowledge_ring.c tasks that wait for each other, knowledge_seen.c what
 * was looked at, knowledge_watch.c what is found, knowledge_count.c counts.
 */
#ifndef LOCKVANE_KNOWLEDGE_KNOWLEDGE_INTERNAL_H
#define LOCKVANE_KNOWLEDGE_KNOWLEDGE_INTERNAL_H

#include <uthash.h>

#include "finding/watch.h"
#include "knowledge/knowledge.h"

struct named {
	UT_hash_handle hh;
	uint32_t class;
	uint32_t owner; /* place in the tables of this process, or LV_NONE */
	char name[];
};

struct edge_key {
	uint32_t from, to, dep;
};

struct joined {
	UT_hash_handle hh;
	struct edge_key key;
	uint32_t edge;
};

struct knowledge {
	struct capture *c;
	struct finding_watch *w;
	struct findings all;
	struct named *names;
	struct joined *edges;
	uint32_t class_of[LV_MAX_CLASSES]; /* by place in the tables, or LV_NONE */
	/* Counts from before this process. */
	uint64_t *base_acquisitions, *base_counts, *base_losses;
	size_t nr_base_classes, nr_base_edges, nr_base_losses;
	uint64_t base_events, base_duration;
	bool full;
};

/* One knowledge_add(): where the classes and stacks of what was seen have gone. */
struct adding {
	struct knowledge *p;
	const struct capture *seen;
	uint32_t *classes, *stacks;
	uint32_t *owners; /* by its class: the first of the tables' */
	const uint32_t *seen_as; /* by the tables' class: where it is in the capture of this pass */
};

/* The watch is told of something, and what that completes becomes a finding. 0 or -errno. */
typedef int (*watch_step)(struct finding_watch *w, uint32_t index, struct findings *ret_new);
int knowledge_tell_watch(struct knowledge *p, watch_step step, uint32_t index);

/* Check findings that have a part seen once, whether they are surer now. 0 or -errno. */
int knowledge_tell_again(struct knowledge *p);

/* The deadlocks of what was seen that are not known yet. 0 or -errno. */
int knowledge_add_rings(struct adding *a);

/* A stack comes along with what refers to it, while there is room. 0 or -ENOMEM. */
int knowledge_add_stack(struct adding *a, uint32_t index, uint32_t *ret);
/* One frame alone, which many edges have: of equal ones the first stands for all. */
int knowledge_add_place(struct adding *a, uint32_t index, uint32_t *ret);

/* Add the evidence of a class's usages, or an edge, to the graph's. */
void knowledge_see_usages(const struct capture_class *from, struct capture_class *to);
void knowledge_see_edge(const struct adding *a, const struct capture_edge *from,
		      struct capture_edge *to, bool is_new);

/* The counts that a graph begins with. -ENOMEM. */
int knowledge_remember_base(struct knowledge *p);

/* Edge `edge` can be found from now on. -ENOMEM. */
int knowledge_learn_edge(struct knowledge *p, uint32_t edge);
void knowledge_forget_edges(struct knowledge *p);
/* The edge's index, or LV_NONE. */
uint32_t knowledge_edge(const struct knowledge *p, uint32_t from, uint32_t to, uint32_t dep);

/* Set a count: this process's, and the one from before it. */
static inline void knowledge_set_count(uint64_t *at, const uint64_t *base, size_t nr_base,
				     size_t index, uint64_t live)
{
	*at = live + (index < nr_base ? base[index] : 0);
}

#endif
