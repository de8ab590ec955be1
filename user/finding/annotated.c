// SPDX-License-Identifier: GPL-2.0-only
#include "finding/annotated.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "finding/pseudo.h"

#define BIT(n) (1u << (n))
#define NESTED (BIT(ANNOTATION_NESTED) | BIT(ANNOTATION_NESTED_PLAIN))
#define SETS (BIT(ANNOTATION_SET_CLASS) | BIT(ANNOTATION_SET_SUBCLASS))
#define NOVALIDATE "is left out of lockdep's validation by"
#define TAKER_FRAMES 6 /* the lock's function, wrappers, and who took it */
#define FUNCTION_LEN 128

/* How a lock was taken: by which row, NULL: plainly. */
struct use {
	const struct annotation *row;
	const char *subclass; /* "0", "1"; "by:" and what it is computed from */
};

static const struct annotation_member *member_of(const struct finding_model *m, uint32_t class,
						 bool *ret_inner)
{
	uint32_t at = m->graph_class[class];

	*ret_inner = m->inner[at];
	return m->annotations ? m->member[at] : NULL;
}

static const struct capture_stack *stack_at(const struct capture *c, uint32_t index)
{
	return index < c->nr_stacks ? &c->stacks[index] : NULL;
}

struct annotated_side annotated_taken(const struct capture *c, const struct capture_edge *edge)
{
	return (struct annotated_side){
		.taken = stack_at(c, edge->stack),
		.addr = edge->to_addr,
		.self = edge->from == edge->to,
	};
}

struct annotated_side annotated_held(const struct capture *c, const struct capture_edge *edge)
{
	return (struct annotated_side){
		.taken = stack_at(c, edge->from_stack),
		.by_caller = true,
		.under = stack_at(c, edge->stack),
		.addr = edge->from_addr,
		.shared = !(edge->dep & GRAPH_DEPS_E),
	};
}

struct annotated_side annotated_used(const struct capture *c, const struct capture_class *class,
				     uint32_t usage)
{
	bool held = usage == LV_ENABLED_HARDIRQ || usage == LV_ENABLED_HARDIRQ_READ ||
		    usage == LV_ENABLED_SOFTIRQ || usage == LV_ENABLED_SOFTIRQ_READ;
	const struct capture_stack *stack = stack_at(c, class->usage_stack[usage]);

	return (struct annotated_side){
		.taken = stack,
		.under = held ? stack : NULL,
		.addr = class->usage_addr[usage],
	};
}

/* "function.constprop.0+0x4dc/0x620 [module]" is "function", "__x64_sys_read" is "sys_read". */
static void function_of(const struct capture_frame *frame, char ret[FUNCTION_LEN])
{
	static const char *const calls[] = {"__x64_sys_", "__se_sys_", "__do_sys_"};
	const char *text = frame->text;
	size_t len;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (!strncmp(text, calls[i], strlen(calls[i])))
			text += strlen(calls[i]) - strlen("sys_");
	len = strnlen(text, FUNCTION_LEN);
	for (size_t i = 0; i < len; i++)
		if (strchr("+. (", text[i]))
			len = i;
	if (len >= FUNCTION_LEN)
		len = 0;
	memcpy(ret, text, len);
	ret[len] = '\0';
}

/* Functions by which locks are taken, where debug information lists inlined functions. */
static bool takes_locks(const char *function)
{
	static const char *const begins[] = {
		"_raw_",      "__raw_",	      "spin_lock",  "raw_spin_lock",
		"mutex_lock", "__mutex_lock", "down_read",  "down_write",
		"__down_",    "read_lock",    "write_lock", "rt_mutex_lock",
	};

	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (!strncmp(function, begins[i], strlen(begins[i])))
			return true;
	return false;
}

/* "second of its class": where a function takes it both ways, the annotated one comes second. */
static bool row_fits(const struct annotation *row, bool second)
{
	if (row->kind == ANNOTATION_NESTED_PLAIN && !second)
		return false;
	return BIT(row->kind) & (NESTED | BIT(ANNOTATION_NEST_LOCK));
}

static const struct annotation *find_row(const struct annotation_member *member,
					 const char *function, bool inlined, bool second)
{
	for (uint32_t i = 0; function[0] && i < member->nr; i++)
		if (row_fits(&member->rows[i], second) &&
		    annotation_of(&member->rows[i], function, inlined))
			return &member->rows[i];
	return NULL;
}

/*
 * The row of the function that took the lock: the first on the stack behind the
 * lock's own and those that only hand it on. False: the stack does not reach it.
 */
static bool find_taker(const struct annotations *a, const struct annotation_member *member,
		       const struct annotated_side *side, bool second,
		       const struct annotation **ret_row)
{
	const struct capture_stack *stack = side->taken;
	char function[FUNCTION_LEN];

	for (uint32_t i = 0; stack && i < stack->nr_frames && i < TAKER_FRAMES; i++) {
		function_of(&stack->frames[i], function);
		*ret_row = find_row(member, function, true, second);
		if (*ret_row)
			return true;
		if ((i || side->by_caller) && !takes_locks(function) &&
		    !annotations_wrapper(a, function))
			return true;
	}
	return false;
}

/* Where an interrupt came: what lies below holds other locks. */
static bool is_entry(const struct capture_frame *frame)
{
	return !strncmp(frame->text, "asm_", 4) || !strncmp(frame->text, "handle_softirqs", 15) ||
	       !strncmp(frame->text, "__do_softirq", 12);
}

/*
 * The nearest function of the stack that takes the lock by a row, and still holds it. Not one that
 * another may be inlined into: it is on many stacks that never came through the other.
 */
static const struct annotation *find_holder(const struct annotation_member *member,
					    const struct capture_stack *stack, bool second)
{
	const struct annotation *row = NULL;
	char function[FUNCTION_LEN];

	for (uint32_t i = 0; !row && stack && i < stack->nr_frames; i++) {
		if (is_entry(&stack->frames[i]))
			break;
		function_of(&stack->frames[i], function);
		row = find_row(member, function, false, second);
	}
	return row;
}

static struct use use_of(const struct finding_model *m, const struct annotation_member *member,
			 uint32_t class, const struct annotated_side *side)
{
	/* A class of its own for what was taken under its like: all of it is second. */
	bool second = side->self || m->c->classes[class].subclass;
	const struct annotation *row = NULL;

	if (side->taken == side->under || !find_taker(m->annotations, member, side, second, &row))
		row = find_holder(member, side->under, second);
	if (row && !(BIT(row->kind) & NESTED))
		row = NULL;
	return (struct use){row, row ? row->what : "0"};
}

static bool same_instance(const struct annotated_side *in, const struct annotated_side *out)
{
	return in->addr && in->addr == out->addr;
}

static void say_use(struct strbuf *why, const struct annotation_member *member,
		    const struct annotation *row)
{
	if (!strncmp(row->what, "by:", 3))
		strbuf_addf(why, "%s takes %s with a subclass that is computed (%s)", row->function,
			    member->name, row->what + 3);
	else
		strbuf_addf(why, "%s takes %s as subclass %s", row->function, member->name,
			    row->what);
	strbuf_add(why, " (annotation)");
}

static bool subclasses_differ(const struct finding_model *m, uint32_t class,
			      const struct annotation_member *member,
			      const struct annotated_side *in, const struct annotated_side *out,
			      struct strbuf *why)
{
	struct use left = use_of(m, member, class, in), right = use_of(m, member, class, out);
	bool computed = !strncmp(left.subclass, "by:", 3) || !strncmp(right.subclass, "by:", 3);

	if (!computed && !strcmp(left.subclass, right.subclass))
		return false;
	if (why)
		say_use(why, member, left.row ? left.row : right.row);
	return true;
}

static const struct annotation *row_of_kind(const struct annotation_member *member, uint32_t wanted)
{
	for (uint32_t i = 0; i < member->nr; i++)
		if (BIT(member->rows[i].kind) & wanted)
			return &member->rows[i];
	return NULL;
}

/* "device.mutex", what is with it, and the function that says so. */
static void say_kind(struct strbuf *why, const struct annotation_member *member, uint32_t wanted,
		     const char *what, const char *rest)
{
	const struct annotation *row = row_of_kind(member, wanted);

	if (why)
		strbuf_addf(why, "%s %s %s (annotation)%s", member->name, what, row->function,
			    rest);
}

/* "fs:btrfs:&key": a filesystem's own key is for the structs that are called after it. */
static bool is_foreign_key(const struct annotation *row, bool inner, const char *class)
{
	const char *folder = row->what + 3;

	return inner && !strncmp(row->what, "fs:", 3) &&
	       strncmp(folder, class, strcspn(folder, ":")) != 0;
}

/*
 * The row that tells the instances of a class apart. A key of the filesystem's type does not where
 * the class is of one filesystem's struct, unless there is a second one.
 */
static const struct annotation *split_by(const struct annotation_member *member, bool inner,
					 const char *class)
{
	const struct annotation *type = NULL;

	for (uint32_t i = 0; i < member->nr; i++) {
		const struct annotation *row = &member->rows[i];

		if (!(BIT(row->kind) & SETS) || is_foreign_key(row, inner, class))
			continue;
		if (!inner || strncmp(row->what, "type:", 5))
			return row;
		if (type && strcmp(type->what, row->what))
			return row;
		type = row;
	}
	return NULL;
}

bool annotated_apart(const struct finding_model *m, uint32_t class, const struct annotated_side *in,
		     const struct annotated_side *out, bool joined, struct strbuf *ret_why)
{
	static const char unseen[] = ", and no instance was seen on both sides";
	bool inner;
	const struct annotation_member *member = member_of(m, class, &inner);
	const struct annotation *set;

	if (!member)
		return false;
	if (out->shared && member->kinds & BIT(ANNOTATION_NON_OWNER)) {
		say_kind(ret_why, member, BIT(ANNOTATION_NON_OWNER),
			 "is given back by another task than the reader in", "");
		return true;
	}
	if (same_instance(in, out))
		return false;
	if (member->kinds & NESTED && subclasses_differ(m, class, member, in, out, ret_why))
		return true;
	if (member->kinds & BIT(ANNOTATION_NOVALIDATE)) {
		if (inner || joined)
			return false;
		say_kind(ret_why, member, BIT(ANNOTATION_NOVALIDATE), NOVALIDATE,
			 ", and its locks were not seen to be the same on all sides");
		return true;
	}
	set = member->kinds & SETS ? split_by(member, inner, m->c->classes[class].name) : NULL;
	if (set && ret_why)
		strbuf_addf(ret_why, "%s has several classes, set by %s (annotation)%s",
			    member->name, set->function, unseen);
	return set;
}

static uint32_t frames_of(const struct capture_stack *stack)
{
	return stack ? stack->nr_frames : 0;
}

uint64_t annotated_cost(const struct finding_model *m, uint32_t class,
			const struct annotated_side *in, const struct annotated_side *out)
{
	bool inner;
	const struct annotation_member *member = member_of(m, class, &inner);

	if (!member || !(member->kinds & NESTED))
		return 0;
	return (uint64_t)(frames_of(in->taken) + frames_of(in->under) + frames_of(out->taken) +
			  frames_of(out->under)) *
	       member->nr;
}

bool annotated_nesting(const struct finding_model *m, const struct capture_edge *edge,
		       struct strbuf *ret_why)
{
	struct annotated_side side = annotated_taken(m->c, edge);
	bool inner;
	const struct annotation_member *member = member_of(m, edge->to, &inner);
	const struct annotation *row = NULL;

	if (!member || same_instance(&side, &(struct annotated_side){.addr = edge->from_addr}))
		return false;
	find_taker(m->annotations, member, &side, true, &row);
	/* Or the outer one is told of: it was taken by a caller. */
	row = row ?: find_holder(member, side.taken, true);
	if (!row)
		return false;
	if (ret_why && row->kind == ANNOTATION_NEST_LOCK)
		strbuf_addf(ret_why, "%s takes several %s under %s (annotation)", row->function,
			    member->name, row->what);
	else if (ret_why)
		say_use(ret_why, member, row);
	return true;
}

bool annotated_computed(const struct finding_model *m, uint32_t class, struct strbuf *ret_why)
{
	bool inner;
	const struct annotation_member *member = member_of(m, class, &inner);

	for (uint32_t i = 0; member && i < member->nr; i++) {
		const struct annotation *row = &member->rows[i];

		if (!(BIT(row->kind) & NESTED) || strncmp(row->what, "by:", 3))
			continue;
		say_use(ret_why, member, row);
		return true;
	}
	return false;
}

bool annotated_ordered(const struct finding_model *m, uint32_t class)
{
	bool inner;
	const struct annotation_member *member = member_of(m, class, &inner);

	return member && member->kinds & BIT(ANNOTATION_CMP_FN);
}

bool annotated_unvalidated(const struct finding_model *m, uint32_t class)
{
	bool inner;
	const struct annotation_member *member = member_of(m, class, &inner);

	return member && member->kinds & BIT(ANNOTATION_NOVALIDATE);
}

/*
 * Locks that lockdep does not validate have an order by instance, as a tree of
 * devices: one of them in a chain may be no other, a second one makes it a circle of
 * classes that no instances need to have.
 */
static bool unvalidated(const struct finding_model *m, const struct finding_chain *chain,
			struct strbuf *why)
{
	const struct annotation_member *found = NULL;
	uint32_t nr = 0;
	bool inner;

	for (uint32_t i = 0; i < chain->nr_classes; i++) {
		const struct annotation_member *member = member_of(m, chain->classes[i], &inner);

		if (!member || !(member->kinds & BIT(ANNOTATION_NOVALIDATE)))
			continue;
		found = member;
		nr++;
	}
	if (nr < 2)
		return false;
	say_kind(why, found, BIT(ANNOTATION_NOVALIDATE), NOVALIDATE,
		 ", and the chain has more than one such lock");
	return true;
}

/* Every class between two edges, and in a closed chain the one where it closes. */
static bool joints_apart(const struct finding_model *m, const struct finding_chain *chain,
			 bool closed, bool joined, struct strbuf *why)
{
	const struct capture_edge *edges = m->c->edges;

	for (uint32_t i = closed ? 0 : 1; i < chain->nr_edges; i++) {
		uint32_t before = i ? i - 1 : chain->nr_edges - 1;
		struct annotated_side in = annotated_taken(m->c, &edges[chain->edges[before]]);
		struct annotated_side out = annotated_held(m->c, &edges[chain->edges[i]]);

		if (annotated_apart(m, chain->classes[i], &in, &out, joined, why))
			return true;
	}
	return false;
}

/*
 * Both uses are of one address, but of a member whose class is set at run time, in memory that is used again: a timer of
 * one clock, then one of another.
 */
static bool is_reused(const struct finding_model *m, uint32_t class, const struct annotated_side *in,
		      const struct annotated_side *out, struct strbuf *why)
{
	const struct capture_class *seen = &m->c->classes[class];
	const struct annotation *set;
	bool inner;
	const struct annotation_member *member = member_of(m, class, &inner);

	if (finding_is_permanent(seen) || !same_instance(in, out) || !member || !(member->kinds & SETS))
		return false;
	set = split_by(member, inner, seen->name);
	if (set)
		strbuf_addf(why, "%s has several classes, set by %s (annotation), and between the two uses its memory "
			    "may have become another object", member->name, set->function);
	return set;
}

static bool ends_apart(const struct finding_model *m, const struct finding_chain *chain,
		       bool joined, struct strbuf *why)
{
	uint32_t first = chain->classes[0], last = chain->classes[chain->nr_classes - 1];
	const struct capture_class *classes = m->c->classes;
	const struct capture_edge *edges = m->c->edges;
	struct annotated_side in, out, held, taken;

	if (chain->safe == FINDING_NO_USAGE || chain->unsafe == FINDING_NO_USAGE)
		return false;
	in = annotated_used(m->c, &classes[first], chain->safe);
	out = annotated_used(m->c, &classes[last], chain->unsafe);
	if (!chain->nr_edges)
		return annotated_apart(m, first, &in, &out, joined, why) || is_reused(m, first, &in, &out, why);
	held = annotated_held(m->c, &edges[chain->edges[0]]);
	taken = annotated_taken(m->c, &edges[chain->edges[chain->nr_edges - 1]]);
	return annotated_apart(m, first, &in, &held, joined, why) ||
	       annotated_apart(m, last, &taken, &out, joined, why);
}

/* The function of a dependency's stack that allocates with __GFP_NOLOCKDEP, which only lockdep sees. */
static bool allocates_untold(const struct finding_model *m, const struct capture_edge *edge,
			     char function[FUNCTION_LEN])
{
	const struct capture_stack *stack = stack_at(m->c, edge->stack);

	if (finding_pseudo_kind(&m->c->classes[edge->to]) != LV_PSEUDO_RECLAIM)
		return false;
	for (uint32_t i = 0; stack && i < stack->nr_frames; i++) {
		function_of(&stack->frames[i], function);
		if (function[0] && annotations_untold(m->annotations, function))
			return true;
	}
	return false;
}

/* Is one of the dependencies none to lockdep? */
static bool excused(const struct finding_model *m, const struct finding_chain *chain,
		    struct strbuf *why)
{
	char function[FUNCTION_LEN];

	for (uint32_t i = 0; i < chain->nr_edges; i++) {
		if (!allocates_untold(m, &m->c->edges[chain->edges[i]], function))
			continue;
		strbuf_addf(why, "%s allocates with __GFP_NOLOCKDEP (annotation)", function);
		return true;
	}
	return false;
}

int annotated_grade(const struct finding_model *m, bool closed, bool joined,
		    struct finding_chain *chain)
{
	AUTO_STRBUF why = STRBUF_INIT;

	if (!m->annotations)
		return 0;
	if (!joints_apart(m, chain, closed, joined, &why) && !ends_apart(m, chain, joined, &why) &&
	    !excused(m, chain, &why) && !(closed && !joined && unvalidated(m, chain, &why)))
		return 0;
	chain->grade = CAPTURE_AMBIGUOUS;
	chain->graded_down = strbuf_take(&why);
	return chain->graded_down ? 0 : -ENOMEM;
}
