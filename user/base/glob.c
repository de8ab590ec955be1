// SPDX-License-Identifier: GPL-2.0-only
#include "base/glob.h"

#include <string.h>

/* Goes back to the last star only, so it costs at most the lengths' product. */
bool glob_fits_part(const char *glob, const char *text, size_t len)
{
	const char *star = NULL;
	size_t at = 0, resume = 0;

	while (at < len) {
		if (*glob == '*') {
			star = ++glob;
			resume = at;
		} else if (*glob == '?' || *glob == text[at]) {
			glob++;
			at++;
		} else if (star) {
			glob = star;
			at = ++resume;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

bool glob_fits(const char *glob, const char *text)
{
	return glob_fits_part(glob, text, strlen(text));
}
