/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small graph as SVG. Graphviz' dot finds the places; of the texts it is told the lengths only, so
 * that no name of a capture reaches it, and nothing but numbers comes back.
 */
#ifndef LOCKVANE_REPORT_DRAWING_H
#define LOCKVANE_REPORT_DRAWING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DRAWING_NODES 32
#define DRAWING_EDGES 40
#define DRAWING_POINTS 64
#define DRAWING_TEXT 64 /* bytes of a line; what is longer is cut */
#define DRAWING_LINES 2

enum drawing_kind {
	DRAWING_PLAIN,
	DRAWING_SAFE,	/* taken in interrupts */
	DRAWING_UNSAFE, /* held with interrupts on */
	DRAWING_IRQ,	/* an interrupt, no lock */
};

struct drawing_point {
	double x, y; /* inches from the lower left corner, as dot has them */
};

struct drawing_node {
	enum drawing_kind kind;
	char text[DRAWING_TEXT];
	struct drawing_point at; /* its middle */
	double width, height;
};

struct drawing_edge {
	uint32_t from, to;
	char text[DRAWING_LINES][DRAWING_TEXT];
	struct drawing_point points[DRAWING_POINTS]; /* a Bezier curve's */
	uint32_t nr_points;
	struct drawing_point label; /* its middle */
};

struct drawing {
	struct drawing_node nodes[DRAWING_NODES];
	struct drawing_edge edges[DRAWING_EDGES];
	uint32_t nr_nodes, nr_edges;
	double width, height;
	bool placed; /* dot has found a place for all of it */
};

/* The new node, or the last one where there is no room. */
uint32_t drawing_add_node(struct drawing *d, enum drawing_kind kind, const char *text);
/* Does nothing where there is no room. Lines may be NULL. */
void drawing_add_edge(struct drawing *d, uint32_t from, uint32_t to, const char *first,
		      const char *second);

/*
 * Find places for all of them, by one run of dot. Without dot, or if it fails, they stay unplaced.
 * -ENOENT: there is no dot; other errors are dot's.
 */
int drawing_place(struct drawing *all, size_t nr);

/* A placed one, with classes for a style sheet; `title` is read out in place of it. */
void drawing_put(FILE *out, const struct drawing *d, const char *title);

#endif
