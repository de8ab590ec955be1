// SPDX-License-Identifier: GPL-2.0-only
#include "report/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/glob.h"

static void put_visible(FILE *out, const char *text, char least)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c < (unsigned char)least || *c > '~')
			fprintf(out, "\\x%02x", *c);
		else
			putc(*c, out);
	}
}

void words_put(FILE *out, const char *text)
{
	put_visible(out, text ? text : "?", ' ');
}

void words_put_field(FILE *out, const char *text)
{
	put_visible(out, text && *text ? text : "-", ' ' + 1);
}

char *words_clean(const char *text)
{
	char *clean = malloc(4 * strlen(text) + 1);
	char *at = clean;

	if (!clean)
		return NULL;
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c < ' ' || *c > '~')
			at += sprintf(at, "\\x%02x", *c);
		else
			*at++ = *c;
	}
	*at = '\0';
	return clean;
}

void words_put_lines(FILE *out, const char *text)
{
	for (; *text; text++)
		putc(*text == '\n' || *text == '\t' || (*text >= 0x20 && *text < 0x7f) ? *text : '?', out);
}

void words_put_time(FILE *out, uint64_t ms)
{
	time_t seconds = ms / 1000;
	char text[32] = "?";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	fputs(text, out);
}

void words_put_duration(FILE *out, uint64_t ns)
{
	double seconds = ns / 1e9;

	if (seconds < 60)
		fprintf(out, "%.0f s", seconds);
	else if (seconds < 3600)
		fprintf(out, "%.0f min", seconds / 60);
	else
		fprintf(out, "%.1f h", seconds / 3600);
}

const char *words_usage(enum lv_usage usage)
{
	static const char *const names[LV_USAGES] = {
		[LV_USED_IN_HARDIRQ] = "IN-HARDIRQ-W",
		[LV_USED_IN_HARDIRQ_READ] = "IN-HARDIRQ-R",
		[LV_ENABLED_HARDIRQ] = "HARDIRQ-ON-W",
		[LV_ENABLED_HARDIRQ_READ] = "HARDIRQ-ON-R",
		[LV_USED_IN_SOFTIRQ] = "IN-SOFTIRQ-W",
		[LV_USED_IN_SOFTIRQ_READ] = "IN-SOFTIRQ-R",
		[LV_ENABLED_SOFTIRQ] = "SOFTIRQ-ON-W",
		[LV_ENABLED_SOFTIRQ_READ] = "SOFTIRQ-ON-R",
		[LV_USED] = "INITIAL USE",
		[LV_USED_READ] = "INITIAL READ USE",
	};

	return usage < LV_USAGES ? names[usage] : "?";
}

const char *words_irq_state(enum lv_usage usage)
{
	static const char *const names[] = {"HARDIRQ", "HARDIRQ-READ", "SOFTIRQ", "SOFTIRQ-READ"};

	/* Bit 0 of a usage is "read", bit 1 "on", the rest the state. */
	return usage < LV_USED ? names[(usage >> 2) * 2 + (usage & 1)] : "?";
}

const char *words_family(uint32_t family)
{
	static const char *const names[LV_FAMILIES] = {
		[LV_SPIN] = "spin",   [LV_RWLOCK] = "rwlock",	[LV_MUTEX] = "mutex",
		[LV_RWSEM] = "rwsem", [LV_RAWSPIN] = "rawspin",	[LV_PERCPU_RWSEM] = "percpu-rwsem",
		[LV_SOCK] = "sock", [LV_PSEUDO] = "pseudo",
	};

	return family < LV_FAMILIES ? names[family] : "?";
}

const char *words_certainty(enum capture_certainty certainty)
{
	static const char *const names[] = {"exact", "inferred", "ambiguous"};

	return certainty <= CAPTURE_AMBIGUOUS ? names[certainty] : "?";
}

const char *words_dep(uint32_t dep)
{
	static const char *const names[] = {
		[LV_DEP_SR] = "SR", [LV_DEP_ER] = "ER", [LV_DEP_SN] = "SN", [LV_DEP_EN] = "EN"};

	return dep && dep <= LV_DEP_EN && names[dep] ? names[dep] : "?";
}

const struct capture_wait *words_wait(const struct capture *c, const struct finding *f, size_t i)
{
	return &c->waits[f->ring + (f->ring_start + i) % f->chain.nr_classes];
}

const struct capture_stack *words_stack(const struct capture *c, uint32_t index)
{
	return index < c->nr_stacks ? &c->stacks[index] : NULL;
}

static uint32_t usage_stack(const struct capture_class *class, uint64_t addr)
{
	for (int bit = LV_USAGES; bit-- > 0;)
		if (class->usage_stack[bit] != LV_NONE && (!addr || class->usage_addr[bit] == addr))
			return class->usage_stack[bit];
	return LV_NONE;
}

static uint32_t edge_stack(const struct capture *c, uint32_t class, uint64_t addr)
{
	for (size_t i = 0; i < c->nr_edges; i++)
		if (c->edges[i].to == class && c->edges[i].stack != LV_NONE &&
		    (!addr || c->edges[i].to_addr == addr))
			return c->edges[i].stack;
	return LV_NONE;
}

uint32_t words_some_stack(const struct capture *c, uint32_t class, uint64_t addr)
{
	const struct capture_class *seen = &c->classes[class];
	uint32_t stack = usage_stack(seen, addr);

	stack = stack == LV_NONE ? edge_stack(c, class, addr) : stack;
	stack = stack == LV_NONE ? usage_stack(seen, 0) : stack;
	return stack == LV_NONE ? edge_stack(c, class, 0) : stack;
}

static bool is_lock_function(const char *text)
{
	static const char *const prefixes[] = {
		"_raw_",  "__raw_",   "rt_spin_",  "rt_read_",	     "rt_write_",
		"mutex_", "__mutex_", "ww_mutex_", "down_",	     "__down_",
		"up_",	  "rwsem_",   "queued_",   "native_queued_",
		"downgrade_write", "percpu_down_", "percpu_up_", "lock_sock_nested",
		"__lock_sock_fast", "cpus_read_", "atomic_dec_and_mutex_lock", "__ww_mutex_",
		"percpu_rwsem_", "__percpu_", "__schedule", "schedule",
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(text, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static bool is_inlined(const char *text)
{
	static const char mark[] = " [inline]";
	size_t len = strlen(text), tail = sizeof(mark) - 1;

	return len > tail && !strcmp(text + len - tail, mark);
}

const char *words_place(const struct capture_stack *stack, uint32_t *ret_first)
{
	uint32_t first = UINT32_MAX, nr = stack ? stack->nr_frames : 0;

	for (uint32_t i = 0; i < nr; i++) {
		const char *text = stack->frames[i].text;

		if (is_lock_function(text)) {
			first = UINT32_MAX;
			continue;
		}
		if (first == UINT32_MAX)
			first = i;
		if (is_inlined(text))
			continue;
		if (ret_first)
			*ret_first = first;
		return text;
	}
	if (ret_first)
		*ret_first = 0;
	return nr ? stack->frames[0].text : "?";
}

bool words_lock_fits(const char *lock, const struct capture_class *class)
{
	return !lock || glob_fits(lock, class->name) || (class->alias && glob_fits(lock, class->alias));
}

bool words_edge_fits(const char *lock, const struct capture *c, const struct capture_edge *edge)
{
	return words_lock_fits(lock, &c->classes[edge->from]) ||
	       words_lock_fits(lock, &c->classes[edge->to]);
}
