// SPDX-License-Identifier: GPL-2.0-only
#include "finding/suppress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/glob.h"
#include "finding/rules.h"

#define MAX_FILE (1u << 20)
#define MAX_LINE 4096
#define MAX_LOCKS 64
#define ANY_LOCKS "..."

/* A piece of the text. */
struct span {
	const char *at;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span s)
{
	while (s.len && is_blank(*s.at)) {
		s.at++;
		s.len--;
	}
	while (s.len && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

/* Cuts off what stands before the mark; false when there is no mark. */
static bool cut(struct span *rest, const char *mark, struct span *ret_before)
{
	const char *found = memmem(rest->at, rest->len, mark, strlen(mark));
	size_t used;

	if (!found)
		return false;
	used = (size_t)(found - rest->at);
	*ret_before = trim((struct span){rest->at, used});
	rest->at = found + strlen(mark);
	rest->len -= used + strlen(mark);
	return true;
}

static int wrong(struct suppress_error *ret_error, uint32_t line, const char *text)
{
	ret_error->line = line;
	strncpy(ret_error->text, text, sizeof(ret_error->text) - 1);
	ret_error->text[sizeof(ret_error->text) - 1] = '\0';
	return -EINVAL;
}

static void entry_done(struct suppression *entry)
{
	for (uint32_t i = 0; i < entry->nr_locks; i++)
		free(entry->locks[i]);
	free(entry->locks);
	free(entry->reason);
	free(entry->text);
}

void suppressions_free(struct suppressions *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->nr; i++)
		entry_done(&s->items[i]);
	free(s->items);
	free(s);
}

static int add_lock(struct suppression *entry, struct span lock, struct suppress_error *ret_error)
{
	if (!lock.len)
		return wrong(ret_error, entry->line, "a lock's name is missing");
	if (entry->nr_locks == MAX_LOCKS)
		return wrong(ret_error, entry->line, "more than 64 locks in an entry");
	entry->locks[entry->nr_locks] = strndup(lock.at, lock.len);
	if (!entry->locks[entry->nr_locks])
		return -ENOMEM;
	entry->nr_locks++;
	return 0;
}

static int parse_locks(struct suppression *entry, struct span rest,
		       struct suppress_error *ret_error)
{
	struct span lock;
	int err = 0;

	entry->locks = calloc(MAX_LOCKS, sizeof(*entry->locks));
	if (!entry->locks)
		return -ENOMEM;
	while (!err && cut(&rest, "-->", &lock))
		err = add_lock(entry, lock, ret_error);
	return err ?: add_lock(entry, trim(rest), ret_error);
}

static int parse_entry(struct suppression *entry, struct span line,
		       struct suppress_error *ret_error)
{
	struct span rest = line, rule, locks;

	if (line.len > MAX_LINE)
		return wrong(ret_error, entry->line, "longer than 4096 characters");
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.at[i] < ' ' && line.at[i] != '\t')
			return wrong(ret_error, entry->line, "a control character");
	if (!cut(&rest, ":", &rule))
		return wrong(ret_error, entry->line, "no ':' after the rule");
	entry->rule = finding_rule_of(rule.at, rule.len);
	if (entry->rule == FINDING_RULES && !(rule.len == 1 && *rule.at == '*'))
		return wrong(ret_error, entry->line, "no such rule");
	if (!cut(&rest, ";", &locks))
		return wrong(ret_error, entry->line, "no ';' and reason after the locks");
	rest = trim(rest);
	if (!rest.len)
		return wrong(ret_error, entry->line, "the reason is missing");
	entry->reason = strndup(rest.at, rest.len);
	entry->text = strndup(line.at, line.len);
	if (!entry->reason || !entry->text)
		return -ENOMEM;
	return parse_locks(entry, locks, ret_error);
}

static int add_entry(struct suppressions *s, struct span line, uint32_t number,
		     struct suppress_error *ret_error)
{
	struct suppression *entry;

	if ((s->nr & (s->nr - 1)) == 0) {
		uint32_t room = s->nr ? s->nr * 2 : 1;
		struct suppression *grown = reallocarray(s->items, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->items = grown;
	}
	entry = &s->items[s->nr++];
	*entry = (struct suppression){.line = number};
	return parse_entry(entry, line, ret_error);
}

static int parse_lines(struct suppressions *s, struct span rest, struct suppress_error *ret_error)
{
	uint32_t number = 0;
	int err = 0;

	while (!err && rest.len) {
		struct span line = rest;

		number++;
		if (!cut(&rest, "\n", &line)) {
			line = trim(rest);
			rest.len = 0;
		}
		if (line.len && *line.at != '#')
			err = add_entry(s, line, number, ret_error);
	}
	return err;
}

int suppress_parse(const char *text, size_t len, struct suppressions **ret_suppressions,
		   struct suppress_error *ret_error)
{
	struct suppressions *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	err = parse_lines(s, (struct span){text, len}, ret_error);
	if (err) {
		suppressions_free(s);
		return err;
	}
	*ret_suppressions = s;
	return 0;
}

static bool lock_fits(const char *glob, const struct capture_class *class)
{
	return glob_fits(glob, class->name) || (class->alias && glob_fits(glob, class->alias));
}

/* The same search one storey up: locks for characters, "..." for the star. */
static bool locks_fit(const struct suppression *s, const struct capture *c,
		      const struct finding_chain *chain, uint32_t first)
{
	uint32_t lock = 0, at = 0, nr = chain->nr_classes;
	uint32_t any = LV_NONE, resume = 0;

	while (at < nr) {
		uint32_t class = chain->classes[(first + at) % nr];

		if (lock < s->nr_locks && !strcmp(s->locks[lock], ANY_LOCKS)) {
			any = ++lock;
			resume = at;
		} else if (lock < s->nr_locks && lock_fits(s->locks[lock], &c->classes[class])) {
			lock++;
			at++;
		} else if (any != LV_NONE) {
			lock = any;
			at = ++resume;
		} else {
			return false;
		}
	}
	while (lock < s->nr_locks && !strcmp(s->locks[lock], ANY_LOCKS))
		lock++;
	return lock == s->nr_locks;
}

static bool chain_fits(const struct suppression *s, const struct capture *c, enum finding_rule rule,
		       const struct finding_chain *chain)
{
	uint32_t turns = rule == FINDING_CIRCULAR ? chain->nr_classes : 1;

	if (s->rule != FINDING_RULES && s->rule != rule)
		return false;
	for (uint32_t i = 0; i < turns; i++)
		if (locks_fit(s, c, chain, i))
			return true;
	return false;
}

/* The first entry that fits has the hit. */
static void judge(struct suppressions *s, const struct capture *c, enum finding_rule rule,
		  struct finding_chain *chain)
{
	chain->suppressed_by = LV_NONE;
	for (uint32_t i = 0; i < s->nr; i++) {
		if (!chain_fits(&s->items[i], c, rule, chain))
			continue;
		chain->suppressed_by = i;
		s->items[i].hits++;
		return;
	}
}

/* Shows another chain first when the one that was is suppressed. */
static void promote(const struct capture *c, struct finding *f)
{
	for (uint32_t i = 0; i < f->nr_also; i++) {
		struct finding_chain first = f->chain;

		if (f->also[i].suppressed_by != LV_NONE)
			continue;
		f->chain = f->also[i];
		f->also[i] = first;
		f->confidence = f->chain.confidence;
		f->event = FINDING_BY_UNSAFE_USE;
		finding_set_id(c, f);
		return;
	}
	f->suppressed_by = f->chain.suppressed_by;
}

void suppress_apply(struct suppressions *s, const struct capture *c, struct findings *f)
{
	for (uint32_t i = 0; i < s->nr; i++)
		s->items[i].hits = 0;
	for (uint32_t i = 0; i < f->nr; i++) {
		struct finding *finding = &f->items[i];

		finding->suppressed_by = LV_NONE;
		judge(s, c, finding->rule, &finding->chain);
		for (uint32_t j = 0; j < finding->nr_also; j++)
			judge(s, c, finding->rule, &finding->also[j]);
		if (finding->chain.suppressed_by != LV_NONE)
			promote(c, finding);
	}
}

uint32_t suppress_count(const struct findings *f)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < f->nr; i++)
		nr += f->items[i].suppressed_by != LV_NONE;
	return nr;
}

int suppress_read(const char *path, struct suppressions **ret, struct error *err)
{
	AUTO_FREE char *text = NULL;
	struct suppress_error wrong;
	size_t len = 0;
	int code;

	*ret = NULL;
	if (!path)
		return 0;
	code = file_read(path, MAX_FILE, &text, &len);
	if (code)
		return error_set_errno(err, code, "cannot read suppressions %s", path);
	code = suppress_parse(text, len, ret, &wrong);
	if (code == -EINVAL)
		return error_set(err, code, "%s:%u: %s", path, wrong.line, wrong.text);
	return code ? error_set_errno(err, code, "%s", path) : 0;
}
