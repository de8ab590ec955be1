// SPDX-License-Identifier: GPL-2.0-only
/* What a monitor has found, from its state: findings, and show. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "daemon/config.h"
#include "daemon/state.h"
#include "report/words.h"

#define KEY_STATE 0x400
#define KEY_SUPPRESSED 0x401

struct findings_args {
	const char *state;
	uint64_t since_ms;
	bool suppressed; /* show those, too */
	bool json;
	enum finding_confidence least;
	const char *id;
};

#define STATE_OPTION \
	{ "state", KEY_STATE, "FOLDER", 0, "the monitor's (" CONFIG_STATE_FOLDER ")", 0 }
#define FORMAT_OPTION { "format", CLI_KEY_FORMAT, "FORMAT", 0, "text (default) or json", 0 }

static const struct argp_option findings_options[] = {
	{ "since", 's', "TIME", 0,
	  "seen since: 30min, 12h, 7d ago, or a date (2026-01-31, with 12:30 if need be)", 0 },
	{ "confidence", CLI_KEY_CONFIDENCE, "LEVEL", 0,
	  "of this confidence or better: confirmed, certain, likely (default) or weak", 0 },
	{ "suppressed", KEY_SUPPRESSED, NULL, 0, "list suppressed ones, too", 0 },
	FORMAT_OPTION,
	STATE_OPTION,
	{}
};

static const struct argp_option show_options[] = { FORMAT_OPTION, STATE_OPTION, {} };

/* "7d": so long ago. */
static int parse_ago(const char *text, time_t now, uint64_t *ret_ms)
{
	static const struct {
		const char *name;
		uint64_t seconds;
	} units[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 604800 } };
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || n < 0 || n > 1000000)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		uint64_t ago = n * units[i].seconds;

		if (strcmp(end, units[i].name))
			continue;
		*ret_ms = (uint64_t)now > ago ? (now - ago) * 1000 : 0;
		return 0;
	}
	return -EINVAL;
}

static int parse_since(const char *text, uint64_t *ret_ms)
{
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d" };

	if (!parse_ago(text, time(NULL), ret_ms))
		return 0;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(text, formats[i], &tm);
		time_t then;

		if (!end || *end)
			continue;
		then = mktime(&tm);
		if (then < 0)
			return -EINVAL;
		*ret_ms = then * 1000ull;
		return 0;
	}
	return -EINVAL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct findings_args *args = state->input;

	switch (key) {
	case 's':
		if (parse_since(arg, &args->since_ms))
			argp_error(state, "--since: what time is \"%s\"? 30min, 12h, 7d, "
				   "2026-01-31", arg);
		return 0;
	case CLI_KEY_CONFIDENCE:
		if (finding_confidence_parse(arg, &args->least))
			argp_error(state, "--confidence is confirmed, certain, likely or weak, "
					  "not \"%s\"", arg);
		return 0;
	case KEY_SUPPRESSED:
		args->suppressed = true;
		return 0;
	case CLI_KEY_FORMAT:
		if (strcmp(arg, "text") && strcmp(arg, "json"))
			argp_error(state, "--format is text or json, not \"%s\"", arg);
		args->json = !strcmp(arg, "json");
		return 0;
	case KEY_STATE:
		args->state = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_no_id(int key, char *arg, struct argp_state *state)
{
	if (key == ARGP_KEY_ARG)
		argp_error(state, "findings takes no arguments; lockvane show ID prints one");
	return parse(key, arg, state);
}

static error_t parse_id(int key, char *arg, struct argp_state *state)
{
	struct findings_args *args = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (args->id || !*arg)
			argp_error(state, "one ID, please");
		args->id = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which ID? lockvane findings lists them");
		return EINVAL;
	default:
		return parse(key, arg, state);
	}
}

static const struct argp findings_argp = {
	.options = findings_options,
	.parser = parse_no_id,
	.doc = "List what lockvane monitor has found, the latest first; it may be at work meanwhile.\v"
	       "Exit status: 0 nothing to list, 3 findings, 1 failure, 2 wrong usage.",
};

static const struct argp show_argp = {
	.options = show_options,
	.parser = parse_id,
	.args_doc = "ID",
	.doc = "Print the whole report of a finding, by its id or how that begins.",
};

static bool is_listed(const struct known_finding *f, const struct findings_args *args)
{
	return f->last_ms >= args->since_ms && f->confidence >= args->least &&
	       (args->suppressed || !f->suppressed);
}

static int latest_first(const void *va, const void *vb)
{
	const struct known_finding *a = va, *b = vb;

	if (a->last_ms != b->last_ms)
		return a->last_ms < b->last_ms ? 1 : -1;
	return strcmp(a->id, b->id);
}

static void put_time(uint64_t ms)
{
	time_t seconds = ms / 1000;
	char text[32] = "?";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	fputs(text, stdout);
}

static void put_coverage(const struct state_totals *t)
{
	double events = t->seen + t->unseen ? 100.0 * t->seen / (t->seen + t->unseen) : 0;

	printf("coverage: %.3g%% of lock events in %.1f h of watching this kernel; as of ", events,
	       t->watched_ns / 3600e9);
	put_time(t->saved_ms);
	putchar('\n');
}

static void put_finding(const struct known_finding *f, const struct utsname *here)
{
	char fingerprint[FINDING_ID_LEN];

	finding_fingerprint_of(f->rule, f->chain, fingerprint);
	printf("%s  %s, %s%s\n    ", f->id, finding_rule_name(f->rule),
	       finding_confidence_name(f->confidence), f->suppressed ? ", suppressed" : "");
	words_put(stdout, f->chain);
	fputs("\n    first ", stdout);
	put_time(f->first_ms);
	fputs(", last ", stdout);
	put_time(f->last_ms);
	printf(", seen %" PRIu64 " time%s, fingerprint %s", f->count, f->count == 1 ? "" : "s",
	       fingerprint);
	if (strcmp(f->kernel, here->release) || strcmp(f->build, here->version)) {
		fputs(", kernel ", stdout);
		words_put(stdout, f->kernel);
	}
	putchar('\n');
}

static json_t *finding_json(const struct known_finding *f)
{
	AUTO_FREE char *chain = words_clean(f->chain);
	char fingerprint[FINDING_ID_LEN];

	finding_fingerprint_of(f->rule, f->chain, fingerprint);
	return json_pack("{ss ss ss ss ss* ss ss sI sI sI sb}", "id", f->id, "fingerprint",
			 fingerprint, "rule",
			 finding_rule_name(f->rule), "confidence",
			 finding_confidence_name(f->confidence), "chain", chain, "kernel",
			 f->kernel, "build", f->build, "first_seen_ms", (json_int_t)f->first_ms,
			 "last_seen_ms", (json_int_t)f->last_ms, "count", (json_int_t)f->count,
			 "suppressed", f->suppressed);
}

static int list_json(const struct state_content *c, const struct findings_args *args)
{
	json_t *list = json_array(), *all;
	char *text;

	for (size_t i = 0; i < c->known.nr; i++)
		if (is_listed(&c->known.items[i], args))
			json_array_append_new(list, finding_json(&c->known.items[i]));
	all = json_pack("{s{sI sI sI} sI so}", "coverage", "watched_ns",
			(json_int_t)c->totals.watched_ns, "events_seen", (json_int_t)c->totals.seen,
			"events_unseen", (json_int_t)c->totals.unseen, "saved_ms",
			(json_int_t)c->totals.saved_ms, "findings", list);
	text = all ? json_dumps(all, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
	json_decref(all);
	if (!text)
		return -ENOMEM;
	puts(text);
	free(text);
	return 0;
}

static int list(const struct state_content *c, const struct findings_args *args)
{
	struct utsname here = {};
	size_t listed = 0;

	uname(&here);
	for (size_t i = 0; i < c->known.nr; i++)
		listed += is_listed(&c->known.items[i], args);
	if (args->json)
		return list_json(c, args) ?: (listed ? EXIT_FINDINGS : EXIT_NOTHING);
	for (size_t i = 0; i < c->known.nr; i++)
		if (is_listed(&c->known.items[i], args))
			put_finding(&c->known.items[i], &here);
	printf("%zu finding%s", listed, listed == 1 ? "" : "s");
	if (listed < c->known.nr)
		printf(", and %zu not listed: older, less sure, or suppressed", c->known.nr - listed);
	putchar('\n');
	put_coverage(&c->totals);
	return listed ? EXIT_FINDINGS : EXIT_NOTHING;
}

static int flush(int status, struct error *err)
{
	if (status >= 0 && (fflush(stdout) || ferror(stdout)))
		return error_set_errno(err, -EIO, "cannot write");
	return status < 0 ? error_set_errno(err, status, "cannot list") : status;
}

int cmd_findings(int argc, char **argv)
{
	struct findings_args args = { .state = CONFIG_STATE_FOLDER, .least = FINDING_LIKELY };
	struct state_content there;
	struct error err = {};
	int status;

	cli_parse(&findings_argp, argc, argv, 0, NULL, &args);
	if (state_read(args.state, &there, &err))
		return cli_fail(&err);
	if (there.known.nr)
		qsort(there.known.items, there.known.nr, sizeof(*there.known.items), latest_first);
	status = flush(list(&there, &args), &err);
	state_content_done(&there);
	return status < 0 ? cli_fail(&err) : status;
}

/* Made by us, but kept in a file: nothing but text reaches the terminal. */
static void put_report(const char *text)
{
	for (; *text; text++)
		putchar(*text == '\n' || *text == '\t' || (*text >= 0x20 && *text < 0x7f) ? *text :
											     '?');
}

int cmd_show(int argc, char **argv)
{
	struct findings_args args = { .state = CONFIG_STATE_FOLDER };
	struct error err = {};
	char *text = NULL;
	int status;

	cli_parse(&show_argp, argc, argv, 0, NULL, &args);
	if (state_report(args.state, args.id, args.json, &text, &err))
		return cli_fail(&err);
	put_report(text);
	free(text);
	status = flush(0, &err);
	return status < 0 ? cli_fail(&err) : 0;
}
