// SPDX-License-Identifier: GPL-2.0-only
#include "trace/rings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LONG_NS 1000000000ull /* a wait, to be looked at; and two looks are so far apart */
#define MAX_LENGTH 64	      /* length of a ring */
#define MAX_TOLD 64	      /* rings */
#define MAX_SEEN 256	      /* rings that stand in one look */
#define NOBODY UINT32_MAX

/* A ring in a look, known by its tasks, their waits and how often they have slept. */
struct seen {
	uint64_t key;
	uint64_t first_ns; /* the first of the looks in a row that it stood in */
	bool told;
};

struct rings {
	struct seen seen[MAX_SEEN];
	size_t nr_seen;
	struct tables_wait *told;
	size_t nr_told;
	uint32_t nr_rings;
};

/* A task that waits, in one look. */
struct waiter {
	const struct lv_wait *wait;
	const struct lv_held_stack *held; /* NULL: not known */
	uint32_t before;		  /* the waiter that led to it in the search */
	uint32_t round;			  /* round of the search that met it */
};

struct search {
	const struct rings_look *look;
	struct waiter waiters[LV_MAX_WAITS];
	uint32_t queue[LV_MAX_WAITS];
	uint32_t nr, round;
};

int rings_new(struct rings **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void rings_free(struct rings *r)
{
	if (!r)
		return;
	free(r->told);
	free(r);
}

const struct tables_wait *rings_told(const struct rings *r, size_t *ret_nr)
{
	*ret_nr = r->nr_told;
	return r->told;
}

static bool is_long(uint64_t since_ns, uint64_t now_ns)
{
	return since_ns && since_ns < now_ns && now_ns - since_ns >= LONG_NS;
}

bool rings_may_stand(const struct lv_waits *waits, uint64_t now_ns)
{
	for (uint32_t i = 0; i < LV_MAX_WAITS; i++)
		if (__atomic_load_n(&waits->key[i], __ATOMIC_RELAXED) &&
		    is_long(__atomic_load_n(&waits->wait[i].since_ns, __ATOMIC_RELAXED), now_ns))
			return true;
	return false;
}

/* --- waiters --------------------------------------------------------------- */

/* A sleeping task's held stack stays as it is. */
static const struct lv_held_stack *find_held(const struct tables *t, uint64_t task)
{
	uint32_t epoch = __atomic_load_n(&t->control->word, __ATOMIC_RELAXED) >> LV_EPOCH_SHIFT;
	uint64_t key = (task & 0xffffffffffffull) | (uint64_t)epoch << 48;

	for (uint32_t i = 0; epoch && t->held && t->task_keys && i < LV_MAX_TASKS; i++)
		if (__atomic_load_n(&t->task_keys[i], __ATOMIC_ACQUIRE) == key)
			return &t->held[i];
	return NULL;
}

static bool is_asleep(const struct rings_look *look, uint32_t slot)
{
	const struct lv_wait *wait = &look->waits->wait[slot];

	return wait->task && wait->task == look->waits->key[slot] && wait->round == look->waits->round && wait->looked_ns &&
	       wait->looked_ns == wait->since_ns && is_long(wait->since_ns, look->now_ns) &&
	       wait->class < LV_MAX_CLASSES && look->goes_on[slot];
}

static void list_waiters(struct search *s)
{
	for (uint32_t i = 0; i < LV_MAX_WAITS; i++) {
		const struct lv_wait *wait = &s->look->waits->wait[i];

		if (is_asleep(s->look, i))
			s->waiters[s->nr++] = (struct waiter){
				.wait = wait,
				.held = find_held(s->look->tables, wait->task),
			};
	}
}

/* --- holders --------------------------------------------------------------- */

/* Was the class's lock given back by another than its holder, once? */
static bool is_handed(const struct tables *t, uint32_t class)
{
	return class >= LV_MAX_CLASSES || t->classes[class].flags & LV_CLASS_HANDED;
}

/* The held stack's entry of that lock which may be believed, or NULL. */
static const struct lv_held *find_entry(const struct search *s, const struct waiter *w,
					uint64_t addr)
{
	uint32_t depth = w->held ? w->held->depth : 0;

	if (depth > LV_HELD_DEPTH || (w->held && w->held->tainted))
		return NULL;
	for (uint32_t i = 0; i < depth; i++)
		if (w->held->held[i].addr == addr)
			return i < w->held->doubted ||
					       is_handed(s->look->tables, w->held->held[i].class) ?
				       NULL :
				       &w->held->held[i];
	return NULL;
}

/* Does the one wait for what the other holds? How it is held, or NOBODY. */
static uint32_t holds(const struct search *s, const struct waiter *who, const struct waiter *other)
{
	const struct lv_wait *wait = who->wait;
	const struct lv_held *entry;

	if (wait->owner)
		return wait->owner == other->wait->task ? LV_WRITE : NOBODY;
	/* Words name no readers; a percpu-rwsem's names nobody, and a work has none. */
	if (wait->family != LV_PERCPU_RWSEM && wait->family != LV_PSEUDO &&
	    !(wait->family == LV_RWSEM && wait->readers))
		return NOBODY;
	entry = find_entry(s, other, wait->addr);
	if (!entry || (wait->family == LV_RWSEM && entry->mode == LV_WRITE))
		return NOBODY;
	return entry->mode == LV_WRITE ? LV_WRITE : LV_READ;
}

/* Goes on from `at` to all that hold what it waits for. True: `goal` is among them. */
static bool find_holders(struct search *s, uint32_t at, uint32_t goal, uint32_t *end)
{
	for (uint32_t i = 0; i < s->nr; i++) {
		if ((s->waiters[i].round == s->round && i != goal) ||
		    holds(s, &s->waiters[at], &s->waiters[i]) == NOBODY)
			continue;
		s->waiters[i].before = at;
		if (i == goal)
			return true;
		s->waiters[i].round = s->round;
		s->queue[(*end)++] = i;
	}
	return false;
}

/* The shortest ring through a waiter, in ret; 0: there is none. */
static uint32_t find_ring(struct search *s, uint32_t goal, uint32_t ret[static MAX_LENGTH])
{
	uint32_t end = 0, nr = 0, at = goal;

	s->round++;
	s->waiters[goal].round = s->round;
	s->queue[end++] = goal;
	for (uint32_t begin = 0; begin < end; begin++) {
		if (!find_holders(s, s->queue[begin], goal, &end))
			continue;
		do {
			at = s->waiters[at].before;
			if (nr == MAX_LENGTH)
				return 0;
			ret[nr++] = at;
		} while (at != goal);
		return nr;
	}
	return 0;
}

/* --- rings that stand ------------------------------------------------------ */

static uint64_t mix_hash(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * 0x9e3779b97f4a7c15ull ^ hash >> 29;
}

/* The sum is the same from whichever waiter the ring is found. */
static uint64_t key_of(const struct search *s, const uint32_t *ring, uint32_t nr)
{
	uint64_t key = nr;

	for (uint32_t i = 0; i < nr; i++) {
		const struct lv_wait *wait = s->waiters[ring[i]].wait;

		key += mix_hash(mix_hash(mix_hash(wait->task, wait->since_ns), wait->addr),
				wait->switches);
	}
	return key;
}

static struct seen *find_seen(struct seen *seen, size_t nr, uint64_t key)
{
	for (size_t i = 0; i < nr; i++)
		if (seen[i].key == key)
			return &seen[i];
	return NULL;
}

/* Found from its last to its first: ring[0] holds what ring[1] waits for. */
static int tell_ring(struct rings *r, const struct search *s, const uint32_t *ring, uint32_t nr)
{
	struct tables_wait *grown;

	if (r->nr_rings == MAX_TOLD)
		return 0;
	grown = reallocarray(r->told, r->nr_told + nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	r->told = grown;
	for (uint32_t i = nr; i-- > 0;) {
		const struct waiter *who = &s->waiters[ring[i]];
		const struct waiter *next = &s->waiters[ring[i ? i - 1 : nr - 1]];

		r->told[r->nr_told++] = (struct tables_wait){
			.wait = *who->wait,
			.ring = r->nr_rings,
			.held = holds(s, who, next),
			.waited_ms = (s->look->now_ns - who->wait->since_ns) / 1000000,
		};
	}
	r->nr_rings++;
	return 1;
}

/* A ring of this look. Returns 1 if it is told now. */
static int see(struct rings *r, const struct search *s, struct seen *now, size_t *nr_now,
	       const uint32_t *ring, uint32_t nr)
{
	uint64_t key = key_of(s, ring, nr);
	struct seen *before = find_seen(r->seen, r->nr_seen, key), *at;
	int told = 0;

	if (find_seen(now, *nr_now, key) || *nr_now == MAX_SEEN)
		return 0;
	at = &now[(*nr_now)++];
	*at = before ? *before : (struct seen){.key = key, .first_ns = s->look->now_ns};
	if (!at->told && s->look->now_ns - at->first_ns >= LONG_NS) {
		told = tell_ring(r, s, ring, nr);
		at->told = told >= 0;
	}
	return told;
}

static int search(struct rings *r, struct search *s)
{
	struct seen now[MAX_SEEN];
	uint32_t ring[MAX_LENGTH], nr;
	size_t nr_now = 0;
	int all = 0, told;

	for (uint32_t i = 0; i < s->nr; i++) {
		nr = find_ring(s, i, ring);
		if (!nr)
			continue;
		told = see(r, s, now, &nr_now, ring, nr);
		if (told < 0)
			return told;
		all += told;
	}
	memcpy(r->seen, now, nr_now * sizeof(now[0]));
	r->nr_seen = nr_now;
	return all;
}

int rings_add_look(struct rings *r, const struct rings_look *look)
{
	struct search *s = calloc(1, sizeof(*s));
	int code;

	if (!s)
		return -ENOMEM;
	s->look = look;
	list_waiters(s);
	code = search(r, s);
	free(s);
	return code;
}
