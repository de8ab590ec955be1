// SPDX-License-Identifier: GPL-2.0-only
/* status: what a monitor is doing, what it saw and what it cannot see. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/source.h"
#include "publish/status.h"
#include "report/jsonvalue.h"
#include "report/words.h"
#include "store/state.h"

#define NEARLY_FULL 90 /* percent */

struct status_args {
	struct cli_source source;
	enum cli_format format;
};

/* All that is known of a monitor: its last status, and its saved state. */
struct seen {
	json_t *said; /* NULL: nothing */
	bool running;
	bool ailing; /* something is wrong: a line says what */
	uint64_t now_ms;
	struct state_content saved;
};

static const struct argp_option options[] = {
	{ "format", CLI_KEY_FORMAT, "FORMAT", 0, "text (default) or json", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct status_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->source;
		return 0;
	case CLI_KEY_FORMAT:
		args->format = cli_parse_format(state, arg, 1u << CLI_TEXT | 1u << CLI_JSON);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\": status takes options only", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- the monitor's answer -------------------------------------------------- */

static const json_t *value_of(const json_t *object, const char *key, const char *inner)
{
	const json_t *value = json_object_get(object, key);

	return inner ? json_object_get(value, inner) : value;
}

static uint64_t number_of(const json_t *object, const char *key, const char *inner)
{
	return json_integer_value(value_of(object, key, inner));
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "?";
}

static void print_line(const char *what, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void print_line(const char *what, const char *format, ...)
{
	va_list ap;

	printf("%-12s", what);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
}

static void ail(struct seen *seen, const char *text)
{
	seen->ailing = true;
	print_line("", "! %s", text);
}

static void put_percent(const json_t *value, const char *after)
{
	if (json_is_number(value))
		printf("%.3g%%%s", 100 * json_number_value(value), after);
	else
		printf("not known%s", after);
}

static void put_when(uint64_t ms)
{
	time_t seconds = ms / 1000;
	char text[32] = "?";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	fputs(text, stdout);
}

static void put_mode(struct seen *seen)
{
	const char *mode = text_of(seen->said, "mode");

	printf("%-12s", "mode");
	words_put(stdout, mode);
	printf(", as of %" PRIu64 " s ago\n",
	       (seen->now_ms - number_of(seen->said, "written_ms", NULL)) / 1000);
	if (!strcmp(mode, "stopped"))
		ail(seen, "watching has stopped: the journal says why; SIGHUP begins again");
}

static void put_work(struct seen *seen)
{
	const json_t *said = seen->said;

	printf("%-12s", "budget");
	put_percent(value_of(said, "budget", "share"), " of all CPUs, used ");
	put_percent(value_of(said, "budget", "used"), "\n");
	printf("%-12swatched ", "coverage");
	put_percent(value_of(said, "coverage", "time"), " of the time, ");
	put_percent(value_of(said, "coverage", "events"), " of lock events\n");
	print_line("findings", "%" PRIu64 ", and %" PRIu64 " suppressed",
		   number_of(said, "findings", "found"), number_of(said, "findings", "suppressed"));
	print_line("graph", "%" PRIu64 " classes (%" PRIu64 " ambiguous), %" PRIu64 " dependencies",
		   number_of(said, "classes", NULL), number_of(said, "ambiguous_classes", NULL),
		   number_of(said, "edges", NULL));
	if (number_of(said, "contention_stops", NULL))
		print_line("contention", "ended recording %" PRIu64 " times",
			   number_of(said, "contention_stops", NULL));
}

static void put_losses(const struct seen *seen)
{
	const char *what = "losses", *name;
	json_t *value;

	json_object_foreach((json_t *)json_object_get(seen->said, "losses"), name, value) {
		if (!json_integer_value(value))
			continue;
		printf("%-12s%" PRIu64 " ", what, (uint64_t)json_integer_value(value));
		words_put(stdout, name);
		putchar('\n');
		what = "";
	}
	if (*what)
		print_line(what, "none");
}

/* A full table means that whatever comes later is not seen. */
static void put_full(struct seen *seen)
{
	const char *what = "full", *name;
	json_t *table;

	json_object_foreach((json_t *)json_object_get(seen->said, "tables"), name, table) {
		uint64_t used = number_of(table, "used", NULL), slots = number_of(table, "slots", NULL);

		if (!slots || used < slots * NEARLY_FULL / 100)
			continue;
		printf("%-12s", what);
		words_put(stdout, name);
		printf(": %" PRIu64 " of %" PRIu64 "\n", used, slots);
		seen->ailing = seen->ailing || used >= slots;
		what = "";
	}
	if (*what)
		print_line(what, "no table is");
}

static void put_state(struct seen *seen)
{
	const json_t *said = seen->said;

	print_line("state", "%.1f MiB of %.1f MiB",
		   number_of(said, "state_bytes", NULL) / 1048576.0,
		   number_of(said, "state_limit_bytes", NULL) / 1048576.0);
	if (json_is_true(json_object_get(said, "state_in_memory")))
		ail(seen, "it cannot be saved: what is new is in memory only");
	if (json_is_true(json_object_get(said, "config_stale")))
		ail(seen, "settings were changed and are wrong: older ones are in force");
}

/* --- all of it ------------------------------------------------------------------ */

static void put_saved(const struct state_content *saved)
{
	const struct state_totals *t = &saved->totals;

	printf("%-12s%zu finding%s of ", "saved", saved->known.nr, saved->known.nr == 1 ? "" : "s");
	words_put_duration(stdout, t->watched_ns);
	fputs(" of watching, as of ", stdout);
	put_when(t->saved_ms);
	putchar('\n');
}

static void put_text(struct seen *seen, const char *folder)
{
	printf("%-12s", "monitor");
	if (!seen->running) {
		printf("not running: nothing was heard of one that keeps its state in %s", folder);
		if (seen->said) {
			fputs(" since ", stdout);
			put_when(number_of(seen->said, "written_ms", NULL));
		}
		putchar('\n');
		put_saved(&seen->saved);
		return;
	}
	printf("lockvane ");
	words_put(stdout, text_of(seen->said, "lockvane"));
	printf(", pid %" PRIu64 ", since ", number_of(seen->said, "pid", NULL));
	put_when(number_of(seen->said, "started_ms", NULL));
	printf(", kernel ");
	words_put(stdout, text_of(seen->said, "kernel"));
	putchar('\n');
	put_mode(seen);
	put_work(seen);
	put_losses(seen);
	put_full(seen);
	put_state(seen);
	put_saved(&seen->saved);
}

static int put_json(const struct seen *seen)
{
	const struct state_totals *t = &seen->saved.totals;
	json_t *root = json_pack("{si sb sO? s{sI sI sI sI sI}}", "schema", JSONVALUE_SCHEMA,
				 "running", seen->running, "monitor", seen->said, "saved",
				 "findings", (json_int_t)seen->saved.known.nr, "watched_ns",
				 (json_int_t)t->watched_ns, "events_seen", (json_int_t)t->seen,
				 "events_unseen", (json_int_t)t->unseen, "saved_ms",
				 (json_int_t)t->saved_ms);

	return jsonvalue_print(stdout, root);
}

static int look(const char *folder, struct seen *ret, struct error *err)
{
	struct error none = {};
	struct timespec now;
	uint64_t written;
	int code = state_read(folder, &ret->saved, err);

	if (code)
		return code;
	clock_gettime(CLOCK_REALTIME, &now);
	ret->now_ms = now.tv_sec * 1000ull + now.tv_nsec / 1000000;
	if (status_read(folder, &ret->said, &none))
		return 0;
	written = number_of(ret->said, "written_ms", NULL);
	if (written > ret->now_ms)
		written = ret->now_ms; /* the clock was set back */
	ret->running = ret->now_ms - written < STATUS_STALE_S * 1000ull;
	return 0;
}

int cmd_status(int argc, char **argv)
{
	static const struct argp_child children[] = { { &cli_source_argp, 0, NULL, 0 }, {} };
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.children = children,
		.doc = "Say what a monitor is doing: its mode, how much it watched, what it costs, what "
		       "was lost and which tables are full.\v"
		       "Exit status: 0 it runs and all is well, 3 it runs and something is wrong (lines "
		       "with !, or a full table), 1 none runs, or failure, 2 wrong usage.",
	};
	struct status_args args = {};
	struct seen seen = {};
	struct error err = {};
	int code;

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	if (look(cli_source_folder(&args.source), &seen, &err))
		return cli_fail(&err);
	/* The text is what finds what is wrong. */
	if (args.format == CLI_TEXT)
		put_text(&seen, cli_source_folder(&args.source));
	code = args.format == CLI_JSON ? put_json(&seen) : 0;
	if (code || fflush(stdout))
		error_set_errno(&err, code ? code : -errno, "cannot write");
	json_decref(seen.said);
	state_content_done(&seen.saved);
	if (err.code)
		return cli_fail(&err);
	return !seen.running ? EXIT_FAILED : seen.ailing ? EXIT_FINDINGS : EXIT_NOTHING;
}
