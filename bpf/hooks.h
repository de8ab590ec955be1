/* SPDX-License-Identifier: GPL-2.0-only */
/* The hooks as numbers: the index in hooks.def, kept with every stack. */
#ifndef LOCKVANE_HOOKS_H
#define LOCKVANE_HOOKS_H

#include "abi.h"

enum lv_hook {
#define LV_ACQUIRE(function, family, mode, irq) LV_HOOK_##function,
#define LV_TRY(function, family, mode, irq) LV_HOOK_##function,
#define LV_RELEASE(function, family, irq) LV_HOOK_##function,
#define LV_NAME(function, family) LV_HOOK_##function,
#define LV_SLEEP(function, family, mode, lock, when, how) LV_HOOK_##function,
#define LV_SLEEP_RELEASE(function, family, lock, how) LV_HOOK_##function,
#define LV_DOWNGRADE(function, family) LV_HOOK_##function,
#define LV_HAND_OVER(function, family) LV_HOOK_##function,
#define LV_PSEUDO(id, way, function, needs, unless) LV_HOOK_##id,
#include "hooks.def"
	LV_HOOK_sched_switch, /* no line: it takes no lock */
	LV_HOOKS = LV_HOOK_sched_switch,
	LV_HOOK_NONE = LV_HOOKS
};

_Static_assert(LV_HOOKS < LV_MAX_HOOKS, "abi.h");

#endif
