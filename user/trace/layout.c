// SPDX-License-Identifier: GPL-2.0-only
#include "trace/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/ksyms.h"
#include "naming/anchors.h"
#include "naming/generic.h"
#include "trace/run.h"

static struct bpf_program *program(const struct bpf_object *object, const char *name)
{
	return bpf_object__find_program_by_name(object, name);
}

static int failed(int code, struct error *err)
{
	return code ? error_set(err, code,
				"cannot run a BPF program to find the kernel's layout: %s",
				strerror(-code)) :
		      0;
}

int layout_find(const struct bpf_object *object, struct error *err)
{
	int code = run_program(program(object, "lv_prepare"));

	if (code == -EIO)
		return error_set(err, -ENOTSUP, "this kernel's layout of memory is none that lockvane knows");
	return failed(code, err);
}

static int by_address(const void *va, const void *vb)
{
	const __u64 *a = va, *b = vb;

	return *a < *b ? -1 : *a > *b;
}

int layout_find_units(const struct bpf_object *object, unsigned int nr,
		      const struct lv_layout *layout, struct lv_units *ret, struct error *err)
{
	int code;

	ret->nr = nr < LV_MAX_CPUS ? nr : LV_MAX_CPUS;
	code = run_program(program(object, "lv_find_units"));
	if (code)
		return failed(code, err);
	qsort(ret->start, ret->nr, sizeof(ret->start[0]), by_address);
	ret->end = ret->start[ret->nr - 1] + layout->percpu_unit_end - layout->percpu_start;
	return 0;
}

int layout_find_stacks(const struct bpf_object *object)
{
	return run_iterator(program(object, "lv_note_stacks"));
}

static int search_range(const struct bpf_object *object, const struct anchors_range *range,
			struct lv_anchors *table, struct anchors *a)
{
	int code = 0;

	table->next = range->start;
	table->end = range->end;
	while (!code && table->next < table->end) {
		uint64_t before = table->next;

		code = run_program(program(object, "lv_find_anchors"));
		if (!code && table->next <= before)
			code = -EIO;
		code = code ? code : anchors_add(a, table->anchor, table->nr);
	}
	return code;
}

static int search_anchors(const struct bpf_object *object, const struct ksyms *ksyms,
			  const struct kbtf *btf, struct lv_anchors *table)
{
	struct anchors_range ranges[ANCHORS_RANGES];
	size_t nr = anchors_ranges(ksyms, ranges);
	struct anchors *a = NULL;
	int code = anchors_new(ksyms, btf, &a);

	for (size_t i = 0; !code && i < nr; i++)
		code = search_range(object, &ranges[i], table, a);
	if (!code) {
		anchors_table(a, table);
		code = run_program(program(object, "lv_measure_anchors"));
	}
	anchors_free(a);
	return code;
}

int layout_find_by_symbols(const struct bpf_object *object, const struct kbtf *btf,
			   struct lv_anchors *anchors, struct lv_generic *generic, struct error *err)
{
	struct ksyms *ksyms = NULL;
	int code;

	if (ksyms_load(NULL, &ksyms))
		return 0;
	generic_find(ksyms, btf, generic);
	code = search_anchors(object, ksyms, btf, anchors);
	ksyms_free(ksyms);
	if (code)
		return error_set(err, code, "cannot search the kernel's variables for tables: %s",
				 strerror(-code));
	return 0;
}
