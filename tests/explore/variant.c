// SPDX-License-Identifier: GPL-2.0-only
/* What holds at each step of a program, its variants, and how it is printed. */
#include "program.h"

#include <string.h>

void program_note_moments(struct part *part)
{
	uint8_t writes[MAX_LOCKS] = {}, reads[MAX_LOCKS] = {};
	struct moment now = { .irqs_off = part->level == LV_LEVEL_HARDIRQ };
	uint32_t bh = 0;

	for (uint32_t i = 0; i <= part->nr_steps; i++) {
		const struct step *step = &part->steps[i];

		now.writes = now.reads = 0;
		for (uint32_t lock = 0; lock < MAX_LOCKS; lock++) {
			now.writes |= (writes[lock] > 0) << lock;
			now.reads |= (reads[lock] > 0) << lock;
		}
		now.bh_off = bh > 0;
		part->moments[i] = now;
		if (i == part->nr_steps)
			break;
		if (step->kind == STEP_ACQUIRE || step->kind == STEP_TRY)
			(step->mode == LV_WRITE ? writes : reads)[step->lock]++;
		if (step->kind == STEP_HOLD)
			reads[step->lock]++;
		if (step->kind == STEP_DROP)
			reads[step->lock]--;
		if (step->kind == STEP_RELEASE)
			(step->mode == LV_WRITE ? writes : reads)[step->lock]--;
		if (step->kind == STEP_IRQ_OFF || step->kind == STEP_IRQ_ON)
			now.irqs_off = step->kind == STEP_IRQ_OFF;
		bh += (step->kind == STEP_BH_OFF) - (step->kind == STEP_BH_ON);
	}
}

/* Room for one more task's part: handlers come after the tasks. */
static struct part *insert_task(struct program *p)
{
	struct part *part = &p->parts[p->nr_tasks];

	if (p->nr_tasks == MAX_CPUS)
		return NULL;
	memmove(part + 1, part, p->nr_handlers * sizeof(*part));
	p->nr_tasks++;
	return part;
}

bool program_run_twice(struct program *p, uint32_t task)
{
	struct part *part = insert_task(p);

	if (part)
		*part = p->parts[task];
	return part != NULL;
}

bool program_add_writer(struct program *p, uint32_t lock)
{
	struct part *part = insert_task(p);

	if (!part)
		return false;
	*part = (struct part){ .nr_steps = 4,
			       .steps = { { .kind = STEP_IRQ_OFF },
					  { .kind = STEP_ACQUIRE, .lock = lock },
					  { .kind = STEP_RELEASE, .lock = lock },
					  { .kind = STEP_IRQ_ON } } };
	program_note_moments(part);
	return true;
}

static bool is_about_lock(const struct step *step)
{
	return step->kind <= STEP_ATTEMPT;
}

/* Drop the steps about other locks; jumps move with what is left. */
static bool keep_locks(struct part *part, uint8_t locks)
{
	uint8_t to[MAX_STEPS + 1];
	uint8_t nr = 0;

	for (uint32_t i = 0; i <= part->nr_steps; i++) {
		const struct step *step = &part->steps[i];

		to[i] = nr;
		if (i < part->nr_steps && !(is_about_lock(step) && !(locks & 1u << step->lock)))
			nr++;
	}
	if (nr == part->nr_steps)
		return false;
	for (uint32_t i = 0; i < part->nr_steps; i++) {
		struct step step = part->steps[i];

		if (to[i + 1] == to[i])
			continue;
		step.skip = to[step.skip];
		part->steps[to[i]] = step;
	}
	part->nr_steps = nr;
	program_note_moments(part);
	return true;
}

static bool is_idle(const struct part *part)
{
	for (uint32_t i = 0; i < part->nr_steps; i++)
		if (is_about_lock(&part->steps[i]))
			return false;
	return true;
}

static void drop_task(struct program *p, uint32_t task)
{
	struct part *part = &p->parts[task];

	memmove(part, part + 1, (program_parts(p) - task - 1) * sizeof(*part));
	p->nr_tasks--;
}

/* A task that is left with nothing to do makes room. */
bool program_keep_locks(struct program *p, uint8_t locks)
{
	bool changed = false;

	for (uint32_t i = 0; i < program_parts(p); i++)
		changed |= keep_locks(&p->parts[i], locks);
	for (uint32_t i = p->nr_tasks; i-- > 0;)
		if (is_idle(&p->parts[i]))
			drop_task(p, i);
	return changed;
}

bool program_never_try(struct program *p)
{
	bool changed = false;

	for (uint32_t i = 0; i < program_parts(p); i++) {
		for (uint32_t s = 0; s < p->parts[i].nr_steps; s++) {
			struct step *step = &p->parts[i].steps[s];

			changed |= step->kind == STEP_TRY;
			if (step->kind == STEP_TRY)
				step->kind = STEP_ACQUIRE;
		}
	}
	return changed;
}

static void print_take(const struct step *step, FILE *out)
{
	static const char *const how[] = { [LV_IRQ_OFF] = " irqsave", [LV_IRQ_BH_OFF] = " bh" };
	const char *irq = step->irq == LV_IRQ_KEEP ? "" : how[step->irq];

	fprintf(out, "  %s%s %c%s\n", step->kind == STEP_TRY ? "try" : "",
		step->mode == LV_READ ? "read" : "lock", 'A' + step->lock, irq);
}

static void print_pseudo(const struct program *p, const struct step *step, FILE *out)
{
	const char *how = p->pseudo[step->lock] == LV_PSEUDO_SRCU ? " recursive" : "";

	if (step->kind == STEP_HOLD)
		fprintf(out, "  hold %c%s\n", 'A' + step->lock, how);
	else
		fprintf(out, "  %s %c\n", step->kind == STEP_DROP ? "drop" : "attempt", 'A' + step->lock);
}

static void print_step(const struct program *p, const struct step *step, FILE *out)
{
	static const char *const back[] = { [LV_IRQ_KEEP] = "",
					    [LV_IRQ_ON] = " irq",
					    [LV_IRQ_RESTORE] = " irqrestore",
					    [LV_IRQ_BH_ON] = " bh" };
	static const char *const words[] = { [STEP_IRQ_OFF] = "irq off",
					     [STEP_IRQ_ON] = "irq on",
					     [STEP_BH_OFF] = "bh off",
					     [STEP_BH_ON] = "bh on" };

	if (step->fused)
		return;
	if (step->kind == STEP_ACQUIRE || step->kind == STEP_TRY)
		print_take(step, out);
	else if (step->kind == STEP_HOLD || step->kind == STEP_DROP || step->kind == STEP_ATTEMPT)
		print_pseudo(p, step, out);
	else if (step->kind == STEP_RELEASE)
		fprintf(out, "  unlock %c%s\n", 'A' + step->lock, back[step->irq]);
	else
		fprintf(out, "  %s\n", words[step->kind]);
}

void program_print(const struct program *p, FILE *out)
{
	static const char *const families[] = { [LV_SPIN] = "spin",
						[LV_RWLOCK] = "rwlock",
						[LV_MUTEX] = "mutex" };

	for (uint32_t i = 0; i < p->nr_locks; i++)
		fprintf(out, "%s %c\n",
			p->pseudo[i] == LV_PSEUDO_WORK	 ? "pseudo work" :
			p->pseudo[i] == LV_PSEUDO_SRCU ? "pseudo srcu" :
							 families[p->family[i]],
			'A' + i);
	for (uint32_t i = 0; i < program_parts(p); i++) {
		const struct part *part = &p->parts[i];

		fprintf(out, "%s part%u\n",
			part->level == LV_LEVEL_TASK	? "task" :
			part->level == LV_LEVEL_HARDIRQ ? "hardirq" :
							  "softirq",
			i);
		for (uint32_t s = 0; s < part->nr_steps; s++)
			print_step(p, &part->steps[s], out);
		if (part->level != LV_LEVEL_TASK)
			fputs("end\n", out);
	}
}
