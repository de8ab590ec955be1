/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scenarios through the real recorder and the real rules: once as a debug
 * kernel would see them, which is told classes and nesting, and once as a
 * production kernel does.
 */
#ifndef LOCKVANE_REPLAY_REPLAY_H
#define LOCKVANE_REPLAY_REPLAY_H

#include "base/error.h"
#include "capture/capture.h"
#include "finding/finding.h"
#include "replay/scenario.h"

/* A machine to run scenarios on, one after the other. */
struct replay;

struct replay *replay_new(void); /* NULL: no memory */
void replay_free(struct replay *r); /* takes NULL */

/*
 * Run a scenario; `name` is its file, for errors and reports. -EINVAL when a
 * kernel could not do what it says there, with the line in the error; -ENOMEM.
 */
int replay_run(struct replay *r, const struct scenario *s, const char *name, bool production,
	       struct capture **ret, struct error *err);

/*
 * Is what was found what the scenario expects? Every finding of `least` or
 * more confidence must be expected, every expectation met. If not, ret_why
 * says the first that is amiss; to be freed. True without expectations.
 * -ENOMEM.
 */
int replay_judge(const struct scenario *s, const struct capture *c, const struct findings *found,
		 bool production, enum finding_confidence least, bool *ret_as_expected,
		 char **ret_why);

#endif
