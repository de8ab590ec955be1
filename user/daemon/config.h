/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The monitor's settings: a file of "key = value" lines, and the same keys as
 * options, which override the file. lockvane.conf(5) tells what each does.
 */
#ifndef LOCKVANE_DAEMON_CONFIG_H
#define LOCKVANE_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "finding/finding.h"

#define CONFIG_FILE "/etc/lockvane/lockvane.conf"
#define CONFIG_STATE_FOLDER "/var/lib/lockvane"

/* X(id, key, value's name, restart needed, help); in the order of lockvane.conf(5). */
#define CONFIG_KEYS_X(X)                                                                           \
	X(BUDGET, "budget", "SHARE", false,                                                        \
	  "CPU time it may cost, of all CPUs: 0.01% to 100% (0.5%)")                               \
	X(WINDOW, "window", "TIME", false, "longest time armed at a stretch: 100ms to 1h (10s)")   \
	X(LOCKS, "locks", "SORT[,SORT...]", true,                                                  \
	  "which locks: of spin, rw, mutex, rwsem, sock, pseudo (all)")                              \
	X(CONFIDENCE, "confidence", "LEVEL", false,                                                \
	  "tell findings of this confidence or better: confirmed, certain, likely, weak (likely)") \
	X(SUPPRESS, "suppress", "FILE", false, "do not tell the findings this file lists (none)")  \
	X(STATE, "state", "FOLDER", true,                                                          \
	  "where graph and findings are kept (" CONFIG_STATE_FOLDER ")")                           \
	X(STATE_MAX, "state-max", "SIZE", false, "largest database: 8M to 4G (256M)")              \
	X(METRICS, "metrics", "ADDRESS", true,                                                     \
	  "serve metrics: HOST:PORT of a loopback host, unix:/PATH, or off (off)")                 \
	X(METRICS_MODE, "metrics-mode", "MODE", true, "unix socket's: 0600 or 0660 (0600)")        \
	X(JSON, "json", "yes|no", false, "one JSON document a line, not text (no)")                \
	X(LOG_LEVEL, "log-level", "LEVEL", false,                                                  \
	  "lowest level that is told: error, warning, notice, info, debug (info)")                 \
	X(ACCEPT_HAZARD, "accept-hazard", "yes|no", true,                                          \
	  "watch although `lockvane check` names a hazard of this kernel (no)")

enum config_key {
#define X(id, key, value, restart, help) CONFIG_##id,
	CONFIG_KEYS_X(X)
#undef X
		CONFIG_KEYS
};

/* Numbered as syslog's. */
enum config_level {
	CONFIG_ERROR = 3,
	CONFIG_WARNING = 4,
	CONFIG_NOTICE = 5,
	CONFIG_INFO = 6,
	CONFIG_DEBUG = 7,
};

struct config {
	double budget;	    /* share of all CPUs, 0 to 1 */
	uint64_t window_ns; /* armed at a stretch, at most */
	uint32_t locks;	    /* plan_make()'s */
	enum finding_confidence confidence;
	char *suppress;	    /* file, or NULL */
	char *state;	    /* folder */
	uint64_t state_max; /* bytes */
	char *metrics;	    /* address, or NULL: off */
	mode_t metrics_mode;
	bool json;
	enum config_level log_level;
	bool accept_hazard;
};

/* One key's description, for options, help and documents. */
struct config_about {
	const char *key, *value, *help;
	bool restart; /* read at the start only */
};

extern const struct config_about config_about[CONFIG_KEYS];

int config_init(struct config *c); /* the defaults; -ENOMEM */
void config_done(struct config *c);

/* Set one. -EINVAL: what is wrong with the value, naming the key. */
int config_set(struct config *c, enum config_key key, const char *value, struct error *err);

/*
 * Set what a file says. "FILE:LINE: what" is wrong: an unknown key, one given
 * twice, a bad value. On failure, too, the configuration is good for config_done().
 */
int config_read(struct config *c, const char *path, struct error *err);
/* The same of a text; name stands for it in errors. */
int config_parse(struct config *c, const char *name, const char *text, size_t len,
		 struct error *err);

/* Keys whose value differs, and which only a restart changes: bits 1 << enum config_key. */
uint32_t config_needs_restart(const struct config *now, const struct config *then);

#endif
