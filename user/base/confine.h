/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Give up everything, in a process of its own: untrusted bytes are parsed in it. The process
 * keeps its memory, the open files that are named, and the system calls that are named: all others
 * fail with EPERM. It does not come back, by no exec either.
 */
#ifndef LOCKVANE_BASE_CONFINE_H
#define LOCKVANE_BASE_CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct confine {
	const int *calls; /* system calls beside those of any program that computes and writes */
	size_t nr_calls;
	bool reads_files; /* may open files, for reading only */
	const int *fds;	  /* stay open beside standard input, output and error */
	size_t nr_fds;
	uint64_t memory_bytes; /* address space; 0: no limit */
	uint32_t cpu_seconds;  /* 0: no limit */
	uid_t uid;	       /* root changes to this user, where it may */
	gid_t gid;
};

#define CONFINE_NOBODY 65534

/* For a child that has just been forked, and has one thread. On failure it must end. */
int confine(const struct confine *how, struct error *err);

#endif
