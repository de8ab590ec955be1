// SPDX-License-Identifier: GPL-2.0-only
#include "trace/selfcheck.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define TRIES 3 /* an event can be lost; the same one will hardly be lost three times */
#define TIMER_NS 1000000ull
#define PATIENCE_NS 2000000000ull /* for the timer's interrupt, on a busy or emulated machine */

#define HARDIRQ_ON (1u << LV_ENABLED_HARDIRQ | 1u << LV_ENABLED_HARDIRQ_READ)
#define IN_BITS                                                                 \
	(1u << LV_USED_IN_HARDIRQ | 1u << LV_USED_IN_HARDIRQ_READ |             \
	 1u << LV_USED_IN_SOFTIRQ | 1u << LV_USED_IN_SOFTIRQ_READ)

/* A lock that one of the calls below takes: by which functions, on which kernels. */
struct expected {
	const char *what;
	enum lv_hook taken[3], given_back[3]; /* one of each; LV_HOOKS: no more */
	bool sleeps;
	bool irqs_off; /* while it is held */
};

#define NO_MORE LV_HOOKS

/*
 * eventfd's lock is taken by spin_lock_irq(), tasklist_lock by read_lock(), a
 * pipe has a mutex, a mapping is made under mmap_lock.
 */
static const struct expected expectations[] = {
	{ "a spinlock (eventfd)",
	  { LV_HOOK__raw_spin_lock_irq, LV_HOOK_rt_spin_lock, NO_MORE },
	  { LV_HOOK__raw_spin_unlock_irq, LV_HOOK_rt_spin_unlock, NO_MORE }, false, true },
	{ "a rwlock (getpriority)",
	  { LV_HOOK__raw_read_lock, LV_HOOK_rt_read_lock, NO_MORE },
	  { LV_HOOK__raw_read_unlock, LV_HOOK_rt_read_unlock, NO_MORE }, false, false },
	{ "a mutex (pipe)",
	  { LV_HOOK_mutex_lock, NO_MORE }, { LV_HOOK_mutex_unlock, NO_MORE }, true, false },
	{ "a rwsem (mmap)",
	  { LV_HOOK_down_write_killable, LV_HOOK_down_write, NO_MORE },
	  { LV_HOOK_up_write, NO_MORE }, true, false },
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int use_eventfd(void)
{
	uint64_t one = 1;
	int fd = eventfd(0, EFD_CLOEXEC);
	int err = fd < 0 || write(fd, &one, sizeof(one)) < 0 || read(fd, &one, sizeof(one)) < 0;

	if (fd >= 0)
		close(fd);
	return err;
}

static int use_pipe(void)
{
	int fds[2], err;
	char byte = 0;

	if (pipe(fds))
		return -1;
	err = write(fds[1], &byte, 1) != 1 || read(fds[0], &byte, 1) != 1;
	close(fds[0]);
	close(fds[1]);
	return err;
}

static int use_mapping(void)
{
	size_t size = sysconf(_SC_PAGESIZE);
	void *memory = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED || munmap(memory, size);
}

static bool in_hardirq(const struct tables *tables)
{
	uint32_t nr = __atomic_load_n(&tables->control->next_stack, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < nr && i < LV_MAX_STACKS; i++)
		if (tables->stacks[i].level == LV_LEVEL_HARDIRQ)
			return true;
	return false;
}

/* A timer of our own, on the CPU we are on; we stay running until it has hit. */
static int use_timer(const struct tables *tables)
{
	const struct itimerspec soon = { .it_value.tv_nsec = TIMER_NS,
					 .it_interval.tv_nsec = TIMER_NS };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	uint64_t end = now_ns() + PATIENCE_NS;

	if (fd < 0 || timerfd_settime(fd, 0, &soon, NULL))
		return -1;
	while (!in_hardirq(tables) && now_ns() < end)
		;
	close(fd);
	return 0;
}

static int use_locks(const struct tables *tables)
{
	errno = 0;
	getpriority(PRIO_PGRP, 0);
	return errno || use_eventfd() || use_pipe() || use_mapping() || use_timer(tables);
}

static uint64_t sum_events(const struct tables *tables, const struct plan *plan,
			   const enum lv_hook *hooks, bool *ret_present)
{
	uint64_t sum = 0;

	*ret_present = false;
	for (; *hooks != NO_MORE; hooks++) {
		*ret_present |= plan->hooks[*hooks].present;
		for (size_t cpu = 0; cpu < tables->nr_cpus; cpu++)
			sum += tables->cpus[cpu].events[*hooks];
	}
	return sum;
}

static uint64_t unknown_releases(const struct tables *tables, const enum lv_hook *hooks)
{
	uint64_t sum = 0;

	for (; *hooks != NO_MORE; hooks++)
		for (size_t cpu = 0; cpu < tables->nr_cpus; cpu++)
			sum += tables->cpus[cpu].lost[LV_LOSS_UNKNOWN_RELEASE][*hooks];
	return sum;
}

static bool is_taken_by(const struct tables *tables, const struct lv_class *class, uint32_t bit,
			const enum lv_hook *hooks)
{
	uint32_t stack = class->usage_stack[bit];

	if (!(class->usage & 1u << bit) || stack >= LV_MAX_STACKS)
		return false;
	for (; *hooks != NO_MORE; hooks++)
		if (tables->stacks[stack].hook == *hooks)
			return tables->stacks[stack].nr > 1;
	return false;
}

/* The class that was first used by one of these functions, as a task uses it. */
static const struct lv_class *find_class(const struct tables *tables, const enum lv_hook *hooks)
{
	for (int i = 0; i < LV_MAX_CLASSES; i++) {
		const struct lv_class *class = &tables->classes[i];

		if (tables_is_ready(&class->state) &&
		    (is_taken_by(tables, class, LV_USED, hooks) ||
		     is_taken_by(tables, class, LV_USED_READ, hooks)))
			return class;
	}
	return NULL;
}

static int check_one(const struct tables *tables, const struct plan *plan,
		     const struct expected *e, struct error *err)
{
	bool hooked, back_hooked;
	uint64_t taken = sum_events(tables, plan, e->taken, &hooked);
	uint64_t given_back = sum_events(tables, plan, e->given_back, &back_hooked);
	const struct lv_class *class;

	if (!hooked)
		return 0;
	if (!taken || (back_hooked && !given_back))
		return error_set(err, -EIO, "self-check: %s was not seen %s: is "
				 "kernel.ftrace_enabled 1?", e->what,
				 taken ? "given back" : "taken");
	class = find_class(tables, e->taken);
	if (!class)
		return error_set(err, -EIO, "self-check: %s has no class, or no stack", e->what);
	if (e->sleeps && unknown_releases(tables, e->given_back))
		return error_set(err, -EIO, "self-check: %s was given back, but not seen taken",
				 e->what);
	if (e->sleeps && class->usage & IN_BITS)
		return error_set(err, -EIO, "self-check: %s looks as taken in an interrupt",
				 e->what);
	if (plan->irq_source == LV_IRQ_SOURCE_NONE)
		return 0;
	if (e->sleeps && !(class->usage & HARDIRQ_ON))
		return error_set(err, -EIO, "self-check: irqs look off where a task sleeps (%s)",
				 e->what);
	if (e->irqs_off && class->family == LV_SPIN && class->usage & HARDIRQ_ON)
		return error_set(err, -EIO, "self-check: irqs look on where they are off (%s)",
				 e->what);
	return 0;
}

static int check_all(const struct tables *tables, const struct plan *plan, struct error *err)
{
	int code = 0;

	for (size_t i = 0; !code && i < sizeof(expectations) / sizeof(expectations[0]); i++)
		code = check_one(tables, plan, &expectations[i], err);
	if (!code && plan->hooks[LV_HOOK__raw_spin_lock_irqsave].present && !in_hardirq(tables))
		code = error_set(err, -EIO, "self-check: no lock was seen taken in a timer's "
				 "interrupt");
	return code;
}

static int try(struct programs *programs, const struct plan *plan, struct error *err)
{
	struct tables tables;
	int code;

	programs_tables(programs, &tables);
	programs_probe(programs);
	code = use_locks(&tables);
	programs_stop(programs);
	if (code)
		return error_set(err, -EIO, "self-check: a system call failed: %s",
				 strerror(errno));
	return check_all(&tables, plan, err);
}

int selfcheck(struct programs *programs, const struct plan *plan, struct error *err)
{
	int code = -EIO;

	for (int i = 0; code == -EIO && i < TRIES; i++) {
		int reset;

		code = try(programs, plan, err);
		reset = programs_reset(programs, err);
		code = reset ? reset : code;
	}
	return code;
}
