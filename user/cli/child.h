/* SPDX-License-Identifier: GPL-2.0-only */
/* The program that a trace runs: started behind a gate, let go once armed. */
#ifndef LOCKVANE_CLI_CHILD_H
#define LOCKVANE_CLI_CHILD_H

#include <sys/types.h>

#include "base/error.h"

struct child {
	pid_t pid;
	int gate;   /* a byte lets the program go; its end without one ends it */
	int status; /* from waitpid(), once it has ended */
};

/* Would argv[0] be found and be a program? -ENOENT or -EACCES, in words. */
int child_check(char *const argv[], struct error *err);

/*
 * Fork; the program waits at the gate. Its output goes to our standard error:
 * our standard output is for the report.
 */
int child_start(char *const argv[], struct child *ret, struct error *err);
void child_release(struct child *child);

/* Has it ended? Then its status is set. */
int child_ended(struct child *child);

/* End it if it still runs, with all that it started, and reap it. */
void child_stop(struct child *child);

/* "exited with status 3", "was ended by signal 9 (Killed)". */
const char *child_status_text(const struct child *child);

#endif
