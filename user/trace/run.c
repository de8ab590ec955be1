// SPDX-License-Identifier: GPL-2.0-only
#include "trace/run.h"

#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>

int run_program(const struct bpf_program *program)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int code = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);

	return !code && (int)opts.retval ? -EIO : code;
}

/* Ours write nothing: reading runs them, to the end. */
int run_iterator(const struct bpf_program *program)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	int code = libbpf_get_error(link), fd;
	ssize_t got;
	char byte;

	if (code)
		return code;
	fd = bpf_iter_create(bpf_link__fd(link));
	do
		got = fd < 0 ? -1 : read(fd, &byte, sizeof(byte));
	while (got < 0 && (errno == EAGAIN || errno == EINTR));
	code = got < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return code;
}
