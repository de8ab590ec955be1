/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures built by hand, for the tests of the rules and of the reports. What
 * stands here is what a recorder would have seen, and is right by lockdep's
 * documentation, not by our output.
 */
#ifndef LOCKVANE_TEST_FINDING_CASES_H
#define LOCKVANE_TEST_FINDING_CASES_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"

#define BIT(n) (1u << (n))

static inline char *case_copy(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	assert(!text || copy);
	return copy;
}

static inline struct capture *case_new(void)
{
	struct capture *c = capture_new();

	assert(c);
	c->version = case_copy("0.1");
	c->kernel = case_copy("6.12.117");
	c->build = case_copy("#2 SMP PREEMPT_DYNAMIC");
	c->machine = case_copy("x86_64");
	c->tainted = case_copy("Not tainted");
	c->events = 48211;
	c->duration = 2500000000;
	return c;
}

/* frames: innermost first, separated by '|'. */
static inline uint32_t case_stack(struct capture *c, const char *comm, uint32_t pid,
				  const char *frames)
{
	struct capture_stack *s = capture_add_stack(c);
	char *all = case_copy(frames), *rest = all, *frame;

	assert(s);
	s->pid = pid;
	s->cpu = pid % 2;
	strncpy(s->comm, comm, sizeof(s->comm));
	s->frames = calloc(LV_STACK_DEPTH, sizeof(*s->frames));
	assert(s->frames);
	while ((frame = strsep(&rest, "|"))) {
		s->frames[s->nr_frames].ip = 0xffffffff81000000u + s->nr_frames;
		s->frames[s->nr_frames++].text = case_copy(frame);
	}
	free(all);
	return (uint32_t)c->nr_stacks - 1;
}

static inline uint32_t case_class(struct capture *c, const char *name, enum lv_family family)
{
	struct capture_class *class = capture_add_class(c);

	assert(class);
	class->name = case_copy(name);
	class->kind = case_copy("static");
	class->family = family;
	class->acquisitions = 40 + c->nr_classes;
	return (uint32_t)c->nr_classes - 1;
}

/* A lock in an object of a slab cache. */
/* The next task of a ring waits for a lock of that class. */
static inline void case_wait(struct capture *c, uint32_t ring, uint32_t class, uint64_t addr,
			     uint32_t stack)
{
	struct capture_wait *wait = capture_add_wait(c);

	wait->ring = ring;
	wait->class = class;
	wait->addr = addr;
	wait->stack = stack;
	wait->waited_ms = 2100;
}

static inline uint32_t case_slab(struct capture *c, const char *name, const char *alias,
				 const char *key)
{
	uint32_t class = case_class(c, name, LV_SPIN);

	free(c->classes[class].kind);
	c->classes[class].kind = case_copy("slab");
	c->classes[class].alias = case_copy(alias);
	c->classes[class].key = case_copy(key);
	return class;
}

static inline void case_use(struct capture *c, uint32_t class, enum lv_usage bit, uint64_t addr,
			    uint32_t stack)
{
	c->classes[class].usage |= BIT(bit);
	c->classes[class].usage_addr[bit] = addr;
	c->classes[class].usage_stack[bit] = stack;
}

static inline uint32_t case_edge(struct capture *c, uint32_t from, uint32_t to, uint32_t dep,
				 uint32_t stack)
{
	struct capture_edge *edge = capture_add_edge(c);

	assert(edge);
	edge->from = from;
	edge->to = to;
	edge->dep = dep;
	edge->count = 3;
	edge->stack = stack;
	return (uint32_t)c->nr_edges - 1;
}

static inline void case_instances(struct capture *c, uint32_t edge, uint64_t from, uint64_t to)
{
	c->edges[edge].from_addr = from;
	c->edges[edge].to_addr = to;
}

static inline void case_loss(struct capture *c, const char *name, const char *text, uint64_t count)
{
	struct capture_loss *loss = capture_add_loss(c);

	assert(loss);
	loss->name = case_copy(name);
	loss->text = case_copy(text);
	loss->count = count;
}

/* The founding case: userfaultfd and aio, as of before the fix of 2019. */
struct case_founding {
	bool no_cancel; /* without io_cancel fd_wqh is taken in softirq too */
	bool fixed;	/* fault_pending_wqh is always taken with irqs off */
	bool backwards; /* everything recorded in another order */
	uint64_t shift; /* of all addresses */
};

static inline uint32_t case_fault_wqh(struct capture *c, const struct case_founding *how,
				      uint32_t release, uint32_t read)
{
	uint64_t addr = 0xff11000000a6c018 + how->shift;
	uint32_t class = case_slab(c, "userfaultfd_ctx.fault_pending_wqh",
				   "&ctx->fault_pending_wqh", "userfaultfd_ctx_cache+0x0");

	case_use(c, class, LV_USED, addr, read);
	if (!how->fixed) {
		case_use(c, class, LV_ENABLED_HARDIRQ, addr, release);
		case_use(c, class, LV_ENABLED_SOFTIRQ, addr, release);
	}
	return class;
}

static inline uint32_t case_fd_wqh(struct capture *c, const struct case_founding *how,
				   uint32_t poll, uint32_t softirq)
{
	uint32_t class = case_slab(c, "userfaultfd_ctx.fd_wqh", "&ctx->fd_wqh",
				   "userfaultfd_ctx_cache+0x30");

	case_use(c, class, LV_USED, 0xff11000000a6c048 + how->shift, poll);
	if (how->no_cancel)
		case_use(c, class, LV_USED_IN_SOFTIRQ, 0xff11000000a6c048 + how->shift, softirq);
	return class;
}

static inline uint32_t case_ctx_lock(struct capture *c, const struct case_founding *how,
				     uint32_t submit, uint32_t softirq)
{
	uint32_t class = case_slab(c, "kioctx.ctx_lock", "&ctx->ctx_lock", "kioctx+0x140");

	case_use(c, class, LV_USED, 0xff11000000b01140 + how->shift, submit);
	case_use(c, class, LV_USED_IN_SOFTIRQ, 0xff11000000b01140 + how->shift, softirq);
	return class;
}

static inline struct capture *case_founding(const struct case_founding *how)
{
	struct capture *c = case_new();
	uint32_t softirq = case_stack(c, "swapper/1", 0,
				      "_raw_spin_lock_irq+0x3e/0x48|free_ioctx_users+0x28/0x73|"
				      "percpu_ref_put_many.constprop.0+0x6d/0x79|"
				      "rcu_core+0x36d/0x602|handle_softirqs+0x15a/0x2f7|"
				      "__irq_exit_rcu+0x4b/0x84");
	uint32_t submit = case_stack(c, "uffd_aio", 48,
				     "_raw_spin_lock_irq+0x3e/0x48|"
				     "io_submit_one.constprop.0+0x392/0x4ca|"
				     "__x64_sys_io_submit+0xb2/0xfc|do_syscall_64+0x6e/0xc5");
	uint32_t poll = case_stack(c, "uffd_aio", 48,
				   "_raw_spin_lock_irqsave+0x3f/0x4e|add_wait_queue+0x1c/0x3a|"
				   "userfaultfd_poll+0x34/0x80|"
				   "io_submit_one.constprop.0+0x377/0x4ca");
	uint32_t under_ctx = case_stack(c, "uffd_aio", 48,
					"_raw_spin_lock+0x30/0x3a|poll_iocb_lock_wq+0x6c/0x88|"
					"io_submit_one.constprop.0+0x3a5/0x4ca");
	uint32_t read = case_stack(c, "uffd_aio", 48,
				   "_raw_spin_lock+0x30/0x3a|userfaultfd_read_iter+0xf0/0x44b|"
				   "vfs_read+0x108/0x15d|ksys_read+0x78/0xa8");
	uint32_t release = case_stack(c, "uffd_aio", 48,
				      "_raw_spin_lock+0x30/0x3a|userfaultfd_release+0x3b/0xa9|"
				      "__fput+0x116/0x1d1|task_work_run+0x6b/0x7c|"
				      "do_exit+0x3b8/0x899");
	uint32_t ctx, fd, fault, first, second;

	if (how->backwards) {
		fault = case_fault_wqh(c, how, release, read);
		fd = case_fd_wqh(c, how, poll, softirq);
		ctx = case_ctx_lock(c, how, submit, softirq);
		second = case_edge(c, fd, fault, LV_DEP_EN, read);
		first = case_edge(c, ctx, fd, LV_DEP_EN, under_ctx);
	} else {
		ctx = case_ctx_lock(c, how, submit, softirq);
		fd = case_fd_wqh(c, how, poll, softirq);
		fault = case_fault_wqh(c, how, release, read);
		first = case_edge(c, ctx, fd, LV_DEP_EN, under_ctx);
		second = case_edge(c, fd, fault, LV_DEP_EN, read);
	}
	case_instances(c, first, 0xff11000000b01140 + how->shift, 0xff11000000a6c048 + how->shift);
	case_instances(c, second, 0xff11000000a6c048 + how->shift, 0xff11000000a6c018 + how->shift);
	c->command = case_copy("uffd_aio");
	case_loss(c, "guard", "events skipped: an interrupt hit a running program", 0);
	return c;
}

#endif
