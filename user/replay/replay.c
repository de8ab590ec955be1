// SPDX-License-Identifier: GPL-2.0-only
#include "replay/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "capture/tables.h"
#include "finding/orders.h"
#include "replay/machine.h"
#include "traits.h"

#define MAX_FRAMES 4 /* a task, and interrupts over it */
#define FIRST_TASK 100
#define PSEUDO_BASE 0xffffffff90000000ull /* text of the class of that number */
#define NO_TASK SCENARIO_NONE

/* Frames are told by scenario: a context and a line. */
#define FRAME_BASE 0xffffffff81000000ull
#define FRAME_CONTEXT 0x40000ull /* lines: SCENARIO_MAX_BYTES of them at most */

struct running {
	uint32_t context; /* or NO_TASK, before the first "task" */
	uint32_t line;
};

struct replay_cpu {
	struct running stack[MAX_FRAMES];
	uint32_t depth; /* at least 1 */
};

struct replay {
	struct machine *machine;
	const struct scenario *s;
	const char *name;
	struct error *err;
	bool production;
	struct replay_cpu cpus[SCENARIO_MAX_CPUS];
	uint64_t addr[SCENARIO_MAX_LOCKS];
	uint32_t hung[SCENARIO_MAX_LOCKS]; /* attempts nobody saw */
	uint64_t cache[SCENARIO_MAX_LOCKS];
};

struct replay *replay_new(void)
{
	const struct machine_options options = { .nr_cpus = SCENARIO_MAX_CPUS,
						 .nr_locks = SCENARIO_MAX_LOCKS };
	struct replay *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->machine = machine_new(&options);
	if (!r->machine) {
		free(r);
		return NULL;
	}
	return r;
}

void replay_free(struct replay *r)
{
	if (!r)
		return;
	machine_free(r->machine);
	free(r);
}

#define FAIL(r, step, fmt, ...) \
	error_set((r)->err, -EINVAL, "%s:%u: " fmt, (r)->name, (step)->line, ##__VA_ARGS__)

/* Places */

static bool has_company(const struct scenario *s, uint32_t lock)
{
	for (uint32_t i = 0; i < s->nr_locks; i++)
		if (i != lock && s->locks[i].class == s->locks[lock].class)
			return true;
	return false;
}

static const char *cache_of(const struct scenario *s, uint32_t i)
{
	const struct scenario_lock *lock = &s->locks[i];

	if (lock->place == SCENARIO_SLAB)
		return lock->cache;
	if (lock->place == SCENARIO_BY_CLASS && has_company(s, i))
		return s->classes[lock->class].name;
	return NULL;
}

/* The base of the cache a lock lies in, the same for all of its name. */
static int find_cache(struct replay *r, uint32_t lock, const char *name)
{
	for (uint32_t i = 0; i < lock; i++) {
		const char *other = cache_of(r->s, i);

		if (!other || strcmp(other, name))
			continue;
		r->cache[lock] = r->cache[i];
		return 0;
	}
	r->cache[lock] = world_add_cache(machine_world(r->machine), name, 0);
	return r->cache[lock] ? 0 : -ENOMEM;
}

static int add_locks(struct replay *r)
{
	for (uint32_t i = 0; i < r->s->nr_locks; i++) {
		const struct scenario_lock *lock = &r->s->locks[i];
		const char *cache = cache_of(r->s, i);

		r->addr[i] = machine_add_lock(r->machine, r->s->classes[lock->class].family);
		machine_tell_class(r->machine, r->addr[i], lock->class);
		if (r->s->classes[lock->class].pseudo) {
			machine_show_place(r->machine, r->addr[i],
					   &(struct lv_place){ .kind = LV_PLACE_PSEUDO,
							       .base = PSEUDO_BASE + lock->class });
			continue;
		}
		if (!cache)
			continue;
		if (find_cache(r, i, cache))
			return -ENOMEM;
		machine_show_place(r->machine, r->addr[i],
				   &(struct lv_place){ .kind = LV_PLACE_SLAB,
						       .base = r->cache[i],
						       .off = lock->off });
	}
	return 0;
}

/* Steps */

static const char *context_name(const struct replay *r, uint32_t context)
{
	return context == NO_TASK ? "start" : r->s->contexts[context].name;
}

static void set_frames(struct replay *r, const struct scenario_step *step)
{
	struct replay_cpu *cpu = &r->cpus[step->cpu];
	uint64_t frames[MAX_FRAMES];

	cpu->stack[cpu->depth - 1].line = step->line;
	for (uint32_t i = 0; i < cpu->depth; i++) {
		const struct running *running = &cpu->stack[cpu->depth - 1 - i];

		frames[i] = FRAME_BASE + running->line +
			    (running->context == NO_TASK ? 0 : running->context + 1) * FRAME_CONTEXT;
	}
	machine_at(r->machine, frames, cpu->depth);
}

/* The task that holds what a step would wait for, if it is another one. */
static const char *other_holder(struct replay *r, const struct scenario_step *step)
{
	const struct scenario *s = r->s;
	struct machine_holder holder;

	if (machine_holder(r->machine, r->addr[step->lock], &holder))
		return NULL;
	return holder.task >= FIRST_TASK && holder.task - FIRST_TASK < s->nr_contexts ?
		       s->contexts[holder.task - FIRST_TASK].name :
		       "the first task";
}

/* Families whose waiters tell so before (contention_begin). */
static bool is_sleeping(uint32_t family)
{
	return family == LV_MUTEX || family == LV_RWSEM || family == LV_PERCPU_RWSEM;
}

static int run_lock(struct replay *r, const struct scenario_step *step)
{
	const struct scenario_lock *lock = &r->s->locks[step->lock];
	const struct machine_op op = {
		.family = r->s->classes[lock->class].family,
		/* Whether a reader is recursive is told too: a kernel sees its context. */
		.mode = r->production && step->mode == LV_RECURSIVE ? LV_READ : step->mode,
		.irq = step->irq,
		.try = step->try,
		.ww = step->ww,
		.subclass = step->subclass,
		.nest_lock = step->nest == SCENARIO_NONE ? 0 : r->addr[step->nest],
	};
	const char *holder;
	int code = machine_lock(r->machine, r->addr[step->lock], &op);

	if (code == 1)
		return FAIL(r, step, "this fails: %s is held; leave the attempt out", lock->name);
	if (code != -EBUSY)
		return code;
	holder = other_holder(r, step);
	if (holder)
		return FAIL(r, step, "%s would wait here for %s, which %s holds: let it give it "
				     "back first",
			    context_name(r, r->cpus[step->cpu].stack[0].context), lock->name,
			    holder);
	/* Waiting for itself: a debug kernel sees it; any other tells who goes to sleep, and hangs. */
	if (r->production) {
		r->hung[step->lock]++;
		if (is_sleeping(op.family))
			return machine_wait(r->machine, r->addr[step->lock], &op);
	}
	return 0;
}

static int run_unlock(struct replay *r, const struct scenario_step *step)
{
	const struct scenario_lock *lock = &r->s->locks[step->lock];
	struct machine_op op = { .family = r->s->classes[lock->class].family, .irq = step->irq };
	struct machine_holder holder;

	if (r->hung[step->lock]) {
		r->hung[step->lock]--;
		return 0;
	}
	machine_holder(r->machine, r->addr[step->lock], &holder);
	op.mode = holder.mode;
	machine_unlock(r->machine, r->addr[step->lock], &op);
	return 0;
}

static int run_pseudo(struct replay *r, const struct scenario_step *step)
{
	const struct scenario_lock *lock = &r->s->locks[step->lock];
	const struct scenario_class *class = &r->s->classes[lock->class];
	const struct machine_op op = {
		.family = class->family,
		.pseudo = class->pseudo,
		.mode = step->mode,
		.try = step->try,
	};
	uint64_t addr = r->addr[step->lock];

	if (r->production && pseudo_traits(class->pseudo) & LV_PSEUDO_TOLD)
		return 0;
	if (step->verb == SCENARIO_HOLD)
		return machine_hold(r->machine, addr, &op);
	if (step->verb == SCENARIO_ATTEMPT)
		return machine_attempt(r->machine, addr, &op);
	return machine_drop(r->machine, addr, &op) ? FAIL(r, step, "%s is not held", lock->name) :
						     0;
}

static int run_enter(struct replay *r, const struct scenario_step *step)
{
	const struct scenario_context *context = &r->s->contexts[step->context];
	struct replay_cpu *cpu = &r->cpus[step->cpu];

	if (cpu->depth >= MAX_FRAMES || machine_enter(r->machine, context->level))
		return FAIL(r, step, "no %s can come here: it is masked, or one is being served",
			    context->level == LV_LEVEL_HARDIRQ ? "hardirq" : "softirq");
	cpu->stack[cpu->depth++] = (struct running){ .context = step->context,
						     .line = step->line };
	return 0;
}

static int run_end(struct replay *r, const struct scenario_step *step)
{
	struct replay_cpu *cpu = &r->cpus[step->cpu];
	const struct running *running = &cpu->stack[cpu->depth - 1];

	if (cpu->depth < 2 || machine_exit(r->machine, r->s->contexts[running->context].level))
		return FAIL(r, step, "no interrupt to end");
	cpu->depth--;
	return 0;
}

static int run_task(struct replay *r, const struct scenario_step *step)
{
	struct replay_cpu *cpu = &r->cpus[step->cpu];
	const char *name = context_name(r, step->context);

	if (cpu->stack[0].context == step->context)
		return 0;
	for (uint32_t i = 0; i < SCENARIO_MAX_CPUS; i++)
		if (r->cpus[i].stack[0].context == step->context)
			return FAIL(r, step, "%s is running on CPU %u", name, i);
	if (machine_preempt_count(r->machine) || !machine_irqs_on(r->machine))
		return FAIL(r, step, "%s cannot sleep here: it holds a spinning lock, or has irqs "
				     "or softirqs off",
			    context_name(r, cpu->stack[0].context));
	if (machine_switch(r->machine, FIRST_TASK + step->context, name))
		return FAIL(r, step, "no switch in an interrupt");
	cpu->stack[0].context = step->context;
	return 0;
}

static int run_user(struct replay *r, const struct scenario_step *step)
{
	if (machine_user_return(r->machine))
		return FAIL(r, step, "an interrupt's handler does not return to user space");
	return 0;
}

static int run_step(struct replay *r, const struct scenario_step *step)
{
	machine_on_cpu(r->machine, step->cpu);
	set_frames(r, step);
	switch (step->verb) {
	case SCENARIO_LOCK:
		return run_lock(r, step);
	case SCENARIO_UNLOCK:
		return run_unlock(r, step);
	case SCENARIO_IRQ_OFF:
		machine_irq_disable(r->machine);
		return 0;
	case SCENARIO_IRQ_ON:
		machine_irq_enable(r->machine);
		return 0;
	case SCENARIO_BH_OFF:
		machine_bh_disable(r->machine);
		return 0;
	case SCENARIO_BH_ON:
		return machine_bh_enable(r->machine) ? FAIL(r, step, "softirqs are not off") : 0;
	case SCENARIO_ENTER:
		return run_enter(r, step);
	case SCENARIO_END:
		return run_end(r, step);
	case SCENARIO_TASK:
		return run_task(r, step);
	case SCENARIO_HAND_OVER:
		machine_hand_over(r->machine, LV_PERCPU_RWSEM);
		return 0;
	case SCENARIO_FREE:
		machine_free_lock(r->machine, r->addr[step->lock]);
		return 0;
	case SCENARIO_INIT:
		/* An initialisation is a store: it tells a debug kernel alone. */
		if (!r->production)
			machine_init_lock(r->machine, r->addr[step->lock]);
		return 0;
	case SCENARIO_HOLD:
	case SCENARIO_DROP:
	case SCENARIO_ATTEMPT:
		return run_pseudo(r, step);
	case SCENARIO_USER:
		return run_user(r, step);
	case SCENARIO_CPU:
		return 0;
	}
	return -EINVAL;
}

/* The capture */

static bool is_merged(const char *cache)
{
	return !strncmp(cache, "kmalloc-", 8) || cache[0] == ':';
}

static char *slab_name(const struct replay *r, const struct lv_class *class,
		       struct capture_class *ret)
{
	struct strbuf name = STRBUF_INIT;
	bool shared = false, by_class = false;

	for (uint32_t i = 0; i < r->s->nr_locks; i++) {
		const struct scenario_lock *lock = &r->s->locks[i];

		if (r->cache[i] != class->place.base || lock->off != class->place.off)
			continue;
		shared |= r->s->classes[lock->class].family != class->family;
		by_class |= lock->place == SCENARIO_BY_CLASS;
	}
	strbuf_add(&name, class->cache);
	if (!by_class)
		strbuf_addf(&name, "+0x%x", class->place.off);
	if (shared)
		strbuf_addf(&name, "#%u", class->family);
	ret->key = name.text ? strdup(name.text) : NULL;
	if (class->subclass)
		strbuf_addf(&name, "/%u", class->subclass);
	ret->certainty = is_merged(class->cache) ? CAPTURE_AMBIGUOUS : CAPTURE_EXACT;
	ret->kind = strdup(is_merged(class->cache) ? "kmalloc" : "slab");
	return strbuf_take(&name);
}

static int describe_class(void *arg, const struct lv_class *class, struct capture_class *ret)
{
	const struct replay *r = arg;
	struct strbuf name = STRBUF_INIT;

	if (class->place.kind == LV_PLACE_SLAB) {
		ret->name = slab_name(r, class, ret);
	} else if (class->place.kind == LV_PLACE_TOLD) {
		strbuf_add(&name, r->s->classes[class->place.base].name);
		if (class->place.off)
			strbuf_addf(&name, "/%u", class->place.off);
		ret->name = strbuf_take(&name);
		ret->subclass |= class->place.off;
		ret->kind = strdup("told");
	} else if (class->place.kind == LV_PLACE_PSEUDO) {
		strbuf_add(&name, r->s->classes[class->place.base - PSEUDO_BASE].name);
		ret->key = name.text ? strdup(name.text) : NULL;
		if (class->subclass & LV_SUBCLASS_TWIN)
			strbuf_add(&name, "/1");
		ret->name = strbuf_take(&name);
		ret->kind = strdup("pseudo");
	} else {
		for (uint32_t i = 0; i < r->s->nr_locks; i++)
			if (r->addr[i] == class->place.base)
				ret->name = strdup(r->s->locks[i].name);
		ret->kind = strdup("static");
	}
	if (!ret->key)
		ret->key = ret->name ? strdup(ret->name) : NULL;
	return ret->name && ret->kind && ret->key ? 0 : -ENOMEM;
}

static char *symbol(void *arg, uint64_t ip)
{
	const struct replay *r = arg;
	uint64_t context = (ip - FRAME_BASE) / FRAME_CONTEXT;
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s (line %u)",
		    context_name(r, context ? (uint32_t)context - 1 : NO_TASK),
		    (uint32_t)((ip - FRAME_BASE) % FRAME_CONTEXT));
	return strbuf_take(&text);
}

#ifndef LOCKVANE_VERSION
#define LOCKVANE_VERSION "?"
#endif

static int fill_facts(const struct replay *r, struct capture *c)
{
	c->version = strdup(LOCKVANE_VERSION);
	c->kernel = strdup("replay");
	c->build = strdup(r->production ? "production" : "annotated");
	c->machine = strdup("none");
	c->command = strdup(r->name);
	c->annotated = !r->production;
	c->rt = r->s->rt;
	return c->version && c->kernel && c->build && c->machine && c->command ? 0 : -ENOMEM;
}

static int make_capture(struct replay *r, struct capture **ret)
{
	const struct world *world = machine_world(r->machine);
	const struct tables tables = {
		.control = &world->control,
		.cpus = world->cpus,
		.nr_cpus = world->nr_cpus,
		.classes = world->classes,
		.edges = world->edges,
		.stacks = world->stacks,
		.names = world->names,
		.facts = world->facts,
	};
	const struct tables_words words = {
		.arg = r,
		.describe_class = describe_class,
		.symbol = symbol,
	};
	struct capture *c = capture_new();
	int code = c ? fill_facts(r, c) : -ENOMEM;

	if (!code)
		code = tables_to_capture(&tables, &words, c);
	if (!code)
		code = orders_add(c, c->kernel);
	if (code)
		capture_free(c);
	else
		*ret = c;
	return code;
}

static void begin(struct replay *r, const struct scenario *s, const char *name, bool production,
		  struct error *err)
{
	r->s = s;
	r->name = name;
	r->production = production;
	r->err = err;
	memset(r->cpus, 0, sizeof(r->cpus));
	for (uint32_t i = 0; i < SCENARIO_MAX_CPUS; i++) {
		r->cpus[i].depth = 1;
		r->cpus[i].stack[0].context = NO_TASK;
	}
	memset(r->hung, 0, sizeof(r->hung));
	memset(r->cache, 0, sizeof(r->cache));
	machine_reset(r->machine);
	machine_world(r->machine)->annotated = !production;
}

int replay_run(struct replay *r, const struct scenario *s, const char *name, bool production,
	       struct capture **ret, struct error *err)
{
	int code;

	begin(r, s, name, production, err);
	code = add_locks(r);
	for (uint32_t i = 0; !code && i < s->nr_steps; i++)
		code = run_step(r, &s->steps[i]);
	if (!code)
		code = make_capture(r, ret);
	return code == -ENOMEM ? error_set(err, code, "%s: no memory", name) : code;
}
