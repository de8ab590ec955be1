/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Annotations that tell lockdep in the kernel's sources and compile to nothing without it: the rows
 * of annotations.tsv that apply to one kernel. docs/annotations.md tells how they are made and how
 * they are matched.
 */
#ifndef LOCKVANE_FINDING_ANNOTATIONS_H
#define LOCKVANE_FINDING_ANNOTATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum annotation_kind {
	ANNOTATION_NESTED,	 /* taken with a subclass */
	ANNOTATION_NESTED_PLAIN, /* likewise, and the function also takes it without */
	ANNOTATION_NEST_LOCK,	 /* taken in any order, under another lock */
	ANNOTATION_SET_CLASS,	 /* its class is set at run time */
	ANNOTATION_SET_SUBCLASS,
	ANNOTATION_NOVALIDATE, /* lockdep does not look at its order */
	ANNOTATION_CMP_FN,     /* a function orders the locks of the class */
	ANNOTATION_NON_OWNER,  /* readers' locks are given back by another task */
	ANNOTATION_UNDER,      /* acquired under another only to tell of it: "fs_reclaim:FILE" */
	ANNOTATION_KINDS,
};

struct annotation {
	enum annotation_kind kind;
	const char *function;
	const char *callers; /* "a,b": functions it may be inlined into; or "" */
	/*
	 * Subclass, or "by:" and what it is computed from; key, "type:" for one of the
	 * filesystem's type, "fs:FOLDER:" for one that a filesystem sets; function.
	 */
	const char *what;
};

/* The rows of a struct member, or of a lock that is a variable. */
struct annotation_member {
	const char *name; /* "inode.i_rwsem" */
	uint32_t kinds;	  /* 1 << enum annotation_kind */
	uint32_t nr;
	const struct annotation *rows;
};

struct annotations;

/*
 * Reads the table for a kernel release, "6.12.117+deb12-amd64": the rows of its
 * series, of the nearest older one, or of the oldest. A release without a number
 * has those of the newest. -EINVAL: the table is not of the form; -ENOMEM.
 */
int annotations_parse(const char *text, size_t len, const char *release, struct annotations **ret);
/* The same with the table that was built in. */
int annotations_builtin(const char *release, struct annotations **ret);
void annotations_free(struct annotations *a); /* takes NULL */

/*
 * The member that a class's name means: "inode.i_rwsem" itself, or a longer path
 * with an end that means no other ("ext4_inode_info.vfs_inode.i_rwsem": *ret_inner
 * is set). NULL: nothing is told of it.
 */
const struct annotation_member *annotations_find(const struct annotations *a, const char *name,
						 bool *ret_inner);

/* Does the function only hand lock or subclass on, so that its caller is the one that takes it? */
bool annotations_wrapper(const struct annotations *a, const char *function);
/* Is it the row's function or, if `inlined`, one that it may be inlined into? */
bool annotation_of(const struct annotation *row, const char *function, bool inlined);

/* Does the function allocate with __GFP_NOLOCKDEP, or may one be inlined into it that does? */
bool annotations_untold(const struct annotations *a, const char *function);

size_t annotations_memory(const struct annotations *a);

#endif
