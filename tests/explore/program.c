// SPDX-License-Identifier: GPL-2.0-only
#include "program.h"

#include <string.h>

/* splitmix64 */
uint32_t dice_roll(struct dice *dice, uint32_t sides)
{
	uint64_t z = dice->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (uint32_t)((z ^ z >> 31) >> 32) % sides;
}

/* A part being written. */
struct pen {
	struct dice *dice;
	const struct program *p;
	struct part *part;
	uint32_t room;
	uint8_t held[MAX_LOCKS];
	uint8_t spinning;
	bool irqs_off, bh_off;
	uint8_t locks; /* that it may take */
	uint32_t tries; /* open: what they guard leaves irqs as they were */
};

static bool chance(struct pen *pen, uint32_t percent)
{
	return dice_roll(pen->dice, 100) < percent;
}

static struct step *add(struct pen *pen, enum step_kind kind, uint8_t irq, bool fused)
{
	struct step *step = &pen->part->steps[pen->part->nr_steps++];

	*step = (struct step){ .kind = kind, .irq = irq, .fused = fused };
	if (kind == STEP_IRQ_OFF || kind == STEP_IRQ_ON)
		pen->irqs_off = kind == STEP_IRQ_OFF;
	if (kind == STEP_BH_OFF || kind == STEP_BH_ON)
		pen->bh_off = kind == STEP_BH_OFF;
	return step;
}

static bool spins(const struct pen *pen, uint8_t lock)
{
	return pen->p->family[lock] != LV_MUTEX && pen->p->family[lock] != LV_PSEUDO;
}

static void take(struct pen *pen, uint8_t lock, uint8_t mode, uint8_t irq, enum step_kind kind)
{
	struct step *step = add(pen, kind, irq, false);

	step->lock = lock;
	step->mode = mode;
	pen->held[lock]++;
	pen->spinning += spins(pen, lock);
}

static void give(struct pen *pen, uint8_t lock, uint8_t mode, uint8_t irq)
{
	struct step *step = add(pen, STEP_RELEASE, irq, false);

	step->lock = lock;
	step->mode = mode;
	pen->held[lock]--;
	pen->spinning -= spins(pen, lock);
}

static void body(struct pen *pen, uint32_t depth);

/* Would a careful author take it here: after all locks he holds, and not twice? */
static bool is_in_order(const struct pen *pen, uint8_t lock)
{
	for (uint32_t i = lock; i < MAX_LOCKS; i++)
		if (pen->held[i])
			return false;
	return true;
}

/* A lock this context may take; mutexes only where one can sleep. */
static bool pick_lock(struct pen *pen, uint8_t *ret)
{
	for (int i = 0; i < 6; i++) {
		uint8_t lock = dice_roll(pen->dice, pen->p->nr_locks);

		if (!(pen->locks & 1u << lock) || (pen->held[lock] && !chance(pen, 6)))
			continue;
		if (!is_in_order(pen, lock) && chance(pen, pen->p->care))
			continue;
		if (!spins(pen, lock) && (pen->part->level != LV_LEVEL_TASK || pen->spinning ||
					  pen->irqs_off || pen->bh_off))
			continue;
		*ret = lock;
		return true;
	}
	return false;
}

static uint8_t pick_mode(struct pen *pen, uint8_t lock)
{
	return pen->p->family[lock] == LV_RWLOCK && chance(pen, 60) ? LV_READ : LV_WRITE;
}

static void plain_section(struct pen *pen, uint8_t lock, uint8_t mode, uint32_t depth)
{
	take(pen, lock, mode, LV_IRQ_KEEP, STEP_ACQUIRE);
	pen->room -= 2;
	body(pen, depth + 1);
	give(pen, lock, mode, LV_IRQ_KEEP);
}

static void try_section(struct pen *pen, uint8_t lock, uint8_t mode, uint32_t depth)
{
	uint32_t at = pen->part->nr_steps;

	take(pen, lock, mode, LV_IRQ_KEEP, STEP_TRY);
	pen->room -= 2;
	pen->tries++;
	body(pen, depth + 1);
	pen->tries--;
	give(pen, lock, mode, LV_IRQ_KEEP);
	pen->part->steps[at].skip = pen->part->nr_steps;
}

/* _irqsave and _irqrestore, or _irq: that one leaves irqs on, however they were. */
static void irq_section(struct pen *pen, uint8_t lock, uint8_t mode, uint32_t depth)
{
	bool restore = pen->part->level == LV_LEVEL_HARDIRQ || pen->tries || chance(pen, 60);
	bool was_off = pen->irqs_off;

	add(pen, STEP_IRQ_OFF, LV_IRQ_OFF, true);
	take(pen, lock, mode, LV_IRQ_OFF, STEP_ACQUIRE);
	pen->room -= 4;
	body(pen, depth + 1);
	give(pen, lock, mode, restore ? LV_IRQ_RESTORE : LV_IRQ_ON);
	add(pen, restore && was_off ? STEP_IRQ_OFF : STEP_IRQ_ON, LV_IRQ_KEEP, true);
}

static void bh_section(struct pen *pen, uint8_t lock, uint8_t mode, uint32_t depth)
{
	add(pen, STEP_BH_OFF, LV_IRQ_BH_OFF, true);
	take(pen, lock, mode, LV_IRQ_BH_OFF, STEP_ACQUIRE);
	pen->room -= 4;
	body(pen, depth + 1);
	give(pen, lock, mode, LV_IRQ_BH_ON);
	add(pen, STEP_BH_ON, LV_IRQ_KEEP, true);
}

/* Given back in the order they were taken in. */
static void crossed_sections(struct pen *pen, uint8_t lock, uint8_t mode, uint32_t depth)
{
	uint8_t second, mode2;

	take(pen, lock, mode, LV_IRQ_KEEP, STEP_ACQUIRE);
	pen->room -= 2;
	if (!pick_lock(pen, &second) || second == lock || pen->room < 2) {
		give(pen, lock, mode, LV_IRQ_KEEP);
		return;
	}
	mode2 = pick_mode(pen, second);
	take(pen, second, mode2, LV_IRQ_KEEP, STEP_ACQUIRE);
	pen->room -= 2;
	give(pen, lock, mode, LV_IRQ_KEEP);
	body(pen, depth + 1);
	give(pen, second, mode2, LV_IRQ_KEEP);
}

/* Irqs off to begin with, on again under the lock. */
static void opened_section(struct pen *pen, uint8_t lock, uint8_t mode, uint32_t depth)
{
	add(pen, STEP_IRQ_OFF, LV_IRQ_KEEP, false);
	take(pen, lock, mode, LV_IRQ_KEEP, STEP_ACQUIRE);
	add(pen, STEP_IRQ_ON, LV_IRQ_KEEP, false);
	pen->room -= 4;
	body(pen, depth + 1);
	give(pen, lock, mode, LV_IRQ_KEEP);
}

static void off_region(struct pen *pen, uint32_t depth)
{
	bool bh = pen->part->level == LV_LEVEL_TASK && chance(pen, 40);

	add(pen, bh ? STEP_BH_OFF : STEP_IRQ_OFF, LV_IRQ_KEEP, false);
	pen->room -= 2;
	body(pen, depth + 1);
	/* An _irq inside may have been quicker. */
	add(pen, bh ? STEP_BH_ON : STEP_IRQ_ON, LV_IRQ_KEEP, false);
}

static bool holds_any(const struct pen *pen)
{
	for (uint32_t i = 0; i < MAX_LOCKS; i++)
		if (pen->held[i])
			return true;
	return false;
}

/* A work's function, or a reader's section: begun with nothing held, as the kernel's are. */
static void hold_section(struct pen *pen, uint8_t lock, uint32_t depth)
{
	take(pen, lock, LV_READ, LV_IRQ_KEEP, STEP_HOLD);
	pen->room -= 2;
	body(pen, depth + 1);
	give(pen, lock, LV_READ, LV_IRQ_KEEP);
	pen->part->steps[pen->part->nr_steps - 1].kind = STEP_DROP;
}

static void pseudo_section(struct pen *pen, uint8_t lock, uint32_t depth)
{
	if (!holds_any(pen) && chance(pen, 60)) {
		hold_section(pen, lock, depth);
		return;
	}
	/* A grace period in its own reader's section is no lock's business: SRCU has a rule for it. */
	if (pen->held[lock] && pen->p->pseudo[lock] != LV_PSEUDO_WORK)
		return;
	add(pen, STEP_ATTEMPT, LV_IRQ_KEEP, false)->lock = lock;
	pen->room--;
}

/* With irqs or softirqs off, if a handler takes the lock too: true if that was done. */
static bool careful_section(struct pen *pen, uint8_t lock, uint8_t mode, uint32_t depth)
{
	uint32_t worst = LV_LEVEL_TASK;

	for (uint32_t i = 0; i < pen->p->nr_handlers; i++) {
		uint32_t level = pen->p->parts[pen->p->nr_tasks + i].level;

		if (pen->p->handler_locks[i] & 1u << lock && level > worst)
			worst = level;
	}
	if (!spins(pen, lock) || worst <= pen->part->level || pen->irqs_off || pen->room < 4 ||
	    !chance(pen, pen->p->care))
		return false;
	if (worst == LV_LEVEL_SOFTIRQ && !pen->bh_off && chance(pen, 60))
		bh_section(pen, lock, mode, depth);
	else
		irq_section(pen, lock, mode, depth);
	return true;
}

static void section(struct pen *pen, uint32_t depth)
{
	bool hard = pen->part->level == LV_LEVEL_HARDIRQ;
	uint32_t way = dice_roll(pen->dice, 100);
	uint8_t lock, mode;

	if (!hard && way < 12 && pen->room >= 4 && !pen->irqs_off && !pen->bh_off) {
		off_region(pen, depth);
		return;
	}
	if (!pick_lock(pen, &lock))
		return;
	if (pen->p->family[lock] == LV_PSEUDO) {
		pseudo_section(pen, lock, depth);
		return;
	}
	mode = pick_mode(pen, lock);
	if (careful_section(pen, lock, mode, depth))
		return;
	if (!spins(pen, lock) || pen->room < 4 || way < 50)
		plain_section(pen, lock, mode, depth);
	else if (way < 60)
		try_section(pen, lock, mode, depth);
	else if (way < 70)
		crossed_sections(pen, lock, mode, depth);
	else if (way < 75 && !hard && !pen->irqs_off)
		opened_section(pen, lock, mode, depth);
	else if (way < 85 && !hard && !pen->irqs_off && !pen->bh_off)
		bh_section(pen, lock, mode, depth);
	else
		irq_section(pen, lock, mode, depth);
}

static void body(struct pen *pen, uint32_t depth)
{
	uint32_t nr = depth ? dice_roll(pen->dice, depth < 3 ? 3 : 2) : 1 + dice_roll(pen->dice, 2);

	for (uint32_t i = 0; i < nr && pen->room >= 2; i++)
		section(pen, depth);
}

static void make_part(struct program *p, struct part *part, uint32_t room, uint8_t locks,
		      struct dice *dice)
{
	struct pen pen = { .dice = dice, .p = p, .part = part, .locks = locks };

	pen.irqs_off = part->level == LV_LEVEL_HARDIRQ;
	do {
		part->nr_steps = 0;
		pen.room = room;
		body(&pen, 0);
	} while (!part->nr_steps);
	program_note_moments(part);
}

void program_make(struct program *p, struct dice *dice)
{
	static const uint8_t families[] = { LV_SPIN,   LV_SPIN,	 LV_RWLOCK, LV_RWLOCK,
					    LV_MUTEX,  LV_MUTEX, LV_PSEUDO, LV_PSEUDO };
	static const uint8_t cares[] = { 0, 70, 90, 97, 100 };

	memset(p, 0, sizeof(*p));
	p->nr_locks = 2 + dice_roll(dice, 3);
	p->nr_tasks = 2 + !dice_roll(dice, 3);
	p->nr_handlers = dice_roll(dice, 3);
	for (uint32_t i = 0; i < p->nr_locks; i++)
		p->family[i] = families[dice_roll(dice, sizeof(families))];
	if (p->nr_handlers || dice_roll(dice, 2)) /* something for a handler to take */
		p->family[0] = dice_roll(dice, 2) ? LV_SPIN : LV_RWLOCK;
	for (uint32_t i = 0; i < p->nr_locks; i++)
		if (p->family[i] == LV_PSEUDO)
			p->pseudo[i] = dice_roll(dice, 2) ? LV_PSEUDO_WORK : LV_PSEUDO_SRCU;
	p->care = cares[dice_roll(dice, sizeof(cares))];
	for (uint32_t i = 0; i < p->nr_handlers; i++) {
		p->handler_locks[i] = 1u | dice_roll(dice, 1u << p->nr_locks);
		p->parts[p->nr_tasks + i].level = LV_LEVEL_SOFTIRQ + dice_roll(dice, 2);
	}
	for (uint32_t i = 0; i < program_parts(p); i++) {
		if (i < p->nr_tasks)
			make_part(p, &p->parts[i], p->nr_tasks == 3 ? 8 : 12, 0xff, dice);
		else
			make_part(p, &p->parts[i], 6, p->handler_locks[i - p->nr_tasks], dice);
	}
}

