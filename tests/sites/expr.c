// SPDX-License-Identifier: GPL-2.0-only
#include "expr.h"

#include <ctype.h>
#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 65536
#define DEPTH 16

struct function {
	struct function *next;
	const char *name;
	Dwarf_Off off; /* of its DIE */
	Dwarf *dw;
};

static struct function *functions[BUCKETS];

static unsigned hash(const char *s)
{
	unsigned h = 5381;

	while (*s)
		h = h * 33 + (unsigned char)*s++;
	return h % BUCKETS;
}

void expr_add_functions(Dwarf_Die *unit)
{
	Dwarf_Die die;

	if (dwarf_child(unit, &die))
		return;
	do {
		const char *name;
		struct function *f;

		if (dwarf_tag(&die) != DW_TAG_subprogram || !(name = dwarf_diename(&die)))
			continue;
		for (f = functions[hash(name)]; f && strcmp(f->name, name);)
			f = f->next;
		if (f || !(f = calloc(1, sizeof(*f))))
			continue;
		f->name = name;
		f->off = dwarf_dieoffset(&die);
		f->dw = dwarf_cu_getdwarf(die.cu);
		f->next = functions[hash(name)];
		functions[hash(name)] = f;
	} while (!dwarf_siblingof(&die, &die));
}

struct parser {
	const char *p;
	Dwarf_Die *scopes;
	int nr_scopes, depth;
	bool failed;
	Dwarf_Die type; /* of what was parsed, stripped */
	bool is_void;
	struct expr *e;
	int took; /* levels of & */
};

static bool strip(Dwarf_Die *type)
{
	Dwarf_Attribute attr;

	for (int i = 0; i < DEPTH; i++) {
		int tag = dwarf_tag(type);

		if (tag != DW_TAG_typedef && tag != DW_TAG_const_type &&
		    tag != DW_TAG_volatile_type && tag != DW_TAG_restrict_type &&
		    tag != DW_TAG_atomic_type)
			return true;
		if (!dwarf_attr_integrate(type, DW_AT_type, &attr) ||
		    !dwarf_formref_die(&attr, type))
			return false;
	}
	return false;
}

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;

	return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, ret) &&
	       strip(ret);
}

static bool find_named(Dwarf_Die *parent, const char *name, bool deep, Dwarf_Die *ret)
{
	if (dwarf_child(parent, ret))
		return false;
	do {
		int tag = dwarf_tag(ret);
		const char *own;
		Dwarf_Die inner;

		if (deep && tag == DW_TAG_lexical_block && find_named(ret, name, true, &inner)) {
			*ret = inner;
			return true;
		}
		if (tag != DW_TAG_variable && tag != DW_TAG_formal_parameter)
			continue;
		own = dwarf_diename(ret);
		if (own && !strcmp(own, name))
			return true;
	} while (!dwarf_siblingof(ret, ret));
	return false;
}

/* In a scope, or, where the compiler left a variable out, in what the scope is a copy of. */
static bool find_in_scope(Dwarf_Die *scope, const char *name, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Die origin;

	if (find_named(scope, name, false, ret))
		return true;
	return dwarf_attr(scope, DW_AT_abstract_origin, &attr) &&
	       dwarf_formref_die(&attr, &origin) && find_named(&origin, name, true, ret);
}

static bool is_static(Dwarf_Die *var)
{
	Dwarf_Attribute attr;
	Dwarf_Op *op;
	size_t nr;

	if (dwarf_attr_integrate(var, DW_AT_location, &attr) && !dwarf_getlocation(&attr, &op, &nr))
		return nr == 1 && op[0].atom == DW_OP_addr;
	return dwarf_attr_integrate(var, DW_AT_external, &attr);
}

static void fail(struct parser *x)
{
	x->failed = true;
}

static void skip_space(struct parser *x)
{
	while (isspace((unsigned char)*x->p))
		x->p++;
}

static bool take(struct parser *x, const char *what)
{
	skip_space(x);
	if (strncmp(x->p, what, strlen(what)))
		return false;
	x->p += strlen(what);
	return true;
}

static void take_name(struct parser *x, char name[64])
{
	size_t n = 0;

	skip_space(x);
	while (isalnum((unsigned char)*x->p) || *x->p == '_') {
		if (n < 63)
			name[n++] = *x->p;
		x->p++;
	}
	name[n] = '\0';
}

static void skip_brackets(struct parser *x, char open, char close)
{
	int depth = 1;

	while (*x->p && depth) {
		depth += *x->p == open;
		depth -= *x->p == close;
		x->p++;
	}
}

static void start_anew(struct parser *x)
{
	x->e->nr = 0;
	x->e->symbol = false;
}

static void use_variable(struct parser *x, const char *name)
{
	Dwarf_Die var;

	for (int i = 0; i < x->nr_scopes; i++) {
		if (!find_in_scope(&x->scopes[i], name, &var))
			continue;
		start_anew(x);
		snprintf(x->e->base, sizeof(x->e->base), "%s", name);
		x->e->symbol = x->e->global_pointer = is_static(&var);
		if (!type_of(&var, &x->type))
			fail(x);
		return;
	}
	fail(x);
}

static void unary(struct parser *x);

/* Macros that give what they are given, as far as its type goes. */
static bool is_transparent(const char *name)
{
	static const char *const names[] = {"READ_ONCE",
					    "rcu_dereference",
					    "this_cpu_ptr",
					    "raw_cpu_ptr",
					    "per_cpu_ptr",
					    "rcu_dereference_protected",
					    "rcu_dereference_check",
					    "rtnl_dereference",
					    "smp_load_acquire",
					    "rcu_access_pointer",
					    "rcu_dereference_raw",
					    "unlikely",
					    "likely"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static void use_call(struct parser *x, const char *name)
{
	struct function *f = functions[hash(name)];
	Dwarf_Die die;

	if (is_transparent(name)) {
		unary(x);
		skip_brackets(x, '(', ')');
		return;
	}
	skip_brackets(x, '(', ')');
	while (f && strcmp(f->name, name))
		f = f->next;
	start_anew(x);
	x->e->base[0] = '\0';
	x->e->global_pointer = false;
	if (!f || !dwarf_offdie(f->dw, f->off, &die) || !type_of(&die, &x->type))
		fail(x);
}

static bool array_size(Dwarf_Die *array, int64_t *ret)
{
	Dwarf_Word size;

	*ret = dwarf_aggregate_size(array, &size) ? INT32_MAX : (int64_t)size;
	return true;
}

static void pointed(struct parser *x)
{
	if (x->failed || dwarf_tag(&x->type) != DW_TAG_pointer_type ||
	    !type_of(&x->type, &x->type)) {
		fail(x);
		return;
	}
	if (x->e->symbol)
		x->e->symbol = false;
	x->e->nr = 0;
}

static bool find_member(Dwarf_Die *type, const char *name, int64_t base, Dwarf_Die *ret,
			int64_t *ret_off, int depth)
{
	Dwarf_Die m, inner;

	if (depth > DEPTH || dwarf_child(type, &m))
		return false;
	do {
		Dwarf_Attribute attr;
		Dwarf_Word off = 0;
		const char *own = dwarf_diename(&m);

		if (dwarf_tag(&m) != DW_TAG_member)
			continue;
		if (dwarf_attr(&m, DW_AT_data_member_location, &attr))
			dwarf_formudata(&attr, &off);
		if (own && !strcmp(own, name)) {
			*ret = m;
			*ret_off = base + off;
			return true;
		}
		if (!own && type_of(&m, &inner) &&
		    find_member(&inner, name, base + off, ret, ret_off, depth + 1))
			return true;
	} while (!dwarf_siblingof(&m, &m));
	return false;
}

static void use_member(struct parser *x)
{
	struct expr *e = x->e;
	Dwarf_Die member, type = x->type;
	const char *own;
	char name[64];
	int64_t off;
	Dwarf_Word size = 0;

	take_name(x, name);
	if (x->failed || !find_member(&type, name, 0, &member, &off, 0) ||
	    !type_of(&member, &x->type)) {
		fail(x);
		return;
	}
	dwarf_aggregate_size(&x->type, &size);
	for (int i = 0; i < e->nr; i++) {
		e->step[i].off += off;
		e->step[i].size = size;
	}
	own = dwarf_diename(&type);
	if (!own || e->nr == EXPR_CHAIN)
		return;
	snprintf(e->step[e->nr].name, sizeof(e->step[0].name), "%s", own);
	e->step[e->nr].off = off;
	e->step[e->nr++].size = size;
}

static void use_index(struct parser *x)
{
	Dwarf_Die array = x->type;
	int64_t size;

	skip_brackets(x, '[', ']');
	if (dwarf_tag(&x->type) == DW_TAG_pointer_type) {
		pointed(x);
		return;
	}
	if (dwarf_tag(&x->type) != DW_TAG_array_type || !array_size(&array, &size) ||
	    !type_of(&array, &x->type)) {
		fail(x);
		return;
	}
	/* of the structs that the array is in, only where it is as a whole is known */
	if (dwarf_tag(&x->type) == DW_TAG_structure_type)
		x->e->nr = 0;
	for (int i = 0; i < x->e->nr; i++)
		x->e->step[i].size = size;
}

static void postfix(struct parser *x)
{
	while (!x->failed) {
		skip_space(x);
		if (take(x, "->")) {
			if (dwarf_tag(&x->type) == DW_TAG_array_type) {
				fail(x);
				return;
			}
			pointed(x);
			use_member(x);
		} else if (x->p[0] == '.' && x->p[1] != '.') {
			x->p++;
			use_member(x);
		} else if (take(x, "[")) {
			use_index(x);
		} else {
			return;
		}
	}
}

static void primary(struct parser *x)
{
	char name[64];

	if (take(x, "(")) {
		int took = x->took;

		unary(x);
		if (!take(x, ")"))
			fail(x);
		if (x->took > took) { /* (&a)->b */
			skip_space(x);
			if (!strncmp(x->p, "->", 2)) {
				x->took = took;
				x->p += 2;
				use_member(x);
			}
		}
		return;
	}
	take_name(x, name);
	if (!name[0] || isdigit((unsigned char)name[0]))
		fail(x);
	else if (take(x, "("))
		use_call(x, name);
	else
		use_variable(x, name);
}

static void unary(struct parser *x)
{
	if (++x->depth > DEPTH) {
		fail(x);
		return;
	}
	skip_space(x);
	if (*x->p == '&' && x->p[1] != '&') {
		x->p++;
		unary(x);
		x->took++;
	} else if (*x->p == '*') {
		x->p++;
		unary(x);
		pointed(x);
	} else {
		primary(x);
		postfix(x);
	}
	x->depth--;
}

void expr_evaluate(const char *text, Dwarf_Die *scopes, int nr_scopes, struct expr *ret)
{
	struct parser x = {.p = text, .scopes = scopes, .nr_scopes = nr_scopes, .e = ret};

	memset(ret, 0, sizeof(*ret));
	unary(&x);
	if (x.failed)
		return;
	skip_space(&x);
	if (*x.p != ')' && *x.p != ',' && *x.p != ';')
		return;
	/* a pointer variable that is passed as it is: what it points to is not said */
	if (!x.took && dwarf_tag(&x.type) == DW_TAG_pointer_type) {
		pointed(&x);
		if (x.failed)
			return;
		ret->nr = 0;
	}
	ret->known = true;
}
