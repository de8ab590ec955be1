// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/when.h"
#include "capture/db.h"
#include "cli/child.h"
#include "cli/cli.h"
#include "cli/host.h"
#include "cli/recording.h"
#include "finding/finding.h"
#include "finding/orders.h"
#include "report/report.h"
#include "trace/arming.h"
#include "trace/presence.h"
#include "trace/programs.h"
#include "trace/selfcheck.h"
#include "trace/waits.h"
#include "trace/words.h"

#define KEY_ACCEPT_HAZARD 0x200
#define KEY_VMLINUX 0x201
#define KEY_CONTENTION 0x202
#define MAX_DAYS 7
#define MAX_FACTOR 1000000

struct trace_args {
	uint64_t longest_ns; /* 0: until the program or the user ends it */
	const char *output;
	const char *vmlinux;
	uint32_t locks; /* plan_make()'s */
	double contention; /* valve_begin()'s factor */
	bool accept_hazard;
	bool quiet;
	char **command; /* NULL: none */
	struct cli_show show;
};

static const struct argp_option options[] = {
	{ "duration", 'd', "TIME", 0,
	  "stop after so long, 30 or 1h30min (and end CMD if it still runs)", 0 },
	{ "output", 'o', "FILE", 0, "keep the capture (mode 0600: it holds kernel addresses)", 0 },
	{ "locks", 'l', "SORT[,SORT...]", 0,
	  "which locks: of spin, rw, mutex, rwsem, sock, pseudo, or all (the default)", 0 },
	{ "quiet", 'q', NULL, 0, "no progress on the terminal, and no findings before the end", 0 },
	{ "vmlinux", KEY_VMLINUX, "FILE", 0,
	  "this kernel's vmlinux with debug information, for file, line and inlined functions "
	  "(default: the usual places, by its build id)", 0 },
	{ "contention", KEY_CONTENTION, "FACTOR", 0,
	  "stop recording when locks are waited for so many times as often as before (default 4; "
	  "0: go on whatever happens)", 0 },
	{ "accept-hazard", KEY_ACCEPT_HAZARD, NULL, 0,
	  "trace although `lockvane check` names a hazard of this kernel", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct trace_args *args = state->input;
	struct error err = {};
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->show;
		return 0;
	case 'd':
		if (when_duration(arg, &args->longest_ns) || args->longest_ns < WHEN_SECOND_NS ||
		    args->longest_ns > MAX_DAYS * 86400 * WHEN_SECOND_NS)
			argp_error(state, "--duration is a second to %d days, not \"%s\": "
				   WHEN_DURATION_HELP, MAX_DAYS, arg);
		return 0;
	case 'o':
		args->output = arg;
		return 0;
	case 'l':
		if (plan_parse_locks(arg, &args->locks, &err))
			argp_error(state, "--locks: %s: spin, rw, mutex, rwsem, sock, pseudo, all",
				   err.text);
		return 0;
	case 'q':
		args->quiet = true;
		return 0;
	case KEY_VMLINUX:
		args->vmlinux = arg;
		return 0;
	case KEY_CONTENTION:
		args->contention = strtod(arg, &end);
		if (*end || end == arg ||
		    !(args->contention == 0 ||
		      (args->contention >= 1 && args->contention <= MAX_FACTOR)))
			argp_error(state, "--contention is 0, or 1 to %d, not \"%s\"", MAX_FACTOR,
				   arg);
		return 0;
	case KEY_ACCEPT_HAZARD:
		args->accept_hazard = true;
		return 0;
	case ARGP_KEY_ARGS:
		args->command = state->argv + state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &cli_show_argp, 0, NULL, 0 }, {} };

static const struct argp trace_argp = {
	.options = options,
	.parser = parse,
	.children = children,
	.args_doc = "[--] [CMD ARG...]",
	.doc = "Record the kernel's locks while CMD runs, for -d SECONDS, or until Ctrl-C; then "
	       "report where their order can deadlock. The report goes to standard output, CMD's "
	       "own output to standard error.\v"
	       "Exit status: 0 nothing found, 3 findings, 1 failure, or nothing found until "
	       "others waited for locks too often, 2 wrong usage. CMD's own "
	       "status is shown.",
};

/* A file that cannot be written is better known before minutes of tracing. */
static int check_output(const char *path, struct error *err)
{
	AUTO_FREE char *copy = strdup(path);
	struct stat st;

	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	if (!*path || path[strlen(path) - 1] == '/')
		return error_set(err, -EISDIR, "cannot write %s: it is not the name of a file", path);
	if (!lstat(path, &st) && !S_ISREG(st.st_mode))
		return error_set(err, -EEXIST, "cannot write %s: it is not a regular file", path);
	if (faccessat(AT_FDCWD, dirname(copy), W_OK | X_OK, AT_EACCESS))
		return error_set_errno(err, -errno, "cannot write %s", path);
	return 0;
}

struct session {
	const struct trace_args *args;
	struct host host;
	struct programs *programs;
	struct words *words;
	struct waits *waits;
	struct child child;
	sigset_t signals; /* that end the trace */
	bool show_progress;
	struct recording recording;
	struct live live;
};

static void show_attaching(void *arg, size_t done, size_t all)
{
	const struct session *s = arg;

	if (s->show_progress)
		fprintf(stderr, "\rattaching %zu of %zu hooks \033[K", done, all);
}

static void end_progress(const struct session *s)
{
	if (s->show_progress)
		fprintf(stderr, "\r\033[K");
}

/* Armed for as long as the program runs, or the user wants. */
static int record(struct session *s, struct error *err)
{
	int code = 0;

	if (s->args->command) {
		code = child_start(s->args->command, &s->child, err);
		if (code)
			return code;
	}
	recording_run(&s->recording);
	if (s->args->command) {
		child_stop(&s->child);
		fprintf(stderr, "lockvane: %s %s\n", s->args->command[0],
			child_status_text(&s->child));
	}
	return 0;
}

static char *join(char *const words[])
{
	size_t len = 1;
	char *text, *end;

	for (size_t i = 0; words && words[i]; i++)
		len += strlen(words[i]) + 1;
	text = words ? calloc(1, len) : NULL;
	end = text;
	for (size_t i = 0; text && words[i]; i++)
		end += sprintf(end, i ? " %s" : "%s", words[i]);
	return text;
}

static int describe(const struct session *s, struct capture *c)
{
	int code;

	c->command = join(s->args->command);
	c->duration = s->recording.duration_ns;
	c->started = time(NULL) - (arming_now_ns() - s->recording.armed_ns) / 1000000000ull;
	code = host_describe(&s->host, c);
	return code ? code : host_describe_modules(c);
}

/*
 * Switched off in the meantime, ftrace leaves the hooks in place, but silent. Events until then
 * stay.
 */
static int check_hooks_fired(struct capture *c, struct error *err)
{
	struct capture_loss *loss;
	int64_t enabled = 1;

	if (!c->nr_classes)
		return error_set(err, -EIO,
				 "the hooks did not fire: set kernel.ftrace_enabled=1, keep it so, "
				 "and trace again");
	file_number(NULL, "/proc/sys/kernel/ftrace_enabled", &enabled);
	if (enabled)
		return 0;
	fprintf(stderr, "lockvane: kernel.ftrace_enabled was set to 0: the hooks did not fire to the "
			"end\n");
	loss = capture_add_loss(c);
	if (!loss)
		return error_set(err, -ENOMEM, "out of memory");
	loss->name = strdup("ftrace_off");
	loss->text = strdup("times the hooks were silenced (kernel.ftrace_enabled=0)");
	loss->count = 1;
	return loss->name && loss->text ? 0 : error_set(err, -ENOMEM, "out of memory");
}

static int drain(struct session *s, struct capture **ret, struct error *err)
{
	struct capture *c = capture_new();
	uint64_t misses[LV_HOOKS + 1];
	struct tables tables;
	int code;

	if (!c)
		return error_set(err, -ENOMEM, "out of memory");
	programs_tables(s->programs, &tables);
	waits_tables(s->waits, &tables);
	programs_recursion_misses(s->programs, misses);
	tables.recursion_misses = misses;
	code = words_capture(s->words, &tables, c, NULL, err);
	if (!code && (describe(s, c) || orders_add(c, c->kernel)))
		code = error_set(err, -ENOMEM, "out of memory");
	if (code) {
		capture_free(c);
		return code;
	}
	*ret = c;
	return 0;
}

/* The deadlocks alone, and at once: who reads it may have to act. */
static void tell_deadlocks(void *arg)
{
	struct session *s = arg;
	struct capture *c = NULL;
	struct findings *f = NULL;
	struct error err = {};
	int code = drain(s, &c, &err);

	code = code ? code : finding_analyse(c, &f);
	if (!code)
		code = report_deadlocks(stderr, c, f);
	if (code)
		fprintf(stderr, "lockvane: tasks wait for each other's locks: %s\n",
			err.text[0] ? err.text : strerror(-code));
	fflush(stderr);
	findings_free(f);
	capture_free(c);
}

static int read_by_now(void *arg, struct capture **ret, struct error *err)
{
	return drain(arg, ret, err);
}

static void prepare_recording(struct session *s, uint64_t loaded_ns)
{
	s->live = (struct live){
		.read = read_by_now,
		.arg = s,
		.show = &s->args->show,
		.clear_line = s->show_progress,
	};
	s->recording = (struct recording){
		.programs = s->programs,
		.child = s->args->command ? &s->child : NULL,
		.signals = &s->signals,
		.waits = s->waits,
		.tell_deadlocks = tell_deadlocks,
		.arg = s,
		.live = s->args->quiet ? NULL : &s->live,
		.longest_ns = s->args->longest_ns,
		.contention = s->args->contention,
		.cpus = sysconf(_SC_NPROCESSORS_ONLN),
		.show_progress = s->show_progress,
	};
	recording_begin(&s->recording, loaded_ns);
}

/* Nothing is in the kernel any more: Ctrl-Z may stop us as it stops others. */
static void allow_stop(void)
{
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

/* Each of them would have each event seen by its own hooks, too. */
static void meet_others(struct presence *p)
{
	if (presence_begin(p, NULL, PRESENCE_TRACE))
		fprintf(stderr, "lockvane: another trace is at work: what both cost adds up\n");
	if (presence_of(p, PRESENCE_MONITOR))
		fprintf(stderr, "lockvane: a monitor is at work: it rests while this traces\n");
}

static int trace(struct session *s, struct capture **ret, struct error *err)
{
	struct presence presence;
	uint64_t loaded_ns = arming_now_ns();
	int code = host_look(s->args->locks, s->args->accept_hazard, &s->host, err);

	if (code)
		return code;
	code = words_new(s->host.btf, &s->words);
	if (code)
		return error_set(err, code, "out of memory");
	meet_others(&presence);
	code = programs_prepare(&s->host.plan, show_attaching, s, &s->programs, err);
	end_progress(s);
	code = code ? code : selfcheck(s->programs, &s->host.plan, err);
	if (!code && waits_new(s->programs, s->words, &s->waits))
		code = error_set(err, -ENOMEM, "out of memory");
	if (!code) {
		words_follow(s->words); /* while nobody waits for it */
		prepare_recording(s, loaded_ns);
	}
	code = code ? code : record(s, err);
	code = code ? code : drain(s, ret, err);
	if (!code) {
		code = check_hooks_fired(*ret, err);
		if (code)
			capture_free(TAKE_PTR(*ret));
	}
	waits_free(s->waits);
	programs_finish(s->programs);
	presence_end(&presence);
	allow_stop();
	words_free(s->words);
	return code;
}

/* Signals wait for us to ask, so that whatever comes, we disarm or detach. */
static void hold_signals(struct session *s)
{
	sigemptyset(&s->signals);
	sigaddset(&s->signals, SIGINT);
	sigaddset(&s->signals, SIGTERM);
	sigaddset(&s->signals, SIGHUP);
	sigaddset(&s->signals, SIGCHLD);
	sigaddset(&s->signals, SIGTSTP);
	sigprocmask(SIG_BLOCK, &s->signals, NULL);
}

/* From here on they do what they always do. One that came meanwhile has ended what it was meant for. */
static void let_signals(const struct session *s)
{
	const struct timespec now = { 0 };

	while (sigtimedwait(&s->signals, NULL, &now) > 0)
		;
	sigprocmask(SIG_UNBLOCK, &s->signals, NULL);
}

/*
 * A recording that took an hour is saved before anything else is done with it: reading debug information
 * may fail or take long, and the report's reader may go away. A signal ends the reading, then the
 * report.
 */
static int keep_and_show(const struct session *s, struct capture *c)
{
	const struct trace_args *args = s->args;
	const struct debugfiles_where modules = { NULL, s->host.features.release };
	struct error err = {};
	int failed = 0, status;

	if (args->output && capture_db_save(c, args->output, &err))
		failed = cli_fail(&err);
	if (cli_add_sources(c, args->vmlinux, &modules, &err))
		failed = cli_fail(&err);
	else if (args->output && !failed && capture_db_save(c, args->output, &err))
		failed = cli_fail(&err); /* without lines it is there */
	let_signals(s);
	status = cli_show_capture(c, &args->show);
	/* The report is out even if the file fails; the failure outranks what was found. */
	return failed ? failed : status;
}

int cmd_trace(int argc, char **argv)
{
	struct trace_args args = { .show = CLI_SHOW_DEFAULT, .locks = PLAN_ALL_LOCKS,
				   .contention = VALVE_FACTOR };
	struct session session = { .args = &args };
	struct capture *c = NULL;
	struct error err = {};
	int code = 0, status;

	cli_parse(&trace_argp, argc, argv, ARGP_IN_ORDER, NULL, &args);
	if (args.command)
		code = child_check(args.command, &err);
	if (!code && args.output)
		code = check_output(args.output, &err);
	if (!code && args.vmlinux && access(args.vmlinux, R_OK))
		code = error_set_errno(&err, -errno, "cannot read %s", args.vmlinux);
	if (code)
		return cli_fail(&err);
	session.show_progress = !args.quiet && isatty(STDERR_FILENO);
	hold_signals(&session);
	code = trace(&session, &c, &err);
	host_done(&session.host);
	if (code)
		return cli_fail(&err);
	status = keep_and_show(&session, c);
	if (session.recording.contended && status == EXIT_NOTHING)
		status = EXIT_FAILED; /* it saw only a part */
	capture_free(c);
	return status;
}
