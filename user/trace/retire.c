// SPDX-License-Identifier: GPL-2.0-only
#include "trace/retire.h"

#include <errno.h>
#include <string.h>

static const char *const names[RETIRE_HOOKS] = { "lv_module_free", "lv_kmem_cache_destroy" };

int retire_attach(const struct bpf_object *object, struct bpf_link *ret[static RETIRE_HOOKS],
		  struct error *err)
{
	for (int i = 0; i < RETIRE_HOOKS; i++) {
		struct bpf_link *link =
			bpf_program__attach(bpf_object__find_program_by_name(object, names[i]));
		int code = libbpf_get_error(link);

		if (code == -ENOENT && !i) /* no such tracepoint: no CONFIG_MODULES */
			continue;
		if (code)
			return error_set(err, code, "the kernel refused the hook %s: %s", names[i],
					 strerror(-code));
		ret[i] = link;
	}
	return 0;
}

void retire_detach(struct bpf_link *links[static RETIRE_HOOKS])
{
	for (int i = 0; i < RETIRE_HOOKS; i++) {
		bpf_link__destroy(links[i]);
		links[i] = NULL;
	}
}
