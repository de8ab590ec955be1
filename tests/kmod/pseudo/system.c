// SPDX-License-Identifier: GPL-2.0-only
/* SRCU, CPUs that come and go, and the console. */
#include <linux/console.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/srcu.h>

#include "lv_pseudo.h"

#define LV_PSEUDO_CPU 1 /* goes and comes */

LV_PSEUDO_PAIR(srcu);
LV_PSEUDO_PAIR(cpuhp);
LV_PSEUDO_PAIR(console);
DEFINE_STATIC_SRCU(lv_pseudo_srcu);
static enum cpuhp_state lv_pseudo_state;
static bool lv_pseudo_plug; /* the callback takes its mutexes */

static noinline void lv_pseudo_srcu_run(void)
{
	int index = srcu_read_lock(&lv_pseudo_srcu);

	lv_pseudo_take(&lv_pseudo_srcu_mutex);
	lv_pseudo_take(&lv_pseudo_srcu_late);
	srcu_read_unlock(&lv_pseudo_srcu, index);
}

static noinline void lv_pseudo_srcu_wait(void)
{
	mutex_lock(&lv_pseudo_srcu_mutex);
	synchronize_srcu(&lv_pseudo_srcu);
	mutex_unlock(&lv_pseudo_srcu_mutex);
}

static noinline void lv_pseudo_srcu_after(void)
{
	lv_pseudo_take(&lv_pseudo_srcu_late);
	synchronize_srcu(&lv_pseudo_srcu);
}

static noinline int lv_pseudo_online(unsigned int cpu)
{
	if (READ_ONCE(lv_pseudo_plug)) {
		lv_pseudo_take(&lv_pseudo_cpuhp_mutex);
		lv_pseudo_take(&lv_pseudo_cpuhp_late);
	}
	return 0;
}

static noinline void lv_pseudo_cpuhp_run(void)
{
	remove_cpu(LV_PSEUDO_CPU);
	WRITE_ONCE(lv_pseudo_plug, true);
	add_cpu(LV_PSEUDO_CPU);
	WRITE_ONCE(lv_pseudo_plug, false);
}

static noinline void lv_pseudo_cpuhp_wait(void)
{
	remove_cpu(LV_PSEUDO_CPU);
	mutex_lock(&lv_pseudo_cpuhp_mutex);
	add_cpu(LV_PSEUDO_CPU);
	mutex_unlock(&lv_pseudo_cpuhp_mutex);
}

static noinline void lv_pseudo_cpuhp_after(void)
{
	remove_cpu(LV_PSEUDO_CPU);
	lv_pseudo_take(&lv_pseudo_cpuhp_late);
	add_cpu(LV_PSEUDO_CPU);
}

static noinline void lv_pseudo_console_run(void)
{
	console_lock();
	lv_pseudo_take(&lv_pseudo_console_mutex);
	lv_pseudo_take(&lv_pseudo_console_late);
	console_unlock();
}

static noinline void lv_pseudo_console_wait(void)
{
	mutex_lock(&lv_pseudo_console_mutex);
	console_lock();
	console_unlock();
	mutex_unlock(&lv_pseudo_console_mutex);
}

static noinline void lv_pseudo_console_after(void)
{
	lv_pseudo_take(&lv_pseudo_console_late);
	console_lock();
	console_unlock();
}

static int lv_pseudo_system_init(void)
{
	int state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "lv_pseudo:online",
					      lv_pseudo_online, NULL);

	if (state < 0)
		return state;
	lv_pseudo_state = state;
	return 0;
}

static void lv_pseudo_system_exit(void)
{
	cpuhp_remove_state_nocalls(lv_pseudo_state);
}

static const struct lv_pseudo_verb lv_pseudo_verbs[] = {
	{ "srcu_run", lv_pseudo_srcu_run },	    { "srcu_wait", lv_pseudo_srcu_wait },
	{ "srcu_late", lv_pseudo_srcu_after },	    { "cpuhp_run", lv_pseudo_cpuhp_run },
	{ "cpuhp_wait", lv_pseudo_cpuhp_wait },	    { "cpuhp_late", lv_pseudo_cpuhp_after },
	{ "console_run", lv_pseudo_console_run },   { "console_wait", lv_pseudo_console_wait },
	{ "console_late", lv_pseudo_console_after }, {},
};

const struct lv_pseudo_part lv_pseudo_system = {
	.verbs = lv_pseudo_verbs,
	.init = lv_pseudo_system_init,
	.exit = lv_pseudo_system_exit,
};
