// SPDX-License-Identifier: GPL-2.0-only
/* lockvane's programs as they are, each followed by a look at lockdep's own books. */
#define LV_OBSERVER "observe.bpf.h"
#include "../../bpf/lockvane.bpf.c"
