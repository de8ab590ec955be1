// SPDX-License-Identifier: GPL-2.0-only
#include "search.h"

#include <stdlib.h>
#include <string.h>

#define MAX_STATES (1u << 17)
#define SLOTS (2 * MAX_STATES)
#define NONE 0xff

/* A context on a CPU: the part it runs, the step before it, does it queue as a writer. */
struct frame {
	uint8_t part; /* NONE: not there */
	uint8_t at;
	bool waiting;
};

struct state {
	struct frame frames[MAX_CPUS][LV_LEVELS];
	uint8_t fired[MAX_HANDLERS];
};

/* A state in few bits, never all zero. */
struct key {
	uint64_t words[2];
};

struct search {
	const struct program *p;
	struct search_options options;
	uint32_t nr_cpus;
	struct key *seen; /* open-addressed */
	uint32_t *used;   /* its slots in use, to clear them */
	uint32_t nr_seen;
	uint8_t tried; /* locks that some part only tries */
	struct state *stack;
	uint32_t nr_stack;
	struct state dead;
};

struct search *search_new(void)
{
	struct search *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->seen = calloc(SLOTS, sizeof(*s->seen));
	s->used = malloc(MAX_STATES * sizeof(*s->used));
	s->stack = malloc(MAX_STATES * sizeof(*s->stack));
	if (!s->seen || !s->used || !s->stack) {
		search_free(s);
		return NULL;
	}
	return s;
}

void search_free(struct search *s)
{
	if (!s)
		return;
	free(s->seen);
	free(s->used);
	free(s->stack);
	free(s);
}

uint32_t search_states(const struct search *s)
{
	return s->nr_seen;
}

/* part is 0..6 or none: 3 bits; at: 4; waiting: 1. */
static struct key pack(const struct search *s, const struct state *state)
{
	struct key key = {};
	uint32_t bit = 0;

	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++) {
		for (uint32_t level = 0; level < LV_LEVELS; level++, bit += 8) {
			const struct frame *frame = &state->frames[cpu][level];
			uint64_t bits = frame->part == NONE ?
						0xff :
						(uint64_t)frame->part | frame->at << 3 |
							(uint64_t)frame->waiting << 7;

			key.words[bit / 64] |= bits << (bit % 64);
		}
	}
	key.words[1] |= (uint64_t)(state->fired[0] | state->fired[1] << 2) << 60;
	return key;
}

static uint64_t hash(const struct key *key)
{
	uint64_t h = key->words[0] * 0x9e3779b97f4a7c15ull;

	h = (h ^ h >> 29 ^ key->words[1]) * 0xbf58476d1ce4e5b9ull;
	return h ^ h >> 31;
}

/* Is it new? Then it is to be looked at. */
static bool is_new(struct search *s, const struct state *state)
{
	struct key key = pack(s, state);
	uint32_t slot = hash(&key) & (SLOTS - 1);

	while (s->seen[slot].words[0]) {
		if (!memcmp(&s->seen[slot], &key, sizeof(key)))
			return false;
		slot = (slot + 1) & (SLOTS - 1);
	}
	s->seen[slot] = key;
	s->used[s->nr_seen++] = slot;
	return true;
}

static void forget(struct search *s)
{
	for (uint32_t i = 0; i < s->nr_seen; i++)
		s->seen[s->used[i]] = (struct key){};
	s->nr_seen = 0;
	s->nr_stack = 0;
}

static bool is_full(const struct search *s)
{
	return s->nr_seen + MAX_CPUS * 4 >= s->options.max_states ||
	       s->nr_stack + MAX_CPUS * 4 >= MAX_STATES;
}

static void visit(struct search *s, const struct state *state)
{
	if (is_new(s, state))
		s->stack[s->nr_stack++] = *state;
}

static const struct part *part_of(const struct search *s, const struct frame *frame)
{
	return &s->p->parts[frame->part];
}

static const struct moment *moment_of(const struct search *s, const struct frame *frame)
{
	return &part_of(s, frame)->moments[frame->at];
}

static uint32_t top_level(const struct state *state, uint32_t cpu)
{
	for (uint32_t level = LV_LEVEL_HARDIRQ; level > LV_LEVEL_TASK; level--)
		if (state->frames[cpu][level].part != NONE)
			return level;
	return LV_LEVEL_TASK;
}

/* What everybody together holds, and who queues to write. */
struct holders {
	uint8_t writes, reads, queued;
};

static struct holders holders_of(const struct search *s, const struct state *state)
{
	struct holders h = {};

	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++) {
		for (uint32_t level = 0; level < LV_LEVELS; level++) {
			const struct frame *frame = &state->frames[cpu][level];

			if (frame->part == NONE)
				continue;
			h.writes |= moment_of(s, frame)->writes;
			h.reads |= moment_of(s, frame)->reads;
			if (frame->waiting)
				h.queued |= 1u << part_of(s, frame)->steps[frame->at].lock;
		}
	}
	return h;
}

/* Can the lock be had now? A reader queues behind writers, unless in interrupt. */
static bool is_free(const struct search *s, const struct frame *frame, uint32_t level,
		    const struct step *step, const struct holders *h)
{
	uint8_t bit = 1u << step->lock;

	if (step->mode == LV_WRITE)
		return !((h->writes | h->reads) & bit);
	if (h->writes & bit)
		return false;
	if (step->kind == STEP_TRY)
		return !(h->queued & bit);
	return level != LV_LEVEL_TASK || moment_of(s, frame)->bh_off || !(h->queued & bit);
}

/* The frame goes on; a handler that is through goes away. */
static void go_on(const struct search *s, struct state *state, uint32_t cpu, uint32_t level,
		  uint32_t to)
{
	struct frame *frame = &state->frames[cpu][level];

	frame->at = to;
	frame->waiting = false;
	if (level != LV_LEVEL_TASK && to == part_of(s, frame)->nr_steps)
		frame->part = NONE;
}

/* One step of a CPU's top context, if it can take one: true if something happened. */
static bool step_cpu(struct search *s, const struct state *state, uint32_t cpu,
		     const struct holders *h, bool *ret_blocked)
{
	uint32_t level = top_level(state, cpu);
	const struct frame *frame = &state->frames[cpu][level];
	const struct part *part = part_of(s, frame);
	const struct step *step = &part->steps[frame->at];
	struct state next = *state;

	if (frame->at == part->nr_steps)
		return false;
	if (step->kind == STEP_ATTEMPT && h->reads & 1u << step->lock) {
		*ret_blocked = true;
		return false;
	}
	if ((step->kind == STEP_ACQUIRE || step->kind == STEP_TRY) &&
	    !is_free(s, frame, level, step, h)) {
		if (step->kind == STEP_TRY) {
			go_on(s, &next, cpu, level, step->skip);
		} else if (step->mode == LV_WRITE && !frame->waiting &&
			   s->p->family[step->lock] == LV_RWLOCK) {
			next.frames[cpu][level].waiting = true;
		} else {
			*ret_blocked = true;
			return false;
		}
	} else {
		go_on(s, &next, cpu, level, frame->at + 1);
	}
	visit(s, &next);
	return true;
}

/* Every handler that may come to this CPU now. */
static void interrupt_cpu(struct search *s, const struct state *state, uint32_t cpu)
{
	uint32_t top = top_level(state, cpu);
	const struct moment *now = moment_of(s, &state->frames[cpu][top]);

	if (top == LV_LEVEL_HARDIRQ || now->irqs_off)
		return;
	for (uint32_t i = 0; i < s->p->nr_handlers; i++) {
		uint32_t part = s->p->nr_tasks + i;
		uint32_t level = s->p->parts[part].level;
		struct state next = *state;

		if (state->fired[i] >= s->options.fires || level <= top ||
		    state->fired[0] + state->fired[1] >= (int)s->options.all_fires)
			continue;
		if (level == LV_LEVEL_SOFTIRQ && now->bh_off)
			continue;
		next.fired[i]++;
		next.frames[cpu][level] = (struct frame){ .part = part };
		visit(s, &next);
	}
}

/*
 * A step that nobody else can see the order of: irqs are off, and it switches
 * irqs, or gives back a lock that others can do nothing but wait for. Looking
 * at this one alone loses no deadlock.
 */
static bool is_private(const struct search *s, const struct state *state, uint32_t cpu)
{
	const struct frame *frame = &state->frames[cpu][top_level(state, cpu)];
	const struct step *step = &part_of(s, frame)->steps[frame->at];

	if (frame->at == part_of(s, frame)->nr_steps || !moment_of(s, frame)->irqs_off ||
	    step->kind == STEP_ACQUIRE || step->kind == STEP_TRY || s->p->family[step->lock] == LV_PSEUDO)
		return false;
	return step->kind != STEP_RELEASE ||
	       !(s->p->family[step->lock] == LV_RWLOCK || s->tried & 1u << step->lock);
}

/* Looks at what can come after a state: true if nothing can, and somebody waits. */
static bool is_dead(struct search *s, const struct state *state)
{
	struct holders h = holders_of(s, state);
	bool moved = false, blocked = false;

	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++)
		if (is_private(s, state, cpu) && step_cpu(s, state, cpu, &h, &blocked))
			return false;
	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++)
		moved |= step_cpu(s, state, cpu, &h, &blocked);
	if (!moved && blocked)
		return true;
	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++)
		interrupt_cpu(s, state, cpu);
	return false;
}

static void start(struct search *s, struct state *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t cpu = 0; cpu < MAX_CPUS; cpu++)
		for (uint32_t level = 0; level < LV_LEVELS; level++)
			ret->frames[cpu][level].part = NONE;
	for (uint32_t task = 0; task < s->p->nr_tasks; task++)
		ret->frames[task][LV_LEVEL_TASK].part = task;
	s->nr_cpus = s->p->nr_tasks;
	s->tried = 0;
	for (uint32_t i = 0; i < program_parts(s->p); i++)
		for (uint32_t step = 0; step < s->p->parts[i].nr_steps; step++)
			if (s->p->parts[i].steps[step].kind == STEP_TRY)
				s->tried |= 1u << s->p->parts[i].steps[step].lock;
}

enum search_result search_run(struct search *s, const struct program *p,
			      const struct search_options *options)
{
	struct state state;

	forget(s);
	s->p = p;
	s->options = *options;
	if (s->options.max_states > MAX_STATES)
		s->options.max_states = MAX_STATES;
	start(s, &state);
	visit(s, &state);
	while (s->nr_stack) {
		if (is_full(s))
			return SEARCH_TOO_BIG;
		state = s->stack[--s->nr_stack];
		if (is_dead(s, &state)) {
			s->dead = state;
			return SEARCH_DEADLOCK;
		}
	}
	return SEARCH_SAFE;
}

void search_print(const struct search *s, FILE *out)
{
	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++) {
		for (uint32_t level = 0; level < LV_LEVELS; level++) {
			const struct frame *frame = &s->dead.frames[cpu][level];

			if (frame->part != NONE)
				fprintf(out, "# CPU %u level %u: part%u before its step %u of %u\n",
					cpu, level, frame->part, frame->at,
					part_of(s, frame)->nr_steps);
		}
	}
}
