// SPDX-License-Identifier: GPL-2.0-only
#include "naming/names.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "naming/cachetype.h"
#include "naming/evidence.h"
#include "kernel/lockpath.h"
#include "naming/memname.h"
#include "naming/pseudoname.h"
#include "naming/slabname.h"
#include "naming/variables.h"

struct names {
	struct names_sources from;
	struct ksyms_bounds bounds;
	struct evidence *evidence;
};

/* A class to be named, and where some of its locks were taken. */
struct asked {
	const struct names *n;
	const struct lv_class *class;
	const struct callsite_stack *stacks;
	size_t nr_stacks;
};

int names_new(const struct names_sources *from, const struct lv_name *names, size_t nr,
	      struct names **ret)
{
	struct names *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	n->from = *from;
	if (from->ksyms)
		ksyms_get_bounds(from->ksyms, &n->bounds);
	err = evidence_new(from->btf, names, nr, &n->evidence);
	if (err) {
		free(n);
		return err;
	}
	*ret = n;
	return 0;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	evidence_free(n->evidence);
	free(n);
}

/*
 * Static symbols of one name are numbered by address, among all the image has,
 * not among those seen: the number is the same in every run.
 */
static uint32_t symbol_ordinal(const struct ksyms *k, const struct ksym *sym)
{
	const struct ksym *other = NULL;
	uint32_t ordinal = 1;

	while ((other = ksyms_by_name(k, sym->name, other)))
		if (!other->text && other->module == sym->module && other->addr < sym->addr)
			ordinal++;
	return ordinal;
}

/* "symbol", "symbol#2", without offset and module. */
static void add_symbol(struct strbuf *sb, const struct ksyms *k, const struct ksym *sym)
{
	uint32_t ordinal = symbol_ordinal(k, sym);

	strbuf_add(sb, sym->name);
	if (ordinal > 1)
		strbuf_addf(sb, "#%u", ordinal);
}

/* A seqlock is called as a whole, as lockdep does; where in it its lock is follows from its type.
 */
static bool is_seqlock(const struct kbtf *btf, const struct ksym *sym, uint32_t off,
		       uint32_t family)
{
	struct kbtf_type t = {NULL, 0};
	struct lockpath lock;

	if (!btf || !kbtf_next(btf, "seqlock_t", 1 << BTF_KIND_TYPEDEF, &t))
		return false;
	if (!ksym_may_have_size(sym, kbtf_size(t)))
		return false;
	lockpath_at(btf, t, off, family, &lock);
	return lock.what == LOCKPATH_LOCK;
}

/* Bytes that a variable has at least which ends where the next begins. */
static uint32_t least_size(const struct ksym *sym)
{
	return sym->size > KSYM_PADDING ? sym->size - KSYM_PADDING : 1;
}

#define TELLING_SIZE 256 /* size from which a struct's size may tell it */
struct size_query {
	const struct kbtf *btf;
	uint32_t off, family;
	const char *type;
	size_t nr;
	struct lockpath *ret;
};

static int add_by_size(struct kbtf_type t, void *arg)
{
	struct size_query *q = arg;
	char last[LOCKPATH_LEN];
	struct lockpath lock;

	lockpath_at(q->btf, t, q->off, q->family, &lock);
	if (lock.what == LOCKPATH_NONE || (q->type && !strcmp(q->type, kbtf_name(t))))
		return 0;
	/* a mutex' inner one: its spinlock is taken by those only who wait for the mutex */
	lockpath_last(lock.path, last, sizeof(last));
	if (strchr(lock.path, '.') && !strcmp(last, "wait_lock"))
		return 0;
	q->type = kbtf_name(t);
	*q->ret = lock;
	return ++q->nr > 1;
}

/* A large variable may be told by its size alone: no other struct of it has a lock there. */
static bool path_by_size(const struct kbtf *btf, const struct ksym *sym, uint32_t off,
			 uint32_t family, struct lockpath *ret)
{
	struct lockpath lock;
	struct size_query q = {btf, off, family, NULL, 0, &lock};

	if (sym->size < TELLING_SIZE)
		return false;
	kbtf_each_struct(btf, least_size(sym), sym->size, add_by_size, &q);
	if (q.nr != 1)
		return false;
	*ret = lock;
	return true;
}

/* A variable of a struct without a name: all of those with a lock there agree on its path. */
struct anonymous_query {
	const struct kbtf *btf;
	uint32_t off, family;
	struct lockpath *ret;
	bool known; /* the variable is of such a struct: others are none of its */
	bool nameless, differ;
};

static int add_anonymous(struct kbtf_type t, void *arg)
{
	struct anonymous_query *q = arg;
	bool named = kbtf_name(t)[0];
	struct lockpath lock;

	lockpath_at(q->btf, t, q->off, q->family, &lock);
	if (lock.what == LOCKPATH_NONE || (named && q->known))
		return 0;
	q->nameless |= !named;
	q->differ |= q->ret->what != LOCKPATH_NONE && strcmp(q->ret->path, lock.path);
	*q->ret = lock;
	return q->differ;
}

static bool path_of_anonymous(const struct kbtf *btf, const struct ksym *sym, uint32_t off,
			      uint32_t family, struct lockpath *ret)
{
	struct anonymous_query q = {
		.btf = btf, .off = off, .family = family, .ret = ret,
		.known = variable_known(btf, sym->name, VARIABLE_NAMELESS, NULL) != 0};

	memset(ret, 0, sizeof(*ret));
	kbtf_each_struct(btf, least_size(sym), sym->size, add_anonymous, &q);
	return q.nameless && !q.differ;
}

/* The path by the types that the functions which took it were given. */
static bool path_by_callsite(const struct asked *a, const struct ksym *sym, uint32_t off,
			     struct lockpath *ret)
{
	const struct callsite_query q = {
		.ksyms = a->n->from.ksyms,
		.btf = a->n->from.btf,
		.off = off,
		.family = a->class->family,
		.min_size = least_size(sym),
		.max_size = sym->size,
		.stacks = a->stacks,
		.nr_stacks = a->nr_stacks,
	};
	struct kbtf_type type;

	return sym->size && callsite_find(&q, &type, ret) == CALLSITE_SURE;
}

/* A variable whose type is listed, or an array of such: "hci_sk_list.lock", "printk_limits[6].lock". */
static bool path_by_list(const struct asked *a, const struct ksym *sym, uint32_t off,
			 struct lockpath *ret)
{
	struct kbtf_type type = {NULL, 0};
	char path[LOCKPATH_LEN];
	uint32_t size, nr;

	if (!variable_known(a->n->from.btf, sym->name, VARIABLE_IS, &type))
		return false;
	size = kbtf_size(type);
	nr = size ? sym->size / size : 0;
	if (!ksym_may_have_size(sym, nr * size))
		return false;
	lockpath_at(a->n->from.btf, type, off % size, a->class->family, ret);
	if (nr > 1) {
		memcpy(path, ret->path, sizeof(path));
		snprintf(ret->path, sizeof(ret->path), "[%u]%s%.60s", off / size, lockpath_joint(path), path);
	}
	return ret->what != LOCKPATH_NONE;
}

/* A lock that sleeps, as the functions that take its inner spinlock say: "namespace_sem.wait_lock". */
static bool path_in_sleeping(const struct asked *a, const struct ksym *sym, uint32_t off,
			     struct lockpath *ret)
{
	static const char *const sleeping[][2] = {{"rw_semaphore", "rwsem_"}, {"mutex", "__mutex_"}};
	const struct kbtf *btf = a->n->from.btf;
	const struct ksym *taker =
		a->nr_stacks && a->stacks[0].nr ? ksyms_find(a->n->from.ksyms, a->stacks[0].ip[0]) : NULL;

	for (size_t i = 0; taker && i < sizeof(sleeping) / sizeof(*sleeping); i++) {
		struct kbtf_type type = {NULL, 0};

		if (strncmp(taker->name, sleeping[i][1], strlen(sleeping[i][1])) ||
		    !kbtf_next(btf, sleeping[i][0], 1 << BTF_KIND_STRUCT, &type) ||
		    !ksym_may_have_size(sym, kbtf_size(type)))
			continue;
		lockpath_at(btf, type, off, a->class->family, ret);
		if (ret->what == LOCKPATH_LOCK && !strcmp(ret->path, "wait_lock"))
			return true;
	}
	return false;
}

#define LEAST_TABLE 64 /* elements of a table that its size tells */

/* Nothing but wait-queue heads, a power of two of them: "folio_wait_table[3]". */
static bool path_in_table(const struct asked *a, const struct ksym *sym, uint32_t off,
			  struct lockpath *ret)
{
	struct kbtf_type head = {NULL, 0};
	uint32_t size, nr;

	if (!kbtf_next(a->n->from.btf, "wait_queue_head", 1 << BTF_KIND_STRUCT, &head))
		return false;
	size = kbtf_size(head);
	nr = size ? sym->size / size : 0;
	if (nr < LEAST_TABLE || nr & (nr - 1) || !ksym_may_have_size(sym, nr * size))
		return false;
	lockpath_at(a->n->from.btf, head, off % size, a->class->family, ret);
	snprintf(ret->path, sizeof(ret->path), "[%u]", off / size);
	return ret->what != LOCKPATH_NONE;
}

/* The functions that took the lock may know a type that its name and size leave open. */
static bool guess_path(const struct asked *a, const struct ksym *sym, uint32_t off,
		       struct lockpath *ret)
{
	const struct kbtf *btf = a->n->from.btf;

	return btf && (path_in_sleeping(a, sym, off, ret) || path_by_callsite(a, sym, off, ret) ||
		       path_of_anonymous(btf, sym, off, a->class->family, ret));
}

/* The path into a variable. BTF knows the variables' types only since pahole 1.28. */
static bool symbol_path(const struct asked *a, const struct ksym *sym, uint32_t off,
			struct lockpath *ret)
{
	const struct kbtf *btf = a->n->from.btf;
	struct kbtf_type var = {NULL, 0};
	uint32_t family = a->class->family;

	if (!btf)
		return false;
	if (sym->module || !kbtf_next(btf, sym->name, 1 << BTF_KIND_VAR, &var))
		return cachetype_variable(btf, sym->name, sym->size, off, family, ret) ||
		       path_by_size(btf, sym, off, family, ret);
	lockpath_at(btf, var, off, family, ret);
	return ret->what != LOCKPATH_NONE;
}

static void put_name(struct names_result *r, const struct strbuf *sb)
{
	snprintf(r->name, sizeof(r->name), "%s", sb->text ? sb->text : "?");
	memcpy(r->full, r->name, sizeof(r->full));
}

static void add_path(struct strbuf *sb, const char *path)
{
	strbuf_addf(sb, "%s%s", lockpath_joint(path), path);
}

static void name_symbol(const struct asked *a, const struct ksym *sym, uint64_t addr,
			struct names_result *r)
{
	const struct names_sources *from = &a->n->from;
	uint64_t off = addr - sym->addr;
	AUTO_STRBUF sb = STRBUF_INIT;
	struct lockpath path;

	add_symbol(&sb, from->ksyms, sym);
	if (symbol_path(a, sym, off, &path) ||
	    (from->btf && (path_in_table(a, sym, off, &path) || path_by_list(a, sym, off, &path)))) {
		add_path(&sb, path.path);
	} else if (off && !is_seqlock(from->btf, sym, off, a->class->family)) {
		if (guess_path(a, sym, off, &path))
			add_path(&sb, path.path);
		else
			strbuf_addf(&sb, "+0x%" PRIx64, off);
	}
	if (sym->module)
		strbuf_addf(&sb, " [%s]", sym->module);
	put_name(r, &sb);
	r->collapsed = lockpath_collapse(r->name);
}

static void name_static(const struct asked *a, struct names_result *r)
{
	const struct names *n = a->n;
	const struct lv_class *c = a->class;
	uint64_t addr = c->place.base + c->place.off;
	const struct ksym *sym = n->from.ksyms ? ksyms_find(n->from.ksyms, addr) : NULL;

	snprintf(r->key, sizeof(r->key), "[<%016" PRIx64 ">]", addr);
	r->certainty = NAMES_EXACT;
	/* without KALLSYMS_ALL the nearest symbol is some function */
	if (sym && !sym->text)
		name_symbol(a, sym, addr, r);
	else if (n->bounds.start && addr >= n->bounds.start && addr - n->bounds.start < 1 << 30)
		snprintf(r->name, sizeof(r->name), "kernel+0x%" PRIx64, addr - n->bounds.start);
	else
		snprintf(r->name, sizeof(r->name), "0x%016" PRIx64, addr);
}

/* "rq.__lock" where that type is one variable's alone; else by the variable. */
static bool percpu_by_type(const struct names *n, const struct lv_class *c, uint32_t off,
			   struct names_result *r)
{
	struct lockpath path;
	struct kbtf_var var;
	const char *owner;

	if (!n->from.btf || !kbtf_percpu_at(n->from.btf, off, &var))
		return false;
	lockpath_at(n->from.btf, var.type, off - var.offset, c->family, &path);
	if (path.what == LOCKPATH_NONE) {
		snprintf(r->name, sizeof(r->name), "%s+0x%x", var.name, off - var.offset);
		return true;
	}
	owner = kbtf_name(kbtf_target(var.type));
	if (!var.only || !owner[0] || !path.path[0] || path.path[0] == '[')
		owner = var.name;
	snprintf(r->full, sizeof(r->full), "%s%s%s", owner,
		 lockpath_joint(path.path), path.path);
	memcpy(r->name, r->full, sizeof(r->name));
	r->collapsed = lockpath_collapse(r->name);
	if (path.ambiguous)
		r->certainty = NAMES_AMBIGUOUS;
	return true;
}

static const struct ksym *percpu_symbol(const struct names *n, uint64_t off)
{
	const struct ksym *sym;

	if (!n->from.ksyms || !n->bounds.percpu_end)
		return NULL;
	sym = ksyms_find(n->from.ksyms, n->bounds.percpu_start + off);
	return sym && sym->size && !sym->text ? sym : NULL;
}

/*
 * The offset in the section. Since 6.15 the section is linked at an address of
 * its own, and what the recorder subtracts leaves that address in.
 */
static uint64_t percpu_offset(const struct names *n, const struct lv_class *c)
{
	uint64_t off = c->place.base + c->place.off;

	if (n->bounds.percpu_start && off >= n->bounds.percpu_start)
		off -= n->bounds.percpu_start;
	return off;
}

static void name_percpu(const struct asked *a, struct names_result *r)
{
	const struct names *n = a->n;
	const struct lv_class *c = a->class;
	uint64_t off = percpu_offset(n, c);
	const struct ksym *sym = percpu_symbol(n, off);

	snprintf(r->key, sizeof(r->key), "percpu+0x%" PRIx64, off);
	r->certainty = NAMES_EXACT;
	if (off <= UINT32_MAX && percpu_by_type(n, c, off, r))
		return;
	if (sym)
		name_symbol(a, sym, n->bounds.percpu_start + off, r);
	else
		snprintf(r->name, sizeof(r->name), "percpu+0x%" PRIx64, off);
}

#define PERCPU_LARGEST 0x8000 /* PCPU_MIN_UNIT_SIZE: what alloc_percpu() gives at most */

/* Past the static section lie the modules' static variables, then what was allocated. */
static void name_percpu_dyn(const struct asked *a, struct names_result *r)
{
	const struct names *n = a->n;
	const struct lv_class *c = a->class;
	const struct callsite_query q = {.ksyms = n->from.ksyms,
					 .btf = n->from.btf,
					 .off = CALLSITE_ANYWHERE,
					 .family = c->family,
					 .max_size = PERCPU_LARGEST,
					 .stacks = a->stacks,
					 .nr_stacks = a->nr_stacks};
	struct kbtf_type type;
	struct lockpath lock;
	uint64_t off = percpu_offset(n, c);
	const struct ksym *sym = percpu_symbol(n, off);

	snprintf(r->key, sizeof(r->key), "percpu-dyn+0x%" PRIx64, off);
	memcpy(r->name, r->key, sizeof(r->name));
	r->certainty = NAMES_AMBIGUOUS;
	if (!sym || !sym->module) {
		/* An offset belongs to one allocation until that is freed; the question is to which. */
		if (callsite_find(&q, &type, &lock) == CALLSITE_NOTHING)
			return;
		snprintf(r->name, sizeof(r->name), "%s.%s", kbtf_name(type), lock.path);
		r->certainty = NAMES_INFERRED;
		return;
	}
	name_symbol(a, sym, n->bounds.percpu_start + off, r);
	r->certainty = NAMES_EXACT;
}

/* struct ptdesc overlays struct page since 6.5 and has taken over ptl. */
static void name_page(const struct names *n, const struct lv_class *c, struct names_result *r)
{
	static const char *const types[] = {"ptdesc", "page"};
	struct kbtf_type t;
	struct lockpath path;
	size_t i;

	snprintf(r->key, sizeof(r->key), "page+0x%x", c->place.off);
	memcpy(r->name, r->key, sizeof(r->name));
	r->certainty = NAMES_AMBIGUOUS;
	for (i = 0; n->from.btf && i < sizeof(types) / sizeof(*types); i++) {
		memset(&t, 0, sizeof(t));
		if (!kbtf_next(n->from.btf, types[i], 1 << BTF_KIND_STRUCT, &t))
			continue;
		lockpath_at(n->from.btf, t, c->place.off, c->family, &path);
		if (path.what == LOCKPATH_NONE)
			continue;
		snprintf(r->name, sizeof(r->name), "%s.%s", types[i], path.path);
		r->certainty = path.ambiguous ? NAMES_AMBIGUOUS : NAMES_EXACT;
		return;
	}
}

static void name_plain(const struct lv_class *c, struct names_result *r)
{
	r->certainty = NAMES_AMBIGUOUS;
	snprintf(r->name, sizeof(r->name), "%s", r->kind);
	if (c->place.kind == LV_PLACE_TOLD) {
		snprintf(r->name, sizeof(r->name), "class %" PRIu64, (uint64_t)c->place.base);
		r->certainty = NAMES_EXACT;
	}
	memcpy(r->key, r->name, sizeof(r->key));
}

/* In a module that is not there any more: its symbols are not, either. */
static void name_gone(const struct lv_class *c, struct names_result *r)
{
	r->certainty = c->place.site ? NAMES_AMBIGUOUS : NAMES_EXACT;
	snprintf(r->name, sizeof(r->name), "%.*s+0x%x [%.*s]", LV_NAME_LEN, c->cache,
		 c->cache_size, LV_NAME_LEN, c->cache);
	memcpy(r->key, r->name, sizeof(r->key));
}

static const char *kind_text(uint32_t kind)
{
	static const char *const texts[LV_PLACE_KINDS] = {
		[LV_PLACE_NONE] = "unknown",
		[LV_PLACE_STATIC] = "static",
		[LV_PLACE_PERCPU] = "percpu",
		[LV_PLACE_SLAB] = "slab",
		[LV_PLACE_PERCPU_DYN] = "percpu-dyn",
		[LV_PLACE_PAGE] = "page",
		[LV_PLACE_VMALLOC] = "vmalloc",
		[LV_PLACE_EARLY] = "early",
		[LV_PLACE_KFENCE] = "kfence",
		[LV_PLACE_TOLD] = "told",
		[LV_PLACE_TABLE] = "table",
		[LV_PLACE_STACK] = "stack",
		[LV_PLACE_PSEUDO] = "pseudo",
	};

	return kind < LV_PLACE_KINDS && texts[kind] ? texts[kind] : "unknown";
}

/* Kernel strings end here: printable, "/1" behind a twin, and lockdep's "k-" for the kernel's sockets. */
static void finish_text(char text[NAMES_LEN], uint32_t subclass)
{
	char clean[NAMES_LEN - 16];

	strbuf_copy_clean(clean, sizeof(clean), text, NAMES_LEN);
	snprintf(text, NAMES_LEN, "%s%s%s", subclass & LV_SUBCLASS_KERNEL ? "k-" : "", clean,
		 subclass & LV_SUBCLASS_TWIN ? "/1" : "");
}

static void finish(const struct lv_class *c, struct names_result *r)
{
	if (!r->full[0])
		memcpy(r->full, r->name, sizeof(r->full));
	finish_text(r->name, c->subclass);
	finish_text(r->full, c->subclass);
	finish_text(r->key, 0);
}

void names_class(const struct names *n, const struct lv_class *class,
		 const struct callsite_stack *stacks, size_t nr_stacks, struct names_result *ret)
{
	const struct evidence_item *here;
	struct lv_class filed = *class;
	const struct asked asked = {n, &filed, stacks, nr_stacks};

	if (class->place.kind == LV_PLACE_SLAB)
		filed.place = evidence_place(&class->place, class->state);
	class = &filed;
	here = evidence_at(n->evidence, &class->place);
	memset(ret, 0, sizeof(*ret));
	ret->kind = kind_text(class->place.kind);
	ret->family = class->family;
	if (class->state == LV_SLOT_DEAD && class->place.kind != LV_PLACE_SLAB &&
	    class->place.kind != LV_PLACE_PSEUDO) {
		name_gone(class, ret);
		finish(class, ret);
		return;
	}
	switch (class->place.kind) {
	case LV_PLACE_STATIC:
		name_static(&asked, ret);
		break;
	case LV_PLACE_PERCPU:
		name_percpu(&asked, ret);
		break;
	case LV_PLACE_SLAB:
		slabname_class(&n->from, n->evidence, class, stacks, nr_stacks, ret);
		break;
	case LV_PLACE_PERCPU_DYN:
		name_percpu_dyn(&asked, ret);
		break;
	case LV_PLACE_PAGE:
		name_page(n, class, ret);
		break;
	case LV_PLACE_TABLE:
		memname_table(&n->from, class, ret);
		here = NULL;
		break;
	case LV_PLACE_PSEUDO:
		pseudoname_class(&n->from, class, ret);
		here = NULL;
		break;
	case LV_PLACE_STACK:
		memname_stack(&n->from, class,
			      nr_stacks && stacks->nr ? stacks->ip[0] : class->place.site, ret);
		here = NULL;
		break;
	default:
		name_plain(class, ret);
		here = NULL;
	}
	/* the first of several names for one place was kept: chance */
	if (here && n->from.btf && !evidence_is_of(n->from.btf, here, class->family))
		here = NULL;
	if (here && !here->clashes)
		memcpy(ret->alias, here->text, sizeof(ret->alias));
	finish(class, ret);
}
