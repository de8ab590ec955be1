/* SPDX-License-Identifier: GPL-2.0-only */
/* Questions of a function's solver to other functions, where its own answer is wanting. */
#ifndef LOCKVANE_SITES_OTHERS_H
#define LOCKVANE_SITES_OTHERS_H

#include "sites/outside.h"

/* Ask what the value is that an answer hangs on, and tell the solver. False: nobody is left to be asked. */
bool others_ask(struct outside *o, struct solver *solver, struct value v);

#endif
