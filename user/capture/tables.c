// SPDX-License-Identifier: GPL-2.0-only
#include "capture/tables.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "capture/tables_internal.h"
#include "hooks.h"

uint32_t tables_tasks(const struct tables *tables)
{
	uint32_t word = __atomic_load_n(&tables->control->word, __ATOMIC_RELAXED), nr = 0;

	for (uint32_t i = 0; word && tables->task_keys && i < LV_MAX_TASKS; i++) {
		__u64 key = __atomic_load_n(&tables->task_keys[i], __ATOMIC_RELAXED);

		nr += key >> 48 == word >> LV_EPOCH_SHIFT && !(key & LV_TASK_IDLE);
	}
	return nr;
}

static void add_memo(struct tables_totals *totals, const struct lv_memo *memo)
{
	uint32_t edge = memo->edge;

	totals->acquisitions[memo->entry & (LV_MAX_CLASSES - 1)] += memo->hits;
	if (edge != LV_NONE)
		totals->edge_hits[edge & (LV_MAX_EDGES - 1)] += memo->hits;
}

void tables_add_up(const struct tables *tables, struct tables_totals *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < tables->nr_cpus; i++) {
		const struct lv_cpu *cpu = &tables->cpus[i];

		for (uint32_t class = 0; class < LV_MAX_CLASSES; class++)
			ret->acquisitions[class] += cpu->acquisitions[class];
		for (uint32_t edge = 0; edge < LV_MAX_EDGES; edge++)
			ret->edge_hits[edge] += cpu->edge_hits[edge];
		for (uint32_t memo = 0; memo < LV_MEMOS; memo++)
			add_memo(ret, &cpu->memo[memo]);
		for (uint32_t memo = 0; memo < LV_CLASS_MEMOS; memo++)
			add_memo(ret, &cpu->class_memo[memo]);
	}
}

static int move_fact(struct moved *m, uint32_t id)
{
	const struct lv_fact *from = &m->tables->facts[id];
	struct capture_fact *to;
	int err = 0;

	_Static_assert((int)LV_FACT_BAD_UNLOCK == CAPTURE_BAD_UNLOCK &&
			       (int)LV_FACT_HELD_FREED == CAPTURE_HELD_FREED &&
			       (int)LV_FACT_HELD_AT_EXIT == CAPTURE_HELD_AT_EXIT &&
			       (int)LV_FACT_WAIT_ATOMIC == CAPTURE_WAIT_ATOMIC &&
			       (int)LV_FACT_HELD_AT_DEATH == CAPTURE_HELD_AT_DEATH,
		       "one numbering");
	if (from->class >= LV_MAX_CLASSES || from->kind >= CAPTURE_FACT_KINDS)
		return 0;
	/* Given back without ever being seen taken: a class without usage. */
	if (m->classes[from->class] == LV_NONE)
		err = tables_move_class(m, from->class);
	to = err ? NULL : capture_add_fact(m->capture);
	if (!to)
		return err ? err : -ENOMEM;
	to->kind = from->kind;
	to->class = m->classes[from->class];
	to->addr = from->addr;
	return tables_move_stack(m, from->stack, &to->stack);
}

struct hook_loss {
	const char *function;
	uint64_t count;
};

static int more_first(const void *a, const void *b)
{
	const struct hook_loss *x = a, *y = b;

	return x->count == y->count ? strcmp(x->function, y->function) :
	       x->count < y->count  ? 1 :
				      -1;
}

/* "function count, ..." Only programs that have any; NULL: none has. */
static int list_programs(struct hook_loss *losses, size_t nr, char **ret)
{
	AUTO_STRBUF text = STRBUF_INIT;

	qsort(losses, nr, sizeof(losses[0]), more_first);
	for (size_t i = 0; i < nr && losses[i].count; i++)
		strbuf_addf(&text, "%s%s %" PRIu64, i ? ", " : "", losses[i].function,
			    losses[i].count);
	if (!text.text && !text.failed)
		return 0;
	*ret = strbuf_take(&text);
	return *ret ? 0 : -ENOMEM;
}

/* One kind's loss on all CPUs, by program. */
static int add_loss(const struct tables *tables, int kind, struct capture_loss *loss)
{
	struct hook_loss by_hook[LV_ALL_HOOKS];

	for (int hook = 0; hook < LV_ALL_HOOKS; hook++) {
		struct hook_loss *one = &by_hook[hook];

		one->function = tables_hook(hook);
		one->count = 0;
		for (size_t i = 0; i < tables->nr_cpus; i++)
			one->count += tables->cpus[i].lost[kind][hook];
		if (kind == LV_LOSS_RECURSION && tables->recursion_misses && hook <= LV_HOOKS)
			one->count += tables->recursion_misses[hook];
		loss->count += one->count;
	}
	if (kind == LV_LOSS_NO_CPU)
		loss->count += tables->control->lost_cpu;
	return list_programs(by_hook, LV_ALL_HOOKS, &loss->programs);
}

static int add_losses(const struct tables *tables, struct capture *c)
{
	static const struct {
		const char *name, *text;
	} kinds[LV_LOSS_KINDS] = {
#define X(id, name, text) { #name, text },
		LV_LOSSES(X)
#undef X
	};

	for (int kind = 0; kind < LV_LOSS_KINDS; kind++) {
		struct capture_loss *loss = capture_add_loss(c);
		int err;

		if (!loss)
			return -ENOMEM;
		loss->name = strdup(kinds[kind].name);
		loss->text = strdup(kinds[kind].text);
		if (!loss->name || !loss->text)
			return -ENOMEM;
		err = add_loss(tables, kind, loss);
		if (err)
			return err;
	}
	return 0;
}

uint64_t tables_events(const struct lv_cpu *cpus, size_t nr_cpus)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nr_cpus; i++)
		for (int hook = 0; hook < LV_MAX_HOOKS; hook++)
			sum += cpus[i].events[hook];
	return sum;
}

bool tables_has_class(const struct tables *tables, uint32_t id)
{
	return tables_is_ready(&tables->classes[id].state) && tables->classes[id].usage;
}

static int move_all(struct moved *m)
{
	int err = 0;

	memset(m->classes, 0xff, sizeof(m->classes));
	memset(m->stacks, 0xff, sizeof(m->stacks));
	memset(m->shared, 0, sizeof(m->shared));
	tables_add_up(m->tables, &m->totals);
	m->capture->events += tables_events(m->tables->cpus, m->tables->nr_cpus);
	for (uint32_t i = 0; !err && i < LV_MAX_CLASSES; i++)
		if (tables_has_class(m->tables, i))
			err = tables_move_class(m, i);
	for (uint32_t i = 0; !err && i < LV_MAX_EDGES; i++)
		if (tables_is_ready(&m->tables->edges[i].state))
			err = tables_move_edge(m, i);
	for (uint32_t i = 0; !err && m->tables->facts && i < LV_MAX_FACTS; i++)
		if (tables_is_ready(&m->tables->facts[i].state))
			err = move_fact(m, i);
	err = err ? err : tables_move_waits(m);
	return err ? err : add_losses(m->tables, m->capture);
}

int tables_to_capture(const struct tables *tables, const struct tables_words *words,
		      struct capture *ret)
{
	struct moved *m = malloc(sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->tables = tables;
	m->words = words;
	m->capture = ret;
	m->callers = NULL;
	err = move_all(m);
	tables_free_callers(m);
	free(m);
	return err;
}
