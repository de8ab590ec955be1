/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs that the user half runs by itself, to look something up in the kernel. */
#ifndef LOCKVANE_TRACE_RUN_H
#define LOCKVANE_TRACE_RUN_H

#include <bpf/libbpf.h>

/* One of SEC("syscall"): 0, or -errno; -EIO if it returned something else than 0. */
int run_program(const struct bpf_program *program);

/* One of SEC("iter/..."), over all there is. 0 or -errno. */
int run_iterator(const struct bpf_program *program);

#endif
