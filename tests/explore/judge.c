// SPDX-License-Identifier: GPL-2.0-only
#include "judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/tables.h"
#include "replay/machine.h"

#define PSEUDO_BASE 0xffffffff90000000ull /* what the first lock's class is about */

struct judge {
	struct machine *machine;
	uint64_t addr[MAX_LOCKS];
	bool production, hung;
};

struct judge *judge_new(bool production)
{
	const struct machine_options options = { .nr_cpus = 1,
						 .nr_locks = MAX_LOCKS,
						 .production = production };
	struct judge *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->production = production;
	j->machine = machine_new(&options);
	if (!j->machine) {
		free(j);
		return NULL;
	}
	return j;
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	machine_free(j->machine);
	free(j);
}

static void run_switch(struct judge *j, const struct step *step)
{
	switch (step->kind) {
	case STEP_IRQ_OFF:
		machine_irq_disable(j->machine);
		break;
	case STEP_IRQ_ON:
		machine_irq_enable(j->machine);
		break;
	case STEP_BH_OFF:
		machine_bh_disable(j->machine);
		break;
	case STEP_BH_ON:
		machine_bh_enable(j->machine);
		break;
	default:
		break;
	}
}

/* An attempt by who holds it hangs: it is seen, and the part ends there. */
static int run_pseudo(struct judge *j, const struct program *p, const struct moment *now,
		      const struct step *step)
{
	const struct machine_op op = {
		.family = LV_PSEUDO,
		.pseudo = p->pseudo[step->lock],
		.mode = p->pseudo[step->lock] == LV_PSEUDO_SRCU && step->kind != STEP_ATTEMPT ?
				LV_RECURSIVE :
				LV_WRITE,
	};
	uint64_t addr = j->addr[step->lock];

	if (step->kind == STEP_HOLD)
		return machine_hold(j->machine, addr, &op);
	if (step->kind == STEP_DROP)
		return machine_drop(j->machine, addr, &op);
	return machine_attempt(j->machine, addr, &op) ?:
	       now->reads & 1u << step->lock ? -EBUSY : 0;
}

/* Alone, a lock is only ever refused to who has it: then the part ends there. */
static int run_part(struct judge *j, const struct program *p, const struct part *part)
{
	for (uint32_t i = 0; i < part->nr_steps; i++) {
		const struct step *step = &part->steps[i];
		const struct machine_op op = { .family = p->family[step->lock],
					       .mode = step->mode,
					       .irq = step->irq,
					       .try = step->kind == STEP_TRY };
		int code = 0;

		if (step->kind == STEP_ACQUIRE || step->kind == STEP_TRY)
			code = machine_lock(j->machine, j->addr[step->lock], &op);
		else if (step->kind == STEP_HOLD || step->kind == STEP_DROP ||
			 step->kind == STEP_ATTEMPT)
			code = run_pseudo(j, p, &part->moments[i], step);
		else if (step->kind == STEP_RELEASE)
			code = machine_unlock(j->machine, j->addr[step->lock], &op);
		else if (!step->fused)
			run_switch(j, step);
		if (code == 1)
			i = step->skip - 1;
		else if (code == -EBUSY)
			return 1;
		else if (code)
			return code;
	}
	return 0;
}

static int run_alone(struct judge *j, const struct program *p, uint32_t id)
{
	const struct part *part = &p->parts[id];
	int code;

	if (part->level == LV_LEVEL_TASK)
		code = machine_switch(j->machine, id + 1, "task");
	else
		code = machine_enter(j->machine, part->level);
	if (!code)
		code = run_part(j, p, part);
	if (!code && part->level != LV_LEVEL_TASK)
		code = machine_exit(j->machine, part->level);
	return code;
}

static int describe_class(void *arg, const struct lv_class *class, struct capture_class *ret)
{
	const struct judge *j = arg;
	char name[2] = "A";

	if (class->place.kind == LV_PLACE_TOLD)
		name[0] += class->place.base;
	if (class->place.kind == LV_PLACE_PSEUDO)
		name[0] += class->place.base - PSEUDO_BASE;
	for (uint32_t i = 0; i < MAX_LOCKS; i++)
		if (class->place.kind == LV_PLACE_STATIC && j->addr[i] == class->place.base)
			name[0] += i;
	ret->name = strdup(name);
	ret->kind = strdup("static");
	return ret->name && ret->kind ? 0 : -ENOMEM;
}

static char *symbol(void *arg, uint64_t ip)
{
	(void)arg;
	(void)ip;
	return strdup("?");
}

static int make_capture(struct judge *j, struct capture *c)
{
	const struct world *world = machine_world(j->machine);
	const struct tables tables = { .control = &world->control,
				       .cpus = world->cpus,
				       .nr_cpus = world->nr_cpus,
				       .classes = world->classes,
				       .edges = world->edges,
				       .stacks = world->stacks,
				       .names = world->names,
				       .facts = world->facts };
	const struct tables_words words = { .arg = j,
					    .describe_class = describe_class,
					    .symbol = symbol };

	c->kernel = strdup("explore");
	c->annotated = !j->production;
	return c->kernel ? tables_to_capture(&tables, &words, c) : -ENOMEM;
}

/* Every part on a machine that is fresh but for what was recorded: some hang. */
static int run_all(struct judge *j, const struct program *p)
{
	j->hung = false;
	machine_reset(j->machine);
	for (uint32_t i = 0; i < p->nr_locks; i++) {
		j->addr[i] = machine_add_lock(j->machine, p->family[i]);
		if (p->family[i] == LV_PSEUDO)
			machine_show_place(j->machine, j->addr[i],
					   &(struct lv_place){ .kind = LV_PLACE_PSEUDO,
							       .base = PSEUDO_BASE + i });
	}
	for (uint32_t i = 0; i < program_parts(p); i++) {
		int code = run_alone(j, p, i);

		if (code < 0)
			return code;
		j->hung |= code;
		machine_restart(j->machine);
	}
	return 0;
}

bool judge_hung(const struct judge *j)
{
	return j->hung;
}

int judge_run(struct judge *j, const struct program *p, struct capture **ret_capture,
	      struct findings **ret_findings)
{
	struct capture *c = capture_new();
	int code = c ? run_all(j, p) : -ENOMEM;

	if (!code)
		code = make_capture(j, c);
	if (!code)
		code = finding_analyse(c, ret_findings);
	if (code)
		capture_free(c);
	else
		*ret_capture = c;
	return code;
}
