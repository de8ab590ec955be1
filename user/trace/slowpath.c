// SPDX-License-Identifier: GPL-2.0-only
#include "trace/slowpath.h"

#include <stddef.h>
#include <string.h>

static const char *const takers[] = {
	"__mutex_lock", "mutex_lock", "__ww_mutex_lock", "ww_mutex_lock", "rwsem_down_", "down_",
	"__down_",	"percpu_",    "__percpu_",	 "cpus_read_",    "__flush_work",    "start_flush_work",
	"flush_work",	"flush_delayed_work", "__cancel_work", "cancel_work_sync", "cancel_delayed_work_sync",
};

static const char *const schedulers[] = {"schedule", "__schedule", "preempt_schedule"};

static const char *const tracepoints[] = {"bpf_trace_run", "__bpf_trace_", "__traceiter_"};

static bool begins_with(const char *function, const char *begins)
{
	return !strncmp(function, begins, strlen(begins));
}

#define BEGINS_WITH_ANY(function, list) \
	begins_with_any(function, list, sizeof(list) / sizeof((list)[0]))

static bool begins_with_any(const char *function, const char *const *list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (begins_with(function, list[i]))
			return true;
	return false;
}

bool slowpath_is_tracepoint(const char *function)
{
	return BEGINS_WITH_ANY(function, tracepoints);
}

bool slowpath_is_above_taker(const char *function)
{
	return BEGINS_WITH_ANY(function, takers) || BEGINS_WITH_ANY(function, schedulers) ||
	       slowpath_is_tracepoint(function);
}
