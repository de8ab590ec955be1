// SPDX-License-Identifier: GPL-2.0-only
#include "naming/memname.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "naming/callsite.h"
#include "kernel/lockpath.h"
#include "naming/tabletype.h"

/* "tcp_hashinfo.bhash[].lock": all elements of a table are one class. */
void memname_table(const struct names_sources *from, const struct lv_class *c,
		   struct names_result *r)
{
	struct lockpath lock = {.what = LOCKPATH_NONE};
	AUTO_STRBUF sb = STRBUF_INIT;
	struct tabletype type;

	snprintf(r->key, sizeof(r->key), "*%016" PRIx64 "+0x%x", (uint64_t)c->place.base,
		 c->place.off);
	memcpy(r->name, r->key, sizeof(r->name));
	r->certainty = NAMES_AMBIGUOUS;
	if (!from->ksyms || !tabletype_at(from->ksyms, from->btf, c->place.base, &type))
		return;
	strbuf_addf(&sb, "%s%s%s%s", ksyms_find(from->ksyms, c->place.base)->name,
		    lockpath_joint(type.path), type.path, type.one ? "" : "[]");
	if (type.element.btf)
		lockpath_at(from->btf, type.element, c->place.off, c->family, &lock);
	if (lock.what != LOCKPATH_NONE)
		strbuf_addf(&sb, "%s%s", lockpath_joint(lock.path), lock.path);
	else if (c->place.off)
		strbuf_addf(&sb, "+0x%x", c->place.off);
	snprintf(r->full, sizeof(r->full), "%s", sb.text ? sb.text : "?");
	memcpy(r->name, r->full, sizeof(r->name));
	r->collapsed = lockpath_collapse(r->name);
	if (lock.what != LOCKPATH_NONE && !lock.ambiguous)
		r->certainty = NAMES_INFERRED;
}

/*
 * On a stack: what the function that took it was given, "completion.wait". All that were
 * given such a struct are one class (names_fold.c), or there would be one for each function.
 * A function that was given a bare lock or wait queue may have been given any: that class is ambiguous.
 */
void memname_stack(const struct names_sources *from, const struct lv_class *c, uint64_t ip,
		   struct names_result *r)
{
	const struct callsite_query q = {
		.ksyms = from->ksyms, .btf = from->btf, .family = c->family};
	const struct ksym *sym = NULL;
	struct kbtf_type type;
	struct lockpath lock;

	if (from->ksyms && ip)
		sym = ksyms_find(from->ksyms, ip - 1);
	snprintf(r->key, sizeof(r->key), "stack, [<%016" PRIx64 ">]", ip);
	snprintf(r->name, sizeof(r->name), "stack%s%s", sym ? " in " : "", sym ? sym->name : "");
	r->certainty = NAMES_AMBIGUOUS;
	if (!callsite_given(&q, ip, &type, &lock) || lock.ambiguous)
		return;
	snprintf(r->name, sizeof(r->name), "%s%s%s", kbtf_name(type), lockpath_joint(lock.path),
		 lock.path);
	r->certainty = lock.path[0] ? NAMES_INFERRED : NAMES_AMBIGUOUS;
	r->collapsed = true;
}
