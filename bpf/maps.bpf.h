/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The recorder's tables as BPF maps: arrays only, mapped by the user half.
 * No other kind of map is used in a hook: hash, LRU, ring buffer and stack
 * maps take locks that we hook.
 */
#ifndef LOCKVANE_MAPS_BPF_H
#define LOCKVANE_MAPS_BPF_H

#define LV_TABLE(name, value_type, entries)                         \
	struct {                                              \
		__uint(type, BPF_MAP_TYPE_ARRAY);             \
		__uint(map_flags, BPF_F_MMAPABLE);            \
		__uint(max_entries, entries);                 \
		__type(key, __u32);                           \
		__type(value, value_type);                          \
	} name SEC(".maps")

LV_TABLE(lv_cpus, struct lv_cpu, 1); /* the user half makes it as many as there are */
LV_TABLE(lv_classes, struct lv_class, LV_MAX_CLASSES);
LV_TABLE(lv_edges, struct lv_edge, LV_MAX_EDGES);
LV_TABLE(lv_stacks, struct lv_stack, LV_MAX_STACKS);
LV_TABLE(lv_names, struct lv_name, LV_MAX_NAMES);
LV_TABLE(lv_facts, struct lv_fact, LV_MAX_FACTS);
LV_TABLE(lv_tasks, struct lv_held_stack, LV_MAX_TASKS);

/* Room for frames above a sleeping lock, by the task's slot. */
struct lv_frames {
	__u64 ip[LV_ABOVE_FRAMES];
};

LV_TABLE(lv_frames, struct lv_frames, LV_MAX_TASKS);

/*
 * Variables are tables of one element each, reached without a look-up: an array map, too, in the
 * end.
 */
struct lv_control lv_control;
struct lv_task_keys lv_task_keys;
struct lv_anchors lv_anchors;
struct lv_units lv_units;
struct lv_valve lv_valve;
struct lv_stack_tasks lv_stack_tasks;
struct lv_generic lv_generic;
struct lv_releases lv_releases;
struct lv_orders lv_orders;
struct lv_alikes lv_alikes;
struct lv_waits lv_waits;

/* One a CPU, for the irq flag: see world_irqs_on(). */
struct lv_irq_slot {
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lv_irq_slot);
} lv_irq_slots SEC(".maps");

#endif
