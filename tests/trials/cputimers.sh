#!/host/bash
# SPDX-License-Identifier: GPL-2.0-only
# Timers on CPU clocks expire with interrupts on, those on other clocks in hardirqs: one struct
# k_itimer, but lockdep has a class of its own for the former (posix-cpu-timers.c).
cd /tmp && exec stress-ng --clock 1 --timer 1 --itimer 1 -t 8s
