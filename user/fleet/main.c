// SPDX-License-Identifier: GPL-2.0-only
/* lockvane-fleet, which `lockvane fleet` runs. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "fleet/cmd.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "init", cmd_fleet_init, "make the store's tables and roles, or bring them up to date" },
	{ "push", cmd_fleet_push, "bring what this host saw to the store" },
	{ "snapshot", cmd_fleet_snapshot, "copy the monitor's state for a push without root" },
	{ "analyse", cmd_fleet_analyse, "look for what is wrong only together" },
	{ "findings", cmd_fleet_findings, "list what the hosts found, and what they show together" },
	{ "show", cmd_fleet_show, "one finding: which hosts have it, since when, and its report" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *out)
{
	fprintf(out, "Usage: lockvane fleet COMMAND [OPTION...]\n"
		     "One store, a PostgreSQL database, for what many hosts saw.\n\n");
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(out, "  %-10s%s\n", commands[i].name, commands[i].help);
	fprintf(out, "\n  -h, --help      print this\n  -V, --version   print the version\n");
	fprintf(out, "\nExit status: 0 nothing found, or done, 3 findings, 1 failure, 2 wrong usage.\n");
	fprintf(out, "\n`lockvane fleet COMMAND --help` tells more; so do lockvane(8) and docs/fleet.md.\n");
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
		static char name[64];

		if (strcmp(word, commands[i].name))
			continue;
		/* argp prints argv[0] in its messages */
		snprintf(name, sizeof(name), "lockvane fleet %s", word);
		argv[1] = name;
		return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "lockvane: no command \"fleet %.40s\"; see lockvane fleet --help\n", word);
	return EXIT_MISUSED;
}
