// SPDX-License-Identifier: GPL-2.0-only
/*
 * dot, as a child: it is given nodes by number and texts of as many letters as ours have, and its
 * plain format gives numbers back. It runs as nobody if we are root, for some seconds at most.
 */
#include <errno.h>
#include <grp.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "report/drawing.h"

#define NOBODY 65534
#define SECONDS 10
#define MEMORY (1ull << 30)
#define ANSWER_MOST (16u << 20)
#define NOT_THERE 127 /* the child's status when there is no dot */
#define INCHES_MOST 1000.0

/* --- the question ---------------------------------------------------------- */

static void add_letters(struct strbuf *sb, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		strbuf_add(sb, "x");
}

/* Letters of the page's font are 0.11 inches wide, and there is a margin. */
static double text_width(const char *text)
{
	return 0.115 * strlen(text) + 0.35;
}

static void ask(struct strbuf *sb, const struct drawing *d)
{
	strbuf_add(sb, "digraph g {\nnodesep=0.4; ranksep=0.35;\n"
		       "node [shape=box fixedsize=true height=0.36 label=\"\"];\n"
		       "edge [arrowhead=none fontname=\"Courier\" fontsize=12];\n");
	for (uint32_t i = 0; i < d->nr_nodes; i++)
		strbuf_addf(sb, "n%u [width=%.2f];\n", i, text_width(d->nodes[i].text));
	for (uint32_t i = 0; i < d->nr_edges; i++) {
		const struct drawing_edge *edge = &d->edges[i];

		strbuf_addf(sb, "n%u -> n%u [label=\"", edge->from, edge->to);
		add_letters(sb, strlen(edge->text[0]) + 1);
		if (edge->text[1][0]) {
			strbuf_add(sb, "\\n");
			add_letters(sb, strlen(edge->text[1]) + 1);
		}
		strbuf_add(sb, "\"];\n");
	}
	strbuf_add(sb, "}\n");
}

/* --- the child ------------------------------------------------------------------ */

static void set_limit(int what, rlim_t most)
{
	struct rlimit l = { most, most };

	setrlimit(what, &l);
}

/* Never comes back. Nothing of our environment but where programs are. */
static void run_dot(int in, int out)
{
	static char *const words[] = { "dot", "-Tplain", NULL };
	static char locale[] = "LC_ALL=C";
	const char *path = getenv("PATH");
	char *env[] = { NULL, locale, NULL };
	AUTO_STRBUF sb = STRBUF_INIT;

	strbuf_addf(&sb, "PATH=%s", path ? path : "/usr/bin:/bin");
	env[0] = sb.text;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!sb.text || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(1);
	close_range(3, ~0u, 0);
	set_limit(RLIMIT_CPU, SECONDS);
	set_limit(RLIMIT_AS, MEMORY);
	set_limit(RLIMIT_FSIZE, ANSWER_MOST); /* limits the memory it writes into, too */
	set_limit(RLIMIT_CORE, 0);
	if (geteuid() == 0 && (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)))
		_exit(1);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	execvpe(words[0], words, env);
	_exit(errno == ENOENT ? NOT_THERE : 1);
}

static int wait_for(pid_t pid)
{
	const struct timespec pause = { 0, 5000000 };
	int status;

	for (int i = 0; i < SECONDS * 200; i++) {
		pid_t done = waitpid(pid, &status, WNOHANG);

		if (done == pid && WIFEXITED(status) && WEXITSTATUS(status) == NOT_THERE)
			return -ENOENT;
		if (done == pid)
			return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
		if (done < 0 && errno != EINTR)
			return -errno;
		nanosleep(&pause, NULL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -ETIMEDOUT;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n <= 0)
			return -EIO;
		text += n;
		len -= n;
	}
	return lseek(fd, 0, SEEK_SET) ? -EIO : 0;
}

static int read_answer(int fd, char **ret)
{
	struct stat st;
	char *text;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_size > ANSWER_MOST)
		return -EFBIG;
	text = malloc(st.st_size + 1);
	if (!text)
		return -ENOMEM;
	if (pread(fd, text, st.st_size, 0) != st.st_size) {
		free(text);
		return -EIO;
	}
	text[st.st_size] = '\0';
	*ret = text;
	return 0;
}

static int run(const struct strbuf *question, char **ret)
{
	AUTO_CLOSE int in = memfd_create("dot-in", MFD_CLOEXEC);
	AUTO_CLOSE int out = memfd_create("dot-out", MFD_CLOEXEC);
	pid_t pid;
	int code;

	if (in < 0 || out < 0)
		return -errno;
	code = write_all(in, question->text, question->len);
	if (code)
		return code;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		run_dot(in, out);
	code = wait_for(pid);
	return code ? code : read_answer(out, ret);
}

/* --- the answer ------------------------------------------------------------ */

/* A number that may stand in a page; the text moves on. */
static bool take_number(char **at, double *ret)
{
	char *end;

	*ret = strtod(*at, &end);
	if (end == *at || !isfinite(*ret) || fabs(*ret) > INCHES_MOST)
		return false;
	*at = end;
	return true;
}

static bool take_point(char **at, struct drawing_point *ret)
{
	return take_number(at, &ret->x) && take_number(at, &ret->y);
}

/* "n12", of those there are. */
static bool take_node(char **at, uint32_t nr, uint32_t *ret)
{
	char *name = *at + strspn(*at, " "), *end;
	unsigned long n;

	if (*name != 'n')
		return false;
	n = strtoul(name + 1, &end, 10);
	if (end == name + 1 || n >= nr)
		return false;
	*at = end;
	*ret = n;
	return true;
}

/* "node n0 x y width height ..." */
static bool read_node(struct drawing *d, char *at)
{
	struct drawing_node *node;
	uint32_t n;

	if (!take_node(&at, d->nr_nodes, &n))
		return false;
	node = &d->nodes[n];
	return take_point(&at, &node->at) && take_number(&at, &node->width) &&
	       take_number(&at, &node->height);
}

/* "edge n0 n1 number x y ... label x y ...": which of ours, the first of these that has no place yet. */
static bool read_edge(struct drawing *d, char *at)
{
	struct drawing_edge *edge = d->edges;
	uint32_t from, to;
	double nr;

	if (!take_node(&at, d->nr_nodes, &from) || !take_node(&at, d->nr_nodes, &to) ||
	    !take_number(&at, &nr))
		return false;
	while (edge < d->edges + d->nr_edges &&
	       (edge->from != from || edge->to != to || edge->nr_points))
		edge++;
	if (edge == d->edges + d->nr_edges || nr < 2 || nr > DRAWING_POINTS)
		return false;
	for (uint32_t i = 0; i < (uint32_t)nr; i++)
		if (!take_point(&at, &edge->points[i]))
			return false;
	edge->nr_points = nr;
	at += strspn(at, " ");
	at += *at == '"' ? 1 + strcspn(at + 1, "\"") + 1 : strcspn(at, " ");
	return take_point(&at, &edge->label);
}

static bool read_line(struct drawing *d, char *line)
{
	double scale;

	if (!strncmp(line, "graph ", 6)) {
		line += 6;
		return take_number(&line, &scale) && take_number(&line, &d->width) &&
		       take_number(&line, &d->height) && d->width > 0 && d->height > 0;
	}
	if (!strncmp(line, "node ", 5))
		return read_node(d, line + 5);
	return !strncmp(line, "edge ", 5) && read_edge(d, line + 5);
}

static bool is_whole(const struct drawing *d)
{
	for (uint32_t i = 0; i < d->nr_edges; i++)
		if (!d->edges[i].nr_points)
			return false;
	return d->width > 0;
}

/* One graph after the other; what is not as it should be ends the reading. */
static int read_all(struct drawing *all, size_t nr, char *text)
{
	size_t done = 0;
	char *next;

	for (char *line = text; line && done < nr; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!strcmp(line, "stop")) {
			if (!is_whole(&all[done]))
				return -EINVAL;
			all[done++].placed = true;
		} else if (*line && !read_line(&all[done], line)) {
			return -EINVAL;
		}
	}
	return done == nr ? 0 : -EINVAL;
}

int drawing_place(struct drawing *all, size_t nr)
{
	AUTO_STRBUF question = STRBUF_INIT;
	AUTO_FREE char *answer = NULL;
	int code;

	if (!nr)
		return 0;
	for (size_t i = 0; i < nr; i++)
		ask(&question, &all[i]);
	if (question.failed)
		return -ENOMEM;
	code = run(&question, &answer);
	return code ? code : read_all(all, nr, answer);
}
