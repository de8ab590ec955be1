// SPDX-License-Identifier: GPL-2.0-only
/* lockvane-fleet, which `lockvane fleet` runs. */
#include "cli/dispatch.h"
#include "fleet/cmd.h"

static const struct dispatch_command commands[] = {
	{ "init", cmd_fleet_init, "make the store's tables and roles, or bring them up to date" },
	{ "push", cmd_fleet_push, "bring what this host saw to the store" },
	{ "snapshot", cmd_fleet_snapshot, "copy the monitor's state for a push without root" },
	{ "analyse", cmd_fleet_analyse, "look for what is wrong only together" },
	{ "findings", cmd_fleet_findings, "list what the hosts found, and what they show together" },
	{ "show", cmd_fleet_show, "one finding: which hosts have it, since when, and its report" },
	{ "forget", cmd_fleet_forget, "take hosts or kernel builds out of the store" },
};

static const struct dispatch_program program = {
	.name = "lockvane fleet",
	.about = "One store, a PostgreSQL database, for what many hosts saw.\n",
	.more = "  -h, --help      print this\n  -V, --version   print the version\n"
		"\nExit status: 0 nothing found, or done, 3 findings, 1 failure, 2 wrong usage.\n"
		"\n`lockvane fleet COMMAND --help` tells more; so do lockvane(8) and docs/fleet.md.\n",
	.commands = commands,
	.nr_commands = sizeof(commands) / sizeof(commands[0]),
};

int main(int argc, char **argv)
{
	return dispatch(&program, argc, argv);
}
