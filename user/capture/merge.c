// SPDX-License-Identifier: GPL-2.0-only
#include "capture/merge.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "capture/db_internal.h"
#include "capture/place.h"

#define SOURCE_SHIFT 56 /* for addresses: all of a kernel's have these bits set */
#define MAX_NUMBER 100 /* for classes of one name */

/* A name of the result's, in a tree: hostile names cost no more than others. */
struct named {
	const char *name; /* the class's */
	uint32_t class;
};

struct capture_merge {
	struct capture *c;
	void *names; /* tsearch() */
	uint32_t *claimed; /* by class: the number of the addition that mapped a class to it last */
	bool *shared;	   /* by class: more than one did */
	size_t room;
	uint32_t additions;
	size_t text; /* bytes of all strings */
};

/* One capture on its way in. */
struct adding {
	struct capture_merge *m;
	const struct capture *from;
	uint32_t base; /* the number of its first source */
	uint32_t *classes, *stacks; /* the result's, by its own */
	struct error *err;
};

static int compare_named(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

struct capture_merge *capture_merge_new(void)
{
	struct capture_merge *m = calloc(1, sizeof(*m));

	if (m)
		m->c = capture_new();
	if (m && !m->c) {
		free(m);
		return NULL;
	}
	return m;
}

void capture_merge_free(struct capture_merge *m)
{
	if (!m)
		return;
	tdestroy(m->names, free);
	capture_free(m->c);
	free(m->claimed);
	free(m->shared);
	free(m);
}

static int too_much(struct adding *a, const char *what)
{
	return error_set(a->err, -EINVAL, "together they have more %s than a capture holds: merge fewer",
			 what);
}

static int no_memory(struct adding *a)
{
	return error_set(a->err, -ENOMEM, "out of memory");
}

/* NULL stays NULL. */
static int copy_text(struct adding *a, const char *text, char **ret)
{
	*ret = NULL;
	if (!text)
		return 0;
	a->m->text += strlen(text);
	if (a->m->text > DB_MAX_TEXT)
		return too_much(a, "text");
	*ret = strdup(text);
	return *ret ? 0 : no_memory(a);
}

/* An instance, told apart from those of other sources. */
static uint64_t move_address(uint64_t addr, uint32_t from, uint32_t to)
{
	return addr ? addr ^ (uint64_t)(from ^ to) << SOURCE_SHIFT : 0;
}

static int copy_frames(struct adding *a, const struct capture_stack *from, struct capture_stack *to)
{
	int code = 0;

	to->frames = calloc(from->nr_frames + 1, sizeof(*to->frames));
	if (!to->frames)
		return no_memory(a);
	for (uint32_t i = 0; !code && i < from->nr_frames; i++) {
		to->frames[i].ip = from->frames[i].ip;
		code = copy_text(a, from->frames[i].text, &to->frames[i].text);
		to->nr_frames = i + 1;
	}
	return code;
}

/* The result's stack, copied when it is first asked for. */
static int add_stack(struct adding *a, uint32_t index, uint32_t *ret)
{
	const struct capture_stack *from;
	struct capture_stack *to;

	*ret = LV_NONE;
	if (index >= a->from->nr_stacks)
		return 0;
	*ret = a->stacks[index];
	if (*ret != LV_NONE)
		return 0;
	if (a->m->c->nr_stacks >= DB_MAX_STACKS)
		return too_much(a, "stacks");
	to = capture_add_stack(a->m->c);
	if (!to)
		return no_memory(a);
	from = &a->from->stacks[index];
	to->pid = from->pid;
	to->cpu = from->cpu;
	memcpy(to->comm, from->comm, sizeof(to->comm));
	*ret = a->stacks[index] = a->m->c->nr_stacks - 1;
	return copy_frames(a, from, to);
}

static int make_room(struct adding *a, uint32_t class)
{
	struct capture_merge *m = a->m;
	size_t room = m->room ? 2 * m->room : 256;
	uint32_t *claimed;
	bool *shared;

	if (class < m->room)
		return 0;
	claimed = reallocarray(m->claimed, room, sizeof(*claimed));
	if (!claimed)
		return no_memory(a);
	m->claimed = claimed;
	shared = reallocarray(m->shared, room, sizeof(*shared));
	if (!shared)
		return no_memory(a);
	m->shared = shared;
	memset(claimed + m->room, 0, (room - m->room) * sizeof(*claimed));
	memset(shared + m->room, 0, (room - m->room) * sizeof(*shared));
	m->room = room;
	return 0;
}

static int claim(struct adding *a, uint32_t class)
{
	int code = make_room(a, class);

	if (code)
		return code;
	a->m->shared[class] |= a->m->claimed[class];
	a->m->claimed[class] = a->m->additions;
	return 0;
}

static bool is_claimed(const struct adding *a, uint32_t class)
{
	return class < a->m->room && a->m->claimed[class] == a->m->additions;
}

static int learn_name(struct adding *a, uint32_t class)
{
	struct named *known = malloc(sizeof(*known));

	if (!known)
		return no_memory(a);
	*known = (struct named){a->m->c->classes[class].name, class};
	if (tsearch(known, &a->m->names, compare_named))
		return 0;
	free(known);
	return no_memory(a);
}

static int new_class(struct adding *a, const struct capture_class *from, const char *name,
		     uint32_t *ret)
{
	struct capture *c = a->m->c;
	struct capture_class *to;
	int code;

	if (c->nr_classes >= DB_MAX_CLASSES)
		return too_much(a, "classes");
	to = capture_add_class(c);
	if (!to)
		return no_memory(a);
	*ret = c->nr_classes - 1;
	to->family = from->family;
	to->subclass = from->subclass;
	to->certainty = from->certainty;
	code = copy_text(a, name, &to->name);
	code = code ? code : copy_text(a, from->alias, &to->alias);
	code = code ? code : copy_text(a, from->kind, &to->kind);
	code = code ? code : copy_text(a, from->why, &to->why);
	code = code ? code : copy_text(a, from->key, &to->key);
	return code ? code : learn_name(a, *ret);
}

/* The result's class that this one is, or a new one; of a like name if the name is another's. */
static int find_class(struct adding *a, const struct capture_class *from, uint32_t *ret)
{
	char name[DB_MAX_STRING + 1];

	snprintf(name, sizeof(name), "%s", from->name);
	for (unsigned int n = 2; n < MAX_NUMBER; n++) {
		struct named wanted = {name, 0};
		struct named **known = tfind(&wanted, &a->m->names, compare_named);

		if (!known)
			return new_class(a, from, name, ret);
		*ret = (*known)->class;
		if (!is_claimed(a, *ret) && capture_same_class(&a->m->c->classes[*ret], from))
			return 0;
		snprintf(name, sizeof(name), "%.4000s#%u", from->name, n);
	}
	return too_much(a, "classes of one name");
}

/* 0 for a capture that is one run. */
static uint32_t first_source(uint64_t sources)
{
	return sources ? __builtin_ctzll(sources) : 0;
}

/* Sources of the capture's own, as the result counts them. */
static uint64_t move_sources(const struct adding *a, uint64_t sources)
{
	return a->from->nr_sources ? sources << a->base : 1ull << a->base;
}

static int add_usage(struct adding *a, const struct capture_class *from, uint32_t class, int bit)
{
	struct capture_class *to = &a->m->c->classes[class];
	uint64_t sources = move_sources(a, from->usage_sources[bit]);
	bool fresh = !(to->usage & 1u << bit);
	uint32_t was = first_source(from->usage_sources[bit]);
	uint32_t stack;
	int code;

	to->usage |= 1u << bit;
	to->twice |= from->twice & 1u << bit;
	to->usage_sources[bit] |= sources;
	if (!fresh)
		return 0;
	to->usage_addr[bit] = move_address(from->usage_addr[bit], was, a->base + was);
	to->usage_low[bit] = move_address(from->usage_low[bit], was, a->base + was);
	to->usage_seen[bit] = from->usage_seen[bit];
	code = add_stack(a, from->usage_stack[bit], &stack);
	to->usage_stack[bit] = stack;
	return code;
}

static int add_class(struct adding *a, size_t i)
{
	const struct capture_class *from = &a->from->classes[i];
	struct capture_class *to;
	uint32_t class = LV_NONE;
	int code = find_class(a, from, &class);

	code = code ? code : claim(a, class);
	if (code)
		return code;
	a->classes[i] = class;
	to = &a->m->c->classes[class];
	to->flags |= from->flags;
	to->acquisitions += from->acquisitions;
	if (from->certainty > to->certainty)
		to->certainty = from->certainty;
	for (int bit = 0; !code && bit < LV_USAGES; bit++)
		if (from->usage & 1u << bit)
			code = add_usage(a, from, class, bit);
	return code;
}

static void move_instances(const struct adding *a, const struct capture_edge *from,
			   struct capture_edge *to)
{
	uint32_t was = first_source(from->source), is = a->base + was;

	to->from_addr = move_address(from->from_addr, was, is);
	to->to_addr = move_address(from->to_addr, was, is);
	for (int n = 0; n < 2; n++) {
		to->low[n].from = move_address(from->low[n].from, was, is);
		to->low[n].to = move_address(from->low[n].to, was, is);
	}
	for (int n = 0; n < LV_GATES; n++) {
		if (from->gate_class[n] == LV_NONE)
			continue;
		to->gate_class[n] = a->classes[from->gate_class[n]];
		to->gate_addr[n] = move_address(from->gate_addr[n], was, is);
	}
}

static int add_edge(struct adding *a, const struct capture_edge *from)
{
	struct capture *c = a->m->c;
	struct capture_edge *to;
	int code;

	if (c->nr_edges >= DB_MAX_EDGES)
		return too_much(a, "dependencies");
	to = capture_add_edge(c);
	if (!to)
		return no_memory(a);
	to->from = a->classes[from->from];
	to->to = a->classes[from->to];
	to->dep = from->dep;
	to->count = from->count;
	to->seen_from = from->seen_from;
	to->seen_to = from->seen_to;
	to->source = move_sources(a, from->source);
	/* A kernel that hides no unlocks is sure of all it saw. */
	to->sure = from->sure || !a->from->unlocks_hidden;
	move_instances(a, from, to);
	code = add_stack(a, from->stack, &to->stack);
	return code ? code : add_stack(a, from->from_stack, &to->from_stack);
}

static int add_fact(struct adding *a, const struct capture_fact *from)
{
	uint32_t was = first_source(from->source);
	struct capture_fact *to;

	if (a->m->c->nr_facts >= DB_MAX_FACTS)
		return too_much(a, "misuses");
	to = capture_add_fact(a->m->c);
	if (!to)
		return no_memory(a);
	to->kind = from->kind;
	to->class = a->classes[from->class];
	to->class2 = from->class2 == LV_NONE ? LV_NONE : a->classes[from->class2];
	to->addr = move_address(from->addr, was, a->base + was);
	to->source = move_sources(a, from->source);
	return add_stack(a, from->stack, &to->stack);
}

static int add_loss(struct adding *a, const struct capture_loss *from)
{
	struct capture *c = a->m->c;
	struct capture_loss *to;
	int code;

	for (size_t i = 0; i < c->nr_losses; i++) {
		if (strcmp(c->losses[i].name, from->name))
			continue;
		c->losses[i].count += from->count;
		/* The programs are a list of each capture's own. */
		if (from->programs) {
			free(c->losses[i].programs);
			c->losses[i].programs = NULL;
		}
		return 0;
	}
	if (c->nr_losses >= DB_MAX_LOSSES)
		return too_much(a, "kinds of loss");
	to = capture_add_loss(c);
	if (!to)
		return no_memory(a);
	to->count = from->count;
	code = copy_text(a, from->name, &to->name);
	code = code ? code : copy_text(a, from->text, &to->text);
	return code ? code : copy_text(a, from->programs, &to->programs);
}

static int add_image(struct adding *a, const struct capture_image *from)
{
	const char *known = capture_build_id(a->m->c, from->module);
	struct capture_image *to;
	int code;

	if (known && strcmp(known, from->build_id))
		return error_set(a->err, -EINVAL, "%s%.64s is of another build there",
				 from->module ? "module " : "the kernel",
				 from->module ? from->module : "");
	if (known)
		return 0;
	if (a->m->c->nr_images >= DB_MAX_IMAGES)
		return too_much(a, "modules");
	to = capture_add_image(a->m->c);
	if (!to)
		return no_memory(a);
	code = copy_text(a, from->module, &to->module);
	return code ? code : copy_text(a, from->build_id, &to->build_id);
}

static int add_source(struct adding *a, const struct capture_source *from)
{
	struct capture_source *to;
	int code;

	if (a->m->c->nr_sources >= CAPTURE_MAX_SOURCES)
		return error_set(a->err, -EINVAL, "more than %d captures: merge fewer",
				 CAPTURE_MAX_SOURCES);
	to = capture_add_source(a->m->c);
	if (!to)
		return no_memory(a);
	to->started = from->started;
	to->duration = from->duration;
	to->events = from->events;
	to->lost = from->lost;
	code = copy_text(a, from->name, &to->name);
	return code ? code : copy_text(a, from->command, &to->command);
}

/* Its host's name, with the file behind it where another capture of that host is there already. */
static void name_source(const struct adding *a, const char *path, char *ret, size_t room)
{
	const struct capture *to = a->m->c;
	const char *host = a->from->host;
	bool again = false;

	for (size_t i = 0; host && i < to->nr_sources; i++)
		again = again || strcmp(to->sources[i].name, host) == 0;
	snprintf(ret, room, again ? "%s (%s)" : "%s", host ? host : path, path);
}

static int add_sources(struct adding *a, const char *path)
{
	const struct capture *from = a->from;
	char name[DB_MAX_STRING + 1];
	struct capture_source one = {
		.name = name,
		.command = from->command,
		.started = from->started,
		.duration = from->duration,
		.events = from->events,
		.lost = capture_lost(from),
	};
	int code = 0;

	name_source(a, path, name, sizeof(name));
	if (!from->nr_sources)
		return add_source(a, &one);
	for (size_t i = 0; !code && i < from->nr_sources; i++)
		code = add_source(a, &from->sources[i]);
	return code;
}

static int begin_run(struct adding *a)
{
	const struct capture *from = a->from;
	struct capture *c = a->m->c;
	int code = copy_text(a, from->version, &c->version);

	code = code ? code : copy_text(a, from->kernel, &c->kernel);
	code = code ? code : copy_text(a, from->build, &c->build);
	code = code ? code : copy_text(a, from->machine, &c->machine);
	code = code ? code : copy_text(a, from->tainted, &c->tainted);
	c->started = from->started;
	c->rt = from->rt;
	c->annotated = from->annotated;
	c->misses_asked = true; /* check_age() */
	return code;
}

static int check_alike(struct adding *a)
{
	const struct capture *c = a->m->c, *from = a->from;

	if (strcmp(c->kernel, from->kernel) || strcmp(c->build, from->build) ||
	    strcmp(c->machine, from->machine))
		return error_set(a->err, -EINVAL, "is of kernel %.64s %.64s, not %.64s %.64s: only captures of "
				 "one kernel build have the same places", from->kernel, from->build,
				 c->kernel, c->build);
	if (c->rt != from->rt || c->annotated != from->annotated)
		return error_set(a->err, -EINVAL, "was recorded otherwise than those before");
	return 0;
}

/* The result has the format of today, which says of none that it is so old. */
static int check_age(struct adding *a)
{
	if (a->from->preempts && !a->from->misses_asked)
		return error_set(a->err, -EINVAL, "is of a lockvane that did not ask for missed releases: record anew");
	return 0;
}

static int add_run(struct adding *a)
{
	const struct capture *from = a->from;
	struct capture *c = a->m->c;
	int code = check_age(a);

	if (!code)
		code = c->kernel ? check_alike(a) : begin_run(a);
	if (code)
		return code;
	if (from->started < c->started)
		c->started = from->started;
	c->duration += from->duration;
	c->events += from->events;
	/* Taints of hosts that differ are none of the kernel build's. */
	if (c->tainted && (!from->tainted || strcmp(c->tainted, from->tainted))) {
		free(c->tainted);
		c->tainted = NULL;
	}
	c->unlocks_hidden |= from->unlocks_hidden;
	c->irqs_unseen |= from->irqs_unseen;
	c->preempts |= from->preempts;
	return 0;
}

static int add_all(struct adding *a, const char *path)
{
	const struct capture *from = a->from;
	int code = add_run(a);

	code = code ? code : add_sources(a, path);
	for (size_t i = 0; !code && i < from->nr_images; i++)
		code = add_image(a, &from->images[i]);
	for (size_t i = 0; !code && i < from->nr_classes; i++)
		code = add_class(a, i);
	for (size_t i = 0; !code && i < from->nr_edges; i++)
		code = add_edge(a, &from->edges[i]);
	for (size_t i = 0; !code && i < from->nr_facts; i++)
		code = add_fact(a, &from->facts[i]);
	for (size_t i = 0; !code && i < from->nr_losses; i++)
		code = add_loss(a, &from->losses[i]);
	return code;
}

int capture_merge_add(struct capture_merge *m, const struct capture *c, const char *path,
		      struct error *err)
{
	struct adding a = {m, c, m->c->nr_sources, NULL, NULL, err};
	int code = 0;

	m->additions++;
	a.classes = calloc(c->nr_classes + 1, sizeof(*a.classes));
	a.stacks = calloc(c->nr_stacks + 1, sizeof(*a.stacks));
	if (!a.classes || !a.stacks)
		code = no_memory(&a);
	if (!code) {
		memset(a.stacks, 0xff, c->nr_stacks * sizeof(*a.stacks));
		code = add_all(&a, path);
	}
	free(a.classes);
	free(a.stacks);
	return code;
}

/* The class of that name with the first number, if there is one. */
static const struct capture_class *find_second(const struct capture_merge *m,
					       const struct capture_class *class)
{
	char name[DB_MAX_STRING + 1];
	struct named wanted = {name, 0};
	struct named **other;

	snprintf(name, sizeof(name), "%.4000s#2", class->name);
	other = tfind(&wanted, &m->names, compare_named);
	return other ? &m->c->classes[(*other)->class] : NULL;
}

struct capture *capture_merge_take(struct capture_merge *m)
{
	for (uint32_t i = 0; i < m->c->nr_classes && i < m->room; i++)
		if (m->shared[i])
			capture_grade_shared(&m->c->classes[i], find_second(m, &m->c->classes[i]));
	return TAKE_PTR(m->c);
}
