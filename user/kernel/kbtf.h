/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's types: vmlinux BTF and the modules' on top of it, indexed by
 * name and by size. (Not "btf": that prefix is libbpf's.)
 */
#ifndef LOCKVANE_KERNEL_KBTF_H
#define LOCKVANE_KERNEL_KBTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct btf;
struct kbtf;

struct kbtf_type {
	const struct btf *btf; /* the split BTF it is in */
	uint32_t id;
};

struct kbtf_field {
	uint32_t offset; /* bytes */
	uint32_t size;   /* bytes; 0 for a bitfield */
	bool is_bool;
	struct kbtf_type type;
};

struct kbtf_var {
	const char *name;
	uint32_t offset; /* in the section */
	uint32_t size;
	struct kbtf_type type;
	bool only; /* its struct is nobody else's: no other variable's here, no other struct's member */
};

/*
 * dir: NULL for /sys/kernel/btf; or one file with BTF (raw or ELF). -ENOENT:
 * this kernel has none. A module's BTF that does not parse is left out.
 */
int kbtf_load(const char *dir, struct kbtf **ret);

/*
 * From BTF already parsed, which it owns from then on, also when it fails. The
 * module's, which may be NULL, is that of any module that is asked for by name.
 */
int kbtf_from(struct btf *base, struct btf *module, struct kbtf **ret);
void kbtf_free(struct kbtf *k); /* takes NULL */

const struct btf *kbtf_vmlinux(const struct kbtf *k);

/* A module's own BTF, on top of vmlinux'; NULL: it has none. */
const struct btf *kbtf_module(const struct kbtf *k, const char *module);

/* Spinlocks sleep here: struct spinlock is made of an rt_mutex. */
bool kbtf_is_rt(const struct kbtf *k);

/*
 * Types of that name and of the kinds in the mask 1 << BTF_KIND_…, one after
 * the other: start with a zeroed pos. vmlinux's come first.
 */
bool kbtf_next(const struct kbtf *k, const char *name, uint32_t kinds, struct kbtf_type *pos);

bool kbtf_has_struct(const struct kbtf *k, const char *name);
bool kbtf_has_func(const struct kbtf *k, const char *name);
/* The function is there, and none of its arguments is a struct too large for a BPF trampoline (arm64's va_list). */
bool kbtf_func_is_hookable(const struct kbtf *k, const char *name);
bool kbtf_has_enumerator(const struct kbtf *k, const char *name);

/* The type below a variable, typedef, const or array. */
struct kbtf_type kbtf_target(struct kbtf_type t);

const char *kbtf_name(struct kbtf_type t);
uint32_t kbtf_size(struct kbtf_type t); /* 0: unknown */

/* A member of a struct by name, also inside anonymous members. -ENOENT: none. */
int kbtf_field(const struct kbtf *k, const char *type, const char *field, struct kbtf_field *ret);

/* Calls fn for each struct of min..max bytes, until one returns non-zero: that is returned. */
int kbtf_each_struct(const struct kbtf *k, uint32_t min, uint32_t max,
		     int (*fn)(struct kbtf_type t, void *arg), void *arg);

/* The static per-CPU variable over that offset in the section, or of that name. */
bool kbtf_percpu_at(const struct kbtf *k, uint32_t off, struct kbtf_var *ret);
bool kbtf_percpu(const struct kbtf *k, const char *name, struct kbtf_var *ret);

#endif
