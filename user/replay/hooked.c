// SPDX-License-Identifier: GPL-2.0-only
#include "replay/hooked.h"

#include "hooks.h"
#include "replay/world.h"
#include "record/recorder.h"

/* The hook a verb stands for: index in hooks.def, or LV_HOOKS when it has none (yet). */
struct hook_key {
	uint8_t verb, family, mode, irq;
};

enum { VERB_ACQUIRE = 1, VERB_TRY, VERB_RELEASE };

#define HOW_WAIT 0
#define HOW_TRY LV_HELD_TRY
#define HOW_WW 0
#define HOW_AGAIN 0
#define HOW_WW_TRY LV_HELD_TRY

static const struct hook_key hook_keys[LV_HOOKS] = {
#define LV_ACQUIRE(function, family, mode, irq) \
	{ VERB_ACQUIRE, LV_##family, LV_##mode, LV_IRQ_##irq },
#define LV_TRY(function, family, mode, irq) { VERB_TRY, LV_##family, LV_##mode, LV_IRQ_##irq },
#define LV_RELEASE(function, family, irq) { VERB_RELEASE, LV_##family, 0xff, LV_IRQ_##irq },
#define LV_NAME(function, family) { 0 },
#define LV_SLEEP(function, family, mode, lock, when, how) \
	{ (HOW_##how) & LV_HELD_TRY ? VERB_TRY : VERB_ACQUIRE, LV_##family, LV_##mode, LV_IRQ_KEEP },
#define LV_SLEEP_RELEASE(function, family, lock, how) \
	{ VERB_RELEASE, LV_##family, 0xff, LV_IRQ_KEEP },
#define LV_DOWNGRADE(function, family) { 0 },
#define LV_HAND_OVER(function, family) { 0 },
#include "hooks.def"
};

static uint32_t hook_of(uint8_t verb, const struct machine_op *op)
{
	for (uint32_t i = 0; i < LV_HOOKS; i++) {
		const struct hook_key *key = &hook_keys[i];

		if (key->verb == verb && key->family == op->family && key->irq == op->irq &&
		    (verb == VERB_RELEASE || (key->mode == LV_WRITE) == (op->mode == LV_WRITE)))
			return i;
	}
	return LV_HOOKS;
}

void hooked_acquire(uint64_t addr, const struct machine_op *op, uint32_t how)
{
	uint32_t hook = hook_of(op->try ? VERB_TRY : VERB_ACQUIRE, op), word = armed_word();

	if (!is_armed(word))
		return;
	if (op->try)
		how = LV_HELD_TRY;
	if (op->ww)
		how |= LV_HELD_NESTED;
	if (family_sleeps(op->family))
		record_sleep(NULL, addr, EVENT_META(hook, LV_LEVEL_TASK, op->family),
			     how | (op->mode == LV_WRITE ? 0 : SLEEP_READ));
	else
		record_acquire(&addr, word, hook, op->family, op->mode, how, op->irq);
}

void hooked_release(uint64_t addr, const struct machine_op *op, uint64_t flags)
{
	uint32_t hook = hook_of(VERB_RELEASE, op), word = armed_word();

	if (!is_armed(word))
		return;
	if (family_sleeps(op->family))
		record_stack(NULL, sleep_release(addr, EVENT_META(hook, LV_LEVEL_TASK, op->family),
						 0));
	else
		record_release(&addr, word, hook, op->family, op->irq, flags);
}

void hooked_hand_over(uint32_t family)
{
	if (is_armed(armed_word()))
		sleep_hand_over(EVENT_META(LV_HOOK_freeze_super, LV_LEVEL_TASK, family));
}

static uint32_t pseudo_how(const struct machine_op *op)
{
	uint32_t how = op->pseudo << PSEUDO_KIND_SHIFT;

	if (op->mode != LV_WRITE)
		how |= op->mode == LV_RECURSIVE ? PSEUDO_READ | PSEUDO_RECURSIVE : PSEUDO_READ;
	return op->try ? how | LV_HELD_TRY : how;
}

void hooked_hold(uint64_t addr, uint64_t base, const struct machine_op *op)
{
	if (is_armed(armed_word()))
		record_pseudo(NULL, addr, base, EVENT_META(LV_HOOKS, 0, op->family),
			      pseudo_how(op));
}

void hooked_drop(uint64_t addr, const struct machine_op *op)
{
	if (is_armed(armed_word()))
		pseudo_drop(addr, EVENT_META(LV_HOOKS, 0, op->family), pseudo_how(op));
}

void hooked_attempt(uint64_t addr, uint64_t base, const struct machine_op *op)
{
	if (is_armed(armed_word()) && pseudo_tells(pseudo_how(op)))
		record_pseudo(NULL, addr, base, EVENT_META(LV_HOOKS, 0, op->family),
			      pseudo_how(op) | PSEUDO_ATTEMPT);
}

void hooked_wait(uint64_t addr, const struct machine_op *op)
{
	const uint32_t meta = EVENT_META(LV_HOOKS, LV_LEVEL_TASK, op->family) | META_ATTEMPT;
	struct lv_held lock = { .addr = addr, .mode = op->mode, .flags = LV_HELD_ENTRY };
	struct lv_held_stack *held;
	struct context context;

	if (!is_armed(armed_word()) || context_enter_sleeping(&context, LV_HOOKS) ||
	    context.level != LV_LEVEL_TASK)
		return;
	held = task_held(context.cpu);
	lock.class = class_of(addr, op->family, 0, 0);
	if (held && held->depth && lock.class < LV_ABOVE)
		record_stack(NULL, edges_record(context.cpu, 0, held, &lock, meta, LV_NONE));
}

void hooked_switch(uint64_t next)
{
	uint32_t word = armed_word();

	if (!is_armed(word))
		return;
	record_switch(NULL, next, word, RECORD_BLOCKED);
}

void hooked_enable(void)
{
	uint32_t word = armed_word();

	if (!is_armed(word))
		return;
	record_enable(NULL, word, LV_HOOKS);
}

void hooked_free(uint64_t addr, uint64_t size)
{
	uint32_t word = armed_word();

	if (!is_armed(word))
		return;
	record_free(NULL, word, addr, size, LV_HOOKS);
}

void hooked_user_return(void)
{
	uint32_t word = armed_word();

	if (!is_armed(word))
		return;
	record_user_return(NULL, word, LV_HOOKS);
}

void hooked_name(uint64_t addr, uint64_t text)
{
	if (!is_armed(armed_word()))
		return;
	record_name(addr, text);
}
