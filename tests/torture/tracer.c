// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another tracer: programs of its own, that only return, at the entry and at the return of each function named.
 * It says when they are attached, and lets go of them when it is ended.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static int load(const char *function, enum bpf_attach_type way)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = way);
	int id = libbpf_find_vmlinux_btf_id(function, way);

	if (id < 0)
		return id;
	options.attach_btf_id = id;
	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "other", "GPL", insns,
			     sizeof(insns) / sizeof(insns[0]), &options);
}

static int attach(const char *function, enum bpf_attach_type way)
{
	int program = load(function, way);
	int link = program < 0 ? program : bpf_raw_tracepoint_open(NULL, program);

	if (link < 0)
		fprintf(stderr, "tracer: %s: %s\n", function, strerror(errno));
	return link;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return fprintf(stderr, "usage: tracer FUNCTION...\n"), 2;
	for (int i = 1; i < argc; i++)
		if (attach(argv[i], BPF_TRACE_FENTRY) < 0 || attach(argv[i], BPF_TRACE_FEXIT) < 0)
			return 1;
	printf("attached\n");
	fflush(stdout);
	for (;;)
		pause();
}
