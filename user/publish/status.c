// SPDX-License-Identifier: GPL-2.0-only
#include "publish/status.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "report/jsonvalue.h"

#define STATUS_MOST (256u << 10)
#define STATUS_NEW STATUS_FILE ".new"

static const char *const modes[METRICS_MODES] = {
#define X(id, name) [METRICS_MODE_##id] = name,
	METRICS_MODES_X(X)
#undef X
};

static json_t *share(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *findings_json(const struct metrics *m)
{
	uint64_t found = 0, suppressed = 0;

	for (int rule = 0; rule < FINDING_RULES; rule++) {
		for (int level = 0; level < FINDING_CONFIDENCES; level++)
			found += m->findings[rule][level];
		suppressed += m->suppressed[rule];
	}
	return json_pack("{sI sI sI}", "found", (json_int_t)found, "suppressed",
			 (json_int_t)suppressed, "newest_ms", (json_int_t)m->newest_ms);
}

static json_t *losses_json(const struct metrics *m)
{
	static const char *const names[LV_LOSS_KINDS] = {
#define X(id, name, text) #name,
		LV_LOSSES(X)
#undef X
	};
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	for (int kind = 0; !err && kind < LV_LOSS_KINDS; kind++)
		err = jsonvalue_set(object, names[kind], jsonvalue_number(m->lost[kind]));
	return jsonvalue_checked(object, err);
}

static json_t *tables_json(const struct metrics *m)
{
	static const struct {
		const char *name;
		uint64_t slots;
	} tables[METRICS_TABLES] = {
#define X(id, name, slots) { name, slots },
		METRICS_TABLES_X(X)
#undef X
	};
	json_t *object = json_object();
	int err = object ? 0 : -ENOMEM;

	for (int i = 0; !err && i < METRICS_TABLES; i++)
		err = jsonvalue_set(object, tables[i].name,
				    json_pack("{sI sI}", "used", (json_int_t)m->table_used[i],
					      "slots", (json_int_t)tables[i].slots));
	return jsonvalue_checked(object, err);
}

static int fill(json_t *root, const struct metrics *m, uint64_t now_ms)
{
	int err = jsonvalue_set(root, "schema", jsonvalue_number(JSONVALUE_SCHEMA));

	err = err ?: jsonvalue_set(root, "lockvane", jsonvalue_text(m->version));
	err = err ?: jsonvalue_set(root, "pid", jsonvalue_number(getpid()));
	err = err ?: jsonvalue_set(root, "written_ms", jsonvalue_number(now_ms));
	err = err ?: jsonvalue_set(root, "started_ms", jsonvalue_number(m->started_ms));
	err = err ?: jsonvalue_set(root, "kernel", jsonvalue_text(m->kernel_release));
	err = err ?: jsonvalue_set(root, "build", jsonvalue_text(m->kernel_version));
	err = err ?: jsonvalue_set(root, "mode", json_string(modes[m->mode]));
	err = err ?: jsonvalue_set(root, "budget",
				   json_pack("{so so sI}", "share", share(m->budget), "used",
					     share(m->budget_used), "stops",
					     (json_int_t)m->budget_stops));
	err = err ?: jsonvalue_set(root, "coverage",
				   json_pack("{so so sI sI}", "time", share(m->coverage_time),
					     "events", share(m->coverage_events), "armed_ns",
					     (json_int_t)m->armed_ns, "watched_ns",
					     (json_int_t)m->watched_ns));
	err = err ?: jsonvalue_set(root, "events", jsonvalue_number(m->events));
	err = err ?: jsonvalue_set(root, "findings", findings_json(m));
	err = err ?: jsonvalue_set(root, "classes", jsonvalue_number(m->classes));
	err = err ?: jsonvalue_set(root, "ambiguous_classes", jsonvalue_number(m->ambiguous_classes));
	err = err ?: jsonvalue_set(root, "edges", jsonvalue_number(m->edges));
	err = err ?: jsonvalue_set(root, "losses", losses_json(m));
	err = err ?: jsonvalue_set(root, "tables", tables_json(m));
	err = err ?: jsonvalue_set(root, "contention_stops", jsonvalue_number(m->contention_stops));
	err = err ?: jsonvalue_set(root, "lapses", jsonvalue_number(m->lapses));
	err = err ?: jsonvalue_set(root, "state_bytes", jsonvalue_number(m->state_bytes));
	err = err ?: jsonvalue_set(root, "state_limit_bytes", jsonvalue_number(m->state_limit_bytes));
	err = err ?: jsonvalue_set(root, "state_in_memory", json_boolean(m->state_in_memory));
	return err ?: jsonvalue_set(root, "config_stale", json_boolean(m->config_stale));
}

static int path_of(const char *folder, const char *name, char ret[static PATH_MAX])
{
	return snprintf(ret, PATH_MAX, "%s/%s", folder, name) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* A reader gets the old one or the new one, whole. It is not synchronised: after a crash it means nothing. */
static int replace(const char *folder, const char *text)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	size_t len = strlen(text);
	int code = path_of(folder, STATUS_FILE, path) ?: path_of(folder, STATUS_NEW, fresh);
	int fd;

	if (code)
		return code;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		code = errno ? -errno : -ENOSPC;
	if (close(fd) && !code)
		code = -errno;
	if (!code && rename(fresh, path))
		code = -errno;
	if (code)
		unlink(fresh);
	return code;
}

int status_write(const char *folder, const struct metrics *m, uint64_t now_ms)
{
	json_t *root = json_object();
	AUTO_FREE char *text = NULL;

	if (root && !fill(root, m, now_ms))
		text = json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
	json_decref(root);
	return text ? replace(folder, text) : -ENOMEM;
}

void status_remove(const char *folder)
{
	char path[PATH_MAX];

	if (!path_of(folder, STATUS_FILE, path))
		unlink(path);
}

int status_read(const char *folder, json_t **ret, struct error *err)
{
	AUTO_FREE char *text = NULL;
	char path[PATH_MAX];
	size_t len = 0;
	int code = path_of(folder, STATUS_FILE, path);

	code = code ? code : file_read(path, STATUS_MOST, &text, &len);
	if (code)
		return error_set_errno(err, code, "cannot read %s/" STATUS_FILE, folder);
	*ret = json_loadb(text, len, 0, NULL);
	if (json_is_object(*ret))
		return 0;
	json_decref(*ret);
	return error_set(err, -EINVAL, "%s is not as a monitor writes it", path);
}
