/* SPDX-License-Identifier: GPL-2.0-only */
/* Code that the commands share. One file a command; main() only dispatches. */
#ifndef LOCKVANE_CLI_CLI_H
#define LOCKVANE_CLI_CLI_H

#include <stdbool.h>

#include "base/error.h"
#include "capture/capture.h"
#include "finding/finding.h"
#include "finding/select.h"
#include "kernel/debugfiles.h"
#include "kernel/features.h"
#include "report/report.h"

/* Exit statuses, the same for every command. */
enum {
	EXIT_NOTHING = 0,  /* nothing found; all well */
	EXIT_FAILED = 1,   /* it could not do its work */
	EXIT_MISUSED = 2,  /* wrong usage */
	EXIT_FINDINGS = 3, /* findings; `check`: works, but sees less */
};

int cmd_check(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_classes(int argc, char **argv);
int cmd_edges(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_merge(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_fleet(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_findings(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_suppress(int argc, char **argv);
int cmd_status(int argc, char **argv);

/* Values of --format; each command knows some of them. */
enum cli_format {
	CLI_TEXT,
	CLI_JSON,
	CLI_HTML,
	CLI_DOT,
	CLI_FORMATS,
};

/* How to show what was found: the options that trace, report, replay and findings share. */
struct cli_show {
	enum cli_format format;
	enum finding_confidence least;
	const char *suppressions; /* a file, or NULL */
	bool list_suppressed;
	bool brief;
	struct finding_select select;
};

#define CLI_SHOW_DEFAULT ((struct cli_show){ .least = FINDING_LIKELY, .select = FINDING_SELECT_ALL })

/* argp keys of options that several commands have; above all letters. */
enum {
	CLI_KEY_FORMAT = 0x100,
	CLI_KEY_CONFIDENCE,
	CLI_KEY_SUPPRESS,
	CLI_KEY_LIST_SUPPRESSED,
	CLI_KEY_BRIEF,
	CLI_KEY_ID,
	CLI_KEY_RULE,
	CLI_KEY_LOCK,
	CLI_KEY_MODULE,
	CLI_KEY_STATE,
};

extern const struct argp cli_show_argp; /* a child parser; input: struct cli_show */

/* The format of that name; a usage error if the command does not know it. allowed: bits 1 << format. */
struct argp_state;
enum cli_format cli_parse_format(const struct argp_state *state, const char *name,
				 unsigned int allowed);

/* The value of --confidence; a usage error if it is none. */
void cli_parse_confidence(const struct argp_state *state, const char *name,
			  enum finding_confidence *ret);

/*
 * Print "lockvane: …" with the error's text on stderr, and return
 * EXIT_FAILED.
 */
int cli_fail(const struct error *err);

/*
 * Lines of the source for a capture's stacks. vmlinux: a file with debug information,
 * or NULL: that of the running kernel, if there is any. modules: where those are.
 */
int cli_add_sources(struct capture *c, const char *vmlinux, const struct debugfiles_where *modules,
		    struct error *err);

/*
 * The findings of a capture, by the options: suppressed findings marked, those not asked for dropped.
 * Both are the caller's.
 */
struct suppressions;
int cli_find(const struct capture *c, const struct cli_show *show, struct findings **ret,
	     struct suppressions **ret_suppressions, struct error *err);

/* The printer of reports in that format. */
#define CLI_REPORTS (1u << CLI_TEXT | 1u << CLI_JSON | 1u << CLI_HTML)
typedef int (*cli_report_fn)(FILE *out, const struct capture *c, const struct findings *f,
			     const struct report_opts *opts);
cli_report_fn cli_report(enum cli_format format);

/* Analyse, print to stdout, and say the exit status. */
int cli_show_capture(const struct capture *c, const struct cli_show *show);

/* argp_parse() with our exit status for wrong usage. */
struct argp;
void cli_parse(const struct argp *argp, int argc, char **argv, unsigned int flags, int *ret_index,
	       void *input);

/*
 * Says, as an error, why tracing is impossible here: architecture, privileges, lockdown, the JIT,
 * BTF. 0 if nothing does.
 */
int cli_may_trace(const struct features *f, struct error *err);

#endif
