// SPDX-License-Identifier: GPL-2.0-only
#include "sites/namesakes.h"
/*
 * Functions of one driver or file system lie together and share the first word of their names.
 * A type that one of them shows for an open member is the type for the others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NEIGHBOURS 1500 /* symbols looked at to each side */
#define ANALYSED 100	/* functions that one question may have analysed */
#define ENOUGH 3	/* functions that agree */
#define LEAST_WORD 3	/* letters that mean something */
#define MAX_SHOWN (1 << 18)

struct shown {
	struct opened what;
	uint64_t function;
};

struct namesakes {
	struct image *im;
	struct shown *shown; /* by function, as they were analysed */
	size_t nr, room;
	struct analysed {
		uint64_t function;
		uint32_t first, nr; /* range in shown */
	} * analysed;		    /* hash by function */
	size_t nr_analysed, mask;
	uint64_t now; /* that is being analysed */
	bool failed;
};

int namesakes_new(struct image *im, struct namesakes **ret)
{
	struct namesakes *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->im = im;
	n->mask = 1023;
	n->analysed = calloc(n->mask + 1, sizeof(*n->analysed));
	if (!n->analysed) {
		free(n);
		return -ENOMEM;
	}
	*ret = n;
	return 0;
}

void namesakes_free(struct namesakes *n)
{
	if (!n)
		return;
	free(n->shown);
	free(n->analysed);
	free(n);
}

size_t namesakes_memory(const struct namesakes *n)
{
	return sizeof(*n) + n->room * sizeof(*n->shown) + (n->mask + 1) * sizeof(*n->analysed);
}

static void add_shown(void *arg, const struct opened *o)
{
	struct namesakes *n = arg;

	for (size_t i = n->nr; i-- > 0 && n->shown[i].function == n->now;)
		if (!memcmp(&n->shown[i].what, o, sizeof(*o)))
			return;
	if (n->nr == n->room) {
		size_t room = n->room ? n->room * 2 : 1024;
		struct shown *more =
			room <= MAX_SHOWN ? realloc(n->shown, room * sizeof(*more)) : NULL;

		if (!more) {
			n->failed = true;
			return;
		}
		n->shown = more;
		n->room = room;
	}
	n->shown[n->nr].what = *o;
	n->shown[n->nr++].function = n->now;
}

static struct analysed *slot_of(struct analysed *a, size_t mask, uint64_t function)
{
	size_t at = (function * 0x9e3779b97f4a7c15 >> 24) & mask;

	while (a[at].function && a[at].function != function)
		at = (at + 1) & mask;
	return &a[at];
}

static bool grow(struct namesakes *n)
{
	size_t mask = n->mask * 2 + 1;
	struct analysed *more;

	if (n->nr_analysed * 2 < n->mask)
		return true;
	more = calloc(mask + 1, sizeof(*more));
	if (!more)
		return false;
	for (size_t i = 0; i <= n->mask; i++)
		if (n->analysed[i].function)
			*slot_of(more, mask, n->analysed[i].function) = n->analysed[i];
	free(n->analysed);
	n->analysed = more;
	n->mask = mask;
	return true;
}

/* Analyse a function, once; *budget is lowered if it had to be analysed. NULL: not now. */
static const struct analysed *analyse(struct namesakes *n, const struct ksym *sym, int *budget)
{
	struct analysed *slot = slot_of(n->analysed, n->mask, sym->addr);
	struct solver solver;
	struct flow flow;

	if (slot->function)
		return slot;
	if (*budget <= 0 || !grow(n))
		return NULL;
	--*budget;
	slot = slot_of(n->analysed, n->mask, sym->addr);
	*slot = (struct analysed){.function = n->now = sym->addr, .first = n->nr};
	n->nr_analysed++;
	if (flow_run(n->im, sym, &flow))
		return slot;
	if (!solver_init(&solver, &flow)) {
		solve_each_opened(&solver, add_shown, n);
		solver_free(&solver);
	}
	flow_free(&flow);
	slot->nr = n->nr - slot->first;
	return slot;
}

/* Verbs that functions of any file's names begin with. */
static bool is_verb(const char *word, size_t len)
{
	static const char *const verbs[] = {"get",  "put",   "set",  "add",   "del",	"find",
					    "free", "alloc", "init", "show",  "remove", "release",
					    "read", "write", "open", "close", "create", "destroy",
					    "sys",  "print", "dump", "check", "update"};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strlen(verbs[i]) == len && !strncmp(verbs[i], word, len))
			return true;
	return false;
}

/* The first word of a name that says whose it is, without underscores before it. */
static size_t first_word(const char *name, const char **ret)
{
	size_t len;

	*ret = name + strspn(name, "_");
	len = strcspn(*ret, "_.");
	if (is_verb(*ret, len) && (*ret)[len] == '_') {
		*ret += len + 1;
		len = strcspn(*ret, "_.");
	}
	return len;
}

static bool is_namesake(const struct ksym *sym, const struct ksym *of, const char *word, size_t len)
{
	const char *own;

	return sym->text && sym->size && sym->module == of->module &&
	       first_word(sym->name, &own) == len && !strncmp(own, word, len) &&
	       strncmp(sym->name, "__pfx_", 6) && !strstr(sym->name, ".cold");
}

struct vote {
	const struct btf *btf;
	const struct opened *asked;
	struct opened found;
	int agree;
	bool differ;
};

/* Private data is asked for by an offset in it, a struct around by none. */
static bool concerns(const struct vote *v, const struct opened *o)
{
	const struct opened *asked = v->asked;

	if (o->kind != asked->kind ||
	    (o->type != asked->type && !types_same(v->btf, o->type, asked->type)))
		return false;
	switch (o->kind) {
	case OPENED_TAIL:
		return asked->off >= o->off && types_covers(v->btf, o->to, asked->off - o->off);
	case OPENED_AROUND:
		return true;
	default:
		return o->off == asked->off;
	}
}

static void count(struct namesakes *n, const struct analysed *a, struct vote *v)
{
	bool any = false;

	for (uint32_t i = 0; i < a->nr; i++) {
		const struct opened *o = &n->shown[a->first + i].what;

		if (!concerns(v, o))
			continue;
		any = true;
		if (v->found.to && (v->found.off != o->off || v->found.link != o->link ||
				    !types_same(v->btf, v->found.to, o->to)))
			v->differ = true;
		v->found = *o;
	}
	v->agree += any;
}

bool namesakes_ask(struct namesakes *n, const struct flow *f, struct opened *o)
{
	const struct ksyms *k = n->im->src.ksyms;
	struct vote vote = {.btf = f->btf, .asked = o};
	ptrdiff_t own = f->sym - ksyms_nth(k, 0);
	int budget = ANALYSED;
	const char *word;
	size_t len = first_word(f->sym->name, &word);

	if (len < LEAST_WORD)
		return false;
	/* another place of the function itself may show the elements of its list */
	for (ptrdiff_t d = o->kind != OPENED_LIST;
	     d <= NEIGHBOURS && vote.agree < ENOUGH && !vote.differ; d++) {
		for (int side = d ? -1 : 1; side <= 1; side += 2) {
			ptrdiff_t at = own + side * d;
			const struct analysed *a;

			if (at < 0 || at >= (ptrdiff_t)ksyms_count(k) ||
			    !is_namesake(ksyms_nth(k, at), f->sym, word, len))
				continue;
			a = analyse(n, ksyms_nth(k, at), &budget);
			if (a)
				count(n, a, &vote);
		}
	}
	if (vote.differ || !vote.agree)
		return false;
	*o = vote.found;
	return true;
}
