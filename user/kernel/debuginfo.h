/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * File, line and inlined functions behind a kernel address, from DWARF: what a
 * debug kernel's report has. Over elfutils' libdwfl.
 */
#ifndef LOCKVANE_KERNEL_DEBUGINFO_H
#define LOCKVANE_KERNEL_DEBUGINFO_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernel/debugfiles.h"

struct debuginfo;

/* A place as kallsyms has it: "symbol+0x4dc/0x620 [module]". */
struct debuginfo_place {
	const char *module; /* NULL: the kernel itself */
	const char *symbol;
	uint64_t offset; /* in the symbol */
	uint64_t ip;     /* as the kernel ran, 0: not known */
};

/*
 * path: the kernel's vmlinux with DWARF. -ENOENT, -EINVAL: there is none in it.
 * modules: where they are looked for when they are asked about (it must stay); NULL: nowhere.
 */
int debuginfo_open(const char *path, const struct debugfiles_where *modules, struct debuginfo **ret,
		   struct error *err);
/* The same of a file that is open already; it is taken. */
int debuginfo_open_at(int fd, const char *path, const struct debugfiles_where *modules,
		      struct debuginfo **ret, struct error *err);
void debuginfo_free(struct debuginfo *d); /* takes NULL */

/*
 * Knowledge of the kernel that ran: the build id of a module, or of the kernel (NULL); NULL:
 * nothing.
 */
struct debuginfo_ran {
	const char *(*build_id)(const void *arg, const char *module);
	const void *arg;
};

/*
 * Is the file that kernel's? Build ids that are known must be equal. Find out how far from
 * where the file says it ran (KASLR), from places of it, of which most must agree. Else
 * -ESTALE. To be called before lines are asked for; ran must stay, or is NULL.
 */
int debuginfo_match(struct debuginfo *d, const struct debuginfo_ran *ran,
		    const struct debuginfo_place *places, size_t nr, struct error *err);

/* A line of the source, the innermost function's first. */
struct debuginfo_line {
	const char *function; /* inlined there; NULL: the place's own */
	const char *file;     /* below the source's folder, where that can be told */
	int line;
};

/*
 * Call each() for the lines of a place: of what is inlined there, and last its own.
 * A result of it that is not 0 ends that, and is returned. -ENOENT: nothing is known.
 */
int debuginfo_lines(struct debuginfo *d, const struct debuginfo_place *place,
		    int (*each)(void *arg, const struct debuginfo_line *line), void *arg);

#endif
