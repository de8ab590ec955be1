// SPDX-License-Identifier: GPL-2.0-only
/* show and suppress: one finding, by its id, of a capture or of what a monitor has found. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/source.h"
#include "finding/silence.h"
#include "finding/suppress.h"
#include "knowledge/excerpt.h"
#include "report/report.h"
#include "report/words.h"
#include "store/state.h"

#define KEY_WHY 0x500
#define KEY_ADD 0x501
#define WHY_MOST 1000

struct show_args {
	struct cli_source source;
	enum cli_format format;
	const char *id;
	const char *why;
	const char *add; /* a file to append to; NULL: print the lines */
};

static const struct argp_option show_options[] = {
	{ "format", CLI_KEY_FORMAT, "FORMAT", 0, "text (default), json or html", 0 },
	{}
};

static const struct argp_option suppress_options[] = {
	{ "why", KEY_WHY, "TEXT", 0, "the reason, which every entry must have", 0 },
	{ "add", KEY_ADD, "FILE", 0, "append to this file of suppressions, not standard output", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct show_args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->source;
		return 0;
	case CLI_KEY_FORMAT:
		args->format = cli_parse_format(state, arg, CLI_REPORTS);
		return 0;
	case KEY_WHY:
		args->why = arg;
		return 0;
	case KEY_ADD:
		args->add = arg;
		return 0;
	case ARGP_KEY_ARG: /* the last one is the id */
		if (args->source.path || !*arg)
			argp_error(state, "one ID, please");
		if (args->id)
			cli_source_take(state, &args->source, args->id);
		args->id = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->id)
			argp_error(state, "which ID? lockvane findings lists them");
		cli_source_check(state, &args->source);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &cli_source_argp, 0, NULL, 0 }, {} };

static const struct argp show_argp = {
	.options = show_options,
	.parser = parse,
	.children = children,
	.args_doc = "[FILE] ID",
	.doc = "Print the whole report of a finding, by its id or how that begins, and the line that "
	       "would suppress it. " CLI_SOURCE_DOC
	       "\vExit status: 0, 1 no such finding or failure, 2 wrong usage.",
};

static const struct argp suppress_argp = {
	.options = suppress_options,
	.parser = parse,
	.children = children,
	.args_doc = "[FILE] ID",
	.doc = "Write the line that suppresses a finding, given by its id or how that begins: to "
	       "standard output, or to the end of a file for `suppress` in lockvane.conf(5) or "
	       "--suppress. " CLI_SOURCE_DOC "\vExit status: 0, 1 no such finding or failure, 2 wrong usage.",
};

/* --- in a capture ---------------------------------------------------------- */

static int find_one(const struct capture *c, const char *id, struct findings **ret,
		    struct error *err)
{
	struct cli_show show = CLI_SHOW_DEFAULT;
	struct suppressions *none;
	int code;

	show.select.id = id;
	code = cli_find(c, &show, ret, &none, err);
	if (code || (*ret)->nr == 1)
		return code;
	code = (*ret)->nr ? error_set(err, -EEXIST, "several ids begin with %.40s", id) :
			    error_set(err, -ENOENT, "no finding %.40s: lockvane findings lists them", id);
	findings_free(*ret);
	return code;
}

/* As a monitor saves it: the classes and edges of this finding alone. */
static int print_json(const struct capture *c, const struct finding *f)
{
	struct report_opts opts = { .least = FINDING_WEAK };
	struct excerpt e;
	int code = excerpt_make(c, f, &e);
	struct findings one = { .items = &e.f, .nr = 1 };

	if (code)
		return code;
	code = report_json(stdout, &e.c, &one, &opts);
	excerpt_done(&e);
	return code;
}

static int show_capture(const struct show_args *args, struct strbuf *lines, struct error *err)
{
	struct report_opts opts = { .least = FINDING_WEAK };
	struct findings *found = NULL;
	struct capture *c = NULL;
	int code = cli_source_load(&args->source, &c, err);

	code = code ? code : find_one(c, args->id, &found, err);
	if (code == -ENOENT && c && !args->source.path)
		error_set(err, code, "no finding %.40s in this kernel's graph: of others there is no page",
			  args->id);
	if (code) {
		capture_free(c);
		return code;
	}
	silence_finding(c, &found->items[0], args->why, lines);
	found->not_selected = 0;
	if (args->format == CLI_JSON)
		code = print_json(c, &found->items[0]);
	else
		code = cli_report(args->format)(stdout, c, found, &opts);
	if (code)
		error_set_errno(err, code, "cannot write the report");
	findings_free(found);
	capture_free(c);
	return code;
}

static int lines_of_capture(const struct show_args *args, struct strbuf *lines, struct error *err)
{
	struct findings *found = NULL;
	struct capture *c = NULL;
	int code = cli_source_load(&args->source, &c, err);

	code = code ? code : find_one(c, args->id, &found, err);
	if (!code)
		silence_finding(c, &found->items[0], args->why, lines);
	if (!code)
		findings_free(found);
	capture_free(c);
	return code;
}

/* --- in a monitor's state -------------------------------------------------- */

/* A saved report has all chains; names in it are printable. */
static void add_json_chain(enum finding_rule rule, const json_t *chain, const char *why,
			   struct strbuf *lines)
{
	size_t nr = json_array_size(chain);
	AUTO_FREE const char **names = calloc(nr + 1, sizeof(*names));

	for (size_t i = 0; names && i < nr; i++) {
		names[i] = json_string_value(json_array_get(chain, i));
		if (!names[i])
			return;
	}
	if (names && nr)
		silence_chain(rule, names, nr, why, lines);
}

static void add_json_lines(const json_t *root, const char *why, struct strbuf *lines)
{
	const json_t *finding = json_array_get(json_object_get(root, "findings"), 0), *also;
	const char *name = json_string_value(json_object_get(finding, "rule"));
	enum finding_rule rule = name ? finding_rule_of(name, strlen(name)) : FINDING_RULES;
	size_t i;

	if (rule == FINDING_RULES)
		return;
	add_json_chain(rule, json_object_get(finding, "chain"), why, lines);
	if (rule == FINDING_IRQ_INVERSION)
		return;
	json_array_foreach(json_object_get(finding, "also"), i, also)
		add_json_chain(rule, json_object_get(also, "chain"), why, lines);
}

/* Its report made room for others: of its chains the first is known. */
static int add_known_line(const struct show_args *args, struct strbuf *lines, struct error *err)
{
	struct state_content there;
	int code = state_read(cli_source_folder(&args->source), &there, err);

	for (size_t i = 0; !code && i < there.known.nr; i++) {
		const struct known_finding *f = &there.known.items[i];

		if (strncmp(f->id, args->id, strlen(args->id)))
			continue;
		code = silence_text(f->rule, f->chain, args->why, lines);
		break;
	}
	if (!code)
		state_content_done(&there);
	return code;
}

static int lines_of_state(const struct show_args *args, struct strbuf *lines, struct error *err)
{
	AUTO_FREE char *text = NULL;
	json_t *root;
	int code = state_report(cli_source_folder(&args->source), args->id, true, &text, err);

	if (code && code != -ENODATA)
		return code;
	root = text ? json_loads(text, 0, NULL) : NULL;
	if (root)
		add_json_lines(root, args->why, lines);
	json_decref(root);
	return lines->len || lines->failed ? 0 : add_known_line(args, lines, err);
}

static int show_state(const struct show_args *args, struct strbuf *lines, struct error *err)
{
	AUTO_FREE char *text = NULL;
	int code = state_report(cli_source_folder(&args->source), args->id,
				args->format == CLI_JSON, &text, err);

	if (code)
		return code;
	words_put_lines(stdout, text);
	return args->format == CLI_JSON ? 0 : lines_of_state(args, lines, err);
}

/* --- both --------------------------------------------------------------------- */

static int finish(struct error *err)
{
	if (fflush(stdout) || ferror(stdout))
		return error_set(err, -EIO, "cannot write");
	return 0;
}

static void put_advice(const struct show_args *args, const struct strbuf *lines)
{
	printf("\nlockvane: to live with it, `lockvane suppress%s%s %s --why TEXT` writes this line:\n",
	       args->source.path ? " " : "", args->source.path ? args->source.path : "", args->id);
	words_put_lines(stdout, lines->text ? lines->text : "");
}

int cmd_show(int argc, char **argv)
{
	struct show_args args = { .why = "WHY" };
	AUTO_STRBUF lines = STRBUF_INIT;
	struct error err = {};
	int code;

	cli_parse(&show_argp, argc, argv, 0, NULL, &args);
	/* A page is made of the graph: of a monitor's findings, those of this kernel build. */
	code = (args.source.path || args.format == CLI_HTML ? show_capture :
							      show_state)(&args, &lines, &err);
	if (!code && args.format == CLI_TEXT)
		put_advice(&args, &lines);
	code = code ? code : finish(&err);
	return code ? cli_fail(&err) : EXIT_NOTHING;
}

/* suppress_parse() refuses a line without a reason, or with control characters. */
static int check_why(const char *why, struct error *err)
{
	size_t len = why ? strlen(why) : 0, blanks = why ? strspn(why, " \t") : 0;

	if (len == blanks)
		return error_set(err, -EINVAL, "the reason is missing: --why \"who decided, and why\"");
	if (len > WHY_MOST)
		return error_set(err, -EINVAL, "a reason of at most %d characters, please", WHY_MOST);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)why[i] < ' ' && why[i] != '\t')
			return error_set(err, -EINVAL, "the reason must be one line");
	return 0;
}

/* Appended in one write, after a newline if the file's last line has none. */
static int append(const char *path, const struct strbuf *lines, struct error *err)
{
	AUTO_CLOSE int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
	AUTO_STRBUF text = STRBUF_INIT;
	struct stat st;
	char last = '\n';

	if (fd < 0 || fstat(fd, &st))
		return error_set_errno(err, -errno, "cannot write %s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "cannot write %s: it is not a regular file", path);
	if (st.st_size && pread(fd, &last, 1, st.st_size - 1) != 1)
		return error_set(err, -EIO, "cannot read %s", path);
	strbuf_add(&text, last == '\n' ? "" : "\n");
	strbuf_add(&text, lines->text);
	if (text.failed)
		return error_set(err, -ENOMEM, "out of memory");
	if (write(fd, text.text, text.len) != (ssize_t)text.len || fsync(fd))
		return error_set_errno(err, -errno, "cannot write %s", path);
	fprintf(stderr, "lockvane: added to %s\n", path);
	return 0;
}

/* Lines that suppress_parse() would refuse are not written. */
static int check_lines(const struct strbuf *lines, struct error *err)
{
	struct suppressions *read = NULL;
	struct suppress_error wrong;
	int code = lines->failed || !lines->text ? -ENOMEM :
						   suppress_parse(lines->text, lines->len, &read, &wrong);

	suppressions_free(read);
	if (code == -EINVAL)
		return error_set(err, code, "its names make no entry: %s", wrong.text);
	return code ? error_set(err, code, "out of memory") : 0;
}

int cmd_suppress(int argc, char **argv)
{
	AUTO_STRBUF lines = STRBUF_INIT;
	struct show_args args = {};
	struct error err = {};
	int code;

	cli_parse(&suppress_argp, argc, argv, 0, NULL, &args);
	if (check_why(args.why, &err)) {
		cli_fail(&err);
		return EXIT_MISUSED;
	}
	code = (args.source.path ? lines_of_capture : lines_of_state)(&args, &lines, &err);
	code = code ? code : check_lines(&lines, &err);
	if (!code && args.add)
		code = append(args.add, &lines, &err);
	else if (!code)
		fputs(lines.text, stdout);
	code = code ? code : finish(&err);
	return code ? cli_fail(&err) : EXIT_NOTHING;
}
