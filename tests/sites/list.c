// SPDX-License-Identifier: GPL-2.0-only
/*
 * Types every call of a lock function in an image, one line each, tab-separated: return address,
 * function, lock function, family, "acquire" or "release", kind, strength, name, inner name,
 * argument, offset of the lock in the outer and in the inner struct. On stderr: how long it took and how much memory.
 *   list BTF SYMBOLS TEXT [MODULE]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "abi.h"
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

static const char *const kinds[] = {"unknown", "member", "symbol", "generic", "set"};
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

	printf("%lx\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%u\t%u\n", (unsigned long)ip,
	       sym ? sym->name : "?", f->name, f->family, f->what,
	       err ? "unreached" : kinds[a.kind], strengths[a.strength], a.name, a.inner,
	       a.arg == SITES_NO_ARG ? -1 : (int)a.arg, a.offset, a.inner_offset);
}

/* Calls are found byte by byte: of what is none, the target is hardly a lock function. */
static size_t scan(struct sites *sites, const struct ksyms *ksyms, struct text *text,
		   uint64_t start, uint64_t end)
{
	size_t len = end - start, nr = 0;
	uint8_t *bytes = malloc(len);

	if (!bytes || text_read(text, start, bytes, len)) {
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

static int run(struct kbtf *btf, struct ksyms *ksyms, struct text *text)
{
	struct sites_sources src = {ksyms, btf, text_read, text};
	double began = seconds();
	struct sites *sites;
	struct rusage usage;
	size_t nr;

	for (size_t i = 0; i < NR; i++)
		functions[i].addr = ksyms_address(ksyms, functions[i].name);
	if (sites_new(&src, &sites))
		return 1;
	nr = scan(sites, ksyms, text, ksyms_address(ksyms, "_stext"), ksyms_address(ksyms, "_etext"));
	getrusage(RUSAGE_SELF, &usage);
	fprintf(stderr, "%zu sites in %.2f s CPU, %zu kB kept, %ld kB at most\n", nr,
		seconds() - began, sites_memory(sites) / 1024, usage.ru_maxrss);
	sites_free(sites);
	return nr == 0;
}

int main(int argc, char **argv)
{
	struct ksyms *ksyms = NULL;
	struct kbtf *btf = NULL;
	struct text *text = NULL;
	int err;

	if (argc < 4) {
		fprintf(stderr, "usage: list BTF SYMBOLS TEXT\n");
		return 2;
	}
	err = kbtf_load(argv[1], &btf);
	if (!err)
		err = ksyms_load(argv[2], &ksyms);
	if (!err)
		err = text_open(argv[3], &text);
	if (err)
		fprintf(stderr, "list: %s\n", strerror(-err));
	else
		err = run(btf, ksyms, text);
	text_close(text);
	ksyms_free(ksyms);
	kbtf_free(btf);
	return err != 0;
}
