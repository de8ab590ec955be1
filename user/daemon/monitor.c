// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/monitor_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "base/file.h"
#include "daemon/calibrate.h"
#include "daemon/privileges.h"
#include "daemon/tell.h"
#include "trace/selfcheck.h"

#define SECOND 1000000000ull
#define MIB (1024.0 * 1024)
#define COUNT_NS (5 * SECOND)
#define STATUS_NS (10 * SECOND)
#define LONGEST_WAIT SECOND

/* --- beginning ----------------------------------------------------------- */

static void hold_signals(struct monitor *m)
{
	sigemptyset(&m->signals);
	sigaddset(&m->signals, SIGINT);
	sigaddset(&m->signals, SIGTERM);
	sigaddset(&m->signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &m->signals, NULL);
	/* Our output's reader may go away. */
	signal(SIGPIPE, SIG_IGN);
}

static void say_memory(const struct monitor *m)
{
	const struct plan *plan = m->setup->plan;
	double pinned = plan_pinned_fixed() + plan_pinned_per_cpu() * (double)plan->nr_cpus;

	tell(CONFIG_INFO, TELL_STARTED,
	     "memory: %.1f MiB of tables for %u CPUs, fixed; own: at most about "
	     "%.0f MiB for a full graph",
	     pinned / MIB, plan->nr_cpus, 2 * knowledge_memory_max() / MIB);
}

static void attaching(void *arg, size_t done, size_t all)
{
	struct monitor *m = arg;

	if (!m->attach_own_ns) {
		m->attach_own_ns = monitor_own_ns();
		m->attach_ns = monitor_now();
	}
	if (!done || monitor_now() - m->pinged_ns > 5 * SECOND)
		sd_notifyf(0, "STATUS=attaching hook %zu of %zu\nEXTEND_TIMEOUT_USEC=60000000",
			   done, all);
	monitor_ping(m);
}

/* Hooks in place, looked at and timed. */
static int begin_hooks(struct monitor *m, struct error *err)
{
	struct calibration c;
	uint64_t from;
	int code = calibrate_plain(&c, err);

	if (code)
		return code;
	from = monitor_now();
	code = programs_prepare(m->setup->plan, attaching, m, &m->programs, err);
	if (code)
		return code;
	m->attached = true;
	/* Until it has been done: detaching takes about as long. */
	m->budget.costs.attach = m->budget.costs.detach = (struct budget_move){
		.own_ns = monitor_own_ns() - m->attach_own_ns,
		.in_place_ns = (monitor_now() - m->attach_ns) / 2.0,
	};
	if (waits_new(m->programs, m->words, &m->waits))
		return error_set(err, -ENOMEM, "out of memory");
	programs_tables(m->programs, &m->tables);
	code = selfcheck(m->programs, m->setup->plan, err);
	code = code ? code : calibrate_hooks(&c, m->programs, err);
	if (code)
		return code;
	if (!calibrate_costs(&c, &m->budget.costs))
		tell(CONFIG_WARNING, TELL_BUDGET,
		     "an event's cost could not be measured: a slow machine's is "
		     "assumed");
	tell(CONFIG_INFO, TELL_BUDGET,
	     "ready after %.1f s; a lock event costs %.0f ns recorded, %.0f ns while "
	     "hooks rest, attaching again %.0f ms; the budget is %.2f%% of %u CPUs",
	     (monitor_now() - from) / 1e9, m->budget.costs.armed, m->budget.costs.disarmed,
	     m->budget.costs.attach.own_ns / 1e6, m->setup->config.budget * 100, monitor_cpus());
	return 0;
}

/* A user who may write to that file decides which findings are told. */
static int read_suppressions(const char *path, struct suppressions **ret, struct error *err)
{
	int code = path ? file_check_owner(path, err) : 0;

	return code ? code : suppress_read(path, ret, err);
}

static int begin(struct monitor *m, struct error *err)
{
	const struct config *config = &m->setup->config;
	struct capture *graph = NULL;
	int code = privileges_lock(err);

	if (code)
		return code;
	monitor_begin_metrics(m);
	code = read_suppressions(config->suppress, &m->suppressions, err);
	code = code ? code : monitor_open_state(m, &graph, err);
	if (code)
		return code;
	m->armed_before = graph->duration;
	code = monitor_begin_knowledge(m, graph, err);
	if (code)
		return code;
	say_memory(m);
	monitor_remember_losses(m);
	if (presence_begin(&m->presence, m->setup->folder, PRESENCE_MONITOR))
		tell(CONFIG_WARNING, TELL_STARTED,
		     "another monitor is at work: what both cost adds up");
	code = begin_hooks(m, err);
	code = code ? code : privileges_drop(err);
	if (code)
		return code;
	monitor_learn(m, true); /* nothing yet, but symbols are read, while nobody waits for it */
	m->began_ms = monitor_time_ms();
	m->attachments = 1;
	monitor_set_budget(m);
	valve_begin(&m->valve, VALVE_FACTOR, monitor_cpus(), monitor_now(),
		    programs_waits(m->programs));
	m->began_ns = m->saved_ns = m->counts_ns = monitor_now();
	monitor_review(m); /* known findings that were not to be told then */
	monitor_keep(m, true);
	return 0;
}

/* --- at work ------------------------------------------------------------- */

static void say_ignored(uint32_t keys)
{
	for (int key = 0; key < CONFIG_KEYS; key++)
		if (keys & 1u << key)
			tell(CONFIG_WARNING, TELL_RELOAD, "%s: changed only by a restart",
			     config_about[key].key);
}

/* Settings that only a restart changes stay as they are. */
static void take_config(struct monitor *m, struct config *new)
{
	struct config *now = &m->setup->config;

	say_ignored(config_needs_restart(now, new));
	now->budget = new->budget;
	now->window_ns = new->window_ns;
	now->confidence = new->confidence;
	now->state_max = new->state_max;
	now->json = new->json;
	now->log_level = new->log_level;
	free(now->suppress);
	now->suppress = new->suppress;
	new->suppress = NULL;
}

static int read_again(struct monitor *m, struct config *ret, struct suppressions **ret_suppressions,
		      struct error *err)
{
	int code = m->setup->reload(m->setup->arg, ret, err);

	return code ? code : read_suppressions(ret->suppress, ret_suppressions, err);
}

static void reload(struct monitor *m)
{
	struct suppressions *suppressions = NULL;
	struct config new = {};
	struct error err = {};

	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, monitor_now() / 1000);
	m->reloads++;
	if (read_again(m, &new, &suppressions, &err)) {
		m->reloads_failed++;
		m->stale = true;
		tell(CONFIG_ERROR, TELL_RELOAD, "%s: the configuration stays as it was", err.text);
	} else {
		m->stale = false;
		suppressions_free(m->suppressions);
		m->suppressions = suppressions;
		take_config(m, &new);
		tell_as(&m->setup->config);
		state_set_max(m->state, m->setup->config.state_max);
		monitor_set_budget(m);
		tell(CONFIG_NOTICE, TELL_RELOAD, "configuration read again");
		monitor_review(m);
		m->urgent = true; /* the user who changed it looks for an effect */
	}
	config_done(&new);
	sd_notify(0, "READY=1");
}

static void count(struct monitor *m, uint64_t now)
{
	if (m->budget.mode != BUDGET_ARMED || now - m->counted_ns < COUNT_NS)
		return;
	m->counted_ns = now;
	words_follow(m->words); /* modules that came, before their locks make a finding */
	knowledge_count(m->knowledge, &m->tables, m->budget.armed_ns);
	monitor_review(m);
}

static void say_mode(const struct budget *b, char *ret, size_t room)
{
	if (b->mode == BUDGET_ARMED)
		snprintf(ret, room, "armed");
	else
		snprintf(ret, room, "resting%s, records again in %.0f s or later",
			 b->mode == BUDGET_DETACHED ? ", detached" : "", budget_pause(b));
}

static void say_status(struct monitor *m, uint64_t now, uint64_t *said_ns)
{
	char coverage[96], mode[96];

	if (now - *said_ns < STATUS_NS || m->budget.mode == BUDGET_STOPPED)
		return;
	*said_ns = now;
	if (monitor_cpus() != m->budget.set.cpus)
		monitor_set_budget(m); /* CPUs come and go */
	monitor_say_coverage(m, coverage, sizeof(coverage));
	say_mode(&m->budget, mode, sizeof(mode));
	sd_notifyf(0, "STATUS=%s; %u findings; %s; %.2f%% CPU of %.2f%%", mode,
		   knowledge_findings(m->knowledge)->nr, coverage, budget_used(&m->budget) * 100,
		   m->budget.set.share * 100);
}

static int wait_signal(struct monitor *m)
{
	uint64_t ns = budget_wait(&m->budget);
	struct timespec t;

	if (ns > LONGEST_WAIT)
		ns = LONGEST_WAIT;
	t = (struct timespec){ns / SECOND, ns % SECOND};
	return sigtimedwait(&m->signals, NULL, &t);
}

/* Recording begins when it is earned: who waits for it shall know. */
static void say_watching(const struct monitor *m)
{
	double pause = budget_pause(&m->budget);

	if (pause < 5)
		tell(CONFIG_NOTICE, TELL_STARTED, "watching %s", m->setup->head->kernel);
	else
		tell(CONFIG_NOTICE, TELL_STARTED,
		     "watching %s; recording begins in about %.0f s, when the budget pays for it",
		     m->setup->head->kernel, pause);
}

static void watch(struct monitor *m)
{
	uint64_t said_ns = 0;

	for (;;) {
		int signal = wait_signal(m);
		uint64_t now;

		monitor_renew(m);
		monitor_watch_contention(m);
		monitor_make_room(m);
		if (signal == SIGINT || signal == SIGTERM)
			return;
		if (signal == SIGHUP)
			reload(m);
		if (m->budget.mode == BUDGET_ARMED)
			monitor_learn(m, false);
		monitor_look_at_waits(m);
		monitor_follow_budget(m);
		now = monitor_now();
		count(m, now);
		monitor_post(m, m->urgent);
		monitor_keep(m, false);
		monitor_ping(m);
		say_status(m, now, &said_ns);
	}
}

/* --- ending -------------------------------------------------------------- */

static void end_watching(struct monitor *m)
{
	char coverage[96];

	sd_notify(0, "STOPPING=1\nSTATUS=detaching");
	if (m->budget.mode == BUDGET_ARMED)
		programs_stop(m->programs);
	monitor_keep(m, true); /* looks once more at all there is */
	monitor_end_status(m);
	monitor_say_coverage(m, coverage, sizeof(coverage));
	tell(CONFIG_INFO, TELL_GENERAL, "ends; %u findings on this kernel; %s",
	     knowledge_findings(m->knowledge)->nr, coverage);
}

static void release(struct monitor *m)
{
	presence_end(&m->presence);
	monitor_end_metrics(m);
	programs_finish(m->programs);
	waits_free(m->waits);
	words_free(m->words);
	knowledge_free(m->knowledge);
	suppressions_free(m->suppressions);
	known_done(&m->known);
	state_close(m->state);
}

int monitor_run(struct monitor_setup *setup, struct error *err)
{
	struct monitor *m = calloc(1, sizeof(*m));
	int code;

	if (!m)
		return error_set(err, -ENOMEM, "out of memory");
	m->setup = setup;
	m->presence = (struct presence){-1, {-1, -1}};
	tell_as(&setup->config);
	hold_signals(m);
	code = begin(m, err);
	if (!code) {
		sd_notify(0, "READY=1");
		say_watching(m);
		watch(m);
		end_watching(m);
	}
	release(m);
	config_done(&setup->config);
	free(m);
	return code;
}
