// SPDX-License-Identifier: GPL-2.0-only
#include "trace/slowpath.h"

#include <stddef.h>
#include <string.h>

#include "abi.h"

/* kernel/locking/mutex.c, rwsem.c, percpu-rwsem.c; compilers add to the names' ends. */
static const struct {
	const char *begins;
	uint32_t family;
} waiters[] = {
	{"__mutex_lock", LV_MUTEX},
	{"__ww_mutex_lock", LV_MUTEX},
	{"rwsem_down_read_slowpath", LV_RWSEM},
	{"rwsem_down_write_slowpath", LV_RWSEM},
	{"percpu_rwsem_wait", LV_PERCPU_RWSEM},
	{"__percpu_down_read", LV_PERCPU_RWSEM},
	{"percpu_down_write", LV_PERCPU_RWSEM},
};

static const char *const takers[] = {
	"__mutex_lock", "mutex_lock", "__ww_mutex_lock", "ww_mutex_lock", "rwsem_down_", "down_",
	"__down_",	"percpu_",    "__percpu_",	 "cpus_read_",
};

static const char *const tracepoints[] = {"bpf_trace_run", "__bpf_trace_", "__traceiter_"};

static bool begins_with(const char *function, const char *begins)
{
	return !strncmp(function, begins, strlen(begins));
}

bool slowpath_waits(const char *function, uint32_t family)
{
	for (size_t i = 0; i < sizeof(waiters) / sizeof(waiters[0]); i++)
		if (waiters[i].family == family && begins_with(function, waiters[i].begins))
			return true;
	return false;
}

bool slowpath_is_tracepoint(const char *function)
{
	for (size_t i = 0; i < sizeof(tracepoints) / sizeof(tracepoints[0]); i++)
		if (begins_with(function, tracepoints[i]))
			return true;
	return false;
}

bool slowpath_is_above_taker(const char *function)
{
	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
		if (begins_with(function, takers[i]))
			return true;
	return slowpath_is_tracepoint(function);
}
