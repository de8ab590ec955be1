// SPDX-License-Identifier: GPL-2.0-only
/* deadlock. */
#include "report/parts.h"

#include <inttypes.h>

#include "report/words.h"

static const char *mode_text(uint32_t mode)
{
	return mode == LV_WRITE ? "exclusively" : "as a reader";
}

static void put_end(const struct parts *p, const struct capture_wait *wait)
{
	static const char *const ends[CAPTURE_WAIT_ENDS] = {
		[CAPTURE_WAIT_LOCK_ONLY] = "nothing but the lock ends this wait",
		[CAPTURE_WAIT_FATAL_SIGNAL] = "a fatal signal ends this wait: kill the task",
		[CAPTURE_WAIT_SIGNAL] = "a signal ends this wait",
	};

	fprintf(p->out, "(%s)\n", ends[wait->ends]);
}

static void put_wait(const struct parts *p, size_t i)
{
	const struct capture_wait *wait = words_wait(p->c, p->f, i);

	putc('\n', p->out);
	parts_task(p, wait->stack);
	fprintf(p->out, " has been waiting for %" PRIu64 ".%" PRIu64 " s to take %s:\n",
		wait->waited_ms / 1000, wait->waited_ms % 1000 / 100, mode_text(wait->mode));
	parts_lock(p, wait->class, wait->addr, wait->stack);
	if (p->f->chain.nr_classes == 1) {
		fprintf(p->out, "which it holds %s itself\n", mode_text(wait->held));
	} else {
		fprintf(p->out, "which is held %s by ", mode_text(wait->held));
		parts_task(p, words_wait(p->c, p->f, i + 1)->stack);
		putc('\n', p->out);
	}
	put_end(p, wait);
}

void layout_deadlock(const struct parts *p)
{
	size_t nr = p->f->chain.nr_classes;

	parts_heading(p, '-', nr == 1 ? "BUG: a task waits for a lock that it holds itself" :
					"BUG: tasks wait for each other's locks");
	fprintf(p->out, "%s\n", nr == 1 ? "the task and the lock:" :
					  "the tasks, each waiting for the next:");
	for (size_t i = 0; i < nr; i++)
		put_wait(p, i);
	fputs("\n *** DEADLOCK ***\n\n"
	      "In two looks, a second or more apart, they slept in the same waits.\n",
	      p->out);
	for (size_t i = 0; i < nr; i++) {
		fputs("\nstack backtrace of ", p->out);
		parts_task(p, words_wait(p->c, p->f, i)->stack);
		fputs(":\n", p->out);
		parts_stack(p, words_wait(p->c, p->f, i)->stack, 1);
	}
}
