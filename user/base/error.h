/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An error that travels: a code and one line that says what to do about it.
 * Libraries fill it and do not print; who handles the error prints the text, which is
 * printable ASCII whatever went into it: control characters and bytes over 0x7e become '?'.
 */
#ifndef LOCKVANE_BASE_ERROR_H
#define LOCKVANE_BASE_ERROR_H

struct error {
	int code; /* -errno, 0: none */
	char text[256];
};

/*
 * Fill in the error, replacing what it said, and return the code: write
 * "return error_set(err, -ENOENT, …)". A NULL error only passes the code on.
 */
int error_set(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, with ": " and the code's own words after the text. */
int error_set_errno(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "text: " before what the error says, if it says anything. Returns its code. */
int error_prefix(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
