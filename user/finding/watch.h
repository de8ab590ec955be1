/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The same rules while a capture grows: each new class, usage bit, edge or
 * fact is told, and what it completes comes back at once. Most cost no search.
 *
 * A watch and finding_analyse() agree on what is wrong and on its ids. Where a defect has several
 * chains, the watch tells the best at the moment, and once more, under the same id, when a surer
 * one appears. A watch knows which event it was told last, and so says which completed the finding.
 * An event that closes several cycles brings one of them, and when sixteen with the same dependency
 * were told no more with it: finding_analyse() lists those.
 */
#ifndef LOCKVANE_FINDING_WATCH_H
#define LOCKVANE_FINDING_WATCH_H

#include "finding/finding.h"

struct finding_watch;

/* Watches from nothing on: what c has already is to be told too. -ENOMEM. */
int finding_watch_new(const struct capture *c, struct finding_watch **ret_watch);
void finding_watch_free(struct finding_watch *w); /* takes NULL */

/*
 * The capture has this class, edge or fact now, or this class has usage
 * bits or flags more. New findings go to the end of `ret_new`. A class comes before its
 * edges; an edge told before may be left out when only its count changed.
 * -ENOMEM, -EINVAL.
 */
int finding_watch_class(struct finding_watch *w, uint32_t class, struct findings *ret_new);
int finding_watch_usage(struct finding_watch *w, uint32_t class, struct findings *ret_new);
int finding_watch_edge(struct finding_watch *w, uint32_t edge, struct findings *ret_new);
/* Tell a ring by its first wait, once all of them are there. */
int finding_watch_ring(struct finding_watch *w, uint32_t first, struct findings *ret_new);
int finding_watch_fact(struct finding_watch *w, uint32_t fact, struct findings *ret_new);

/*
 * Judge a finding that was told again, by the sightings that there are now: it comes to ret_new if it
 * is surer than it was. Asks nothing new of the graph. -ENOMEM.
 */
int finding_watch_again(struct finding_watch *w, const struct finding *f, struct findings *ret_new);

size_t finding_watch_memory(const struct finding_watch *w);

#endif
