// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/when.h"
#include "publish/listener.h"
#include "trace/plan.h"

#define FILE_MAX (64u << 10)

const struct config_about config_about[CONFIG_KEYS] = {
#define X(id, key, value, restart, help) {key, value, help, restart},
	CONFIG_KEYS_X(X)
#undef X
};

int config_init(struct config *c)
{
	*c = (struct config){
		.budget = 0.005,
		.window_ns = 10ull * 1000000000,
		.locks = PLAN_ALL_LOCKS,
		.confidence = FINDING_LIKELY,
		.state = strdup(CONFIG_STATE_FOLDER),
		.state_max = 256ull << 20,
		.metrics_mode = 0600,
		.log_level = CONFIG_INFO,
	};
	return c->state ? 0 : -ENOMEM;
}

void config_done(struct config *c)
{
	free(c->suppress);
	free(c->state);
	free(c->metrics);
	*c = (struct config){};
}

/* A number and its unit, one of a list that ends in NULL. */
struct unit {
	const char *name;
	double factor;
};

static int parse_number(const char *text, const struct unit *units, double least, double most,
			double *ret)
{
	char *end;
	double value;

	/* No sign, no hexadecimal, no "nan": what strtod() takes beside digits. */
	if (!isdigit((unsigned char)*text) || text[strspn(text, "0123456789.")] == 'x')
		return -EINVAL;
	value = strtod(text, &end);
	end += strspn(end, " ");
	for (; units->name; units++)
		if (!strcmp(end, units->name))
			break;
	if (!units->name)
		return -EINVAL;
	value *= units->factor;
	/* 0.1 s is not exactly 100 ms. */
	if (!(value >= least * 0.999999 && value <= most * 1.000001))
		return -ERANGE;
	*ret = value;
	return 0;
}

static int set_budget(struct config *c, const char *value)
{
	static const struct unit units[] = {{"%", 0.01}, {}};

	return parse_number(value, units, 0.0001, 1, &c->budget);
}

static int set_window(struct config *c, const char *value)
{
	uint64_t ns;
	int code = when_duration(value, &ns);

	if (!code && (ns < WHEN_SECOND_NS / 10 || ns > 3600 * WHEN_SECOND_NS))
		code = -ERANGE;
	if (!code)
		c->window_ns = ns;
	return code;
}

static int set_state_max(struct config *c, const char *value)
{
	static const struct unit units[] = {{"M", 1 << 20}, {"G", 1 << 30}, {}};
	double bytes;
	int code = parse_number(value, units, 8 << 20, 4096.0 * (1 << 20), &bytes);

	if (!code)
		c->state_max = bytes;
	return code;
}

static int set_path(char **at, const char *value, bool may_be_none)
{
	char *copy = NULL;

	if (may_be_none && !strcmp(value, "none"))
		goto out;
	if (value[0] != '/')
		return -EINVAL;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
out:
	free(*at);
	*at = copy;
	return 0;
}

static int set_metrics(struct config *c, const char *value)
{
	char *copy = NULL;

	if (strcmp(value, "off")) {
		if (listener_check(value, NULL))
			return -EINVAL;
		copy = strdup(value);
		if (!copy)
			return -ENOMEM;
	}
	free(c->metrics);
	c->metrics = copy;
	return 0;
}

static int set_metrics_mode(struct config *c, const char *value)
{
	if (strcmp(value, "0600") && strcmp(value, "0660"))
		return -EINVAL;
	c->metrics_mode = strtoul(value, NULL, 8);
	return 0;
}

static int set_bool(bool *at, const char *value)
{
	bool yes = !strcmp(value, "yes");

	if (!yes && strcmp(value, "no"))
		return -EINVAL;
	*at = yes;
	return 0;
}

static int set_log_level(struct config *c, const char *value)
{
	static const char *const names[] = {
		[CONFIG_ERROR] = "error", [CONFIG_WARNING] = "warning", [CONFIG_NOTICE] = "notice",
		[CONFIG_INFO] = "info",	  [CONFIG_DEBUG] = "debug",
	};

	for (int i = CONFIG_ERROR; i <= CONFIG_DEBUG; i++) {
		if (strcmp(value, names[i]))
			continue;
		c->log_level = i;
		return 0;
	}
	return -EINVAL;
}

static int set_key(struct config *c, enum config_key key, const char *value)
{
	switch (key) {
	case CONFIG_BUDGET:
		return set_budget(c, value);
	case CONFIG_WINDOW:
		return set_window(c, value);
	case CONFIG_LOCKS:
		return plan_parse_locks(value, &c->locks, NULL);
	case CONFIG_CONFIDENCE:
		return finding_confidence_parse(value, &c->confidence);
	case CONFIG_SUPPRESS:
		return set_path(&c->suppress, value, true);
	case CONFIG_STATE:
		return set_path(&c->state, value, false);
	case CONFIG_STATE_MAX:
		return set_state_max(c, value);
	case CONFIG_METRICS:
		return set_metrics(c, value);
	case CONFIG_METRICS_MODE:
		return set_metrics_mode(c, value);
	case CONFIG_JSON:
		return set_bool(&c->json, value);
	case CONFIG_LOG_LEVEL:
		return set_log_level(c, value);
	case CONFIG_ACCEPT_HAZARD:
		return set_bool(&c->accept_hazard, value);
	case CONFIG_KEYS:
		break;
	}
	return -EINVAL;
}

/* The commonest slips, in words that come before the key's help. */
static const char *hint(enum config_key key, const char *value)
{
	bool bare = *value && !value[strspn(value, "0123456789.")];

	if (bare && key == CONFIG_BUDGET)
		return " (it needs a %)";
	if (bare && key == CONFIG_STATE_MAX)
		return " (it needs a unit)";
	if ((key == CONFIG_STATE || key == CONFIG_SUPPRESS) && *value != '/')
		return " (it must be an absolute path)";
	return "";
}

int config_set(struct config *c, enum config_key key, const char *value, struct error *err)
{
	const struct config_about *about = &config_about[key];
	int code = set_key(c, key, value);

	if (!code || code == -ENOMEM)
		return code ? error_set(err, code, "out of memory") : 0;
	/* An address can be wrong in more ways than a help line has room for. */
	if (key == CONFIG_METRICS && listener_check(value, err))
		return error_prefix(err, "%s cannot be \"%.40s\"", about->key, value);
	return error_set(err, -EINVAL, "%s cannot be \"%.40s\"%s: %s", about->key, value,
			 hint(key, value), about->help);
}

static enum config_key find_key(const char *name)
{
	for (int i = 0; i < CONFIG_KEYS; i++)
		if (!strcmp(name, config_about[i].key))
			return i;
	return CONFIG_KEYS;
}

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t\r");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r", end[-1]))
		end--;
	*end = '\0';
	return text;
}

static int parse_line(struct config *c, char *line, uint32_t *seen, struct error *err)
{
	char *key = trim(line), *equals = strchr(key, '=');
	enum config_key id;

	if (!*key || *key == '#')
		return 0;
	if (!equals)
		return error_set(err, -EINVAL, "\"%.40s\" is no KEY = VALUE", key);
	*equals = '\0';
	key = trim(key);
	id = find_key(key);
	if (id == CONFIG_KEYS)
		return error_set(err, -EINVAL, "there is no key \"%.40s\", see lockvane.conf(5)",
				 key);
	if (*seen & 1u << id)
		return error_set(err, -EINVAL, "%s is given twice", key);
	*seen |= 1u << id;
	return config_set(c, id, trim(equals + 1), err);
}

int config_parse(struct config *c, const char *name, const char *text, size_t len,
		 struct error *err)
{
	AUTO_FREE char *copy = strndup(text, len);
	uint32_t seen = 0, line = 0;
	char *at = copy, *next;
	int code = 0;

	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	if (strlen(copy) < len)
		return error_set(err, -EINVAL, "%s: not a text file: it has a zero byte", name);
	for (; !code && at; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = '\0';
		line++;
		code = parse_line(c, at, &seen, err);
	}
	if (code)
		error_prefix(err, "%s:%u", name, line);
	return code;
}

int config_read(struct config *c, const char *path, struct error *err)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	int code = file_read(path, FILE_MAX, &text, &len);

	if (code)
		return error_set_errno(err, code, "cannot read the configuration %s", path);
	return config_parse(c, path, text, len, err);
}

static bool differs(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : a != b;
}

uint32_t config_needs_restart(const struct config *now, const struct config *then)
{
	uint32_t keys = 0;

	keys |= (now->locks != then->locks) << CONFIG_LOCKS;
	keys |= differs(now->state, then->state) << CONFIG_STATE;
	keys |= differs(now->metrics, then->metrics) << CONFIG_METRICS;
	keys |= (now->metrics_mode != then->metrics_mode) << CONFIG_METRICS_MODE;
	keys |= (now->accept_hazard != then->accept_hazard) << CONFIG_ACCEPT_HAZARD;
	return keys;
}
