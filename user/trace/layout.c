// SPDX-License-Identifier: GPL-2.0-only
#include "trace/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	return failed(run_program(program(object, "lv_prepare")), err);
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
