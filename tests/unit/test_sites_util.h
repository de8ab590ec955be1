/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions of a kernel in small: their prototypes, their machine code, and the sites in it. */
#ifndef LOCKVANE_TEST_SITES_UTIL_H
#define LOCKVANE_TEST_SITES_UTIL_H

#include "test_kernel_btf.h"
#include "test_sites_code.h"

#include "sites/sites.h"

static inline int pointer(struct mini *m, int type)
{
	int id = btf__add_ptr(m->btf, type);

	assert_true(id > 0);
	return id;
}

/* A function of up to three parameters; 0: no more. */
static inline void function_returning(struct mini *m, int result, const char *name, int a, int b, int c)
{
	int proto = btf__add_func_proto(m->btf, result), params[] = {a, b, c};

	assert_true(proto > 0);
	for (size_t i = 0; i < 3 && params[i]; i++)
		assert_int_equal(btf__add_func_param(m->btf, "p", params[i]), 0);
	assert_true(btf__add_func(m->btf, name, BTF_FUNC_STATIC, proto) > 0);
}

static inline void function(struct mini *m, const char *name, int a, int b, int c)
{
	function_returning(m, m->u32, name, a, b, c);
}

static inline int read_excerpt(void *arg, uint64_t addr, void *buf, size_t len)
{
	const struct excerpt *e = arg;
	uint64_t off = addr - e->addr;

	if (addr < e->addr || off > e->size || len > e->size - off)
		return -1;
	for (size_t i = 0; i < len; i++) {
		unsigned int byte;

		assert_int_equal(sscanf(e->code + 2 * (off + i), "%2x", &byte), 1);
		((uint8_t *)buf)[i] = byte;
	}
	return 0;
}

static inline struct sites *open_sites(const struct excerpt *e, const struct kbtf *btf, struct ksyms **ret)
{
	struct sites_sources src = {.btf = btf, .read = read_excerpt, .arg = (void *)e};
	struct sites *s = NULL;

	fixture_write("kallsyms", e->symbols);
	assert_int_equal(ksyms_load(fixture_path("kallsyms"), ret), 0);
	src.ksyms = *ret;
	assert_int_equal(sites_new(&src, &s), 0);
	return s;
}

#endif
