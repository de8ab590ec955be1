// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "check", cmd_check, "what this kernel lets lockvane see" },
	{ "trace", cmd_trace, "watch the kernel's locks, then report" },
	{ "report", cmd_report, "report from a capture" },
	{ "classes", cmd_classes, "list a capture's lock classes" },
	{ "edges", cmd_edges, "list a capture's dependencies" },
	{ "explain", cmd_explain, "why a class has its name and grade" },
	{ "monitor", cmd_monitor, "watch for months, within a CPU budget" },
	{ "findings", cmd_findings, "list what the monitor has found" },
	{ "show", cmd_show, "one of those, whole" },
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

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	if (!word) {
		help(stderr);
		return EXIT_MISUSED;
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
	fprintf(stderr, "lockvane: no command \"%s\"; see lockvane --help\n", word);
	return EXIT_MISUSED;
}
