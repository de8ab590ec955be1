// SPDX-License-Identifier: GPL-2.0-only
#include "fleet/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "report/report.h"
#include "store/state.h"

#define ARROW " --> "

struct load {
	const struct cli_source *source;
	struct capture *capture;
	struct findings *found;	   /* read from a file */
	struct state_content state; /* a monitor's */
	struct push_finding *findings;
	char **chains; /* read from a file */
	size_t nr;
};

static int no_memory(struct error *err)
{
	return error_set(err, -ENOMEM, "out of memory");
}

/* --- from a file ----------------------------------------------------------- */

static char *chain_text(const struct capture *c, const struct finding_chain *chain)
{
	struct strbuf sb = STRBUF_INIT;

	for (uint32_t i = 0; i < chain->nr_classes; i++)
		strbuf_addf(&sb, "%s%s", i ? ARROW : "", c->classes[chain->classes[i]].name);
	return strbuf_take(&sb);
}

/* A capture knows when it was begun, and how long it saw. */
static int describe_found(struct load *l, size_t i)
{
	const struct finding *f = &l->found->items[i];
	const struct capture *c = l->capture;

	l->chains[i] = chain_text(c, &f->chain);
	l->findings[i] = (struct push_finding){
		.id = f->id,
		.kernel = c->kernel,
		.build = c->build,
		.rule = f->rule,
		.confidence = f->confidence,
		.chain = l->chains[i],
		.first_ms = c->started * 1000,
		.last_ms = c->started * 1000 + c->duration / 1000000,
		.count = 1,
		.suppressed = f->suppressed_by != LV_NONE,
	};
	return l->chains[i] ? 0 : -ENOMEM;
}

static int load_file(struct load *l, struct error *err)
{
	int code = cli_source_load(l->source, &l->capture, err);

	if (code)
		return code;
	if (l->capture->nr_sources)
		return error_set(err, -EINVAL, "%s was put together of several captures: push each for its host",
				 l->source->path);
	code = finding_analyse(l->capture, &l->found);
	if (code)
		return error_set_errno(err, code, "cannot analyse %s", l->source->path);
	l->chains = calloc(l->found->nr + 1, sizeof(*l->chains));
	l->findings = calloc(l->found->nr + 1, sizeof(*l->findings));
	if (!l->chains || !l->findings)
		return no_memory(err);
	for (; !code && l->nr < l->found->nr; l->nr++)
		code = describe_found(l, l->nr);
	return code ? no_memory(err) : 0;
}

/* --- from a monitor -------------------------------------------------------- */

static struct push_finding describe_known(const struct known_finding *f)
{
	return (struct push_finding){
		.id = f->id,
		.kernel = f->kernel,
		.build = f->build,
		.rule = f->rule,
		.confidence = f->confidence,
		.chain = f->chain,
		.first_ms = f->first_ms,
		.last_ms = f->last_ms,
		.count = f->count,
		.suppressed = f->suppressed,
	};
}

static int load_state(struct load *l, struct error *err)
{
	const char *folder = cli_source_folder(l->source);
	int code = state_read_graph(folder, &l->capture, err);

	code = code ? code : state_read(folder, &l->state, err);
	if (code)
		return code;
	l->nr = l->state.known.nr;
	l->findings = calloc(l->nr + 1, sizeof(*l->findings));
	if (!l->findings)
		return no_memory(err);
	for (size_t i = 0; i < l->nr; i++)
		l->findings[i] = describe_known(&l->state.known.items[i]);
	return 0;
}

/* --- both ---------------------------------------------------------------------- */

int load_new(const struct cli_source *source, struct load **ret, struct error *err)
{
	struct load *l = calloc(1, sizeof(*l));
	int code;

	if (!l)
		return no_memory(err);
	l->source = source;
	code = source->path ? load_file(l, err) : load_state(l, err);
	if (code)
		load_free(l);
	else
		*ret = l;
	return code;
}

void load_free(struct load *l)
{
	if (!l)
		return;
	for (size_t i = 0; l->chains && i < l->nr; i++)
		free(l->chains[i]);
	free(l->chains);
	free(l->findings);
	findings_free(l->found);
	state_content_done(&l->state);
	capture_free(l->capture);
	free(l);
}

typedef int (*report_fn)(FILE *out, const struct capture *c, const struct findings *f,
			 const struct report_opts *opts);

static int report_one(const struct load *l, size_t i, report_fn fn, char **ret)
{
	struct findings one = { .items = &l->found->items[i], .nr = 1 };
	const struct report_opts opts = { .least = FINDING_WEAK };
	size_t len;
	FILE *out = open_memstream(ret, &len);
	int code = out ? fn(out, l->capture, &one, &opts) : -ENOMEM;

	if (out && fclose(out))
		code = -ENOMEM;
	return code;
}

static int report(void *arg, size_t i, char **ret_text, char **ret_json, struct error *err)
{
	const struct load *l = arg;
	const char *folder = cli_source_folder(l->source), *id = l->findings[i].id;
	int code;

	if (l->source->path) {
		code = report_one(l, i, report_text, ret_text);
		code = code ? code : report_one(l, i, report_json, ret_json);
		return code ? no_memory(err) : 0;
	}
	code = state_report(folder, id, false, ret_text, err);
	code = code ? code : state_report(folder, id, true, ret_json, err);
	/* It made room for others, or goes at this moment. */
	return code == -ENOENT ? -ENODATA : code;
}

struct push_load load_as_push(struct load *l)
{
	return (struct push_load){
		.capture = l->capture,
		.findings = l->findings,
		.nr_findings = l->nr,
		.report = report,
		.arg = l,
	};
}
