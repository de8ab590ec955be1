/* SPDX-License-Identifier: GPL-2.0-only */
/* A capture in which several rules find something, in chains of one to four locks. */
#ifndef LOCKVANE_FUZZ_SAMPLE_H
#define LOCKVANE_FUZZ_SAMPLE_H

#include <string.h>

#include "must.h"
#include "replay/replay.h"

static inline struct capture *sample_capture(void)
{
	static const char text[] = "spin A B C D\nmutex M\n"
				   "lock A\nlock B\nunlock B\nunlock A\n"
				   "lock B\nlock C\nunlock C\nunlock B\n"
				   "lock C\nlock A\nunlock A\nunlock C\n"
				   "hardirq\nlock D\nlock A\nunlock A\nunlock D\nend\n"
				   "lock D\nlock M\nunlock M\nunlock D\nunlock D\n";
	struct replay *replay = replay_new();
	struct capture *capture = NULL;
	struct scenario *s = NULL;
	struct error err = {};

	must(replay && !scenario_parse(text, strlen(text), "fuzz", &s, &err) &&
		     !replay_run(replay, s, "fuzz", false, &capture, &err),
	     err.text);
	scenario_free(s);
	replay_free(replay);
	return capture;
}

#endif
