// SPDX-License-Identifier: GPL-2.0-only
#include "publish/process.h"

#include <inttypes.h>
#include <sys/resource.h>

#include "base/cleanup.h"

static double seconds(struct timeval t)
{
	return t.tv_sec + t.tv_usec / 1e6;
}

static uint64_t resident(void)
{
	AUTO_FCLOSE FILE *file = fopen("/proc/self/statm", "re");
	uint64_t pages;

	if (!file || fscanf(file, "%*u %" SCNu64, &pages) != 1)
		return 0;
	return pages * sysconf(_SC_PAGESIZE);
}

static uint64_t open_fds(void)
{
	AUTO_CLOSEDIR DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t n = 0;

	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	return n ? n - 1 : 0; /* the folder's own */
}

void process_look(struct process_numbers *ret)
{
	struct rusage usage = {};
	struct rlimit limit = {};

	getrusage(RUSAGE_SELF, &usage);
	getrlimit(RLIMIT_NOFILE, &limit);
	*ret = (struct process_numbers){
		.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime),
		.resident_bytes = resident(),
		.open_fds = open_fds(),
		.max_fds = limit.rlim_cur,
	};
}
