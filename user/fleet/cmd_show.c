// SPDX-License-Identifier: GPL-2.0-only
/* fleet show: one finding, whoever has it. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "fleet/cmd.h"
#include "fleet/list.h"
#include "report/jsonvalue.h"
#include "report/words.h"

struct show_args {
	const char *store;
	const char *id;
	enum cli_format format;
};

static const struct argp_option options[] = {
	{ "format", CLI_KEY_FORMAT, "FORMAT", 0, "text (default) or json", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct show_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->store;
		return 0;
	case CLI_KEY_FORMAT:
		args->format = cli_parse_format(state, arg, 1u << CLI_TEXT | 1u << CLI_JSON);
		return 0;
	case ARGP_KEY_ARG:
		if (args->id)
			argp_error(state, "one finding at a time");
		args->id = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->id || !args->id[0])
			argp_error(state, "which finding? `lockvane fleet findings` lists their fingerprints");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* One finding, and what the store has of it. */
struct shown {
	struct list list; /* it alone */
	PGresult *rows;	  /* a row for each host and id */
	PGresult *report; /* the best one, if there is any */
};

static int get_one(struct store *s, const char *id, struct list *ret, struct error *err)
{
	const struct list_filter filter = { .id = id, .least = FINDING_WEAK, .suppressed = true };
	int code = list_get(s, &filter, ret, err);

	if (!code && ret->nr == 0)
		return error_set(err, -ENOENT, "no finding %.40s: lockvane fleet findings lists them", id);
	if (!code && ret->nr > 1)
		return error_set(err, -EEXIST, "several findings begin with %.40s", id);
	return code;
}

static int get_rows(struct store *s, struct shown *shown, struct error *err)
{
	const char *values[] = { shown->list.items[0].fingerprint, shown->list.items[0].rule };

	shown->rows = store_run(
		s, "SELECT h.name, e.kernel, e.build, e.finding, e.confidence, e.first_ms, e.last_ms, e.count, "
		   "e.suppressed, e.together FROM (" LIST_ROWS ") e JOIN lockvane.host h ON h.id = e.host "
		   "WHERE e.fingerprint = $1 AND e.rule = $2 ORDER BY e.kernel, e.build, e.together, h.name, h.id", 2,
		values, err);
	return shown->rows ? 0 : err->code;
}

/* A host that has it alone is the better witness. */
static int get_report(struct store *s, struct shown *shown, struct error *err)
{
	const char *values[] = { shown->list.items[0].fingerprint, shown->list.items[0].rule };

	shown->report = store_run(
		s, "SELECT text, json, name, kernel FROM ("
		   "SELECT r.text, r.json, h.name, i.kernel, s.confidence, s.last_ms, 0 AS turn "
		   "FROM lockvane.report r JOIN lockvane.issue i ON i.id = r.issue JOIN lockvane.host h ON h.id = r.host "
		   "JOIN lockvane.sighting s ON s.host = r.host AND s.issue = r.issue "
		   "WHERE i.fingerprint = $1 AND i.rule = $2 UNION ALL "
		   "SELECT t.text, t.json, '', b.kernel, t.confidence, t.last_ms, 1 FROM lockvane.together t "
		   "JOIN lockvane.build b ON b.id = t.build WHERE t.fingerprint = $1 AND t.rule = $2) every "
		   "ORDER BY turn, confidence DESC, last_ms DESC LIMIT 1", 2, values, err);
	return shown->report ? 0 : err->code;
}

static int get(struct store *s, const char *id, struct shown *ret, struct error *err)
{
	int code = get_one(s, id, &ret->list, err);

	code = code ? code : get_rows(s, ret, err);
	return code ? code : get_report(s, ret, err);
}

static const char *confidence_of(const PGresult *r, int row)
{
	int64_t confidence = store_number(r, row, 4);

	return finding_confidence_name(confidence < 0 || confidence >= FINDING_CONFIDENCES ? FINDING_WEAK :
											      confidence);
}

/* --- text ----------------------------------------------------------------------- */

static void put_row(const PGresult *r, int row)
{
	fputs("    ", stdout);
	words_put(stdout, store_text(r, row, 0));
	fputs(": kernel ", stdout);
	words_put(stdout, store_text(r, row, 1));
	fputs(", id ", stdout);
	words_put(stdout, store_text(r, row, 3));
	printf(", %s, first ", confidence_of(r, row));
	words_put_time(stdout, store_number(r, row, 5));
	fputs(", last ", stdout);
	words_put_time(stdout, store_number(r, row, 6));
	puts(store_is_true(r, row, 9) ? ", a part" : store_is_true(r, row, 8) ? ", suppressed" : "");
}

static void print_text(const struct shown *shown)
{
	list_put(&shown->list.items[0], false);
	for (int row = 0; row < PQntuples(shown->rows); row++)
		put_row(shown->rows, row);
	if (!PQntuples(shown->report)) {
		puts("no report of it is in the store");
		return;
	}
	fputs("\nThe report of ", stdout);
	words_put(stdout, store_text(shown->report, 0, 2)[0] ? store_text(shown->report, 0, 2) : "several hosts");
	fputs(", kernel ", stdout);
	words_put(stdout, store_text(shown->report, 0, 3));
	puts(":\n");
	words_put_lines(stdout, store_text(shown->report, 0, 0));
}

/* --- JSON ----------------------------------------------------------------------- */

static json_t *row_json(const PGresult *r, int row)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	err = err ?: jsonvalue_set(object, "host", jsonvalue_text(store_text(r, row, 0)));
	err = err ?: jsonvalue_set(object, "kernel", jsonvalue_text(store_text(r, row, 1)));
	err = err ?: jsonvalue_set(object, "build", jsonvalue_text(store_text(r, row, 2)));
	err = err ?: jsonvalue_set(object, "id", jsonvalue_text(store_text(r, row, 3)));
	err = err ?: jsonvalue_set(object, "confidence", json_string(confidence_of(r, row)));
	err = err ?: jsonvalue_set(object, "first_seen_ms", jsonvalue_number(store_number(r, row, 5)));
	err = err ?: jsonvalue_set(object, "last_seen_ms", jsonvalue_number(store_number(r, row, 6)));
	err = err ?: jsonvalue_set(object, "count", jsonvalue_number(store_number(r, row, 7)));
	err = err ?: jsonvalue_set(object, "suppressed", json_boolean(store_is_true(r, row, 8)));
	err = err ?: jsonvalue_set(object, "only_together", json_boolean(store_is_true(r, row, 9)));
	return jsonvalue_checked(object, err);
}

/* A document that some host made; null if it is none. */
static json_t *report_json_of(const struct shown *shown)
{
	const char *text = PQntuples(shown->report) ? store_text(shown->report, 0, 1) : "null";

	return json_loads(text, JSON_DECODE_ANY, NULL) ?: json_null();
}

static int print_json(const struct shown *shown)
{
	json_t *root = json_object(), *rows = json_array();
	int err = root && rows ? 0 : -ENOMEM;

	for (int row = 0; !err && row < PQntuples(shown->rows); row++)
		err = jsonvalue_push(rows, row_json(shown->rows, row));
	err = err ?: jsonvalue_set(root, "schema", jsonvalue_number(JSONVALUE_SCHEMA));
	err = err ?: jsonvalue_set(root, "finding", list_json(&shown->list.items[0]));
	err = err ?: jsonvalue_set(root, "sightings", json_incref(rows));
	err = err ?: jsonvalue_set(root, "report", report_json_of(shown));
	json_decref(rows);
	return jsonvalue_print(stdout, jsonvalue_checked(root, err));
}

int cmd_fleet_show(int argc, char **argv)
{
	static const struct argp_child children[] = { { &cmd_store_argp, 0, NULL, 0 }, {} };
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.children = children,
		.args_doc = "ID",
		.doc = "Print one finding of the fleet: which hosts have it on which kernels, since when, and the report of "
		       "one. ID is its fingerprint or an id that a host has for it, or how that begins. " CMD_STORE_DOC
		       "\v"
		       "Exit status: 0 printed, 1 failure, 2 wrong usage.",
	};
	CLEANUP(cleanup_store) struct store *s = NULL;
	struct show_args args = {};
	struct shown shown = {};
	struct error err = {};
	int code;

	cli_parse(&argp, argc, argv, 0, NULL, &args);
	code = cmd_open(args.store, &s, &err);
	code = code ? code : get(s, args.id, &shown, &err);
	if (!code && args.format == CLI_JSON)
		code = print_json(&shown);
	else if (!code)
		print_text(&shown);
	if (!err.code && (code || fflush(stdout) || ferror(stdout)))
		code = error_set(&err, -EIO, "cannot write");
	PQclear(shown.rows);
	PQclear(shown.report);
	list_free(&shown.list);
	return code ? cli_fail(&err) : EXIT_NOTHING;
}
