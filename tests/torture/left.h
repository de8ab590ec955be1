/* SPDX-License-Identifier: GPL-2.0-only */
/* What is left of us in a kernel that had no BPF and no hooked function before. */
#ifndef LOCKVANE_TORTURE_LEFT_H
#define LOCKVANE_TORTURE_LEFT_H

#include <stddef.h>

#define LEFT_SETTLES 60.0 /* seconds after an end in which the kernel must be clean again */

/* In words, into text; returns false if there is nothing. */
_Bool left_now(char *text, size_t size);

/* Wait until there is nothing: how long that took in seconds, or -1 and text. */
double left_settle(char *text, size_t size);

double left_clock(void); /* CLOCK_MONOTONIC, seconds */
void left_nap(double seconds);

#endif
