// SPDX-License-Identifier: GPL-2.0-only
/* The document is described in docs/json.md. */
#include <errno.h>

#include "report/diff_internal.h"
#include "report/jsonvalue.h"
#include "report/weight.h"
#include "report/words.h"

static json_t *side(const struct diff_side *from)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	err = err ?: jsonvalue_set(object, "name", jsonvalue_text(from->name));
	err = err ?: jsonvalue_set(object, "kernel", jsonvalue_text(from->c->kernel));
	err = err ?: jsonvalue_set(object, "build", jsonvalue_text(from->c->build));
	err = err ?: jsonvalue_set(object, "events", jsonvalue_number(from->c->events));
	err = err ?: jsonvalue_set(object, "seconds",
				   json_real((double)from->c->duration / 1e9));
	err = err ?: jsonvalue_set(object, "lost", jsonvalue_number(capture_lost(from->c)));
	return jsonvalue_checked(object, err);
}

static json_t *finding(const struct diff_side *from, uint32_t index, uint64_t *room)
{
	const struct finding *f = &from->found->items[index];
	json_t *object = json_object(), *chain = json_array();
	int err = object && chain ? 0 : -ENOMEM;

	/* A small capture may have long chains of long names: beyond what fits they are empty. */
	for (uint32_t i = 0; !err && i < f->chain.nr_classes; i++) {
		json_t *name = jsonvalue_text(from->c->classes[f->chain.classes[i]].name);
		uint64_t size = name ? json_string_length(name) + sizeof(*f) : 0;

		if (size > *room) {
			json_decref(name);
			break;
		}
		*room -= size;
		err = jsonvalue_push(chain, name);
	}
	err = err ?: jsonvalue_set(object, "id", json_string(f->id));
	err = err ?: jsonvalue_set(object, "fingerprint", json_string(f->fingerprint));
	err = err ?: jsonvalue_set(object, "rule", json_string(finding_rule_name(f->rule)));
	err = err ?: jsonvalue_set(object, "confidence",
				   json_string(finding_confidence_name(f->confidence)));
	err = err ?: jsonvalue_set(object, "chain", json_incref(chain));
	json_decref(chain);
	return jsonvalue_checked(object, err);
}

static json_t *class(const struct diff_side *from, uint32_t index, uint64_t *room)
{
	const struct capture_class *seen = &from->c->classes[index];
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	err = err ?: jsonvalue_set(object, "name", jsonvalue_text(seen->name));
	err = err ?: jsonvalue_set(object, "family", json_string(words_family(seen->family)));
	err = err ?: jsonvalue_set(object, "certainty",
				   json_string(words_certainty(seen->certainty)));
	return jsonvalue_checked(object, err);
}

static json_t *edge(const struct diff_side *from, uint32_t index, uint64_t *room)
{
	const struct capture_edge *seen = &from->c->edges[index];
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	err = err ?: jsonvalue_set(object, "from", jsonvalue_text(from->c->classes[seen->from].name));
	err = err ?: jsonvalue_set(object, "to", jsonvalue_text(from->c->classes[seen->to].name));
	err = err ?: jsonvalue_set(object, "type", json_string(words_dep(seen->dep)));
	return jsonvalue_checked(object, err);
}

typedef json_t *(*item_fn)(const struct diff_side *from, uint32_t index, uint64_t *room);

static json_t *list(const struct diff_side *from, const struct diff_list *items, item_fn item)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;
	uint64_t room = WEIGHT_MOST;

	for (size_t i = 0; !err && i < items->nr; i++)
		err = jsonvalue_push(array, item(from, items->items[i], &room));
	return jsonvalue_checked(array, err);
}

static json_t *part(const struct diff *d, const struct diff_part *p, item_fn item)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	err = err ?: jsonvalue_set(object, "new", list(&d->new, &p->new, item));
	err = err ?: jsonvalue_set(object, "gone", list(&d->old, &p->gone, item));
	err = err ?: jsonvalue_set(object, "in_both", jsonvalue_number(p->both));
	return jsonvalue_checked(object, err);
}

int diff_json(FILE *out, const struct diff *d)
{
	json_t *root = json_object();
	int err = root ? 0 : -ENOMEM;

	err = err ?: jsonvalue_set(root, "schema", jsonvalue_number(JSONVALUE_SCHEMA));
	err = err ?: jsonvalue_set(root, "old", side(&d->old));
	err = err ?: jsonvalue_set(root, "new", side(&d->new));
	err = err ?: jsonvalue_set(root, "findings", part(d, &d->findings, finding));
	err = err ?: jsonvalue_set(root, "classes", part(d, &d->classes, class));
	err = err ?: jsonvalue_set(root, "edges", part(d, &d->edges, edge));
	return jsonvalue_print(out, jsonvalue_checked(root, err));
}
