// SPDX-License-Identifier: GPL-2.0-only
#include "trace/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/strbuf.h"
#include "hooks.h"
#include "kernel/ksyms.h"
#include "naming/names.h"
#include "naming/names_fold.h"
#include "naming/siting.h"
#include "kernel/slabs.h"
#include "sites/text.h"
#include "trace/slowpath.h"

#define MODULES_MAX (1u << 20)
#define CALL_BYTES 5 /* with which a function that is hooked begins */
#define ENDBR_BYTES 4 /* but for these, with IBT */

/* A class of the recorder's. */
struct word {
	bool named;
	uint32_t one_with; /* the class that stands for it in the capture */
	struct names_result result;
	struct siting siting;
};

struct words {
	const struct tables *tables;
	const struct kbtf *btf;
	struct kbtf *own_btf; /* read again since: that of later modules is in there */
	bool rt;
	struct ksyms *ksyms;
	struct text *text;   /* the kernel's; NULL: not to be read */
	struct sites *sites; /* the locks of call sites; made from those symbols and types */
	uint64_t modules;  /* those there were when the symbols were read */
	uint32_t *classes; /* by the recorder's ids: where they went in the capture */
	struct slabs *slabs;
	struct names *names;
	struct word *words;	      /* by the recorder's ids */
	struct taken *taken;	      /* the class that is being named */
	uint32_t *into, *next;	      /* by class its first edge in, by edge the class' next one */
	struct names_result *results; /* names of the classes in the capture, in its order */
	size_t nr;
};

_Static_assert((int)NAMES_EXACT == CAPTURE_EXACT && (int)NAMES_INFERRED == CAPTURE_INFERRED &&
		       (int)NAMES_AMBIGUOUS == CAPTURE_AMBIGUOUS,
	       "the namer's grades are the capture's");

/* Where some of a class' locks were taken. */
struct taken {
	struct callsite_stack sites[NAMES_FOLD_SITES];
	__u64 ip[NAMES_FOLD_SITES][LV_STACK_DEPTH];
	size_t nr;
};

/*
 * The trampoline that a hooked function calls first calls the function once more, past that call. So above the
 * tracer's own frames stands the function itself again, where it called the trampoline.
 */
static bool is_entry_frame(const struct ksym *sym, __u64 ip)
{
	return sym && (ip - sym->addr == CALL_BYTES || ip - sym->addr == ENDBR_BYTES + CALL_BYTES);
}

/*
 * The call site that took it: without the lock's function and the tracer's own frames, which lie between others where a
 * function that is hooked calls one that is (a mutex' and its wait_lock's).
 */
static void add_site(const struct words *w, uint32_t id, struct taken *taken)
{
	const struct lv_stack *stack = &w->tables->stacks[id & (LV_MAX_STACKS - 1)];
	uint32_t all = stack->nr < LV_STACK_DEPTH ? stack->nr : LV_STACK_DEPTH, kept = 0;
	const char *hook = tables_hook_function(stack->hook);
	bool attempt = stack->hook == LV_HOOK_contention_begin, was_own = false;

	if (id >= LV_MAX_STACKS || taken->nr == NAMES_FOLD_SITES)
		return;
	for (uint32_t i = 0; i < all; i++) {
		const struct ksym *sym = ksyms_find(w->ksyms, stack->ip[i]);
		bool own = !sym || ksym_is_generated(sym);

		own |= was_own && is_entry_frame(sym, stack->ip[i]);
		was_own = own;
		if (own || (!kept && ((hook && !strcmp(sym->name, hook)) ||
				      (attempt && slowpath_is_above_taker(sym->name)))))
			continue;
		taken->ip[taken->nr][kept++] = stack->ip[i];
	}
	if (!kept)
		return;
	taken->sites[taken->nr].ip = taken->ip[taken->nr];
	taken->sites[taken->nr++].nr = kept;
}

/* Where locks of a class were taken: its first uses, and under which others. */
static void find_sites(const struct words *w, const struct lv_class *class, struct taken *ret)
{
	uint32_t id = class - w->tables->classes;

	ret->nr = 0;
	for (int i = 0; i < LV_USAGES; i++)
		if (class->usage & 1u << i && i != LV_ENABLED_HARDIRQ && i != LV_ENABLED_SOFTIRQ &&
		    i != LV_ENABLED_HARDIRQ_READ && i != LV_ENABLED_SOFTIRQ_READ)
			add_site(w, class->usage_stack[i], ret);
	for (uint32_t i = w->into[id]; i != LV_NONE && ret->nr < NAMES_FOLD_SITES; i = w->next[i])
		add_site(w, w->tables->edges[i].stack, ret);
}

/* Which edges end in a class: there are too many to look at all of them for each. */
static int index_edges(struct words *w)
{
	w->into = malloc(LV_MAX_CLASSES * sizeof(*w->into));
	w->next = malloc(LV_MAX_EDGES * sizeof(*w->next));
	if (!w->into || !w->next)
		return -ENOMEM;
	memset(w->into, 0xff, LV_MAX_CLASSES * sizeof(*w->into));
	for (uint32_t i = LV_MAX_EDGES; i-- > 0;) {
		const struct lv_edge *edge = &w->tables->edges[i];

		if (!tables_is_ready(&edge->state) || edge->to >= LV_MAX_CLASSES)
			continue;
		w->next[i] = w->into[edge->to];
		w->into[edge->to] = i;
	}
	return 0;
}

/* On PREEMPT_RT a spinlock sleeps, and what spins is a raw one. */
static uint32_t family_of(const struct words *w, const struct lv_class *class)
{
	if (w->rt && class->family == LV_SPIN)
		return LV_RAWSPIN;
	if (class->family == LV_RT_SPIN)
		return LV_SPIN;
	return class->family == LV_RT_RWLOCK ? LV_RWLOCK : class->family;
}

/* Name one class, a twin as the class it is the twin of. */
static void name_class(struct words *w, uint32_t id, struct taken *taken)
{
	const struct lv_class *class = &w->tables->classes[id];
	uint32_t outer = class->subclass & LV_SUBCLASS_TWIN ? class->other - 1 : id;
	struct lv_class named = *class;

	taken->nr = 0;
	if (outer < LV_MAX_CLASSES)
		find_sites(w, &w->tables->classes[outer], taken);
	named.family = family_of(w, class);
	names_class(w->names, &named, taken->sites, taken->nr, &w->words[id].result);
	if (class->place.site)
		siting_ask(w->sites, &named, taken->sites, taken->nr, &w->words[id].siting);
	w->words[id].named = true;
	w->words[id].one_with = id;
}

/* Each class with its name, and where its locks were taken. */
static size_t list_classes(struct words *w, struct names_fold_item *items,
			   struct siting_item *sitings)
{
	struct taken *taken = w->taken;
	size_t nr = 0;

	for (uint32_t id = 0; id < LV_MAX_CLASSES; id++) {
		struct names_fold_item *item = &items[nr];

		if (!tables_has_class(w->tables, id))
			continue;
		name_class(w, id, taken);
		item->nr_sites = taken->nr;
		item->is_waitq = callsite_is_waitq(w->ksyms, taken->sites, taken->nr);
		for (size_t i = 0; i < taken->nr; i++)
			item->sites[i] = taken->sites[i].ip[0];
		item->class = &w->tables->classes[id];
		item->result = &w->words[id].result;
		sitings[nr++] = (struct siting_item){
			.id = id,
			.class = item->class,
			.result = item->result,
			.siting = w->words[id].siting,
		};
	}
	return nr;
}

/* Name all, and find out which are one. */
static int name_all(struct words *w)
{
	struct names_fold_item *items = calloc(LV_MAX_CLASSES, sizeof(*items));
	struct siting_item *sitings = calloc(LV_MAX_CLASSES, sizeof(*sitings));
	int err = items && sitings ? 0 : -ENOMEM;
	size_t nr = err ? 0 : list_classes(w, items, sitings);

	err = err ? err : siting_join(w->sites, sitings, nr);
	for (size_t i = 0; !err && i < nr; i++)
		items[i].one_with = sitings[i].one_with;
	err = err ? err : names_fold(items, nr);
	for (size_t i = 0; !err && i < nr; i++) {
		uint32_t id = items[i].class - w->tables->classes;

		w->words[id].one_with = items[items[i].one_with].class - w->tables->classes;
	}
	free(sitings);
	free(items);
	return err;
}

static uint32_t one_with(void *arg, uint32_t id)
{
	const struct words *w = arg;

	return w->words[id].named ? w->words[id].one_with : id;
}

#define WHY_SITES 32 /* sites of a class that are explained */

/* The call sites of all classes of the recorder's that are this one. NULL: no site, or no memory. */
static char *explain_sites(const struct words *w, uint32_t one)
{
	AUTO_STRBUF text = STRBUF_INIT;
	size_t nr = 0;

	for (uint32_t id = one; id < LV_MAX_CLASSES && nr < WHY_SITES; id++) {
		const struct lv_place *place = &w->tables->classes[id].place;
		char site[128];

		if (!w->words[id].named || w->words[id].one_with != one || !place->site)
			continue;
		ksyms_format(w->ksyms, place->site, site, sizeof(site));
		strbuf_addf(&text, "%scall at %s: ", nr++ ? "; " : "",
			    place->site == LV_SITE_OPEN ? "an unknown site" : site);
		siting_describe(&w->words[id].siting, &text);
	}
	return nr ? strbuf_take(&text) : NULL;
}

static int describe_class(void *arg, const struct lv_class *class, struct capture_class *ret)
{
	struct words *w = arg;
	uint32_t id = class - w->tables->classes;
	struct names_result *result = &w->results[w->nr++];

	if (!w->words[id].named) /* never seen taken, but given back */
		name_class(w, id, w->taken);
	*result = w->words[id].result;
	ret->family = family_of(w, class);
	ret->certainty = (enum capture_certainty)result->certainty;
	ret->kind = strdup(result->kind);
	ret->key = strdup(result->key);
	ret->alias = result->alias[0] ? strdup(result->alias) : NULL;
	ret->why = explain_sites(w, id);
	return ret->kind && ret->key && (ret->alias || !result->alias[0]) ? 0 : -ENOMEM;
}

static char *symbol(void *arg, uint64_t ip)
{
	const struct words *w = arg;
	char text[256];

	ksyms_format(w->ksyms, ip, text, sizeof(text));
	return strdup(text);
}

/* Between a tracepoint and the program at it. */
static bool is_of_tracepoint(const char *name)
{
	return !strncmp(name, "bpf_trace_run", strlen("bpf_trace_run")) ||
	       !strncmp(name, "__bpf_trace_", strlen("__bpf_trace_")) ||
	       !strncmp(name, "__traceiter_", strlen("__traceiter_"));
}

static bool is_own_frame(void *arg, uint64_t ip)
{
	const struct words *w = arg;
	const struct ksym *sym = ksyms_find(w->ksyms, ip);

	return !sym || ksym_is_generated(sym) || is_of_tracepoint(sym->name);
}

/* Names wait until all are known: two of one name must be told apart. */
static int set_names(struct words *w, struct capture *c)
{
	int err = names_unique(w->results, w->nr);

	for (size_t i = 0; !err && i < w->nr && i < c->nr_classes; i++) {
		c->classes[i].name = strdup(w->results[i].name);
		if (!c->classes[i].name)
			err = -ENOMEM;
	}
	return err;
}

static void class_moved(void *arg, uint32_t id, uint32_t index)
{
	const struct words *w = arg;

	if (w->classes && id < LV_MAX_CLASSES)
		w->classes[id] = index;
}

/* A hash of /proc/modules, without the use counts: the same while the same are loaded. */
static uint64_t modules_hash(void)
{
	AUTO_FREE char *text = NULL;
	uint64_t hash = 0;
	char *rest, *line;

	if (file_read("/proc/modules", MODULES_MAX, &text, NULL))
		return 0;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		char *address = strrchr(line, ' ');

		line[strcspn(line, " ")] = '\0';
		hash = hash * 31 + hash_string(line);
		hash = hash * 31 + (address ? hash_string(address) : 0);
	}
	return hash;
}

/* Types of modules that came since; without them the names would be poorer. */
static void read_types(struct words *w)
{
	struct kbtf *btf;

	if (kbtf_load(NULL, &btf))
		return;
	kbtf_free(w->own_btf);
	w->btf = w->own_btf = btf;
}

/* Without the kernel's text, call sites are not typed: classes in untyped memory stay apart. */
static int open_sites(struct words *w)
{
	const struct sites_sources from = {w->ksyms, w->btf, text_read, w->text};

	if (!w->text || !w->btf)
		return 0;
	return sites_new(&from, &w->sites);
}

static int open_symbols(struct words *w, struct error *err)
{
	uint64_t modules = modules_hash();
	int code;

	if (w->ksyms && modules == w->modules)
		return 0;
	words_forget(w);
	if (modules != w->modules)
		read_types(w);
	code = ksyms_load(NULL, &w->ksyms);
	if (code)
		return error_set_errno(err, code, "cannot read /proc/kallsyms");
	w->modules = modules;
	return open_sites(w) ? error_set_errno(err, -ENOMEM, "cannot read the kernel's code") : 0;
}

static int open_words(struct words *w, const struct tables *tables, struct error *err)
{
	struct names_sources from = {};
	int code = open_symbols(w, err);

	if (code)
		return code;
	from.btf = w->btf;
	code = slabs_load(NULL, &w->slabs);
	if (code)
		return error_set_errno(err, code, "cannot read /sys/kernel/slab");
	from.ksyms = w->ksyms;
	from.slabs = w->slabs;
	w->tables = tables;
	w->words = calloc(LV_MAX_CLASSES, sizeof(*w->words));
	w->results = calloc(LV_MAX_CLASSES, sizeof(*w->results));
	w->taken = malloc(sizeof(*w->taken));
	code = w->words && w->results && w->taken ? 0 : -ENOMEM;
	code = code ? code : index_edges(w);
	code = code ? code : names_new(&from, tables->names, LV_MAX_NAMES, &w->names);
	code = code ? code : name_all(w);
	return code ? error_set_errno(err, code, "cannot name locks") : 0;
}

static void close_words(struct words *w)
{
	names_free(w->names);
	w->names = NULL;
	slabs_free(w->slabs);
	w->slabs = NULL;
	free(w->into);
	w->into = NULL;
	free(w->next);
	w->next = NULL;
	free(w->words);
	w->words = NULL;
	free(w->taken);
	w->taken = NULL;
	free(w->results);
	w->results = NULL;
	w->nr = 0;
	w->classes = NULL;
}

int words_new(const struct kbtf *btf, struct words **ret)
{
	struct words *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->btf = btf;
	w->rt = kbtf_is_rt(btf);
	w->modules = modules_hash();
	text_open(NULL, &w->text);
	*ret = w;
	return 0;
}

void words_follow(struct words *w)
{
	open_symbols(w, NULL); /* the caller that needs them then says why there are none */
}

uint64_t words_taker(const struct words *w, const __u64 *ip, uint32_t nr)
{
	for (uint32_t i = 0; w->ksyms && i < nr; i++) {
		const struct ksym *sym = ksyms_find(w->ksyms, ip[i]);

		if (sym && !ksym_is_generated(sym) && !slowpath_is_above_taker(sym->name))
			return ip[i];
	}
	return 0;
}

void words_forget(struct words *w)
{
	sites_free(w->sites);
	w->sites = NULL;
	ksyms_free(w->ksyms);
	w->ksyms = NULL;
}

void words_free(struct words *w)
{
	if (!w)
		return;
	words_forget(w);
	text_close(w->text);
	kbtf_free(w->own_btf);
	free(w);
}

int words_capture(struct words *w, const struct tables *tables, struct capture *ret,
		  uint32_t *ret_classes, struct error *err)
{
	struct tables_words callbacks = {
		.arg = w,
		.describe_class = describe_class,
		.one_with = one_with,
		.symbol = symbol,
		.is_own_frame = is_own_frame,
		.class_moved = class_moved,
	};
	int code = open_words(w, tables, err);

	w->classes = ret_classes;
	if (ret_classes)
		memset(ret_classes, 0xff, LV_MAX_CLASSES * sizeof(*ret_classes));
	if (!code) {
		code = tables_to_capture(tables, &callbacks, ret);
		code = code ? code : set_names(w, ret);
		if (code)
			error_set_errno(err, code, "cannot put the capture together");
	}
	close_words(w);
	return code;
}
