/* SPDX-License-Identifier: GPL-2.0-only */
/* The hooks as numbers: the index in hooks.def, kept with every stack. */
#ifndef LOCKVANE_HOOKS_H
#define LOCKVANE_HOOKS_H

enum lv_hook {
#define LV_ACQUIRE(function, family, mode, irq) LV_HOOK_##function,
#define LV_TRY(function, family, mode, irq) LV_HOOK_##function,
#define LV_RELEASE(function, family, irq) LV_HOOK_##function,
#define LV_WAITQ(function) LV_HOOK_##function,
#define LV_NAME(function) LV_HOOK_##function,
#include "hooks.def"
	LV_HOOKS
};

#endif
