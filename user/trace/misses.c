// SPDX-License-Identifier: GPL-2.0-only
#include "trace/misses.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "trace/run.h"

static const struct {
	const char *function;
	enum lv_family family;
} releases[] = {
#define LV_SLEEP_RELEASE(function, family, lock, how) { #function, LV_##family },
#include "hooks.def"
	/* The drops of those pseudo-locks that nothing else proves: tests/releases. */
	{ "sb_done", LV_PSEUDO },	   { "sb_done_file", LV_PSEUDO },
	{ "btrfs_committed", LV_PSEUDO },  { "sb_wrote_ext4", LV_PSEUDO },
	{ "sb_wrote_xfs", LV_PSEUDO },	   { "sb_wrote_btrfs", LV_PSEUDO },
	{ "sb_wrote_f2fs", LV_PSEUDO },	   { "sb_wrote_shmem", LV_PSEUDO },
	{ "sb_wrote_fuse", LV_PSEUDO },	   { "sb_wrote_ovl", LV_PSEUDO },
	{ "sb_wrote_generic", LV_PSEUDO }, { "sb_overlay_end", LV_PSEUDO },
	{ "sb_allocated", LV_PSEUDO },	   { "sb_evicted", LV_PSEUDO },
	{ "sb_f2fs_evicted", LV_PSEUDO },  { "sb_nilfs_commit", LV_PSEUDO },
	{ "sb_nilfs_begun", LV_PSEUDO },   { "sb_nilfs_abort", LV_PSEUDO },
	{ "sb_xfs_end", LV_PSEUDO },	   { "btrfs_end", LV_PSEUDO },
	{ "queue_unfreeze", LV_PSEUDO },
	{ "queue_unfreeze_6_12", LV_PSEUDO }, { "queue_unfreeze_7_2", LV_PSEUDO },
	{ "queue_gone", LV_PSEUDO },	   { "console_unlocked", LV_PSEUDO },
	{ "srcu_read_end", LV_PSEUDO },	   { "threads_forked", LV_PSEUDO },
	{ "threads_not_forked", LV_PSEUDO },
};

static uint32_t id_of(const struct bpf_object *object, const char *function)
{
	struct bpf_prog_info info = {};
	const struct bpf_program *program;
	__u32 len = sizeof(info);
	char name[64];

	snprintf(name, sizeof(name), "lv_%s", function);
	program = bpf_object__find_program_by_name(object, name);
	if (!program || bpf_program__fd(program) < 0 ||
	    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len))
		return 0;
	return info.id;
}

/*
 * The holder's task is in the word of a mutex, or of PREEMPT_RT's spinlock. Returns how many there
 * are.
 */
static size_t find_ids(const struct bpf_object *object, struct lv_releases *ret)
{
	size_t nr = 0;

	for (size_t i = 0; i < sizeof(releases) / sizeof(releases[0]); i++) {
		uint32_t id = id_of(object, releases[i].function);

		if (id && releases[i].family != LV_MUTEX && releases[i].family != LV_RT_SPIN &&
		    nr < LV_MAX_RELEASES)
			ret->id[nr++] = id;
	}
	return nr;
}

int misses_find(const struct bpf_object *object, struct lv_releases *ret, struct error *err)
{
	size_t nr = find_ids(object, ret);
	int code = run_iterator(
		bpf_object__find_program_by_name(object, "lv_find_releases"));

	for (size_t i = 0; !code && i < nr; i++)
		code = ret->misses[i] ? 0 : -ENOENT;
	return code ? error_set(err, code, "cannot find where the kernel counts the runs it skips: %s",
				strerror(-code)) :
		      0;
}
