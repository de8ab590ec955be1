// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/tell.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Ours is the line of source that told, which helps nobody: no CODE_FILE. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/strbuf.h"
#include "report/jsonvalue.h"

static struct {
	bool json, journal;
	enum config_level level;
} how = {.level = CONFIG_INFO};

static const struct {
	const char *name, *message_id;
} events[TELL_EVENTS] = {
#define X(id, name, message_id) {name, message_id},
	TELL_EVENTS_X(X)
#undef X
};

static const char *const levels[] = {
	[CONFIG_ERROR] = "error", [CONFIG_WARNING] = "warning", [CONFIG_NOTICE] = "notice",
	[CONFIG_INFO] = "info",	  [CONFIG_DEBUG] = "debug",
};

/* systemd names the stream it connected to the journal: is that our standard error? */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 && !fstat(2, &st) &&
	       st.st_dev == dev && st.st_ino == ino;
}

void tell_as(const struct config *c)
{
	how.json = c->json;
	how.level = c->log_level;
	how.journal = is_journal();
}

static void put_json(enum config_level level, enum tell_event event, const char *message,
		     json_t *finding)
{
	struct timespec now;
	json_t *line;
	char *text;

	clock_gettime(CLOCK_REALTIME, &now);
	line = json_pack("{si sf ss ss ss so*}", "schema", JSONVALUE_SCHEMA, "time",
			 now.tv_sec + now.tv_nsec / 1e9, "level",
			 levels[level], "event", events[event].name, "message", message, "finding",
			 finding);
	text = line ? json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	if (text)
		puts(text);
	else
		printf("{\"level\":\"%s\",\"event\":\"%s\"}\n", levels[level], events[event].name);
	fflush(stdout);
	free(text);
	json_decref(line);
}

static void put_plain(const char *message)
{
	fprintf(stderr, "lockvane: %s\n", message);
}

void tell(enum config_level level, enum tell_event event, const char *fmt, ...)
{
	char message[1024];
	va_list ap;

	if (level > how.level)
		return;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	strbuf_copy_clean(message, sizeof(message), message, sizeof(message));
	if (how.json)
		put_json(level, event, message, NULL);
	else if (!how.journal || sd_journal_send("MESSAGE=%s", message, "PRIORITY=%d", (int)level,
						 "MESSAGE_ID=%s", events[event].message_id,
						 "LOCKVANE_EVENT=%s", events[event].name, NULL) < 0)
		put_plain(message);
}

static json_t *finding_json(const struct known_finding *f, const char *fingerprint,
			    const char *coverage)
{
	return json_pack("{ss ss ss ss so ss ss sI sI sI ss}", "id", f->id, "fingerprint",
			 fingerprint, "rule",
			 finding_rule_name(f->rule), "confidence",
			 finding_confidence_name(f->confidence), "chain", jsonvalue_chain(f->chain), "kernel",
			 f->kernel, "build", f->build, "first_seen_ms", (json_int_t)f->first_ms,
			 "last_seen_ms", (json_int_t)f->last_ms, "count", (json_int_t)f->count,
			 "coverage", coverage);
}

bool tell_finding(const struct known_finding *f, const char *coverage)
{
	char message[2048], fingerprint[FINDING_ID_LEN];

	if (how.level < CONFIG_WARNING)
		return false;
	finding_fingerprint_of(f->rule, f->chain, fingerprint);
	snprintf(message, sizeof(message), "finding %s: %s, %s: %.1500s (%s; lockvane show %s)",
		 f->id, finding_rule_name(f->rule), finding_confidence_name(f->confidence),
		 f->chain, coverage, f->id);
	if (how.json)
		put_json(CONFIG_WARNING, TELL_FINDING, message, finding_json(f, fingerprint, coverage));
	else if (!how.journal ||
		 sd_journal_send("MESSAGE=%s", message, "PRIORITY=%d", (int)CONFIG_WARNING,
				 "MESSAGE_ID=%s", events[TELL_FINDING].message_id,
				 "LOCKVANE_EVENT=finding", "LOCKVANE_FINDING_ID=%s", f->id,
				 "LOCKVANE_FINGERPRINT=%s", fingerprint,
				 "LOCKVANE_RULE=%s", finding_rule_name(f->rule),
				 "LOCKVANE_CONFIDENCE=%s", finding_confidence_name(f->confidence),
				 "LOCKVANE_CHAIN=%s", f->chain, "LOCKVANE_COUNT=%" PRIu64, f->count,
				 "LOCKVANE_FIRST_SEEN_MS=%" PRIu64, f->first_ms,
				 "LOCKVANE_COVERAGE=%s", coverage, NULL) < 0)
		put_plain(message);
	return true;
}
