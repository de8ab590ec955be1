// SPDX-License-Identifier: GPL-2.0-only
#include "report/jsonvalue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/words.h"

#define ARROW " --> "

/* Adds to an object; a value that could not be made fails like the adding. */
int jsonvalue_set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) ? -ENOMEM : 0;
}

int jsonvalue_push(json_t *array, json_t *value)
{
	return json_array_append_new(array, value) ? -ENOMEM : 0;
}

/* The same under a key that a capture brought along. */
int jsonvalue_set_named(json_t *object, const char *key, json_t *value)
{
	char *clean = value ? words_clean(key) : NULL;
	int err = clean ? jsonvalue_set(object, clean, value) : -ENOMEM;

	if (!clean)
		json_decref(value);
	free(clean);
	return err;
}

json_t *jsonvalue_text(const char *s)
{
	char *clean = s ? words_clean(s) : NULL;
	json_t *value = s ? (clean ? json_string(clean) : NULL) : json_null();

	free(clean);
	return value;
}

json_t *jsonvalue_number(uint64_t n)
{
	/* JSON's numbers have a sign here; a count that large is a capture's invention. */
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

json_t *jsonvalue_address(uint64_t addr)
{
	char hex[19];

	snprintf(hex, sizeof(hex), "0x%" PRIx64, addr);
	return addr ? json_string(hex) : json_null();
}

json_t *jsonvalue_chain(const char *chain)
{
	json_t *array = json_array();
	int err = array ? 0 : -ENOMEM;

	while (!err && chain) {
		const char *end = strstr(chain, ARROW);
		char *name = strndup(chain, end ? (size_t)(end - chain) : strlen(chain));

		err = name ? jsonvalue_push(array, jsonvalue_text(name)) : -ENOMEM;
		free(name);
		chain = end ? end + strlen(ARROW) : NULL;
	}
	return jsonvalue_checked(array, err);
}

/* Gives the value back, or frees it when something went wrong. */
json_t *jsonvalue_checked(json_t *value, int err)
{
	if (!err)
		return value;
	json_decref(value);
	return NULL;
}

int jsonvalue_print(FILE *out, json_t *root)
{
	int err = root ? 0 : -ENOMEM;

	if (!err && json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6) | JSON_ENSURE_ASCII))
		err = -EIO;
	if (!err && putc('\n', out) == EOF)
		err = -EIO;
	json_decref(root);
	return err;
}
