// SPDX-License-Identifier: GPL-2.0-only
#include "fleet/list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "report/jsonvalue.h"
#include "report/words.h"

#define MAX_LISTED "10000"

static const char query[] =
	"WITH every AS (" LIST_ROWS ") SELECT fingerprint, rule, "
	"(array_agg(chain ORDER BY e.confidence DESC, e.last_ms DESC))[1], max(e.confidence), "
	"count(DISTINCT e.host), count(DISTINCT (kernel, build)), min(e.first_ms), max(e.last_ms), "
	"bool_and(e.suppressed), bool_and(together), "
	"to_json((array_agg(DISTINCT h.name ORDER BY h.name))[1:8]) "
	"FROM every e JOIN lockvane.host h ON h.id = e.host "
	"WHERE $3::text IS NULL OR e.fingerprint IN (SELECT fingerprint FROM every "
	"WHERE starts_with(fingerprint, $3) OR starts_with(finding, $3)) "
	"GROUP BY fingerprint, rule HAVING max(e.confidence) >= $1 AND max(e.last_ms) >= $2 "
	"AND ($4 OR NOT bool_and(e.suppressed)) AND ($5::text IS NULL OR rule = $5) "
	"ORDER BY max(e.last_ms) DESC, fingerprint LIMIT " MAX_LISTED;

/* The strings of a JSON array. */
static int take_names(const char *text, struct listed *f)
{
	json_t *array = json_loads(text, 0, NULL), *name;
	size_t i;

	f->names = calloc(json_array_size(array) + 1, sizeof(*f->names));
	if (!f->names) {
		json_decref(array);
		return -ENOMEM;
	}
	json_array_foreach(array, i, name) {
		const char *value = json_string_value(name);

		f->names[f->nr_names] = words_clean(value ? value : "?");
		if (!f->names[f->nr_names++])
			break;
	}
	json_decref(array);
	return f->nr_names && !f->names[f->nr_names - 1] ? -ENOMEM : 0;
}

static int take_row(const PGresult *r, int row, struct listed *f)
{
	int64_t confidence = store_number(r, row, 3);

	f->fingerprint = store_copy(r, row, 0);
	f->rule = store_copy(r, row, 1);
	f->chain = store_copy(r, row, 2);
	f->confidence = confidence < 0 || confidence >= FINDING_CONFIDENCES ? FINDING_WEAK : confidence;
	f->hosts = store_number(r, row, 4);
	f->builds = store_number(r, row, 5);
	f->first_ms = store_number(r, row, 6);
	f->last_ms = store_number(r, row, 7);
	f->suppressed = store_is_true(r, row, 8);
	f->together = store_is_true(r, row, 9);
	if (!f->fingerprint || !f->rule || !f->chain)
		return -ENOMEM;
	return take_names(store_text(r, row, 10), f);
}

int list_get(struct store *s, const struct list_filter *filter, struct list *ret, struct error *err)
{
	char least[16], since[24];
	const char *values[] = { least, since, filter->id, filter->suppressed ? "t" : "f", filter->rule };
	CLEANUP(cleanup_result) PGresult *r = NULL;
	int code = 0;

	*ret = (struct list){};
	snprintf(least, sizeof(least), "%d", filter->least);
	snprintf(since, sizeof(since), "%" PRIu64, filter->since_ms);
	r = store_run(s, query, 5, values, err);
	if (!r)
		return err->code;
	ret->items = calloc(PQntuples(r) + 1, sizeof(*ret->items));
	code = ret->items ? 0 : -ENOMEM;
	for (int row = 0; !code && row < PQntuples(r); row++)
		code = take_row(r, row, &ret->items[ret->nr++]);
	if (code)
		list_free(ret);
	return code ? error_set(err, code, "out of memory") : 0;
}

void list_free(struct list *l)
{
	for (size_t i = 0; i < l->nr; i++) {
		struct listed *f = &l->items[i];

		for (size_t k = 0; k < f->nr_names; k++)
			free(f->names[k]);
		free(f->names);
		free(f->fingerprint);
		free(f->rule);
		free(f->chain);
	}
	free(l->items);
	*l = (struct list){};
}

static void put_hosts(const struct listed *f)
{
	printf("%" PRIu32 " host%s", f->hosts, f->hosts == 1 ? "" : "s");
	for (size_t i = 0; i < f->nr_names; i++) {
		fputs(i ? ", " : ": ", stdout);
		words_put(stdout, f->names[i]);
	}
	puts(f->hosts > f->nr_names ? ", ..." : "");
}

void list_put(const struct listed *f, bool brief)
{
	const char *notes = f->together ? ", only together" : f->suppressed ? ", suppressed" : "";

	if (brief) {
		printf("%s  %-9s  %-18s  ", f->fingerprint, finding_confidence_name(f->confidence), f->rule);
		words_put(stdout, f->chain);
		printf("  (%" PRIu32 " host%s%s)\n", f->hosts, f->hosts == 1 ? "" : "s", notes);
		return;
	}
	printf("%s  %s, %s%s\n    ", f->fingerprint, f->rule, finding_confidence_name(f->confidence), notes);
	words_put(stdout, f->chain);
	fputs("\n    first ", stdout);
	words_put_time(stdout, f->first_ms);
	fputs(", last ", stdout);
	words_put_time(stdout, f->last_ms);
	printf(", %" PRIu32 " kernel build%s\n    ", f->builds, f->builds == 1 ? "" : "s");
	put_hosts(f);
}

static json_t *names_json(const struct listed *f)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < f->nr_names; i++)
		err = jsonvalue_push(array, jsonvalue_text(f->names[i]));
	return jsonvalue_checked(array, err);
}

json_t *list_json(const struct listed *f)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	err = err ?: jsonvalue_set(object, "fingerprint", jsonvalue_text(f->fingerprint));
	err = err ?: jsonvalue_set(object, "rule", jsonvalue_text(f->rule));
	err = err ?: jsonvalue_set(object, "confidence", json_string(finding_confidence_name(f->confidence)));
	err = err ?: jsonvalue_set(object, "chain", jsonvalue_chain(f->chain));
	err = err ?: jsonvalue_set(object, "hosts", jsonvalue_number(f->hosts));
	err = err ?: jsonvalue_set(object, "some_hosts", names_json(f));
	err = err ?: jsonvalue_set(object, "builds", jsonvalue_number(f->builds));
	err = err ?: jsonvalue_set(object, "first_seen_ms", jsonvalue_number(f->first_ms));
	err = err ?: jsonvalue_set(object, "last_seen_ms", jsonvalue_number(f->last_ms));
	err = err ?: jsonvalue_set(object, "suppressed", json_boolean(f->suppressed));
	err = err ?: jsonvalue_set(object, "only_together", json_boolean(f->together));
	return jsonvalue_checked(object, err);
}
