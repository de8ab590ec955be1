/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the daemon speaks: a plain line on standard error; under systemd a record
 * in the journal, with fields; or, if that is wanted, JSON on standard output.
 */
#ifndef LOCKVANE_DAEMON_TELL_H
#define LOCKVANE_DAEMON_TELL_H

#include <stdbool.h>

#include "daemon/config.h"
#include "knowledge/known.h"

/* The subjects of records: a MESSAGE_ID each, and "event" in JSON. */
#define TELL_EVENTS_X(X)                                                                           \
	X(GENERAL, "general", "c053d54bd0e04ee2a3e3a8be066d666e")                                  \
	X(FINDING, "finding", "6259bc8998334eeba8a93be33a6b7c52")                                  \
	X(STARTED, "started", "710ccb831b32423a9f879423d9d42b76")                                  \
	X(RELOAD, "reload", "1cd07df6054848a490af4a78736274fc")                                    \
	X(STATE, "state", "415d20ec415f4f049dd44b65d19a2d08")                                      \
	X(BUDGET, "budget", "c01d06e22bfb47d1905b837e4df2971b")

enum tell_event {
#define X(id, name, message_id) TELL_##id,
	TELL_EVENTS_X(X)
#undef X
		TELL_EVENTS
};

/* From now on as the configuration says. */
void tell_as(const struct config *c);

void tell(enum config_level level, enum tell_event event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A finding, once; coverage: how much of the time was watched, in words. False: not at this log level. */
bool tell_finding(const struct known_finding *f, const char *coverage);

#endif
