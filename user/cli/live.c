// SPDX-License-Identifier: GPL-2.0-only
#include "cli/live.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "finding/suppress.h"
#include "report/words.h"
#include "trace/arming.h"

#define FIRST_NS 10000000000ull
#define REST 20 /* times as long as a look took */
#define TOLD_MAX 256
#define LOWEST 19

/* Shared with the process that looks: each is a new one. */
struct told {
	uint32_t nr;
	char ids[TOLD_MAX][FINDING_ID_LEN];
};

static bool is_new(struct told *told, const char *id)
{
	for (uint32_t i = 0; i < told->nr; i++)
		if (!strcmp(told->ids[i], id))
			return false;
	if (told->nr == TOLD_MAX)
		return false;
	memcpy(told->ids[told->nr++], id, FINDING_ID_LEN);
	return true;
}

static void tell(const struct live *l, const struct capture *c, const struct finding *f)
{
	fprintf(stderr, "%slockvane: after %.0f s: %s, %s: ", l->clear_line ? "\r\033[K" : "",
		(arming_now_ns() - l->armed_ns) / 1e9, finding_rule_name(f->rule),
		finding_confidence_name(f->confidence));
	for (uint32_t i = 0; i < f->chain.nr_classes; i++) {
		fputs(i ? " --> " : "", stderr);
		words_put(stderr, c->classes[f->chain.classes[i]].name);
	}
	fputs(l->told->nr == TOLD_MAX ? "; more are told at the end\n" : "\n", stderr);
}

/* Deadlocks are told at once, by others. */
static int look(const struct live *l)
{
	struct suppressions *suppressions = NULL;
	struct findings *found = NULL;
	struct capture *c = NULL;
	struct error err = {};
	int code = l->read(l->arg, &c, &err);

	code = code ? code : cli_find(c, l->show, &found, &suppressions, &err);
	for (uint32_t i = 0; !code && i < found->nr; i++) {
		const struct finding *f = &found->items[i];

		if (f->rule != FINDING_DEADLOCK && finding_shown(f, l->show->least) && is_new(l->told, f->id))
			tell(l, c, f);
	}
	findings_free(found);
	suppressions_free(suppressions);
	capture_free(c);
	return code;
}

/* Hooks must not outlive the trace by a copy of their descriptors. */
static void __attribute__((noreturn)) run(const struct live *l, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	setpriority(PRIO_PROCESS, 0, LOWEST);
	_exit(look(l) ? EXIT_FAILURE : EXIT_SUCCESS);
}

void live_begin(struct live *l)
{
	void *shared = mmap(NULL, sizeof(*l->told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	l->told = shared == MAP_FAILED ? NULL : shared;
	l->armed_ns = arming_now_ns();
	l->next_ns = l->armed_ns + FIRST_NS;
}

void live_look(struct live *l)
{
	uint64_t now = arming_now_ns();
	pid_t parent = getpid();

	if (!l->told || (l->pid && waitpid(l->pid, NULL, WNOHANG) == 0))
		return;
	if (l->pid) {
		l->next_ns = now + REST * (now - l->began_ns);
		if (l->next_ns < l->began_ns + FIRST_NS)
			l->next_ns = l->began_ns + FIRST_NS;
		l->pid = 0;
	}
	if (now < l->next_ns)
		return;
	l->began_ns = now;
	l->pid = fork();
	if (!l->pid)
		run(l, parent);
	if (l->pid > 0)
		return;
	l->pid = 0;
	l->next_ns = now + FIRST_NS;
}

void live_end(struct live *l)
{
	if (l->pid) {
		kill(l->pid, SIGKILL);
		waitpid(l->pid, NULL, 0);
		l->pid = 0;
	}
	if (l->told)
		munmap(l->told, sizeof(*l->told));
	l->told = NULL;
}
