/* SPDX-License-Identifier: GPL-2.0-only */
/* For what is measured in guests: lockvane attached, and an empty program in the place of each of its own. */
#ifndef LOCKVANE_BENCH_ATTACH_H
#define LOCKVANE_BENCH_ATTACH_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "cli/cli.h"
#include "trace/programs.h"

#define MAX_TARGETS 512

/* Where one of lockvane's programs is attached. */
struct target {
	enum bpf_prog_type type;
	enum bpf_attach_type way; /* of tracing programs, like the next one */
	__u32 btf_id;
	char name[64];
	int program; /* the empty one in its place */
};

static struct target targets[MAX_TARGETS];
static size_t nr_targets;

static inline void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	exit(1);
}

static inline int check(int result, const char *what, const char *where)
{
	if (result < 0)
		die("%s %s: %s", what, where, strerror(errno));
	return result;
}

static inline void show_progress(void *arg, size_t done, size_t all)
{
	if (done % 20 == 0)
		fprintf(stderr, "attaching %zu of %zu\n", done, all);
}

/* As cmd_trace does it; locks: as for --locks, NULL for all. The plan is for what comes and goes later. */
static inline struct programs *attach_lockvane(const char *locks, struct plan *ret)
{
	struct programs *programs = NULL;
	struct features features;
	struct ksyms *ksyms = NULL;
	struct kbtf *btf = NULL;
	uint32_t wanted = PLAN_ALL_LOCKS;
	struct error err = {};

	if (locks && plan_parse_locks(locks, &wanted, &err))
		die("%s", err.text);
	if (kbtf_load(NULL, &btf))
		die("cannot read the kernel's BTF");
	ksyms_load(NULL, &ksyms);
	features_probe(NULL, btf, ksyms, &features);
	if (cli_may_trace(&features, &err) ||
	    plan_make(btf, ksyms, &features, wanted, ret, &err) ||
	    programs_prepare(ret, show_progress, NULL, &programs, &err))
		die("%s", err.text);
	ksyms_free(ksyms);
	kbtf_free(btf);
	return programs;
}

static inline uint64_t recorded(struct programs *programs)
{
	struct tables tables;

	programs_tables(programs, &tables);
	return tables_events(tables.cpus, tables.nr_cpus);
}

static inline struct bpf_prog_info program_info(__u32 id)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd = check(bpf_prog_get_fd_by_id(id), "program of a", "link");

	check(bpf_obj_get_info_by_fd(fd, &info, &len), "info of a", "program");
	close(fd);
	return info;
}

static inline void name_by_btf(const struct btf *btf, struct target *target)
{
	const struct btf_type *type = btf__type_by_id(btf, target->btf_id);

	snprintf(target->name, sizeof(target->name), "%s",
		 type ? btf__name_by_offset(btf, type->name_off) : "?");
}

/* Where a link goes, or false where it is of a kind unheard of. */
static inline bool read_link(int fd, const struct btf *btf, struct target *ret)
{
	struct bpf_link_info link = {};
	struct bpf_prog_info program;
	__u32 len = sizeof(link);

	check(bpf_obj_get_info_by_fd(fd, &link, &len), "info of a", "link");
	program = program_info(link.prog_id);
	ret->type = program.type;
	if (program.type == BPF_PROG_TYPE_RAW_TRACEPOINT) {
		link.raw_tracepoint.tp_name = (uintptr_t)ret->name;
		link.raw_tracepoint.tp_name_len = sizeof(ret->name);
		check(bpf_obj_get_info_by_fd(fd, &link, &len), "name of a", "tracepoint");
		return true;
	}
	ret->btf_id = program.attach_btf_id;
	ret->way = link.type == BPF_LINK_TYPE_TRACING ? link.tracing.attach_type : BPF_TRACE_RAW_TP;
	name_by_btf(btf, ret);
	return program.type == BPF_PROG_TYPE_TRACING;
}

/* It runs when somebody reads it, and is no hook. */
static inline bool is_iterator(int fd)
{
	struct bpf_link_info link = {};
	__u32 len = sizeof(link);

	check(bpf_obj_get_info_by_fd(fd, &link, &len), "info of a", "link");
	return link.type == BPF_LINK_TYPE_ITER;
}

static inline void find_targets(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	__u32 id = 0;

	if (!btf)
		die("cannot read the kernel's BTF");
	while (!bpf_link_get_next_id(id, &id)) {
		int fd = check(bpf_link_get_fd_by_id(id), "open a", "link");

		if (is_iterator(fd)) {
			close(fd);
			continue;
		}
		if (nr_targets == MAX_TARGETS || !read_link(fd, btf, &targets[nr_targets]))
			die("link %u is of a kind that has no empty twin here", id);
		close(fd);
		nr_targets++;
	}
	btf__free(btf);
	if (nr_targets < 2)
		die("lockvane attached nothing");
}

static inline int load_empty(enum bpf_prog_type type, enum bpf_attach_type way, __u32 btf_id)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = way,
		    .attach_btf_id = btf_id);

	return bpf_prog_load(type, "empty", "GPL", insns, sizeof(insns) / sizeof(insns[0]),
			     &options);
}

static inline bool is_function(const struct target *target)
{
	return target->type == BPF_PROG_TYPE_TRACING && target->way != BPF_TRACE_RAW_TP;
}

/* The link. */
static inline int attach_same(struct target *target)
{
	const char *name = target->type == BPF_PROG_TYPE_TRACING ? NULL : target->name;

	target->program =
		check(load_empty(target->type, target->way, target->btf_id), "load", target->name);
	return check(bpf_raw_tracepoint_open(name, target->program), "attach", target->name);
}

#endif
