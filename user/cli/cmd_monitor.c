// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/host.h"
#include "daemon/config.h"
#include "daemon/monitor.h"

#define KEY_FIRST 0x300 /* the configuration's keys, as options */

/* --json alone is --json=yes. */
#define YES_NO "yes|no"
#define IS_SWITCH(value) (sizeof(value) == sizeof(YES_NO) && (value)[0] == 'y')

struct monitor_args {
	const char *file;	       /* NULL: the usual one, if it is there */
	const char *given[CONFIG_KEYS]; /* by options */
};

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0, "settings; " CONFIG_FILE " if that exists", 0 },
#define X(id, key, value, restart, help) { key, KEY_FIRST + CONFIG_##id, value, IS_SWITCH(value) ? OPTION_ARG_OPTIONAL : 0, help, 1 },
	CONFIG_KEYS_X(X)
#undef X
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct monitor_args *args = state->input;

	if (key >= KEY_FIRST && key < KEY_FIRST + CONFIG_KEYS) {
		args->given[key - KEY_FIRST] = arg ? arg : "yes";
		return 0;
	}
	switch (key) {
	case 'c':
		args->file = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\": monitor takes options only", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp monitor_argp = {
	.options = options,
	.parser = parse,
	.doc = "Watch the kernel's locks for as long as it runs, within a CPU budget; tell each finding "
	       "once, and keep all of them. SIGHUP reads the settings again, SIGTERM ends.\v"
	       "The options are the keys of lockvane.conf(5), and override the file. Exit status: 0 ended "
	       "by a signal, 1 failure, 2 wrong usage or settings.",
};

/* A user who may write to it decides on root's actions. */
static int read_file(struct config *ret, const char *path, struct error *err)
{
	int code = file_check_owner(path, err);

	return code ? code : config_read(ret, path, err);
}

/* The defaults, the file, the options. */
static int read_config(void *arg, struct config *ret, struct error *err)
{
	const struct monitor_args *args = arg;
	int code = config_init(ret);

	if (code)
		return error_set(err, code, "out of memory");
	if (args->file || !access(CONFIG_FILE, F_OK))
		code = read_file(ret, args->file ? args->file : CONFIG_FILE, err);
	for (int key = 0; !code && key < CONFIG_KEYS; key++)
		if (args->given[key])
			code = config_set(ret, key, args->given[key], err);
	return code;
}

static int monitor(struct monitor_setup *setup, struct error *err)
{
	struct host host = {};
	struct capture *head = capture_new();
	int code = head ? 0 : error_set(err, -ENOMEM, "out of memory");

	code = code ? code : host_look(setup->config.locks, setup->config.accept_hazard, &host, err);
	if (!code && host_describe(&host, head))
		code = error_set(err, -ENOMEM, "out of memory");
	setup->btf = host.btf;
	setup->plan = &host.plan;
	setup->head = head;
	if (code)
		config_done(&setup->config);
	else
		code = monitor_run(setup, err);
	capture_free(head);
	host_done(&host);
	return code;
}

int cmd_monitor(int argc, char **argv)
{
	struct monitor_args args = {};
	struct monitor_setup setup = { .reload = read_config, .arg = &args };
	struct error err = {};

	cli_parse(&monitor_argp, argc, argv, 0, NULL, &args);
	if (read_config(&args, &setup.config, &err)) {
		config_done(&setup.config);
		cli_fail(&err);
		return EXIT_MISUSED;
	}
	return monitor(&setup, &err) ? cli_fail(&err) : 0;
}
