// SPDX-License-Identifier: GPL-2.0-only
#include "cli/dispatch.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static void print_help(FILE *out, const struct dispatch_program *p)
{
	fprintf(out, "Usage: %s COMMAND [OPTION...]\n%s\n", p->name, p->about);
	for (size_t i = 0; i < p->nr_commands; i++)
		fprintf(out, "  %-10s%s\n", p->commands[i].name, p->commands[i].help);
	fprintf(out, "\n%s", p->more);
}

static const struct dispatch_command *find_command(const struct dispatch_program *p,
						   const char *word)
{
	for (size_t i = 0; i < p->nr_commands; i++)
		if (!strcmp(word, p->commands[i].name))
			return &p->commands[i];
	return NULL;
}

/* How many of the letters at the start are the same. */
static size_t count_alike(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

/* The one command that begins most like the word, if three letters do; else NULL. */
static const struct dispatch_command *find_like(const struct dispatch_program *p, const char *word)
{
	const struct dispatch_command *best = NULL;
	size_t most = 2;

	for (size_t i = 0; i < p->nr_commands; i++) {
		size_t n = count_alike(p->commands[i].name, word);

		if (n < most)
			continue;
		best = n > most ? &p->commands[i] : NULL;
		most = n;
	}
	return best;
}

static int refuse(const struct dispatch_program *p, const char *word)
{
	const struct dispatch_command *like = find_like(p, word);

	fprintf(stderr, "lockvane: %s has no command \"%.40s\"%s%s%s; see %s --help\n", p->name, word,
		like ? ": did you mean \"" : "", like ? like->name : "", like ? "\"?" : "",
		p->name);
	return EXIT_MISUSED;
}

static bool is_either(const char *word, const char *option, const char *letter)
{
	return !strcmp(word, option) || !strcmp(word, letter);
}

static int run_command(const struct dispatch_program *p, const struct dispatch_command *command,
		       int argc, char **argv)
{
	static char name[64];

	/* argp prints argv[0] in its messages */
	snprintf(name, sizeof(name), "%s %s", p->name, command->name);
	argv[0] = name;
	return command->run(argc, argv);
}

int dispatch(const struct dispatch_program *p, int argc, char **argv)
{
	static char help_option[] = "--help";
	/* "help trace" is "trace --help". */
	char *help_argv[] = { NULL, help_option, NULL };
	const struct dispatch_command *command;
	const char *word = argc > 1 ? argv[1] : NULL;
	bool help = word && !strcmp(word, "help");

	if (!word || is_either(word, "--help", "-h") || (help && argc == 2)) {
		print_help(word ? stdout : stderr, p);
		return word ? 0 : EXIT_MISUSED;
	}
	if (is_either(word, "--version", "-V")) {
		puts("lockvane " LOCKVANE_VERSION);
		return 0;
	}
	word = argv[help ? 2 : 1];
	command = find_command(p, word);
	if (!command)
		return refuse(p, word);
	return help ? run_command(p, command, 2, help_argv) :
		      run_command(p, command, argc - 1, argv + 1);
}
