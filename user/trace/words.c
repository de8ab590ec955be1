// SPDX-License-Identifier: GPL-2.0-only
#include "trace/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"
#include "kernel/ksyms.h"
#include "kernel/names.h"
#include "kernel/slabs.h"

#define MODULES_MAX (1u << 20)

struct words {
	const struct kbtf *btf;
	struct kbtf *own_btf; /* read again since: that of later modules is in there */
	bool rt;
	struct ksyms *ksyms;
	uint64_t modules; /* those there were when the symbols were read */
	uint32_t *ids;
	struct slabs *slabs;
	struct names *names;
	struct names_result *results; /* one a class, in the capture's order */
	size_t nr, room;
};

_Static_assert((int)NAMES_EXACT == CAPTURE_EXACT && (int)NAMES_INFERRED == CAPTURE_INFERRED &&
		       (int)NAMES_AMBIGUOUS == CAPTURE_AMBIGUOUS,
	       "the namer's grades are the capture's");

static int describe_class(void *arg, const struct lv_class *class, struct capture_class *ret)
{
	struct words *w = arg;
	struct lv_class named = *class;
	struct names_result *result;

	/* On PREEMPT_RT a spinlock sleeps, and what spins is a raw one. */
	if (w->rt && class->family == LV_SPIN)
		named.family = LV_RAWSPIN;
	else if (class->family == LV_RT_SPIN)
		named.family = LV_SPIN;
	else if (class->family == LV_RT_RWLOCK)
		named.family = LV_RWLOCK;
	ret->family = named.family;
	if (w->nr == w->room) {
		size_t room = w->room ? 2 * w->room : 256;
		struct names_result *grown = reallocarray(w->results, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		w->results = grown;
		w->room = room;
	}
	result = &w->results[w->nr++];
	names_class(w->names, &named, result);
	ret->certainty = (enum capture_certainty)result->certainty;
	ret->kind = strdup(result->kind);
	ret->key = strdup(result->key);
	ret->alias = result->alias[0] ? strdup(result->alias) : NULL;
	return ret->kind && ret->key && (ret->alias || !result->alias[0]) ? 0 : -ENOMEM;
}

static char *symbol(void *arg, uint64_t ip)
{
	const struct words *w = arg;
	char text[256];

	ksyms_format(w->ksyms, ip, text, sizeof(text));
	return strdup(text);
}

static bool is_own_frame(void *arg, uint64_t ip)
{
	const struct words *w = arg;
	const struct ksym *sym = ksyms_find(w->ksyms, ip);

	return !sym || ksym_is_generated(sym);
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

	if (w->ids && index < LV_MAX_CLASSES)
		w->ids[index] = id;
}

/* Of /proc/modules, without the use counts: the same while the same are loaded. */
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
	return 0;
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
	code = names_new(&from, tables->names, LV_MAX_NAMES, &w->names);
	return code ? error_set_errno(err, code, "cannot name locks") : 0;
}

static void close_words(struct words *w)
{
	names_free(w->names);
	w->names = NULL;
	slabs_free(w->slabs);
	w->slabs = NULL;
	w->nr = 0;
	w->ids = NULL;
}

int words_new(const struct kbtf *btf, struct words **ret)
{
	struct words *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->btf = btf;
	w->rt = kbtf_is_rt(btf);
	w->modules = modules_hash();
	*ret = w;
	return 0;
}

void words_forget(struct words *w)
{
	ksyms_free(w->ksyms);
	w->ksyms = NULL;
}

void words_free(struct words *w)
{
	if (!w)
		return;
	words_forget(w);
	kbtf_free(w->own_btf);
	free(w->results);
	free(w);
}

int words_again(struct words *w, const struct tables *tables, struct capture *ret,
		uint32_t *ret_ids, struct error *err)
{
	struct tables_words callbacks = {
		.arg = w,
		.describe_class = describe_class,
		.symbol = symbol,
		.is_own_frame = is_own_frame,
		.class_moved = class_moved,
	};
	int code = open_words(w, tables, err);

	w->ids = ret_ids;
	if (!code) {
		code = tables_to_capture(tables, &callbacks, ret);
		code = code ? code : set_names(w, ret);
		if (code)
			error_set_errno(err, code, "cannot put the capture together");
	}
	close_words(w);
	return code;
}

int words_capture(const struct tables *tables, const struct kbtf *btf, struct capture *ret,
		  struct error *err)
{
	struct words *w;
	int code = words_new(btf, &w);

	if (code)
		return error_set(err, code, "out of memory");
	code = words_again(w, tables, ret, NULL, err);
	words_free(w);
	return code;
}
