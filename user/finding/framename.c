// SPDX-License-Identifier: GPL-2.0-only
#include "finding/framename.h"

#include <string.h>

bool framename_begins(const char *text, const char *function, size_t len)
{
	return !strncmp(text, function, len) && strchr("+. ", text[len]);
}

bool framename_is(const char *text, const char *function)
{
	return framename_begins(text, function, strlen(function));
}

bool framename_is_one_of(const char *text, const char *const functions[], size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (framename_is(text, functions[i]))
			return true;
	return false;
}
