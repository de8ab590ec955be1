/* SPDX-License-Identifier: GPL-2.0-only */
/* This process's own use of CPU, memory and files. */
#ifndef LOCKVANE_PUBLISH_PROCESS_H
#define LOCKVANE_PUBLISH_PROCESS_H

#include <stdint.h>

struct process_numbers {
	double cpu_seconds;	 /* user and system, all threads */
	uint64_t resident_bytes; /* 0: not known */
	uint64_t open_fds;	 /* 0: not known */
	uint64_t max_fds;
};

void process_look(struct process_numbers *ret);

#endif
