// SPDX-License-Identifier: GPL-2.0-only
#include "finding/fault.h"

#include "finding/framename.h"

/* The kernel's entries for a page fault, x86-64 (6.1 and later) and arm64. */
static const char *const entries[] = {"asm_exc_page_fault", "exc_page_fault", "do_user_addr_fault",
				      "do_mem_abort", "do_page_fault"};

static bool is_in_fault(const struct capture *c, uint32_t stack)
{
	if (stack >= c->nr_stacks)
		return false;
	for (uint32_t i = 0; i < c->stacks[stack].nr_frames; i++)
		if (framename_is_one_of(c->stacks[stack].frames[i].text, entries,
					sizeof(entries) / sizeof(*entries)))
			return true;
	return false;
}

bool fault_is_between(const struct capture *c, const struct capture_edge *edge)
{
	return edge->from_stack < c->nr_stacks && !is_in_fault(c, edge->from_stack) &&
	       is_in_fault(c, edge->stack);
}

static bool is_all_of(const struct finding_model *m, uint32_t edge)
{
	for (uint32_t e = m->first_edge[edge]; e != LV_NONE; e = m->next_edge[e])
		if (!fault_is_between(m->c, &m->c->edges[e]))
			return false;
	return m->first_edge[edge] != LV_NONE;
}

bool fault_is_all_of(struct finding_model *m, uint32_t edge)
{
	if (m->fault[edge] == FINDING_NOT_ASKED)
		m->fault[edge] = is_all_of(m, edge);
	return m->fault[edge];
}
