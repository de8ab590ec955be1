// SPDX-License-Identifier: GPL-2.0-only
/*
 * Serves a sample of the daemon's numbers until SIGTERM, or prints it:
 *
 *   serve ADDRESS           events go on; SIGUSR1: a finding more, SIGUSR2: stopped
 *   serve --print           for Prometheus
 *   serve --print-open      for OpenMetrics
 *   serve --print-unknown   when nothing is known yet
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../unit/test_metrics_sample.h"
#include "base/cleanup.h"
#include "publish/listener.h"

static int print(bool known, enum metrics_format format)
{
	AUTO_STRBUF sb = STRBUF_INIT;
	struct metrics m;

	metrics_init(&m);
	if (known)
		sample_metrics(&m);
	metrics_print(&m, format, &sb);
	return sb.failed || fwrite(sb.text, 1, sb.len, stdout) != sb.len;
}

static void go_on(struct metrics *m, int signal)
{
	m->events += 1000;
	m->lost[LV_LOSS_GUARD]++;
	m->armed_ns += 20000000;
	m->watched_ns += 200000000;
	m->cost_seconds += 0.001;
	m->windows++;
	if (signal == SIGUSR1) {
		m->findings[FINDING_IRQ_INVERSION][FINDING_CONFIRMED]++;
		m->sightings++;
		m->newest_ms = time(NULL) * 1000ull;
	}
	if (signal == SIGUSR2)
		m->mode = METRICS_MODE_STOPPED;
}

static int serve(const char *address)
{
	struct timespec moment = {.tv_nsec = 200000000};
	struct listener *listener = NULL;
	struct error err = {};
	struct metrics m;
	sigset_t signals;
	int signal;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	sample_metrics(&m);
	memset(m.findings, 0, sizeof(m.findings));
	if (listener_start(address, 0600, &listener, &err) || listener_post(listener, &m)) {
		fprintf(stderr, "serve: %s\n", err.text);
		return 1;
	}
	while ((signal = sigtimedwait(&signals, NULL, &moment)) != SIGTERM) {
		go_on(&m, signal);
		if (listener_post(listener, &m))
			return 1;
	}
	listener_stop(listener);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	if (!strcmp(argv[1], "--print"))
		return print(true, METRICS_PROMETHEUS);
	if (!strcmp(argv[1], "--print-open"))
		return print(true, METRICS_OPENMETRICS);
	if (!strcmp(argv[1], "--print-unknown"))
		return print(false, METRICS_PROMETHEUS);
	return serve(argv[1]);
}
