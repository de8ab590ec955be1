/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Push what one host saw. Each step does nothing twice: what breaks off anywhere is begun again from the
 * start, and what is there already is not sent again.
 */
#ifndef LOCKVANE_FLEET_PUSH_H
#define LOCKVANE_FLEET_PUSH_H

#include "capture/capture.h"
#include "finding/finding.h"
#include "fleet/key.h"
#include "fleet/store.h"

struct push_finding {
	const char *id, *kernel, *build;
	enum finding_rule rule;
	enum finding_confidence confidence;
	const char *chain; /* "a --> b --> c" */
	uint64_t first_ms, last_ms, count;
	bool suppressed;
};

struct push_load {
	const struct fleet_host *host;
	const struct capture *capture;
	const struct push_finding *findings;
	size_t nr_findings;
	/* Make the report of the finding of that index. -ENODATA: there is none. */
	int (*report)(void *arg, size_t i, char **ret_text, char **ret_json, struct error *err);
	void *arg;
};

/* Outcome of a push. */
struct push_done {
	size_t parts;	 /* the capture has */
	size_t asked;	 /* heaps that had changed */
	size_t added;	 /* which the store did not have from anybody */
	size_t findings; /* sent */
	size_t reports;
	uint32_t left_out; /* as of fleet_parts */
};

/* The error is store_run()'s. */
int fleet_push(struct store *s, const struct push_load *load, struct push_done *ret, struct error *err);

#endif
