// SPDX-License-Identifier: GPL-2.0-only
#include "base/when.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define CENTURY_NS (100 * 366 * 86400.0 * 1e9)

static const struct unit {
	const char *name;
	double ns;
} units[] = {
	{ "ms", 1e6 },	   { "s", 1e9 },       { "sec", 1e9 },	  { "min", 60e9 }, { "m", 60e9 },
	{ "h", 3600e9 },   { "hour", 3600e9 }, { "hours", 3600e9 }, { "d", 86400e9 },
	{ "day", 86400e9 }, { "days", 86400e9 }, { "w", 604800e9 }, { "week", 604800e9 },
	{ "weeks", 604800e9 },
};

static const struct unit *find_unit(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].name) == len && !strncmp(units[i].name, name, len))
			return &units[i];
	return NULL;
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " ");
}

/* One number and its unit. Returns what follows, NULL if there is no such pair. */
static const char *read_pair(const char *text, bool alone, double *ns)
{
	size_t digits = strspn(text, "0123456789."), letters = 0;
	const struct unit *unit;
	const char *name;
	char *end;
	double value;

	/* No sign, no hexadecimal, no exponent: what strtod() takes beside these. */
	if (!isdigit((unsigned char)*text))
		return NULL;
	value = strtod(text, &end);
	name = skip_blanks(text + digits);
	while (isalpha((unsigned char)name[letters]))
		letters++;
	if (end != text + digits && !(letters && (name[0] == 'e' || name[0] == 'x')))
		return NULL;
	if (!letters && alone && !*name) {
		*ns += value * 1e9;
		return name;
	}
	unit = find_unit(name, letters);
	if (!unit)
		return NULL;
	*ns += value * unit->ns;
	return skip_blanks(name + letters);
}

int when_duration(const char *text, uint64_t *ret_ns)
{
	const char *at = skip_blanks(text);
	double ns = 0;

	do {
		at = read_pair(at, at == skip_blanks(text), &ns);
	} while (at && *at);
	if (!at)
		return -EINVAL;
	if (!(ns <= CENTURY_NS))
		return -ERANGE;
	*ret_ns = ns + 0.5;
	return 0;
}

static int midnight(time_t now, int days, uint64_t *ret_ms)
{
	struct tm tm;
	time_t then;

	if (!localtime_r(&now, &tm))
		return -EINVAL;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday += days;
	tm.tm_isdst = -1;
	then = mktime(&tm);
	if (then < 0)
		return -EINVAL;
	*ret_ms = then * 1000ull;
	return 0;
}

static int date(const char *text, uint64_t *ret_ms)
{
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d",
					       "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(text, formats[i], &tm);
		int day = tm.tm_mday, month = tm.tm_mon;
		time_t then;

		if (!end || *end)
			continue;
		then = mktime(&tm);
		/* mktime() makes the 2nd of March of the 30th of February. */
		if (then < 0 || tm.tm_mday != day || tm.tm_mon != month)
			return -EINVAL;
		*ret_ms = then * 1000ull;
		return 0;
	}
	return -EINVAL;
}

static int ago(const char *text, time_t now, uint64_t *ret_ms)
{
	AUTO_FREE char *copy = strdup(text);
	size_t len = strlen(text);
	uint64_t ns, now_ms = now * 1000ull;
	int code;

	if (!copy)
		return -ENOMEM;
	if (len > 4 && !strcmp(text + len - 4, " ago"))
		copy[len - 4] = '\0';
	code = when_duration(copy, &ns);
	if (!code)
		*ret_ms = ns / 1000000 < now_ms ? now_ms - ns / 1000000 : 0;
	return code;
}

int when_since(const char *text, time_t now, uint64_t *ret_ms)
{
	if (!strcmp(text, "now") || !strcmp(text, "today") || !strcmp(text, "yesterday")) {
		if (*text == 'n') {
			*ret_ms = now * 1000ull;
			return 0;
		}
		return midnight(now, *text == 'y' ? -1 : 0, ret_ms);
	}
	return ago(text, now, ret_ms) ? date(text, ret_ms) : 0;
}
