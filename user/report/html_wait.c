// SPDX-License-Identifier: GPL-2.0-only
/* A finding's table of waits: of CPUs that could meet so, or of tasks that did. */
#include <inttypes.h>
#include <string.h>

#include "report/html_internal.h"
#include "report/htmltext.h"
#include "report/words.h"

#define ROWS 24

static void put_head(FILE *out)
{
	fputs("<h3>Waits</h3>\n<div class=\"scroll\"><table><thead><tr>"
	      "<th scope=\"col\"></th><th scope=\"col\">holds</th><th scope=\"col\">waits for</th>"
	      "</tr></thead><tbody>\n", out);
}

static void put_rest(FILE *out, uint32_t nr)
{
	fputs("</tbody></table></div>\n", out);
	if (nr > ROWS)
		fprintf(out, "<p class=\"dim\">and so on, over %" PRIu32 " locks</p>\n", nr);
}

/* --- possible ones: a CPU each ------------------------------------------------ */

static void put_cpu(FILE *out, const struct capture *c, uint32_t cpu, uint32_t holds, uint32_t waits,
		    const char *interrupt)
{
	fprintf(out, "<tr><th scope=\"row\">CPU %" PRIu32 "</th><td>", cpu);
	html_name(out, c, holds);
	if (interrupt)
		fprintf(out, ", then a %s interrupt comes", interrupt);
	fputs("</td><td>", out);
	html_name(out, c, waits);
	fputs("</td></tr>\n", out);
}

static void put_cpus(FILE *out, const struct capture *c, const struct finding *f, bool irq)
{
	const struct finding_chain *chain = &f->chain;
	uint32_t nr = chain->nr_classes, cpu = 0;

	put_head(out);
	if (irq)
		put_cpu(out, c, cpu++, chain->classes[nr - 1], chain->classes[0],
			strstr(words_irq_state(chain->safe), "SOFT") ? "soft" : "hard");
	for (uint32_t i = 0; i + 1 < nr + !irq && cpu < ROWS; i++)
		put_cpu(out, c, cpu++, chain->classes[i], chain->classes[(i + 1) % nr], NULL);
	put_rest(out, nr);
}

/* --- a deadlock's: its tasks --------------------------------------------------- */

static void put_task(FILE *out, const struct capture *c, uint32_t index)
{
	const struct capture_stack *stack = words_stack(c, index);
	char comm[LV_COMM_LEN + 1] = "";

	if (!stack) {
		fputs("a task", out);
		return;
	}
	memcpy(comm, stack->comm, LV_COMM_LEN);
	htmltext_put(out, comm);
	fprintf(out, "/%" PRIu32, stack->pid);
}

static void put_mode(FILE *out, uint32_t mode)
{
	if (mode != LV_WRITE)
		fputs(" as a reader", out);
}

static void put_tasks(FILE *out, const struct capture *c, const struct finding *f)
{
	uint32_t nr = f->chain.nr_classes;

	put_head(out);
	for (uint32_t i = 0; i < nr && i < ROWS; i++) {
		/* The wait before this one is for a lock that this task holds. */
		const struct capture_wait *wait = words_wait(c, f, i);
		const struct capture_wait *before = words_wait(c, f, i + nr - 1);

		fputs("<tr><th scope=\"row\">", out);
		put_task(out, c, wait->stack);
		fputs("</th><td>", out);
		html_name(out, c, before->class);
		put_mode(out, before->held);
		fputs("</td><td>", out);
		html_name(out, c, wait->class);
		put_mode(out, wait->mode);
		fprintf(out, ", for %" PRIu64 ".%" PRIu64 " s</td></tr>\n", wait->waited_ms / 1000,
			wait->waited_ms % 1000 / 100);
	}
	put_rest(out, nr);
}

void html_wait_stacks(FILE *out, const struct capture *c, const struct finding *f)
{
	for (uint32_t i = 0; f->rule == FINDING_DEADLOCK && i < f->chain.nr_classes; i++) {
		const struct capture_wait *wait = words_wait(c, f, i);

		fputs("<details><summary>", out);
		html_name(out, c, wait->class);
		fputs(" waited for by ", out);
		put_task(out, c, wait->stack);
		html_where(out, c, wait->stack);
		html_stack(out, c, wait->stack);
	}
}

void html_waits(FILE *out, const struct capture *c, const struct finding *f)
{
	bool irq = f->chain.safe != FINDING_NO_USAGE && f->chain.unsafe != FINDING_NO_USAGE;

	if (f->rule == FINDING_DEADLOCK)
		put_tasks(out, c, f);
	else if (irq || f->rule == FINDING_CIRCULAR)
		put_cpus(out, c, f, irq);
}
