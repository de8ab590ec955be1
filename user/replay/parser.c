// SPDX-License-Identifier: GPL-2.0-only
#include "replay/parser.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int parser_no_memory(struct parser *p)
{
	return error_set(p->err, -ENOMEM, "%s: no memory", p->name);
}

/* One more item at the end of a scenario's array, zeroed. */
void *parser_append(void **items, uint32_t *nr, size_t size)
{
	void *grown = (*nr & (*nr - 1)) ? *items :
					  reallocarray(*items, *nr ? *nr * 2 : 1, size);

	if (!grown)
		return NULL;
	*items = grown;
	return memset((char *)grown + (*nr)++ * size, 0, size);
}

static bool is_name(const char *word)
{
	if (strlen(word) >= SCENARIO_NAME_LEN || !strcmp(word, ":") || !strcmp(word, "-->"))
		return false;
	return isalpha((unsigned char)word[0]) || word[0] == '_' || word[0] == '&';
}

int parser_copy_name(struct parser *p, char *dst, const char *word)
{
	if (!is_name(word))
		return PARSER_FAIL(p, "\"%.40s\" is no name: a letter, _ or & first, at most %d long",
			    word, SCENARIO_NAME_LEN - 1);
	strcpy(dst, word);
	return 0;
}

int parser_find_lock(struct parser *p, const char *name, uint32_t *ret)
{
	for (*ret = 0; *ret < p->s->nr_locks; ++*ret)
		if (!strcmp(p->s->locks[*ret].name, name))
			return 0;
	return PARSER_FAIL(p, "no lock \"%.40s\": declare it first, as in \"spin A\"", name);
}

int parser_number(struct parser *p, const char *word, unsigned long max, uint32_t *ret)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(word, &end, 0);
	if (!isdigit((unsigned char)word[0]) || *end || errno || value > max)
		return PARSER_FAIL(p, "\"%.40s\" is no number from 0 to %lu", word, max);
	*ret = value;
	return 0;
}
