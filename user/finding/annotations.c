// SPDX-License-Identifier: GPL-2.0-only
#include "finding/annotations.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "finding/annotations_data.h"

#define MAX_BYTES (4u << 20)
#define MAX_SERIES 32
#define COLUMNS 5
#define NEWEST UINT32_MAX
#define PATH_LEN 256

/* Endings of a path, and the member each means. */
struct ending {
	const char *path;
	const char * not ; /* "a,b": structs in which it means something else; or "" */
	uint32_t member;
	bool whole; /* the member's own name: nothing stands before it */
};

struct annotations {
	char *text; /* all strings point into it */
	size_t len;
	struct annotation *rows;
	struct annotation_member *members;
	struct ending *endings; /* sorted */
	const char **wrappers;	/* sorted */
	struct annotation *untold;
	uint32_t nr_rows, nr_members, nr_endings, nr_wrappers, nr_untold, room;
	uint32_t series;
};

static const char *const kinds[ANNOTATION_KINDS] = {
	[ANNOTATION_NESTED] = "nested",
	[ANNOTATION_NESTED_PLAIN] = "nested+plain",
	[ANNOTATION_NEST_LOCK] = "nest_lock",
	[ANNOTATION_SET_CLASS] = "set_class",
	[ANNOTATION_SET_SUBCLASS] = "set_subclass",
	[ANNOTATION_NOVALIDATE] = "novalidate",
	[ANNOTATION_CMP_FN] = "cmp_fn",
	[ANNOTATION_NON_OWNER] = "non_owner",
	[ANNOTATION_UNDER] = "under",
};

void annotations_free(struct annotations *a)
{
	if (!a)
		return;
	free(a->text);
	free(a->rows);
	free(a->members);
	free(a->endings);
	free(a->wrappers);
	free(a->untold);
	free(a);
}

/* "6.12.117-x" as a number that grows: 6012. */
static uint32_t series_number(const char *release)
{
	char *end;
	unsigned long major = strtoul(release, &end, 10), minor;

	if (end == release || *end != '.' || major > 1000)
		return NEWEST;
	minor = strtoul(end + 1, NULL, 10);
	return (uint32_t)(major * 1000 + (minor < 1000 ? minor : 999));
}

/* "# series", then the series in their order. */
static int choose_series(struct annotations *a, char *line, const char *release)
{
	uint32_t wanted = series_number(release ? release : ""), nr = 0;
	const char *word;

	strsep(&line, "\t");
	while ((word = strsep(&line, "\t")) && nr++ < MAX_SERIES) {
		uint32_t series = series_number(word);

		if (series == NEWEST)
			return -EINVAL;
		if (!a->series || series <= wanted)
			a->series = series;
	}
	return a->series ? 0 : -EINVAL;
}

static bool applies(const struct annotations *a, char *span)
{
	const char *since = strsep(&span, "-");

	return span && series_number(since) <= a->series && a->series <= series_number(span);
}

/* "function<-a,b": the function ends there. */
static const char *cut_callers(char *function)
{
	char *callers = strstr(function, "<-");

	if (!callers)
		return "";
	*callers = '\0';
	return callers + 2;
}

static int add_row(struct annotations *a, const char *member, enum annotation_kind kind,
		   char *function, const char *what)
{
	struct annotation_member *m = a->nr_members ? &a->members[a->nr_members - 1] : NULL;
	const char *callers = cut_callers(function);

	if (!m || strcmp(m->name, member)) {
		m = &a->members[a->nr_members++];
		*m = (struct annotation_member){.name = member, .rows = &a->rows[a->nr_rows]};
		a->endings[a->nr_endings++] =
			(struct ending){member, "", a->nr_members - 1, .whole = true};
	}
	m->kinds |= 1u << kind;
	m->nr++;
	a->rows[a->nr_rows++] = (struct annotation){kind, function, callers, what};
	return 0;
}

/* The rows of a member stand together, its tails behind the rest. */
static int add_line(struct annotations *a, char *const words[COLUMNS])
{
	if (!strcmp(words[2], "wrapper")) {
		a->wrappers[a->nr_wrappers++] = words[3];
		return 0;
	}
	if (!strcmp(words[2], "nolockdep")) {
		const char *callers = cut_callers(words[3]);

		a->untold[a->nr_untold++] = (struct annotation){ANNOTATION_KINDS, words[3], callers, "-"};
		return 0;
	}
	if (!strcmp(words[2], "tail")) {
		if (!a->nr_members || strcmp(a->members[a->nr_members - 1].name, words[1]))
			return 0; /* another series' member */
		a->endings[a->nr_endings++] =
			(struct ending){words[3], strncmp(words[4], "not:", 4) ? "" : words[4] + 4,
					a->nr_members - 1, false};
		return 0;
	}
	for (int kind = 0; kind < ANNOTATION_KINDS; kind++)
		if (!strcmp(words[2], kinds[kind]))
			return add_row(a, words[1], kind, words[3], words[4]);
	return -EINVAL;
}

static int read_line(struct annotations *a, char *line, const char *release)
{
	char *words[COLUMNS] = {0};

	if (!strncmp(line, "# series\t", 9))
		return choose_series(a, line, release);
	if (line[0] == '#' || !line[0])
		return 0;
	for (int i = 0; i < COLUMNS; i++) {
		words[i] = strsep(&line, "\t");
		if (!words[i] || !words[i][0])
			return -EINVAL;
	}
	if (line || !a->series)
		return -EINVAL;
	return applies(a, words[0]) ? add_line(a, words) : 0;
}

static int by_path(const void *a, const void *b)
{
	const struct ending *left = a, *right = b;
	int order = strcmp(left->path, right->path);

	return order ? order : left->whole - right->whole;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t count_lines(const char *text, size_t len)
{
	size_t nr = 1;

	for (size_t i = 0; i < len; i++)
		nr += text[i] == '\n';
	return nr;
}

static int reserve(struct annotations *a, const char *text, size_t len)
{
	size_t room = count_lines(text, len);

	a->room = (uint32_t)room;
	a->len = len;
	a->text = strndup(text, len);
	a->rows = calloc(room, sizeof(*a->rows));
	a->members = calloc(room, sizeof(*a->members));
	a->endings = calloc(room, sizeof(*a->endings) * 2);
	a->wrappers = calloc(room, sizeof(*a->wrappers));
	a->untold = calloc(room, sizeof(*a->untold));
	return a->text && a->rows && a->members && a->endings && a->wrappers && a->untold ?
		       0 :
		       -ENOMEM;
}

int annotations_parse(const char *text, size_t len, const char *release, struct annotations **ret)
{
	struct annotations *a = calloc(1, sizeof(*a));
	int err = a ? 0 : -ENOMEM;
	char *rest, *line;

	if (!err)
		err = len > MAX_BYTES ? -EINVAL : reserve(a, text, len);
	rest = err ? NULL : a->text;
	while (!err && (line = strsep(&rest, "\n")))
		err = read_line(a, line, release);
	if (err) {
		annotations_free(a);
		return err;
	}
	qsort(a->endings, a->nr_endings, sizeof(*a->endings), by_path);
	qsort(a->wrappers, a->nr_wrappers, sizeof(*a->wrappers), by_text);
	*ret = a;
	return 0;
}

int annotations_builtin(const char *release, struct annotations **ret)
{
	return annotations_parse(annotations_data,
				 (size_t)(annotations_data_end - annotations_data), release, ret);
}

/* Is the word one of "a,b,c"? */
static bool list_has(const char *list, const char *word, size_t len)
{
	while (*list) {
		size_t item = strcspn(list, ",");

		if (item == len && !memcmp(list, word, len))
			return true;
		list += item + (list[item] == ',');
	}
	return false;
}

/* Cuts what naming puts behind a name: "/1", "#2", "@cache", " [module]". */
static void cut_suffixes(char *path)
{
	char *last, *at = strchr(path, ' ');

	if (at)
		*at = '\0';
	last = strrchr(path, '.');
	at = strpbrk(last ? last : path, "/#@");
	if (at)
		*at = '\0';
}

/* "symbol#2.list[3].lock@cache [module]" is "symbol#2.list.lock". False: it is too long. */
static bool clean_path(const char *name, char path[PATH_LEN])
{
	size_t len = 0;

	for (; *name && len < PATH_LEN - 1; name++) {
		if (*name == '[' && (len == 0 || path[len - 1] != ' '))
			name += strcspn(name, "]");
		else
			path[len++] = *name;
		if (!*name)
			break;
	}
	path[len] = '\0';
	cut_suffixes(path);
	return !*name;
}

static const struct ending *find_ending(const struct annotations *a, const char *path, bool whole)
{
	struct ending key = {.path = path, .whole = whole};

	return bsearch(&key, a->endings, a->nr_endings, sizeof(*a->endings), by_path);
}

/* An ending that means something else in some structs needs to stand in a struct by name. */
static bool is_true_of(const struct ending *ending, const char *path, const char *at)
{
	size_t before = (size_t)(at - path) - 1;

	return !ending->not [0] ||
	       (strcspn(path, ".") == before && !list_has(ending->not, path, before));
}

const struct annotation_member *annotations_find(const struct annotations *a, const char *name,
						 bool *ret_inner)
{
	const struct ending *found;
	char path[PATH_LEN], *at = path;

	if (!clean_path(name, path))
		return NULL;
	found = find_ending(a, path, true);
	*ret_inner = !found;
	while (!found && (at = strchr(at, '.'))) {
		found = find_ending(a, ++at, false);
		if (found && !is_true_of(found, path, at))
			found = NULL;
	}
	return found ? &a->members[found->member] : NULL;
}

bool annotations_wrapper(const struct annotations *a, const char *function)
{
	return bsearch(&function, a->wrappers, a->nr_wrappers, sizeof(*a->wrappers), by_text);
}

bool annotation_of(const struct annotation *row, const char *function, bool inlined)
{
	return !strcmp(row->function, function) ||
	       (inlined && list_has(row->callers, function, strlen(function)));
}

bool annotations_untold(const struct annotations *a, const char *function)
{
	for (uint32_t i = 0; i < a->nr_untold; i++)
		if (annotation_of(&a->untold[i], function, true))
			return true;
	return false;
}

size_t annotations_memory(const struct annotations *a)
{
	return a->len + a->room * (sizeof(*a->rows) + sizeof(*a->members) +
				   2 * sizeof(*a->endings) + sizeof(*a->wrappers) +
				   sizeof(*a->untold));
}
