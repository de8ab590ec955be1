// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "check", cmd_check, "say how much this kernel lets lockvane see" },
	{ "trace", cmd_trace, "watch the kernel's locks, then report" },
	{ "report", cmd_report, "report from a capture, or what the monitor keeps" },
	{ "classes", cmd_classes, "list the lock classes that were seen" },
	{ "edges", cmd_edges, "list the dependencies: which lock nests in which" },
	{ "diff", cmd_diff, "tell the difference of two captures" },
	{ "merge", cmd_merge, "captures of several hosts together" },
	{ "explain", cmd_explain, "why a class has its name and grade" },
	{ "monitor", cmd_monitor, "watch for months, within a CPU budget" },
	{ "findings", cmd_findings, "list the findings of a capture, or of the monitor" },
	{ "show", cmd_show, "print one finding's whole report" },
	{ "suppress", cmd_suppress, "write the line that suppresses a finding" },
	{ "status", cmd_status, "say the monitor's mode, coverage and losses" },
	{ "fleet", cmd_fleet, "one store for many hosts, and what is wrong only together" },
	{ "replay", cmd_replay, "run scenario files through the recorder and the rules" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *out)
{
	fprintf(out, "Usage: lockvane COMMAND [OPTION...]\n"
		     "Find lock-order bugs on a running kernel, without lockdep.\n\n");
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(out, "  %-10s%s\n", commands[i].name, commands[i].help);
	fprintf(out, "\n`lockvane COMMAND --help` tells more; so does lockvane(8).\n");
}

/* How many of the letters at the start are the same. */
static size_t alike(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

/* The one command that begins most like it is what was meant, if three letters do. */
static void suggest(const char *word)
{
	size_t best = 0, most = 2;
	bool one = false;

	for (size_t i = 0; i < NR_COMMANDS; i++) {
		size_t n = alike(commands[i].name, word);

		if (n >= most) {
			one = n > most;
			most = n;
			best = i;
		}
	}
	fprintf(stderr, "lockvane: no command \"%.40s\"%s%s%s; see lockvane --help\n", word,
		one ? ": did you mean \"" : "", one ? commands[best].name : "", one ? "\"?" : "");
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	if (!word) {
		help(stderr);
		return EXIT_MISUSED;
	}
	if (!strcmp(word, "help") && argc > 2) {
		/* "help trace" is "trace --help". */
		static char help_option[] = "--help";

		word = argv[2];
		argv[1] = argv[2];
		argv[2] = help_option;
		argc = 3;
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
		help(stdout);
		return 0;
	}
	if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
		puts("lockvane " LOCKVANE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		static char name[32];

		if (strcmp(word, commands[i].name))
			continue;
		/* argp prints argv[0] in its messages */
		snprintf(name, sizeof(name), "lockvane %s", word);
		argv[1] = name;
		return commands[i].run(argc - 1, argv + 1);
	}
	suggest(word);
	return EXIT_MISUSED;
}
