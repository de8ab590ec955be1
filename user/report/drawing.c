// SPDX-License-Identifier: GPL-2.0-only
#include "report/drawing.h"

#include <math.h>
#include <string.h>

#include "report/htmltext.h"

#define POINT 72.0 /* an inch */
#define MARGIN 6.0
#define ARROW 8.0
#define LINE_HEIGHT 14.0

static void copy(char *to, const char *from)
{
	size_t len = from ? strlen(from) : 0;

	if (len < DRAWING_TEXT) {
		memcpy(to, from ? from : "", len + 1);
		return;
	}
	memcpy(to, from, DRAWING_TEXT - 4);
	strcpy(to + DRAWING_TEXT - 4, "...");
}

uint32_t drawing_add_node(struct drawing *d, enum drawing_kind kind, const char *text)
{
	if (d->nr_nodes == DRAWING_NODES)
		return d->nr_nodes - 1;
	d->nodes[d->nr_nodes].kind = kind;
	copy(d->nodes[d->nr_nodes].text, text);
	return d->nr_nodes++;
}

void drawing_add_edge(struct drawing *d, uint32_t from, uint32_t to, const char *first,
		      const char *second)
{
	struct drawing_edge *edge = &d->edges[d->nr_edges];

	if (d->nr_edges == DRAWING_EDGES)
		return;
	edge->from = from;
	edge->to = to;
	copy(edge->text[0], first);
	copy(edge->text[1], second);
	d->nr_edges++;
}

static double x_of(struct drawing_point p)
{
	return p.x * POINT + MARGIN;
}

/* dot counts upwards. */
static double y_of(const struct drawing *d, struct drawing_point p)
{
	return (d->height - p.y) * POINT + MARGIN;
}

static void put_text(FILE *out, double x, double y, const char *class, const char *text)
{
	fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
	htmltext_put(out, text);
	fputs("</text>", out);
}

static void put_node(FILE *out, const struct drawing *d, const struct drawing_node *node)
{
	static const char *const classes[] = {
		[DRAWING_PLAIN] = "lock",
		[DRAWING_SAFE] = "lock safe",
		[DRAWING_UNSAFE] = "lock unsafe",
		[DRAWING_IRQ] = "irq",
	};
	double x = x_of(node->at), y = y_of(d, node->at);
	double w = node->width * POINT, h = node->height * POINT;

	fprintf(out,
		"<g class=\"%s\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
		"rx=\"%.1f\"/>",
		classes[node->kind], x - w / 2, y - h / 2, w, h,
		node->kind == DRAWING_IRQ ? h / 2 : 4.0);
	put_text(out, x, y + 4, "name", node->text);
	fputs("</g>\n", out);
}

/* A triangle at the end of the curve. */
static void put_arrow(FILE *out, const struct drawing *d, const struct drawing_edge *edge)
{
	struct drawing_point end = edge->points[edge->nr_points - 1];
	struct drawing_point before = edge->points[edge->nr_points - 2];
	double x = x_of(end), y = y_of(d, end);
	double dx = x - x_of(before), dy = y - y_of(d, before), len = hypot(dx, dy);

	if (len < 0.01)
		return;
	dx *= ARROW / len;
	dy *= ARROW / len;
	fprintf(out, "<polygon points=\"%.1f,%.1f %.1f,%.1f %.1f,%.1f\"/>", x, y,
		x - dx - dy * 0.45, y - dy + dx * 0.45, x - dx + dy * 0.45, y - dy - dx * 0.45);
}

static void put_edge(FILE *out, const struct drawing *d, const struct drawing_edge *edge)
{
	double x = x_of(edge->label), y = y_of(d, edge->label);
	bool two = edge->text[1][0];

	fputs("<g class=\"edge\"><path d=\"", out);
	for (uint32_t i = 0; i < edge->nr_points; i++)
		fprintf(out, "%s%.1f,%.1f", i == 0 ? "M" : i == 1 ? " C" : " ",
			x_of(edge->points[i]), y_of(d, edge->points[i]));
	fputs("\"/>", out);
	put_arrow(out, d, edge);
	if (edge->text[0][0])
		put_text(out, x, two ? y - 3 : y + 4, "label", edge->text[0]);
	if (two)
		put_text(out, x, y - 3 + LINE_HEIGHT, "label", edge->text[1]);
	fputs("</g>\n", out);
}

void drawing_put(FILE *out, const struct drawing *d, const char *title)
{
	double w = d->width * POINT + 2 * MARGIN, h = d->height * POINT + 2 * MARGIN;

	fprintf(out, "<svg role=\"img\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.1f %.1f\"><title>",
		w, h, w, h);
	htmltext_put(out, title);
	fputs("</title>\n", out);
	for (uint32_t i = 0; i < d->nr_edges; i++)
		put_edge(out, d, &d->edges[i]);
	for (uint32_t i = 0; i < d->nr_nodes; i++)
		put_node(out, d, &d->nodes[i]);
	fputs("</svg>\n", out);
}
