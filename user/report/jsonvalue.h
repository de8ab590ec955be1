/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON values made of what a capture holds. A value that could not be made is NULL. */
#ifndef LOCKVANE_REPORT_JSONVALUE_H
#define LOCKVANE_REPORT_JSONVALUE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* The version of all documents' form; raised when a field changes its meaning or goes. */
#define JSONVALUE_SCHEMA 1

/* Add to an object, or an array. The value may be NULL: then adding fails. 0 or -ENOMEM. */
int jsonvalue_set(json_t *object, const char *key, json_t *value);
int jsonvalue_push(json_t *array, json_t *value);
/* The same under a key that a capture brought along. */
int jsonvalue_set_named(json_t *object, const char *key, json_t *value);

/* Characters that are not printable ASCII stand as \xNN in it; null for NULL. */
json_t *jsonvalue_text(const char *s);
json_t *jsonvalue_number(uint64_t n);
/* In hexadecimal; null for 0. */
json_t *jsonvalue_address(uint64_t addr);

/* The names of a chain's text, "a --> b --> c". */
json_t *jsonvalue_chain(const char *chain);

/* Gives the value back, or frees it when something went wrong. */
json_t *jsonvalue_checked(json_t *value, int err);

/* Print a document and a newline, and free it. root may be NULL. 0, -ENOMEM or -EIO. */
int jsonvalue_print(FILE *out, json_t *root);

#endif
