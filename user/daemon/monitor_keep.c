// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/monitor_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/tell.h"

#define SECOND 1000000000ull
#define GROWTH_NS (10 * SECOND)	 /* a graph that grows is saved so often */
#define CHANGE_NS (15 * SECOND)	 /* counts of findings */
#define COUNTS_NS (900 * SECOND) /* all counters */
#define RETRY_NS (30 * SECOND)

static bool is_same_kernel(const struct capture *a, const struct capture *b)
{
	const char *x = capture_build_id(a, NULL), *y = capture_build_id(b, NULL);

	return !strcmp(a->kernel, b->kernel) && !strcmp(a->build, b->build) &&
	       (!x || !y || !strcmp(x, y));
}

/* A graph of an older lockvane has none. */
static int set_build_id(struct capture *c, const struct capture *head)
{
	const char *id = capture_build_id(head, NULL);
	struct capture_image *image;

	if (!id || capture_build_id(c, NULL))
		return 0;
	image = capture_add_image(c);
	if (image)
		image->build_id = strdup(id);
	return image && image->build_id ? 0 : -ENOMEM;
}

/* Another kernel's graph is of no use here; its findings are. */
static struct capture *own_graph(struct monitor *m, struct capture *graph)
{
	const struct capture *head = m->setup->head;
	struct error err = {};

	if (!graph || is_same_kernel(graph, head))
		return graph;
	tell(CONFIG_NOTICE, TELL_STATE,
	     "kernel %s is another than %s: a new graph begins, the old one is "
	     "in %s/" STATE_PREVIOUS,
	     head->kernel, graph->kernel, m->setup->config.state);
	if (state_begin_graph(m->state, graph, &err))
		tell(CONFIG_WARNING, TELL_STATE, "the old graph is lost: %s", err.text);
	capture_free(graph);
	m->before = (struct state_totals){};
	return NULL;
}

static struct capture *new_graph(const struct capture *head)
{
	struct capture *c = capture_new();

	if (!c)
		return NULL;
	c->version = strdup(LOCKVANE_VERSION);
	c->kernel = strdup(head->kernel);
	c->build = strdup(head->build);
	c->machine = strdup(head->machine);
	c->host = head->host ? strdup(head->host) : NULL;
	c->tainted = head->tainted ? strdup(head->tainted) : NULL;
	c->started = monitor_time_ms() / 1000;
	c->rt = head->rt;
	c->unlocks_hidden = head->unlocks_hidden;
	c->irqs_unseen = head->irqs_unseen;
	c->preempts = head->preempts;
	c->misses_asked = head->misses_asked;
	if (c->version && c->kernel && c->build && c->machine)
		return c;
	capture_free(c);
	return NULL;
}

int monitor_open_state(struct monitor *m, struct capture **ret_graph, struct error *err)
{
	const struct config *config = &m->setup->config;
	struct state_content there;
	int code = state_open(config->state, &m->state, &there, err);

	if (!m->state)
		return code;
	state_set_max(m->state, config->state_max);
	if (there.aside[0])
		tell(CONFIG_ERROR, TELL_STATE,
		     "the database was damaged (%s): it is %s now, and a new one "
		     "begins",
		     there.damage, there.aside);
	if (code) {
		m->broken = true;
		m->state_errors++;
		m->retry_ns = monitor_now() + RETRY_NS;
		tell(CONFIG_ERROR, TELL_STATE,
		     "%s: what is found is kept in memory, and saved once it can "
		     "be",
		     err->text);
	}
	m->known = there.known;
	m->before = there.totals;
	*ret_graph = own_graph(m, there.graph);
	if (!*ret_graph)
		*ret_graph = new_graph(m->setup->head);
	if (*ret_graph && !set_build_id(*ret_graph, m->setup->head))
		return 0;
	return error_set(err, -ENOMEM, "out of memory");
}

static bool is_time(const struct monitor *m, uint64_t now)
{
	if (m->broken && now < m->retry_ns)
		return false;
	return m->urgent || (m->grown && now - m->saved_ns >= GROWTH_NS) ||
	       (m->changed && now - m->saved_ns >= CHANGE_NS) || now - m->counts_ns >= COUNTS_NS;
}

static void has_failed(struct monitor *m, uint64_t now, const struct error *err)
{
	m->state_errors++;
	m->retry_ns = now + RETRY_NS;
	/* Once, not every half a minute. */
	tell(m->broken ? CONFIG_DEBUG : CONFIG_ERROR, TELL_STATE,
	     "cannot save (%s): watching goes on in memory, and saving is tried again", err->text);
	m->broken = true;
}

static void has_worked(struct monitor *m, uint64_t now, bool counts)
{
	if (m->broken)
		tell(CONFIG_NOTICE, TELL_STATE, "saved again");
	m->broken = m->grown = m->changed = m->urgent = false;
	m->saved_ns = now;
	if (counts)
		m->counts_ns = now;
}

void monitor_keep(struct monitor *m, bool whole)
{
	uint64_t now = monitor_now();
	struct state_totals totals;
	char aside[PATH_MAX];
	struct error err = {};
	bool counts = whole || now - m->counts_ns >= COUNTS_NS;
	int code;

	if (!whole && !is_time(m, now))
		return;
	if (counts && m->attached)
		monitor_learn(m, true); /* losses are read with the rest */
	if (counts)
		knowledge_count(m->knowledge, &m->tables, m->budget.armed_ns);
	monitor_totals(m, &totals);
	code = state_save(m->state, knowledge_capture(m->knowledge), &m->known, &totals, counts, aside,
			  &err);
	if (aside[0])
		tell(CONFIG_ERROR, TELL_STATE,
		     "the database was damaged: it is %s now, and a new one begins", aside);
	if (code)
		has_failed(m, now, &err);
	else
		has_worked(m, now, counts);
}
