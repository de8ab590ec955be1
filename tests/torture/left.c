// SPDX-License-Identifier: GPL-2.0-only
#include "left.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define ENABLED_FUNCTIONS "/sys/kernel/tracing/enabled_functions"

double left_clock(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

void left_nap(double seconds)
{
	struct timespec time = { .tv_sec = seconds, .tv_nsec = (seconds - (long)seconds) * 1e9 };

	if (seconds > 0)
		nanosleep(&time, NULL);
}

static int count_ids(int (*next)(__u32 start, __u32 *ret_next))
{
	__u32 id = 0;
	int count = 0;

	while (!next(id, &id))
		count++;
	return count;
}

/* The first function that ftrace still calls somebody from; false: none. */
static bool hooked_function(char *line, size_t size)
{
	FILE *file = fopen(ENABLED_FUNCTIONS, "r");
	bool any;

	if (!file)
		return false;
	any = fgets(line, size, file);
	fclose(file);
	line[any ? strcspn(line, "\n") : 0] = '\0';
	return any;
}

bool left_now(char *text, size_t size)
{
	int links = count_ids(bpf_link_get_next_id);
	int programs = count_ids(bpf_prog_get_next_id);
	int maps = count_ids(bpf_map_get_next_id);
	char function[100] = "";
	bool hooked = hooked_function(function, sizeof(function));

	snprintf(text, size, "%d links, %d programs, %d maps%s%s", links, programs, maps,
		 hooked ? ", hooked: " : "", function);
	return links || programs || maps || hooked;
}

double left_settle(char *text, size_t size)
{
	double start = left_clock();

	while (left_now(text, size)) {
		if (left_clock() - start > LEFT_SETTLES)
			return -1;
		left_nap(0.05);
	}
	return left_clock() - start;
}
