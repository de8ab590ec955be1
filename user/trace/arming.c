// SPDX-License-Identifier: GPL-2.0-only
#include "trace/arming.h"

#include <string.h>
#include <time.h>

#define TRIES 100 /* to wait, where memory is short */

uint64_t arming_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

int arming_begin(struct arming *ret, struct lv_control *control, struct lv_task_keys *keys)
{
	*ret = (struct arming){ .control = control, .keys = keys };
	return grace_begin(&ret->grace);
}

void arming_end(struct arming *a)
{
	/* Also if it never began. */
	if (a->control)
		grace_end(&a->grace);
}

static void renew(struct arming *a)
{
	__atomic_store_n(&a->control->lease_ns, arming_now_ns() + LV_LEASE_NS, __ATOMIC_SEQ_CST);
}

void arming_arm(struct arming *a, enum lv_armed armed)
{
	/* Begun again, the epochs: what tasks left in the middle of one must not look like ours. */
	if (++a->epoch > LV_EPOCH_MAX) {
		memset(a->keys, 0, sizeof(*a->keys));
		a->epoch = 1;
	}
	a->word = a->epoch << LV_EPOCH_SHIFT | armed;
	renew(a);
	__atomic_store_n(&a->control->word, a->word, __ATOMIC_SEQ_CST);
}

bool arming_renew(struct arming *a)
{
	renew(a);
	return __atomic_load_n(&a->control->word, __ATOMIC_SEQ_CST) == a->word;
}

/* A program that was preempted would go on in the next epoch, and write into its stacks. */
static void wait_for_programs(const struct arming *a)
{
	struct timespec moment = { .tv_nsec = 1000000 };

	for (int i = 0; i < TRIES && grace_wait(&a->grace); i++)
		nanosleep(&moment, NULL);
}

void arming_disarm(struct arming *a)
{
	uint32_t was = __atomic_exchange_n(&a->control->word, 0, __ATOMIC_SEQ_CST);

	if (a->word)
		a->since_ns = was ? arming_now_ns() : a->control->lapsed_ns;
	a->word = 0;
	wait_for_programs(a);
}
