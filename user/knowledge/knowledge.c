// SPDX-License-Identifier: GPL-2.0-only
#include "knowledge/knowledge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "finding/watch.h"
#include "knowledge/knowledge_internal.h"

const struct capture *knowledge_capture(const struct knowledge *p)
{
	return p->c;
}

struct findings *knowledge_findings(struct knowledge *p)
{
	return &p->all;
}

bool knowledge_is_full(const struct knowledge *p)
{
	return p->full;
}

/* --- names that are known ------------------------------------------------- */

static int learn_name(struct knowledge *p, uint32_t class, uint32_t owner)
{
	const char *name = p->c->classes[class].name;
	size_t len = strlen(name);
	struct named *n = calloc(1, sizeof(*n) + len + 1);

	if (!n)
		return -ENOMEM;
	n->class = class;
	n->owner = owner;
	memcpy(n->name, name, len + 1);
	HASH_ADD_KEYPTR(hh, p->names, n->name, len, n);
	return 0;
}

static struct named *find_name(const struct knowledge *p, const char *name)
{
	struct named *n;

	HASH_FIND(hh, p->names, name, strlen(name), n);
	return n;
}

/* --- beginning ----------------------------------------------------------- */

/* The watch is told what was known before, as if it came now. */
static int tell_known(struct knowledge *p)
{
	int code = 0;

	for (uint32_t i = 0; !code && i < p->c->nr_classes; i++) {
		code = learn_name(p, i, LV_NONE);
		code = code ? code : knowledge_tell_watch(p, finding_watch_class, i);
	}
	for (uint32_t i = 0; !code && i < p->c->nr_edges; i++) {
		code = knowledge_learn_edge(p, i);
		code = code ? code : knowledge_tell_watch(p, finding_watch_edge, i);
	}
	for (uint32_t i = 0; !code && i < p->c->nr_facts; i++)
		code = knowledge_tell_watch(p, finding_watch_fact, i);
	for (uint32_t i = 0; !code && i < p->c->nr_waits; i += capture_ring_len(p->c, i))
		code = knowledge_tell_watch(p, finding_watch_ring, i);
	return code;
}

int knowledge_new(struct capture *known, struct knowledge **ret)
{
	struct knowledge *p = calloc(1, sizeof(*p));
	int code;

	if (!p) {
		capture_free(known);
		return -ENOMEM;
	}
	p->c = known;
	memset(p->class_of, 0xff, sizeof(p->class_of));
	code = knowledge_remember_base(p);
	code = code ? code : finding_watch_new(known, &p->w);
	code = code ? code : tell_known(p);
	if (code) {
		knowledge_free(p);
		return code;
	}
	*ret = p;
	return 0;
}

static void free_names(struct knowledge *p)
{
	struct named *n, *next;

	HASH_ITER(hh, p->names, n, next)
	{
		HASH_DEL(p->names, n);
		free(n);
	}
}

void knowledge_free(struct knowledge *p)
{
	struct findings *all;

	if (!p)
		return;
	all = calloc(1, sizeof(*all));
	if (all) {
		*all = p->all;
		findings_free(all);
	}
	finding_watch_free(p->w);
	free_names(p);
	knowledge_forget_edges(p);
	free(p->base_acquisitions);
	free(p->base_counts);
	free(p->base_losses);
	capture_free(p->c);
	free(p);
}

/* --- adding -------------------------------------------------------------- */

/* Usage bits that the graph's class does not have, with where and who. */
static int add_usage(struct adding *a, const struct capture_class *from, uint32_t class,
		     bool *ret_news)
{
	uint32_t new = from->usage & ~a->p->c->classes[class].usage;
	int code = 0;

	for (int bit = 0; !code && bit < LV_USAGES; bit++) {
		uint32_t stack;

		if (!(new & 1u << bit))
			continue;
		code = knowledge_add_stack(a, from->usage_stack[bit], &stack);
		a->p->c->classes[class].usage_stack[bit] = stack;
		a->p->c->classes[class].usage_addr[bit] = from->usage_addr[bit];
	}
	*ret_news = new || from->twice & ~a->p->c->classes[class].twice || from->flags & ~a->p->c->classes[class].flags;
	a->p->c->classes[class].usage |= new;
	knowledge_see_usages(from, &a->p->c->classes[class]);
	a->p->c->classes[class].flags |= from->flags;
	return code;
}

static int update_class(struct adding *a, const struct capture_class *from, uint32_t class)
{
	bool news;
	int code = add_usage(a, from, class, &news);

	return code || !news ? code : knowledge_tell_watch(a->p, finding_watch_usage, class);
}

static int new_class(struct adding *a, const struct capture_class *from, const char *name,
		     uint32_t owner, uint32_t *ret)
{
	struct knowledge *p = a->p;
	struct capture_class *to = capture_add_class(p->c);
	bool news;
	int code;

	if (!to)
		return -ENOMEM;
	*ret = p->c->nr_classes - 1;
	to->name = strdup(name);
	to->alias = from->alias ? strdup(from->alias) : NULL;
	to->why = from->why ? strdup(from->why) : NULL;
	to->kind = strdup(from->kind);
	to->key = strdup(from->key);
	to->certainty = from->certainty;
	to->family = from->family;
	to->subclass = from->subclass;
	if (!to->name || !to->kind || !to->key || (from->alias && !to->alias))
		return -ENOMEM;
	code = learn_name(p, *ret, owner);
	code = code ? code : add_usage(a, from, *ret, &news);
	return code ? code : knowledge_tell_watch(p, finding_watch_class, *ret);
}

/* Classes keyed by a kernel address are matched by name: addresses differ from boot to boot. */
static bool is_same(const struct capture_class *known, const struct capture_class *seen)
{
	static const char *const kinds[] = { "static", "percpu", "table", "stack" };

	if (known->family != seen->family || strcmp(known->kind, seen->kind))
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(seen->kind, kinds[i]))
			return true;
	return !strcmp(known->key, seen->key);
}

/* The entry has no owner in this process, or its owner is a class of the tables that maps to this one. */
static bool is_owned_by(const struct adding *a, const struct named *known, size_t class)
{
	return known->owner == LV_NONE || a->seen_as[known->owner] == class;
}

/*
 * The graph's class of that name, if it is that one; else one of a like
 * name. Which name a place gets may change as more is learnt of it: from then
 * on it is another class.
 */
static int find_class(struct adding *a, size_t class, uint32_t owner, uint32_t *ret)
{
	const struct capture_class *from = &a->seen->classes[class];
	struct knowledge *p = a->p;
	char name[256];

	snprintf(name, sizeof(name), "%s", from->name);
	for (unsigned int n = 2; n < 100; n++) {
		struct named *known = find_name(p, name);

		if (!known) {
			if (p->c->nr_classes < LV_MAX_CLASSES)
				return new_class(a, from, name, owner, ret);
			p->full = true;
			return 0;
		}
		if (is_owned_by(a, known, class) && is_same(&p->c->classes[known->class], from)) {
			known->owner = owner;
			*ret = known->class;
			return update_class(a, from, known->class);
		}
		snprintf(name, sizeof(name), "%.240s#%u", from->name, n);
	}
	return 0;
}

static int add_class(struct adding *a, size_t i, uint32_t id)
{
	struct knowledge *p = a->p;
	const struct capture_class *from = &a->seen->classes[i];
	uint32_t class = LV_NONE;
	int code = find_class(a, i, id, &class);

	a->classes[i] = class;
	if (class != LV_NONE)
		knowledge_set_count(&p->c->classes[class].acquisitions, p->base_acquisitions,
				  p->nr_base_classes, class, from->acquisitions);
	return code;
}

static int new_edge(struct adding *a, const struct capture_edge *from, uint32_t *ret)
{
	struct knowledge *p = a->p;
	struct capture_edge *to = capture_add_edge(p->c);
	int code;

	if (!to)
		return -ENOMEM;
	*ret = p->c->nr_edges - 1;
	to->from = a->classes[from->from];
	to->to = a->classes[from->to];
	to->dep = from->dep;
	to->from_addr = from->from_addr;
	to->to_addr = from->to_addr;
	knowledge_see_edge(a, from, to, true);
	code = knowledge_add_stack(a, from->stack, &to->stack);
	code = code ? code : knowledge_add_place(a, from->from_stack, &to->from_stack);
	code = code ? code : knowledge_learn_edge(p, *ret);
	return code ? code : knowledge_tell_watch(p, finding_watch_edge, *ret);
}

static int add_edge(struct adding *a, const struct capture_edge *from)
{
	struct knowledge *p = a->p;
	uint32_t head = a->classes[from->from], tail = a->classes[from->to], edge;
	int code = 0;

	if (head == LV_NONE || tail == LV_NONE)
		return 0;
	edge = knowledge_edge(p, head, tail, from->dep);
	if (edge == LV_NONE && p->c->nr_edges >= LV_MAX_EDGES) {
		p->full = true;
		return 0;
	}
	if (edge == LV_NONE)
		code = new_edge(a, from, &edge);
	else
		knowledge_see_edge(a, from, &p->c->edges[edge], false);
	if (!code)
		knowledge_set_count(&p->c->edges[edge].count, p->base_counts, p->nr_base_edges, edge,
				  from->count);
	return code;
}

static bool has_fact(const struct capture *c, uint32_t kind, uint32_t class, uint32_t class2)
{
	for (size_t i = 0; i < c->nr_facts; i++)
		if (c->facts[i].kind == kind && c->facts[i].class == class &&
		    c->facts[i].class2 == class2)
			return true;
	return false;
}

static int add_fact(struct adding *a, const struct capture_fact *from)
{
	struct knowledge *p = a->p;
	uint32_t class = a->classes[from->class];
	uint32_t class2 = from->class2 == LV_NONE ? LV_NONE : a->classes[from->class2];
	struct capture_fact *to;
	int code;

	if (class == LV_NONE || (class2 == LV_NONE && from->class2 != LV_NONE) ||
	    has_fact(p->c, from->kind, class, class2))
		return 0;
	if (p->c->nr_facts >= LV_MAX_FACTS) {
		p->full = true;
		return 0;
	}
	to = capture_add_fact(p->c);
	if (!to)
		return -ENOMEM;
	to->kind = from->kind;
	to->class = class;
	to->class2 = class2;
	to->addr = from->addr;
	code = knowledge_add_stack(a, from->stack, &to->stack);
	return code ? code : knowledge_tell_watch(p, finding_watch_fact, p->c->nr_facts - 1);
}

static int add_loss(struct knowledge *p, const struct capture_loss *from)
{
	struct capture_loss *to;
	size_t i = 0;

	while (i < p->c->nr_losses && strcmp(p->c->losses[i].name, from->name))
		i++;
	if (i == p->c->nr_losses) {
		to = capture_add_loss(p->c);
		if (!to)
			return -ENOMEM;
		to->name = strdup(from->name);
		to->text = strdup(from->text);
		if (!to->name || !to->text)
			return -ENOMEM;
	}
	to = &p->c->losses[i];
	knowledge_set_count(&to->count, p->base_losses, p->nr_base_losses, i, from->count);
	free(to->programs);
	to->programs = from->programs ? strdup(from->programs) : NULL;
	return from->programs && !to->programs ? -ENOMEM : 0;
}

static int add_all(struct adding *a)
{
	const struct capture *seen = a->seen;
	int code = 0;

	/* First: how sure something is may hang on what was lost. */
	for (size_t i = 0; !code && i < seen->nr_losses; i++)
		code = add_loss(a->p, &seen->losses[i]);
	for (size_t i = 0; !code && i < seen->nr_classes; i++)
		code = add_class(a, i, a->owners[i]);
	for (size_t i = 0; !code && i < seen->nr_edges; i++)
		code = add_edge(a, &seen->edges[i]);
	for (size_t i = 0; !code && i < seen->nr_facts; i++)
		code = add_fact(a, &seen->facts[i]);
	code = code ? code : knowledge_add_rings(a);
	return code ? code : knowledge_tell_again(a->p);
}

/* Where several classes of the tables are one of the capture's, the first owns it. */
static void find_owners(struct adding *a)
{
	memset(a->owners, 0xff, a->seen->nr_classes * sizeof(*a->owners));
	for (uint32_t id = LV_MAX_CLASSES; id-- > 0;)
		if (a->seen_as[id] < a->seen->nr_classes)
			a->owners[a->seen_as[id]] = id;
}

static void place_classes(struct adding *a)
{
	for (uint32_t id = 0; id < LV_MAX_CLASSES; id++)
		if (a->seen_as[id] < a->seen->nr_classes)
			a->p->class_of[id] = a->classes[a->seen_as[id]];
}

int knowledge_add(struct knowledge *p, const struct capture *seen, const uint32_t *classes)
{
	struct adding a = {.p = p, .seen = seen, .seen_as = classes};
	int code = -ENOMEM;

	a.classes = calloc(seen->nr_classes + 1, sizeof(*a.classes));
	a.stacks = calloc(seen->nr_stacks + 1, sizeof(*a.stacks));
	a.owners = calloc(seen->nr_classes + 1, sizeof(*a.owners));
	if (a.classes && a.stacks && a.owners) {
		memset(a.stacks, 0xff, seen->nr_stacks * sizeof(*a.stacks));
		memset(a.classes, 0xff, seen->nr_classes * sizeof(*a.classes));
		find_owners(&a);
		code = add_all(&a);
		place_classes(&a);
	}
	free(a.owners);
	p->c->events = p->base_events + seen->events;
	free(a.classes);
	free(a.stacks);
	return code;
}
