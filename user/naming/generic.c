// SPDX-License-Identifier: GPL-2.0-only
#include "naming/generic.h"

#include <bpf/btf.h>
#include <linux/btf.h>
#include <stdio.h>
#include <string.h>

#define NAME_ROOM 128

/* Structs of include/linux/ that have a lock and are there to be embedded. */
static const char *const carriers[] = {
	"spinlock",	"raw_spinlock",	 "rwlock_t",	      "mutex",
	"ww_mutex",	"rt_mutex",	 "rt_mutex_base",     "rw_semaphore",
	"semaphore",	"seqlock_t",	 "lockref",	      "percpu_rw_semaphore",
	"completion",	"xarray",	 "wait_queue_head",   "swait_queue_head",
	"idr",		"ida",		 "maple_tree",	      "percpu_counter",
	"percpu_ref",	"srcu_struct",	 "ratelimit_state",   "sk_buff_head",
	"list_lru",	"fprop_local_percpu",
};

static bool is_carrier(const char *name)
{
	for (size_t i = 0; i < sizeof(carriers) / sizeof(*carriers); i++)
		if (!strcmp(carriers[i], name))
			return true;
	return false;
}

/* Is a parameter a pointer to such a struct? A typedef may have the name, and its struct none. */
static bool is_to_carrier(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t)))
		t = btf__type_by_id(btf, t->type);
	if (!t || !btf_is_ptr(t))
		return false;
	t = btf__type_by_id(btf, t->type);
	while (t && (btf_is_mod(t) || btf_is_typedef(t))) {
		if (btf_is_typedef(t) && is_carrier(btf__name_by_offset(btf, t->name_off)))
			return true;
		t = btf__type_by_id(btf, t->type);
	}
	return t && is_carrier(btf__name_by_offset(btf, t->name_off));
}

static bool has_prototype(const struct kbtf *btf, const char *function)
{
	struct kbtf_type func = {NULL, 0};

	return kbtf_next(btf, function, 1 << BTF_KIND_FUNC, &func);
}

static bool is_generic(const struct kbtf *btf, const char *function)
{
	struct kbtf_type func = {NULL, 0};
	const struct btf_param *params;
	const struct btf_type *proto;

	if (!kbtf_next(btf, function, 1 << BTF_KIND_FUNC, &func))
		return false;
	proto = btf__type_by_id(func.btf, btf__type_by_id(func.btf, func.id)->type);
	params = btf_params(proto);
	for (uint32_t i = 0; i < btf_vlen(proto); i++)
		if (is_to_carrier(func.btf, params[i].type))
			return true;
	return false;
}

/*
 * A function whose parameters the compiler changed has no prototype in BTF. The one that it is a
 * part of does: "mutex_lock" of "__mutex_lock", "mutex_unlock" of "__mutex_unlock_slowpath".
 */
static bool is_part_of_generic(const struct kbtf *btf, char *name)
{
	char *whole = name + strspn(name, "_"), *last;

	if (has_prototype(btf, name))
		return false;
	while (!has_prototype(btf, whole)) {
		last = strrchr(whole, '_');
		if (!last)
			return false;
		*last = '\0';
	}
	return strchr(whole, '_') && is_generic(btf, whole);
}

static void set_range(struct lv_generic *g, uint64_t start, uint64_t end)
{
	uint64_t last = (end - 1 - g->start) >> LV_GENERIC_SHIFT;

	for (uint64_t i = (start - g->start) >> LV_GENERIC_SHIFT; i <= last && i < LV_GENERIC_STEPS;
	     i++)
		g->bits[i / 64] |= 1ull << (i & 63);
}

size_t generic_find(const struct ksyms *ksyms, const struct kbtf *btf, struct lv_generic *ret)
{
	struct ksyms_bounds bounds;
	size_t nr = 0;

	memset(ret, 0, sizeof(*ret));
	ksyms_get_bounds(ksyms, &bounds);
	if (!bounds.start || !btf)
		return 0;
	ret->start = bounds.start;
	for (size_t i = 0; i < ksyms_count(ksyms); i++) {
		const struct ksym *sym = ksyms_nth(ksyms, i);
		char name[NAME_ROOM];

		if (!sym->text || sym->module || !sym->size || sym->addr < bounds.start ||
		    sym->addr >= bounds.end)
			continue;
		/* the compiler's parts and clones: "xa_store.part.0", "__wake_up_common.isra.0" */
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(sym->name, "."), sym->name);
		if (!is_generic(btf, name) &&
		    !(strchr(sym->name, '.') && is_part_of_generic(btf, name)))
			continue;
		set_range(ret, sym->addr, sym->addr + sym->size);
		nr++;
	}
	return nr;
}
