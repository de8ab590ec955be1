// SPDX-License-Identifier: GPL-2.0-only
#include "trace/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/ksyms.h"
#include "kernel/names.h"
#include "kernel/slabs.h"

struct words {
	bool rt;
	struct ksyms *ksyms;
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

static int open_words(struct words *w, const struct tables *tables, const struct kbtf *btf,
		      struct error *err)
{
	struct names_sources from = { .btf = btf };
	int code = ksyms_load(NULL, &w->ksyms);

	if (code)
		return error_set_errno(err, code, "cannot read /proc/kallsyms");
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
	slabs_free(w->slabs);
	ksyms_free(w->ksyms);
	free(w->results);
}

int words_capture(const struct tables *tables, const struct kbtf *btf, struct capture *ret,
		  struct error *err)
{
	struct words words = { .rt = kbtf_is_rt(btf) };
	struct tables_words callbacks = {
		.arg = &words,
		.describe_class = describe_class,
		.symbol = symbol,
		.is_own_frame = is_own_frame,
	};
	int code = open_words(&words, tables, btf, err);

	if (!code) {
		code = tables_to_capture(tables, &callbacks, ret);
		code = code ? code : set_names(&words, ret);
		if (code)
			error_set_errno(err, code, "cannot put the capture together");
	}
	close_words(&words);
	return code;
}
