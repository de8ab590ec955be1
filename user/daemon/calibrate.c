// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/calibrate.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 24
#define CALLS 64 /* in a round; of each sort */

/* Costs on a slow machine: better to see less than to cost more. */
#define SLOW_ARMED 600
#define SLOW_REST 250

static double thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* A mutex and the locks of a pipe; a file's spinlock; the rwsem and the page tables of a process.
 */
static int calls(const int fds[2])
{
	size_t page = sysconf(_SC_PAGESIZE);
	char byte = 0;

	for (int i = 0; i < CALLS; i++) {
		char *memory;

		if (write(fds[1], &byte, 1) != 1 || read(fds[0], &byte, 1) != 1 ||
		    fcntl(fds[0], F_SETFL, 0))
			return -errno;
		if (i % 8)
			continue;
		memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
		if (memory == MAP_FAILED)
			return -errno;
		memory[0] = 1;
		munmap(memory, page);
	}
	return 0;
}

/* The quickest round: what else happens only makes rounds longer. */
static int measure(double *ret, struct error *err)
{
	double best = 0;
	int fds[2], code = 0;

	if (pipe2(fds, O_CLOEXEC))
		return error_set_errno(err, -errno, "cannot calibrate");
	for (int i = 0; !code && i < ROUNDS; i++) {
		double from = thread_ns(), took;

		code = calls(fds);
		took = thread_ns() - from;
		if (!i || took < best)
			best = took;
	}
	close(fds[0]);
	close(fds[1]);
	*ret = best;
	return code ? error_set_errno(err, code, "cannot calibrate") : 0;
}

int calibrate_plain(struct calibration *ret, struct error *err)
{
	*ret = (struct calibration){};
	return measure(&ret->plain_ns, err);
}

int calibrate_hooks(struct calibration *c, struct programs *programs, struct error *err)
{
	struct tables tables;
	int code = measure(&c->rest_ns, err);

	if (code)
		return code;
	programs_tables(programs, &tables);
	programs_probe(programs);
	code = measure(&c->armed_ns, err);
	programs_stop(programs);
	c->events = (double)tables_events(tables.cpus, tables.nr_cpus) / ROUNDS;
	return code ? code : programs_reset(programs, err);
}

bool calibrate_costs(const struct calibration *c, struct budget_costs *ret)
{
	double armed = 0, rest = 0;

	if (c->events >= CALLS) {
		armed = (c->armed_ns - c->plain_ns) / c->events;
		rest = (c->rest_ns - c->plain_ns) / c->events;
	}
	ret->armed = SLOW_ARMED;
	ret->disarmed = SLOW_REST;
	if (!(armed > 5 && armed < 1e6))
		return false;
	ret->armed = armed;
	/* Hooks at rest are never free, and never dearer than at work. */
	ret->disarmed = rest > armed / 8 ? rest : armed / 8;
	if (ret->disarmed > armed)
		ret->disarmed = armed;
	return true;
}
