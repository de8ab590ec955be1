// SPDX-License-Identifier: GPL-2.0-only
#include "report/json_sources.h"

#include <errno.h>

#include "report/jsonvalue.h"

static json_t *source(const struct capture_source *from)
{
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	err = err ?: jsonvalue_set(object, "name", jsonvalue_text(from->name));
	err = err ?: jsonvalue_set(object, "command", jsonvalue_text(from->command));
	err = err ?: jsonvalue_set(object, "events", jsonvalue_number(from->events));
	err = err ?: jsonvalue_set(object, "seconds", json_real((double)from->duration / 1e9));
	err = err ?: jsonvalue_set(object, "lost", jsonvalue_number(from->lost));
	return jsonvalue_checked(object, err);
}

json_t *json_sources(const struct capture *c)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < c->nr_sources; i++)
		err = jsonvalue_push(array, source(&c->sources[i]));
	return jsonvalue_checked(array, err);
}

int json_set_sources(json_t *object, const struct capture *c, uint64_t sources)
{
	json_t *array;
	int err;

	if (!c->nr_sources)
		return 0;
	array = json_array();
	err = array ? 0 : -ENOMEM;
	for (size_t i = 0; !err && i < c->nr_sources; i++)
		if (sources >> i & 1)
			err = jsonvalue_push(array, jsonvalue_text(c->sources[i].name));
	return jsonvalue_set(object, "captures", jsonvalue_checked(array, err));
}
