// SPDX-License-Identifier: GPL-2.0-only
#include "sites/refs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT (64u << 20) /* bytes */
#define MAX_REFS (4u << 20)
#define TAKEN 0x80000000u /* a flag in `from` */

struct ref {
	uint32_t function, from; /* offsets in the text */
};

struct refs {
	const char *module;
	uint64_t start;
	uint32_t len;
	uint8_t *begins; /* bit by offset: a function begins there */
	struct ref *ref; /* by function, then from */
	size_t nr, room;
};

static bool text_bounds(struct image *im, struct refs *r)
{
	const struct ksyms *k = im->src.ksyms;
	uint64_t start = UINT64_MAX, end = 0;

	if (!r->module) {
		start = ksyms_address(k, "_stext");
		end = ksyms_address(k, "_etext");
	}
	for (size_t i = 0; r->module && i < ksyms_count(k); i++) {
		const struct ksym *sym = ksyms_nth(k, i);

		if (!sym->text || !sym->module || strcmp(sym->module, r->module))
			continue;
		if (sym->addr < start)
			start = sym->addr;
		if (sym->addr + sym->size > end)
			end = sym->addr + sym->size;
	}
	if (!start || end <= start || end - start > MAX_TEXT)
		return false;
	r->start = start;
	r->len = end - start;
	return true;
}

static void mark_functions(struct image *im, struct refs *r)
{
	for (size_t i = 0; i < ksyms_count(im->src.ksyms); i++) {
		const struct ksym *sym = ksyms_nth(im->src.ksyms, i);
		uint64_t off = sym->addr - r->start;

		if (sym->text && sym->size && sym->addr >= r->start && off < r->len)
			r->begins[off / 8] |= 1 << off % 8;
	}
}

static int add(struct refs *r, uint64_t target, uint32_t from)
{
	uint64_t off = target - r->start;

	if (target < r->start || off >= r->len || !(r->begins[off / 8] & 1 << off % 8))
		return 0;
	if (r->nr == r->room) {
		size_t room = r->room ? r->room * 2 : 4096;
		struct ref *more = room <= MAX_REFS ? realloc(r->ref, room * sizeof(*more)) : NULL;

		if (!more)
			return -ENOMEM;
		r->ref = more;
		r->room = room;
	}
	r->ref[r->nr++] = (struct ref){off, from};
	return 0;
}

/* Is a 32-bit displacement, after these bytes, that of lea reg, [rip + …]? */
static bool is_lea(const uint8_t *p)
{
	return p[-2] == 0x8d && (p[-1] & 0xc7) == 0x05;
}

static int scan(struct refs *r, const uint8_t *text)
{
	int err = 0;

	for (uint32_t i = 2; !err && i + 4 <= r->len; i++) {
		uint64_t behind = r->start + i + 4;
		int32_t word;

		memcpy(&word, text + i, 4);
		if (text[i - 1] == 0xe8 || text[i - 1] == 0xe9)
			err = add(r, behind + (int64_t)word, i + 4);
		else if (is_lea(text + i))
			err = add(r, behind + (int64_t)word, (i + 4) | TAKEN);
		if (!err && word < 0)
			err = add(r, (uint64_t)(int64_t)word, (i + 4) | TAKEN);
	}
	return err;
}

static int compare(const void *va, const void *vb)
{
	const struct ref *a = va, *b = vb;

	if (a->function != b->function)
		return a->function < b->function ? -1 : 1;
	return a->from < b->from ? -1 : a->from > b->from;
}

int refs_new(struct image *im, const char *module, struct refs **ret)
{
	struct refs *r = calloc(1, sizeof(*r));
	uint8_t *text = NULL;
	int err = -ENOMEM;

	if (!r)
		return err;
	r->module = module;
	if (!text_bounds(im, r)) {
		free(r);
		return -ENOENT;
	}
	text = malloc(r->len);
	r->begins = calloc(r->len / 8 + 1, 1);
	if (text && r->begins) {
		mark_functions(im, r);
		err = im->src.read(im->src.arg, r->start, text, r->len);
		if (!err)
			err = scan(r, text);
	}
	free(text);
	free(r->begins);
	r->begins = NULL;
	if (err) {
		refs_free(r);
		return err;
	}
	if (r->nr)
		qsort(r->ref, r->nr, sizeof(*r->ref), compare);
	*ret = r;
	return 0;
}

void refs_free(struct refs *r)
{
	if (!r)
		return;
	free(r->ref);
	free(r);
}

size_t refs_memory(const struct refs *r)
{
	return sizeof(*r) + r->room * sizeof(*r->ref);
}

const char *refs_module(const struct refs *r)
{
	return r->module;
}

uint64_t refs_next(const struct refs *r, uint64_t function, bool taken, size_t *pos)
{
	size_t low = 0, high = r->nr;
	uint64_t off = function - r->start;

	if (off >= r->len)
		return 0;
	while (!*pos && low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->ref[mid].function < off)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t i = *pos ? *pos : low; i < r->nr && r->ref[i].function == off; i++) {
		if (!(r->ref[i].from & TAKEN) == taken)
			continue;
		*pos = i + 1;
		return r->start + (r->ref[i].from & ~TAKEN);
	}
	return 0;
}
