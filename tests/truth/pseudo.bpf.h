/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pseudo-locks: which of lockdep's keys are of one, and which of our classes that is. lockdep's maps lie in an
 * object that our programs see, too (a work, a filesystem), or there is one map of the kind. A held lock's map may be
 * a copy (a work's, a timer's), so that keys are compared, and an object is asked for its key while it is there for
 * sure: when one of our programs is given it.
 */
#ifndef LOCKVANE_TRUTH_PSEUDO_BPF_H
#define LOCKVANE_TRUTH_PSEUDO_BPF_H

static __always_inline __u64 observe_map_key(__u64 map)
{
	__u64 key = 0;

	bpf_probe_read_kernel(&key, sizeof(key),
			      (void *)(map + bpf_core_field_offset(struct lockdep_map, key)));
	return key;
}

static __always_inline __u64 observe_map_name(__u64 map)
{
	__u64 name = 0;

	bpf_probe_read_kernel(&name, sizeof(name),
			      (void *)(map + bpf_core_field_offset(struct lockdep_map, name)));
	return name;
}

#define OBSERVE_MAP(addr, type, member) \
	((addr) + bpf_core_field_offset(struct type##___lockdep, member))

/* An instance -> the object: see INSTANCE() of bpf/pseudo_hooks.bpf.h. */
static __always_inline __u64 observe_object(__u32 kind, __u64 addr)
{
	return addr - 1 - (kind & 3);
}

/* The map of a level of a filesystem's freeze, by enum lv_pseudo. */
static __always_inline __u64 observe_level_map(__u64 sb, __u32 level)
{
	return OBSERVE_MAP(sb, super_block, s_writers.rw_sem) +
	       level * bpf_core_type_size(struct percpu_rw_semaphore___lockdep) +
	       FIELD(percpu_rw_semaphore, dep_map);
}

/* Where the map of an instance lies; 0: there is one of the kind, or none. */
static __always_inline __u64 observe_pseudo_map(__u32 kind, __u64 addr)
{
	__u64 object = observe_object(kind, addr), map = 0;

	switch (kind) {
	case LV_PSEUDO_WORK:
		return OBSERVE_MAP(object, work_struct, lockdep_map);
	case LV_PSEUDO_WQ:
		if (object)
			bpf_probe_read_kernel(
				&map, sizeof(map),
				(void *)OBSERVE_MAP(object, workqueue_struct, lockdep_map));
		return map;
	case LV_PSEUDO_TIMER:
		return OBSERVE_MAP(object, timer_list, lockdep_map);
	case LV_PSEUDO_SB_WRITERS:
		return observe_level_map(object, 0);
	case LV_PSEUDO_SB_PAGEFAULTS:
		return observe_level_map(object, 1);
	case LV_PSEUDO_SB_INTERNAL:
		return observe_level_map(object, 2);
	case LV_PSEUDO_KERNFS:
		return OBSERVE_MAP(object, kernfs_node, dep_map);
	case LV_PSEUDO_SRCU:
		return OBSERVE_MAP(object, srcu_struct, dep_map);
	}
	return 0;
}

/* Is one of our classes all there is of the kind? */
static __always_inline int observe_is_single(__u32 kind)
{
	switch (kind) {
	case LV_PSEUDO_WORK:
	case LV_PSEUDO_WQ:
	case LV_PSEUDO_TIMER:
	case LV_PSEUDO_SB_WRITERS:
	case LV_PSEUDO_SB_PAGEFAULTS:
	case LV_PSEUDO_SB_INTERNAL:
	case LV_PSEUDO_KERNFS:
	case LV_PSEUDO_SRCU:
		return 0;
	}
	return 1;
}

struct observe_name {
	char text[27];
	__u8 kind;
};

/* By their names in the source, which no other map has. Timers' and srcu's are called by variables: see truth_pseudo(). */
static const struct observe_name observe_names[] = {
	{ "(work_completion)", LV_PSEUDO_WORK },
	{ "(wq_completion)", LV_PSEUDO_WQ },
	{ "console_owner", LV_PSEUDO_CONSOLE_OWNER },
	{ "console_lock", LV_PSEUDO_CONSOLE_LOCK },
	{ "fs_reclaim", LV_PSEUDO_RECLAIM },
	{ "sb_writers", LV_PSEUDO_SB_WRITERS },
	{ "sb_pagefaults", LV_PSEUDO_SB_PAGEFAULTS },
	{ "sb_internal", LV_PSEUDO_SB_INTERNAL },
	{ "jbd2_handle", LV_PSEUDO_JOURNAL },
	{ "kn->active", LV_PSEUDO_KERNFS },
	{ "cpuhp_state-up", LV_PSEUDO_CPUHP_UP },
	{ "cpuhp_state-down", LV_PSEUDO_CPUHP_DOWN },
	{ "btrfs_trans_num_writers", LV_PSEUDO_BTRFS_WRITERS },
	{ "btrfs_trans_num_extwriters", LV_PSEUDO_BTRFS_EXTWRITERS },
	{ "btrfs_trans_unblocked", LV_PSEUDO_BTRFS_UNBLOCKED },
	{ "&sbi->s_writepages_rwsem", LV_PSEUDO_WRITEPAGES },
	{ "&mm->mmap_lock", TRUTH_FAULT },
};

#define OBSERVE_NAMES (sizeof(observe_names) / sizeof(observe_names[0]))

/* Is that the name, or how it begins? */
static __always_inline int observe_is_named(const char *name, const struct observe_name *as)
{
	for (__u32 i = 0; i < sizeof(as->text); i++) {
		if (!as->text[i])
			return !name[i] || as->text[0] == '(';
		if (name[i] != as->text[i])
			return 0;
	}
	return 1;
}

RECORD_RARE int observe_kind_of_name(__u64 name)
{
	char text[sizeof(observe_names[0].text) + 1] = {};

	bpf_probe_read_kernel_str(text, sizeof(text), (void *)name);
	for (__u32 i = 0; i < OBSERVE_NAMES; i++)
		if (observe_is_named(text, &observe_names[i]))
			return observe_names[i].kind;
	return 0;
}

/* The entry of a key and one of our classes, or LV_NONE; made if there is none and `kind` is not LV_NONE. */
RECORD_RARE int observe_pseudo(__u64 key, __u32 class, __u32 kind)
{
	__u64 hash = key * 0x9e3779b97f4a7c15ull;
	struct truth_control *control;

	for (__u32 probe = 0; probe < TRUTH_PSEUDO_PROBES; probe++) {
		__u32 id = ((__u32)(hash >> 32) + probe) & (TRUTH_PSEUDOS - 1);
		struct truth_pseudo *entry = bpf_map_lookup_elem(&truth_pseudos, &id);
		__u32 state;

		if (!entry || (kind == LV_NONE && entry->state == LV_SLOT_FREE))
			return -1;
		state = slot_claim(&entry->state);
		if (state == LV_SLOT_FREE) {
			entry->key = key;
			entry->class = class;
			entry->kind = kind;
			slot_ready(&entry->state);
			return id;
		}
		if (state == LV_SLOT_READY && entry->key == key && entry->class == class)
			return id;
	}
	control = observe_control();
	if (control && kind != LV_NONE)
		__sync_fetch_and_add(&control->crowded, 1);
	return -1;
}

static __always_inline __u32 observe_kind_at(int id)
{
	const struct truth_pseudo *entry = bpf_map_lookup_elem(&truth_pseudos, &id);

	return entry ? entry->kind : 0;
}

/* The kind of a key; one that was never met is named. 0: it is a lock's. */
RECORD_RARE int observe_key_kind(__u64 key, __u64 name)
{
	int id = observe_pseudo(key, LV_NONE, LV_NONE);

	if (id < 0)
		id = observe_pseudo(key, LV_NONE, observe_kind_of_name(name));
	return id < 0 ? 0 : observe_kind_at(id);
}

/* A key of an object's, and our class of that object; LV_NONE: we have none yet. */
RECORD_RARE int observe_learn(__u64 key, __u32 kind, __u32 class)
{
	int id = key ? observe_pseudo(key, LV_NONE, kind) : -1;
	struct truth_pseudo *entry = id < 0 ? 0 : bpf_map_lookup_elem(&truth_pseudos, &id);

	if (!entry)
		return 0;
	entry->kind = kind;
	if (class != LV_NONE)
		observe_pseudo(key, class, kind);
	return 0;
}

/* Do we have a class of what has the key? It follows the key's own entry. */
RECORD_RARE int observe_is_known(__u32 kind, __u64 key)
{
	__u64 hash = key * 0x9e3779b97f4a7c15ull;

	if (kind == TRUTH_FAULT)
		return 1;
	if (observe_is_single(kind))
		return pseudo_kind_is_known(kind);
	for (__u32 probe = 0; probe < TRUTH_PSEUDO_PROBES; probe++) {
		__u32 id = ((__u32)(hash >> 32) + probe) & (TRUTH_PSEUDOS - 1);
		const struct truth_pseudo *entry = bpf_map_lookup_elem(&truth_pseudos, &id);

		if (!entry || entry->state == LV_SLOT_FREE)
			return 0;
		if (entry->state == LV_SLOT_READY && entry->key == key && entry->class != LV_NONE)
			return 1;
	}
	return 0;
}

#define OBSERVE_FAULTS 0x400 /* bytes of the functions that say might_lock_read(&mm->mmap_lock) */

/*
 * Does lockdep acquire a pseudo-lock, of a kind by its key? Writers of percpu-rwsems have a lock function, as all have that
 * take mmap_lock for good.
 */
static __always_inline int observe_is_pseudo(__u32 kind, __u32 read, __u64 ip)
{
	switch (kind) {
	case LV_PSEUDO_SB_WRITERS:
	case LV_PSEUDO_SB_PAGEFAULTS:
	case LV_PSEUDO_SB_INTERNAL:
	case LV_PSEUDO_WRITEPAGES:
		return read != 0;
	case TRUTH_FAULT:
		return (&__might_fault && ip - (__u64)&__might_fault < OBSERVE_FAULTS) ||
		       (&gup_fast_fallback && ip - (__u64)&gup_fast_fallback < OBSERVE_FAULTS);
	}
	return 1;
}

/* Is our class of what has the key? */
static __always_inline int observe_is_of_key(__u32 class, __u32 kind, __u64 key)
{
	const struct lv_class *ours = world_class(class);

	return ours && ours->family == LV_PSEUDO && LV_PSEUDO_KIND_OF(ours->subclass) == kind &&
	       (observe_is_single(kind) || observe_pseudo(key, class, LV_NONE) >= 0);
}

/* Entry `at` of lockdep's that has no partner is a pseudo-lock, maybe: its kind, and the first of our entries of its key. */
RECORD_RARE int observe_pseudo_partner(__u32 at)
{
	struct observe_cpu *mine = observe_cpu();
	const struct truth_key *key;
	__u32 kind, read, id;

	if (!mine || at >= TRUTH_THEIRS)
		return 0;
	id = mine->now.theirs[at].key;
	key = bpf_map_lookup_elem(&truth_keys, &id);
	kind = key ? observe_key_kind(key->key, key->name_at) : 0;
	read = mine->now.theirs[at].word >> TRUTH_READ_SHIFT & 3;
	if (!key || !kind || !observe_is_pseudo(kind, read, 0))
		return 0;
	mine->now.theirs[at].word |= kind | (observe_is_known(kind, key->key) ? TRUTH_KNOWN : 0);
	for (__u32 i = 0; i < TRUTH_OURS; i++) {
		if (i >= mine->now.nr_ours)
			break;
		if (!mine->dep_map[i] && mine->now.ours[i].theirs == TRUTH_NOBODY &&
		    observe_is_of_key(mine->now.ours[i].class, kind, key->key)) {
			mine->now.ours[i].theirs = at;
			mine->now.theirs[at].ours = i;
			break;
		}
	}
	return 0;
}

#endif
