// SPDX-License-Identifier: GPL-2.0-only
/*
 * Types every call of a lock function in an image, one line each, tab-separated: return address,
 * function, lock function, family, "acquire" or "release", kind, strength, name, inner name,
 * argument, offset of the lock in the outer and in the inner struct. On stderr: how long it took
 * and how much memory. list BTF SYMBOLS TEXT [MODULE-FILE NAME SCRATCH-SYMBOLS] With a module, the
 * calls of that only; SCRATCH-SYMBOLS is a copy of SYMBOLS, which is added to.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "abi.h"
#include "module.h"
#include "sites/sites.h"
#include "sites/text.h"

struct lock_function {
	const char *name, *family;
	const char *what;
	uint64_t addr;
};

static struct lock_function functions[] = {
#define LV_ACQUIRE(function, family, mode, irq) {#function, #family, "acquire", 0},
#define LV_TRY(function, family, mode, irq) {#function, #family, "acquire", 0},
#define LV_RELEASE(function, family, irq) {#function, #family, "release", 0},
#define LV_SLEEP(function, family, mode, lock, when, how) {#function, #family, "acquire", 0},
#define LV_SLEEP_RELEASE(function, family, lock, how) {#function, #family, "release", 0},
#include "hooks.def"
};

#define NR (sizeof(functions) / sizeof(*functions))

static const char *const kinds[] = {"unknown", "member", "symbol", "generic"};
static const char *const strengths[] = {"type", "use", "hint"};

static const struct lock_function *function_at(uint64_t addr)
{
	for (size_t i = 0; i < NR; i++)
		if (functions[i].addr && functions[i].addr == addr)
			return &functions[i];
	return NULL;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void print_site(struct sites *sites, const struct ksyms *ksyms, uint64_t ip,
		       const struct lock_function *f)
{
	const struct ksym *sym = ksyms_find(ksyms, ip - 1);
	struct sites_answer a = {.arg = SITES_NO_ARG};
	int err = sites_ask(sites, ip, &a);

	if (a.pointed) /* which names the pointer, and no struct that the lock is in */
		a = (struct sites_answer){.strength = SITES_BY_HINT, .arg = SITES_NO_ARG};
	printf("%lx\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%u\t%u\n", (unsigned long)ip,
	       sym ? sym->name : "?", f->name, f->family, f->what,
	       err ? "unreached" : kinds[a.kind], strengths[a.strength], a.name, a.inner,
	       a.arg == SITES_NO_ARG ? -1 : (int)a.arg, a.offset, a.inner_offset);
}

/* The kernel's text, and a module's. */
struct texts {
	struct text *kernel;
	struct module module;
};

static int read_texts(void *arg, uint64_t addr, void *buf, size_t len)
{
	const struct texts *t = arg;
	uint64_t off = addr - MODULE_BASE;

	if (addr < MODULE_BASE)
		return text_read(t->kernel, addr, buf, len);
	if (off >= t->module.size || len > t->module.size - off)
		return -ENOENT;
	memcpy(buf, t->module.image + off, len);
	return 0;
}

/* Calls are found byte by byte: of what is none, the target is hardly a lock function. */
static size_t scan(struct sites *sites, const struct ksyms *ksyms, struct texts *texts,
		   uint64_t start, uint64_t end)
{
	size_t len = end - start, nr = 0;
	uint8_t *bytes = malloc(len);

	if (!bytes || read_texts(texts, start, bytes, len)) {
		free(bytes);
		return 0;
	}
	for (size_t i = 0; i + 5 <= len; i++) {
		const struct lock_function *f;
		int32_t rel;

		if (bytes[i] != 0xe8)
			continue;
		memcpy(&rel, bytes + i + 1, 4);
		f = function_at(start + i + 5 + (int64_t)rel);
		if (!f)
			continue;
		print_site(sites, ksyms, start + i + 5, f);
		nr++;
	}
	free(bytes);
	return nr;
}

static int run(struct kbtf *btf, struct ksyms *ksyms, struct texts *texts)
{
	struct sites_sources src = {ksyms, btf, read_texts, texts};
	uint64_t start = ksyms_address(ksyms, "_stext"), end = ksyms_address(ksyms, "_etext");
	double began = seconds();
	struct sites *sites;
	struct rusage usage;
	size_t nr;

	for (size_t i = 0; i < NR; i++)
		functions[i].addr = ksyms_address(ksyms, functions[i].name);
	if (sites_new(&src, &sites))
		return 1;
	if (texts->module.image) {
		start = MODULE_BASE;
		end = start + texts->module.text_size;
	}
	nr = scan(sites, ksyms, texts, start, end);
	getrusage(RUSAGE_SELF, &usage);
	fprintf(stderr, "%zu sites in %.2f s CPU, %zu kB kept, %ld kB at most\n", nr,
		seconds() - began, sites_memory(sites) / 1024, usage.ru_maxrss);
	sites_free(sites);
	return 0;
}

static int load_module_btf(const char *kernel, const char *module, struct kbtf **ret)
{
	struct btf *base = btf__parse(kernel, NULL), *split;

	if (!base)
		return -errno;
	split = btf__parse_split(module, base);
	return kbtf_from(base, split, ret);
}

static int load_module(char **argv, struct texts *texts, struct ksyms **ksyms)
{
	int err = module_load(argv[4], argv[5], *ksyms, argv[6], &texts->module);

	if (err)
		return err;
	ksyms_free(*ksyms);
	*ksyms = NULL;
	return ksyms_load(argv[6], ksyms);
}

int main(int argc, char **argv)
{
	struct ksyms *ksyms = NULL;
	struct texts texts = {};
	struct kbtf *btf = NULL;
	int err;

	if (argc != 4 && argc != 7) {
		fprintf(stderr,
			"usage: list BTF SYMBOLS TEXT [MODULE-FILE NAME SCRATCH-SYMBOLS]\n");
		return 2;
	}
	err = argc == 7 ? load_module_btf(argv[1], argv[4], &btf) : kbtf_load(argv[1], &btf);
	if (!err)
		err = ksyms_load(argv[2], &ksyms);
	if (!err)
		err = text_open(argv[3], &texts.kernel);
	if (!err && argc == 7)
		err = load_module(argv, &texts, &ksyms);
	if (err)
		fprintf(stderr, "list: %s\n", strerror(-err));
	else
		err = run(btf, ksyms, &texts);
	text_close(texts.kernel);
	module_free(&texts.module);
	ksyms_free(ksyms);
	kbtf_free(btf);
	return err != 0;
}
