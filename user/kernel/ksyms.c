// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/ksyms.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hash.h"

#define KSYMS_MAX_FILE ((size_t)256 << 20)
#define KSYMS_MAX_NAME 511 /* the kernel's KSYM_NAME_LEN - 1 */
#define KSYMS_MAX_SIZE ((uint64_t)64 << 20) /* a wider gap is the end of an image */
#define KSYMS_MAX_MODULES 4096
#define KSYMS_NONE UINT32_MAX

struct ksyms {
	char *text; /* the file: names point into it */
	struct ksym *syms;
	size_t nr, room;
	size_t skipped;
	uint32_t *hash; /* name -> index of the first of that name */
	size_t hash_mask;
	const char **modules;
	size_t nr_modules;
};

static const char *parse_addr(const char *p, uint64_t *ret)
{
	uint64_t value = 0;
	int digits;

	for (digits = 0; digits <= 16; digits++, p++) {
		unsigned char c = *p | 0x20;

		if (*p >= '0' && *p <= '9')
			value = value << 4 | (uint64_t)(*p - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	if (!digits || digits > 16 || *p != ' ')
		return NULL;
	*ret = value;
	return p;
}

/* Length of a printable word. */
static size_t word_len(const char *p)
{
	size_t len = 0;

	while (p[len] > 0x20 && p[len] < 0x7f)
		len++;
	return len;
}

/* One string for each module, so that modules compare by pointer. */
static const char *intern_module(struct ksyms *k, const char *name)
{
	const char **more;
	size_t i;

	for (i = k->nr_modules; i-- > 0;)
		if (!strcmp(k->modules[i], name))
			return k->modules[i];
	if (k->nr_modules == KSYMS_MAX_MODULES)
		return NULL;
	if (!(k->nr_modules & (k->nr_modules - 1))) {
		size_t room = k->nr_modules ? k->nr_modules * 2 : 1;

		more = realloc(k->modules, room * sizeof(*more));
		if (!more)
			return NULL;
		k->modules = more;
	}
	k->modules[k->nr_modules] = name;
	return k->modules[k->nr_modules++];
}

/* The "\t[module]" after a name; */
static int parse_module(struct ksyms *k, char *p, const char **ret)
{
	size_t len;

	*ret = NULL;
	if (!*p)
		return 0;
	if (*p != '\t' && *p != ' ')
		return -EINVAL;
	p++;
	len = word_len(p);
	if (len < 3 || len > 64 || p[0] != '[' || p[len - 1] != ']' || p[len])
		return -EINVAL;
	p[len - 1] = '\0';
	*ret = intern_module(k, p + 1);
	return *ret ? 0 : -ENOMEM;
}

/*
 * clang's ThinLTO gives a static symbol that another unit uses a suffix, ".llvm.4711", another one in each build.
 * BTF has the name without.
 */
static void cut_lto_suffix(char *name)
{
	char *suffix = strstr(name, ".llvm.");

	if (suffix && suffix != name && suffix[6] && !suffix[6 + strspn(suffix + 6, "0123456789")])
		*suffix = '\0';
}

static int parse_line(struct ksyms *k, char *line, struct ksym *ret)
{
	const char *p = parse_addr(line, &ret->addr);
	char *name, rest;
	size_t len;
	int err;

	if (!p || p[1] <= 0x20 || p[2] != ' ')
		return -EINVAL;
	ret->type = p[1];
	name = line + (p + 3 - line);
	len = word_len(name);
	if (!len || len > KSYMS_MAX_NAME)
		return -EINVAL;
	rest = name[len];
	err = parse_module(k, name + len, &ret->module);
	if (err)
		return err;
	if (rest)
		name[len] = '\0';
	cut_lto_suffix(name);
	ret->name = name;
	ret->size = 0;
	ret->same = KSYMS_NONE;
	ret->text = false;
	return 0;
}

/* "$d", "$x.3": an arm64 module's marks of where data and code begin, at the address of what has a name. */
static bool is_mapping(const char *name)
{
	return name[0] == '$' && name[1] && (!name[2] || name[2] == '.');
}

static int add_symbol(struct ksyms *k, const struct ksym *sym)
{
	if (k->nr == k->room) {
		size_t room = k->room ? k->room * 2 : 1 << 16;
		struct ksym *more = realloc(k->syms, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		k->syms = more;
		k->room = room;
	}
	k->syms[k->nr++] = *sym;
	return 0;
}

static int parse_text(struct ksyms *k, size_t len)
{
	char *line = k->text, *end = k->text + len;
	bool any_addr = false;

	while (line < end) {
		char *newline = memchr(line, '\n', end - line);
		struct ksym sym;
		int err;

		if (!newline)
			newline = end;
		*newline = '\0';
		err = strlen(line) == (size_t)(newline - line) ? parse_line(k, line, &sym) :
								 -EINVAL;
		if (!err && !is_mapping(sym.name))
			err = add_symbol(k, &sym);
		if (err == -ENOMEM)
			return err;
		if (err)
			k->skipped++;
		else if (sym.addr)
			any_addr = true;
		line = newline + 1;
	}
	if (!k->nr)
		return -EINVAL;
	return any_addr ? 0 : -EPERM;
}

/* By address; the names all lie in one text, so their order is the file's. */
static int compare(const void *va, const void *vb)
{
	const struct ksym *a = va, *b = vb;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name;
}

static void sort_symbols(struct ksyms *k)
{
	size_t i, next;

	for (i = 1; i < k->nr; i++)
		if (compare(&k->syms[i - 1], &k->syms[i]) > 0)
			break;
	if (i < k->nr)
		qsort(k->syms, k->nr, sizeof(*k->syms), compare);

	for (i = next = k->nr; i-- > 0;) {
		const struct ksym *after;

		if (i + 1 < k->nr && k->syms[i + 1].addr != k->syms[i].addr)
			next = i + 1;
		after = next < k->nr ? &k->syms[next] : NULL;
		if (after && after->module == k->syms[i].module &&
		    after->addr - k->syms[i].addr <= KSYMS_MAX_SIZE)
			k->syms[i].size = after->addr - k->syms[i].addr;
	}
}

static int hash_symbols(struct ksyms *k)
{
	size_t i, slots = 1024;

	while (slots < k->nr * 2)
		slots *= 2;
	k->hash = malloc(slots * sizeof(*k->hash));
	if (!k->hash)
		return -ENOMEM;
	memset(k->hash, 0xff, slots * sizeof(*k->hash));
	k->hash_mask = slots - 1;
	/* from the last one on, so that chains run upwards */
	for (i = k->nr; i-- > 0;) {
		size_t at = hash_string(k->syms[i].name) & k->hash_mask;

		while (k->hash[at] != KSYMS_NONE &&
		       strcmp(k->syms[k->hash[at]].name, k->syms[i].name))
			at = (at + 1) & k->hash_mask;
		k->syms[i].same = k->hash[at];
		k->hash[at] = i;
	}
	return 0;
}

/*
 * nm's letter tells code from data, but 7.2's .data counts as executable and
 * has code's letter too: for the kernel its place in the image decides.
 * Without KALLSYMS_ALL no data has a symbol, and the few markers of sections
 * that are left would give their names to all of it.
 */
static void mark_text(struct ksyms *k)
{
	uint64_t start = ksyms_address(k, "_stext"), end = ksyms_address(k, "_etext");
	uint64_t init = ksyms_address(k, "_sinittext"), init_end = ksyms_address(k, "_einittext");
	bool data = ksyms_address(k, "_sdata") || ksyms_address(k, "_edata");
	size_t i;

	for (i = 0; i < k->nr; i++) {
		struct ksym *sym = &k->syms[i];

		sym->text = strchr("tTwW", sym->type);
		if (!sym->module && !data)
			sym->text = true;
		else if (!sym->module && start && end)
			sym->text = (sym->addr >= start && sym->addr < end) ||
				    (sym->addr >= init && sym->addr < init_end);
	}
}

CLEANUP_DEFINE(ksyms, struct ksyms *, ksyms_free)

int ksyms_load(const char *path, struct ksyms **ret)
{
	CLEANUP(cleanup_ksyms) struct ksyms *k = calloc(1, sizeof(*k));
	size_t len;
	int err;

	if (!k)
		return -ENOMEM;
	err = file_read(path ? path : "/proc/kallsyms", KSYMS_MAX_FILE, &k->text, &len);
	if (!err)
		err = parse_text(k, len);
	if (err)
		return err;
	sort_symbols(k);
	err = hash_symbols(k);
	if (err)
		return err;
	mark_text(k);
	*ret = TAKE_PTR(k);
	return 0;
}

void ksyms_free(struct ksyms *k)
{
	if (!k)
		return;
	free(k->text);
	free(k->syms);
	free(k->hash);
	free(k->modules);
	free(k);
}

size_t ksyms_count(const struct ksyms *k)
{
	return k->nr;
}

const struct ksym *ksyms_nth(const struct ksyms *k, size_t i)
{
	return &k->syms[i];
}

size_t ksyms_skipped(const struct ksyms *k)
{
	return k->skipped;
}

const struct ksym *ksyms_find(const struct ksyms *k, uint64_t addr)
{
	size_t low = 0, high = k->nr;
	const struct ksym *sym;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (k->syms[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return NULL;
	while (low > 1 && k->syms[low - 2].addr == k->syms[low - 1].addr)
		low--;
	sym = &k->syms[low - 1];
	/* the last one of an image: not known how long, but not for ever */
	if (addr - sym->addr >= (sym->size ? sym->size : 1 << 20))
		return NULL;
	return sym;
}

size_t ksyms_names_at(const struct ksyms *k, const struct ksym *sym)
{
	size_t nr = 1;

	while (sym + nr < k->syms + k->nr && sym[nr].addr == sym->addr)
		nr++;
	return nr;
}

void ksyms_format(const struct ksyms *k, uint64_t addr, char *buf, size_t room)
{
	const struct ksym *sym = k && addr ? ksyms_find(k, addr - 1) : NULL;
	char size[16] = "";

	if (!sym) {
		snprintf(buf, room, "0x%016" PRIx64, addr);
		return;
	}
	if (sym->size)
		snprintf(size, sizeof(size), "/0x%" PRIx32, sym->size);
	snprintf(buf, room, "%s+0x%" PRIx64 "%s%s%s%s", sym->name, addr - sym->addr, size,
		 sym->module ? " [" : "", sym->module ? sym->module : "", sym->module ? "]" : "");
}

const struct ksym *ksyms_by_name(const struct ksyms *k, const char *name, const struct ksym *prev)
{
	size_t at;

	if (prev)
		return prev->same == KSYMS_NONE ? NULL : &k->syms[prev->same];
	for (at = hash_string(name) & k->hash_mask; k->hash[at] != KSYMS_NONE;
	     at = (at + 1) & k->hash_mask)
		if (!strcmp(k->syms[k->hash[at]].name, name))
			return &k->syms[k->hash[at]];
	return NULL;
}

uint64_t ksyms_address(const struct ksyms *k, const char *name)
{
	const struct ksym *sym = NULL;

	while ((sym = ksyms_by_name(k, name, sym)))
		if (!sym->module)
			return sym->addr;
	return 0;
}

void ksyms_get_bounds(const struct ksyms *k, struct ksyms_bounds *ret)
{
	uint64_t text = ksyms_address(k, "_text");
	size_t i;

	memset(ret, 0, sizeof(*ret));
	ret->start = text ? text : ksyms_address(k, "_stext");
	ret->end = ksyms_address(k, "_end");
	ret->percpu_start = ksyms_address(k, "__per_cpu_start");
	ret->percpu_end = ksyms_address(k, "__per_cpu_end");
	for (i = 0; i < k->nr; i++) {
		const struct ksym *sym = &k->syms[i];

		/* a module's per-CPU symbols are offsets, far below any image */
		if (!sym->module || ksym_is_generated(sym) || sym->addr < ret->start)
			continue;
		if (!ret->module_start)
			ret->module_start = sym->addr;
		ret->module_end = sym->addr + (sym->size ? sym->size : 1);
	}
}

bool ksym_is_generated(const struct ksym *sym)
{
	return sym->module &&
	       (!strcmp(sym->module, "bpf") || !strncmp(sym->module, "__builtin__", 11));
}
