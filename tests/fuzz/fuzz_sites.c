// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has functions of made-up code analysed, with a small BTF whose structs hold locks, lists and
 * pointers to each other. The first bytes say where functions begin; the rest is code. The calls
 * in it that lead to a function are pointed to the lock functions now and then, so that there is
 * something to answer. Every answer must be well-formed, and the same when it is asked for again.
 */
#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"
#include "must.h"
#include "sites/sites.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define TEXT 0xffffffff81000000ull
#define TEXT_SIZE 4096
#define MOST_ASKED 8 /* calls; each may have the function analysed anew */
#define FUNCTIONS 8  /* of TEXT_SIZE / FUNCTIONS bytes each; the last ones are lock functions */

static struct ksyms *ksyms;
static struct kbtf *types;
static uint8_t text[TEXT_SIZE];

static int add_struct(struct btf *b, const char *name, int size)
{
	int id = btf__add_struct(b, name, size);

	must(id > 0, "no struct");
	return id;
}

/* The ids of what comes next are known: ids are given one after the other. */
static struct kbtf *make_types(void)
{
	static const char *const functions[] = {"f0", "f1", "f2"};
	struct btf *b = btf__new_empty();
	int u32, u64, raw, spin, list, node, anything, nodes, box, proto;
	struct kbtf *k = NULL;

	u32 = btf__add_int(b, "unsigned int", 4, 0);
	u64 = btf__add_int(b, "unsigned long", 8, 0);
	raw = add_struct(b, "raw_spinlock", 4);
	btf__add_field(b, "raw_lock", u32, 0, 0);
	spin = add_struct(b, "spinlock", 4);
	btf__add_field(b, "rlock", raw, 0, 0);
	list = add_struct(b, "list_head", 16);
	btf__add_field(b, "next", list + 1, 0, 0);
	btf__add_field(b, "prev", list + 1, 64, 0);
	btf__add_ptr(b, list);
	anything = btf__add_ptr(b, 0);
	node = add_struct(b, "node", 48);
	btf__add_field(b, "lock", spin, 0, 0);
	btf__add_field(b, "links", list, 64, 0);
	btf__add_field(b, "next", node + 1, 24 * 8, 0);
	btf__add_field(b, "data", anything, 32 * 8, 0);
	btf__add_ptr(b, node);
	nodes = btf__add_array(b, u32, node, 4);
	box = add_struct(b, "box", 256);
	btf__add_field(b, "lock", spin, 0, 0);
	btf__add_field(b, "flags", u64, 8 * 8, 0);
	btf__add_field(b, "nodes", nodes, 16 * 8, 0);
	btf__add_ptr(b, box);
	proto = btf__add_func_proto(b, node + 1);
	btf__add_func_param(b, "box", box + 1);
	btf__add_func_param(b, "node", node + 1);
	btf__add_func_param(b, "data", anything);
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		btf__add_func(b, functions[i], BTF_FUNC_GLOBAL, proto);
	must(!kbtf_from(b, NULL, &k), "no types");
	return k;
}

static void make_symbols(void)
{
	static const char *const names[FUNCTIONS] = {
		"f0", "f1", "f2", "f3.isra.0", "f1.cold", "g_work", "_raw_spin_lock", "mutex_lock"};
	char path[] = "/tmp/fuzz-sites-XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	must(f, "no symbols");
	fprintf(f,
		"0000000000000000 D __per_cpu_start\n0000000000001000 D some_percpu\n"
		"0000000000002000 D __per_cpu_end\n%llx T _stext\n",
		TEXT);
	for (int i = 0; i < FUNCTIONS; i++)
		fprintf(f, "%llx t %s\n", TEXT + i * TEXT_SIZE / FUNCTIONS, names[i]);
	fprintf(f, "%llx T _etext\nffffffff82000000 D some_data\nffffffff82100000 D _end\n",
		TEXT + TEXT_SIZE);
	fclose(f);
	must(!ksyms_load(path, &ksyms), "symbols do not load");
	unlink(path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	types = make_types();
	make_symbols();
	return 0;
}

static int read_text(void *arg, uint64_t addr, void *buf, size_t len)
{
	if (addr < TEXT || addr - TEXT >= TEXT_SIZE || len > TEXT_SIZE - (addr - TEXT))
		return -1;
	memcpy(buf, text + (addr - TEXT), len);
	return 0;
}

/* Calls of anything become calls of one of the functions. */
static void point_calls(void)
{
	for (size_t i = 0; i + 5 <= TEXT_SIZE; i++) {
		int32_t rel;

		if (text[i] != 0xe8)
			continue;
		rel = (text[i + 1] % FUNCTIONS) * (TEXT_SIZE / FUNCTIONS) - (int32_t)(i + 5);
		memcpy(text + i + 1, &rel, 4);
		i += 4;
	}
}

/* What a function below the call may have been given. */
static void ask_above(struct sites *s, uint64_t ip, size_t chance)
{
	struct sites_answer a = {
		.kind = SITES_GENERIC,
		.arg = chance % 6,
		.arg_offset = chance % 3 * 8,
		.function = TEXT + chance % FUNCTIONS * (TEXT_SIZE / FUNCTIONS),
	};

	sites_ask_argument(s, ip, &a, &a);
}

/* What the memory of its lock may say. */
static void ask_object(struct sites *s, uint64_t ip, size_t chance)
{
	const struct sites_object object = {
		.off = chance % 8 * 8, .family = LV_SPIN, .size = 64 << chance % 4};
	const struct sites_pointer own = {.ip = ip};
	const struct sites_pointer given = {
		.ip = ip,
		.function = TEXT + chance % FUNCTIONS * (TEXT_SIZE / FUNCTIONS),
		.arg = chance % 6,
		.offset = chance % 3 * 8,
	};
	const struct sites_pointer *pointer = chance % 2 ? &own : &given;
	struct sites_answer a = {}, b = {};
	int err = sites_ask_object(s, pointer, &object, &a);

	must(err == sites_ask_object(s, pointer, &object, &b), "another result");
	must(err || (a.kind == b.kind && !strcmp(a.name, b.name)), "another answer");
	if (!err && a.kind == SITES_MEMBER)
		sites_may_be(s, pointer, &object, a.type);
}

static void check_answer(struct sites *s, uint64_t ip)
{
	struct sites_answer a = {}, b = {};
	int err = sites_ask(s, ip, &a);

	must(err == sites_ask(s, ip, &b), "another result");
	if (err)
		return;
	must(a.kind == b.kind && !strcmp(a.name, b.name) && !strcmp(a.inner, b.inner),
	     "another answer");
	must(memchr(a.name, '\0', sizeof(a.name)) && memchr(a.inner, '\0', sizeof(a.inner)),
	     "a name without an end");
	must((a.kind == SITES_MEMBER) == (a.inner[0] != '\0'), "a member without a name");
	must(a.kind != SITES_MEMBER || a.offset < a.size, "a member beyond its struct");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sites_sources src = {ksyms, types, read_text, NULL};
	struct sites *s = NULL;

	if (!size)
		return 0;
	for (size_t i = 0; i < TEXT_SIZE; i++)
		text[i] = data[i % size];
	point_calls();
	must(!sites_new(&src, &s), "no memory");
	for (size_t i = 0, nr = 0; i + 5 <= TEXT_SIZE && nr < MOST_ASKED; i++) {
		if (text[i] != 0xe8)
			continue;
		nr++;
		check_answer(s, TEXT + i + 5);
		if (nr > 1)
			continue;
		ask_above(s, TEXT + i + 5, i);
		ask_object(s, TEXT + i + 5, i);
	}
	must(sites_memory(s) < 64u << 20, "more memory than that text is worth");
	sites_free(s);
	return 0;
}
