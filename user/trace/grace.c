// SPDX-License-Identifier: GPL-2.0-only
#include "trace/grace.h"

#include <errno.h>
#include <linux/types.h>
#include <unistd.h>

#include <bpf/bpf.h>

/*
 * A task that changes a map in a map is kept until no program can be using the old one
 * (maybe_wait_bpf_programs() in kernel/bpf/syscall.c), by synchronize_rcu(), which all our programs
 * run under. membarrier() does not do that on one CPU, nor beside nohz_full.
 */
int grace_begin(struct grace *ret)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int code;

	ret->outer = -1;
	ret->inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "lv_grace_inner", sizeof(__u32),
				    sizeof(__u32), 1, NULL);
	if (ret->inner < 0)
		return -errno;
	opts.inner_map_fd = ret->inner;
	ret->outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "lv_grace", sizeof(__u32),
				    sizeof(__u32), 1, &opts);
	code = ret->outer < 0 ? -errno : 0;
	if (code)
		grace_end(ret);
	return code;
}

int grace_wait(const struct grace *grace)
{
	__u32 key = 0;

	return bpf_map_update_elem(grace->outer, &key, &grace->inner, BPF_ANY) ? -errno : 0;
}

void grace_end(struct grace *grace)
{
	if (grace->outer >= 0)
		close(grace->outer);
	if (grace->inner >= 0)
		close(grace->inner);
	grace->outer = grace->inner = -1;
}
