// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cli.h"
#include "cli/dispatch.h"

static const struct dispatch_command commands[] = {
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

static const struct dispatch_program program = {
	.name = "lockvane",
	.about = "Find lock-order bugs on a running kernel, without lockdep.\n",
	.more = "`lockvane COMMAND --help` tells more; so does lockvane(8).\n",
	.commands = commands,
	.nr_commands = sizeof(commands) / sizeof(commands[0]),
};

int main(int argc, char **argv)
{
	return dispatch(&program, argc, argv);
}
