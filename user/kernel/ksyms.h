/* SPDX-License-Identifier: GPL-2.0-only */
/* The running kernel's symbols, loaded once from /proc/kallsyms. */
#ifndef LOCKVANE_KERNEL_KSYMS_H
#define LOCKVANE_KERNEL_KSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ksyms;

struct ksym {
	uint64_t addr;
	const char *name;
	const char *module; /* NULL: the kernel itself; also "bpf", "__builtin__ftrace" */
	uint32_t size;      /* up to the next symbol; 0: not known */
	uint32_t same;      /* internal */
	char type;          /* nm's letter */
	bool text;          /* code, as opposed to data */
};

/* Where images lie; 0 where the symbols do not tell. The ends are exclusive. */
struct ksyms_bounds {
	uint64_t start, end;               /* the kernel's image */
	uint64_t module_start, module_end; /* all modules */
	uint64_t percpu_start, percpu_end; /* the static per-CPU section */
};

/*
 * path: NULL for /proc/kallsyms. -EPERM: the kernel shows all addresses as
 * zero (kptr_restrict, or no privilege). -EINVAL: not a symbol table.
 */
int ksyms_load(const char *path, struct ksyms **ret);
void ksyms_free(struct ksyms *k); /* takes NULL */

size_t ksyms_count(const struct ksyms *k);

/* By address; i is below the count. */
const struct ksym *ksyms_nth(const struct ksyms *k, size_t i);

/* Lines that were not understood and left out. */
size_t ksyms_skipped(const struct ksyms *k);

/* The symbol that contains addr, of those at one address the kernel's first; or NULL. */
const struct ksym *ksyms_find(const struct ksyms *k, uint64_t addr);

/* How many symbols lie at the address of that one, which ksyms_find() gave: they follow it. */
size_t ksyms_names_at(const struct ksyms *k, const struct ksym *sym);

/*
 * A return address, by the call before it, which may have been the last thing in
 * its function (the kernel's %pB): "name+0x4dc/0x620 [module]", or the bare address.
 * Always terminated.
 */
void ksyms_format(const struct ksyms *k, uint64_t addr, char *buf, size_t room);

/* All symbols of that name by address; prev NULL: the first. NULL: no more. */
const struct ksym *ksyms_by_name(const struct ksyms *k, const char *name, const struct ksym *prev);

/* Address of the kernel's own symbol of that name; 0: none. */
uint64_t ksyms_address(const struct ksyms *k, const char *name);

void ksyms_get_bounds(const struct ksyms *k, struct ksyms_bounds *ret);

/* Made at run time (BPF programs, trampolines): not to be found in any file. */
bool ksym_is_generated(const struct ksym *sym);

#define KSYM_PADDING 63 /* bytes: a symbol ends where the next begins, a cache line later at most */

/* May the symbol's variable be of that size in bytes, and not 0? */
static inline bool ksym_may_have_size(const struct ksym *sym, uint32_t size)
{
	return size && size <= sym->size && sym->size - size <= KSYM_PADDING;
}

#endif
