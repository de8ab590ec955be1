// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many lock events have the hooks recorded? Read from the kernel's tables while lockvane itself
 * may be stopped: the map lv_cpus, of which there is to be one.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi.h"

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* Its descriptor, or -1. */
static int open_cpus(uint32_t *ret_nr)
{
	union bpf_attr next = {};

	while (!bpf(BPF_MAP_GET_NEXT_ID, &next)) {
		struct bpf_map_info info = {};
		union bpf_attr get = {.map_id = next.next_id};
		union bpf_attr ask = {.info.info_len = sizeof(info),
				      .info.info = (uintptr_t)&info};
		int fd = bpf(BPF_MAP_GET_FD_BY_ID, &get);

		ask.info.bpf_fd = fd;
		if (fd >= 0 && !bpf(BPF_OBJ_GET_INFO_BY_FD, &ask) && !strcmp(info.name, "lv_cpus")) {
			*ret_nr = info.max_entries;
			return fd;
		}
		if (fd >= 0)
			close(fd);
		next.start_id = next.next_id;
	}
	return -1;
}

int main(void)
{
	const struct lv_cpu *cpus;
	uint64_t sum = 0;
	uint32_t nr = 0;
	int fd = open_cpus(&nr);

	if (fd < 0) {
		fprintf(stderr, "events: no such map: %s\n", strerror(errno));
		return 1;
	}
	cpus = mmap(NULL, nr * sizeof(*cpus), PROT_READ, MAP_SHARED, fd, 0);
	if (cpus == MAP_FAILED) {
		fprintf(stderr, "events: cannot map it: %s\n", strerror(errno));
		return 1;
	}
	for (uint32_t cpu = 0; cpu < nr; cpu++)
		for (int hook = 0; hook < LV_MAX_HOOKS; hook++)
			sum += cpus[cpu].events[hook];
	printf("%" PRIu64 "\n", sum);
	return 0;
}
