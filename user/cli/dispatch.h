/* SPDX-License-Identifier: GPL-2.0-only */
/* The program's first word: a command of a table, or a question about them. */
#ifndef LOCKVANE_CLI_DISPATCH_H
#define LOCKVANE_CLI_DISPATCH_H

#include <stddef.h>

struct dispatch_command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

struct dispatch_program {
	const char *name;  /* as it is typed: "lockvane fleet" */
	const char *about; /* help, before the commands: lines */
	const char *more;  /* and after them */
	const struct dispatch_command *commands;
	size_t nr_commands;
};

/* Run the command that argv[1] names, or print help or version. Returns main()'s status. */
int dispatch(const struct dispatch_program *program, int argc, char **argv);

#endif
