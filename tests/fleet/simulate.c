// SPDX-License-Identifier: GPL-2.0-only
/*
 * simulate CAPTURE HOSTS [CONNINFO]: push a capture as so many hosts, each with a kernel at other addresses
 * and with its own choice of what it saw: of the dependencies two thirds are on nearly every host, most of the
 * others on one of two to five, and some on one in a thousand. Says how long it took, and how far the
 * store grew, at each tenth.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/db.h"
#include "fleet/push.h"

#define SHIFT_STEP (2ull << 20)

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9;
	x ^= x >> 27;
	x *= 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* A number in 0..999, the same each time. */
static unsigned int draw(uint64_t a, uint64_t b)
{
	return mix(a * 0x9e3779b97f4a7c15 + b) % 1000;
}

/* How many hosts of a thousand have the piece of this number. */
static unsigned int how_common(uint64_t piece)
{
	unsigned int kind = draw(piece, 1);

	return kind < 660 ? 990 : kind < 950 ? 200 + draw(piece, 2) * 3 / 10 : 1;
}

static bool has(uint64_t host, uint64_t piece)
{
	return draw(host + 1000, piece + 7) < how_common(piece);
}

static void shift_key(char *key, uint64_t by)
{
	char *at = strstr(key, "[<");
	uint64_t addr;
	char rest[64];

	if (!at || sscanf(at, "[<%16" SCNx64 ">]%63s", &addr, rest) < 1 || addr < 0xffffffff80000000)
		return;
	/* As long as it was. */
	if (addr < 0xffffffffc0000000)
		snprintf(at + 2, 17, "%016" PRIx64, addr + by), at[18] = '>';
}

static int vary(const char *path, uint64_t host, struct capture **ret, struct error *err)
{
	size_t kept = 0;
	struct capture *c;
	int code = capture_db_load(path, &c, err);

	if (code)
		return code;
	for (size_t i = 0; i < c->nr_edges; i++)
		if (has(host, i))
			c->edges[kept++] = c->edges[i];
	c->nr_edges = kept;
	for (size_t i = 0; i < c->nr_classes; i++) {
		struct capture_class *class = &c->classes[i];

		shift_key(class->key, draw(host, 3) % 64 * SHIFT_STEP);
		for (int bit = 0; bit < LV_USAGES; bit++)
			if (!has(host, 1000000 + i * LV_USAGES + bit))
				class->usage &= ~(1u << bit);
		class->twice &= class->usage;
	}
	*ret = c;
	return 0;
}

static int no_report(void *arg, size_t i, char **text, char **json, struct error *err)
{
	return -ENODATA;
}

static int push(const char *conninfo, const char *path, uint64_t host, struct push_done *done, struct error *err)
{
	CLEANUP(cleanup_store) struct store *s = NULL;
	struct push_load load = { .report = no_report };
	struct capture *c = NULL;
	struct fleet_host who;
	char name[32];
	int code;

	snprintf(name, sizeof(name), "host-%" PRIu64, host);
	code = fleet_host_get(name, &who, err);
	code = code ? code : vary(path, host, &c, err);
	load.host = &who;
	load.capture = c;
	code = code ? code : store_open(conninfo, &s, err);
	code = code ? code : fleet_push(s, &load, done, err);
	capture_free(c);
	return code;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static double store_mib(const char *conninfo)
{
	CLEANUP(cleanup_store) struct store *s = NULL;
	CLEANUP(cleanup_result) PGresult *r = NULL;

	if (!store_open(conninfo, &s, NULL))
		r = store_run(s, "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE relkind = 'r' AND "
				 "relnamespace = 'lockvane'::regnamespace", 0, NULL, NULL);
	return r ? store_number(r, 0, 0) / 1048576.0 : 0;
}

int main(int argc, char **argv)
{
	uint64_t hosts = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	uint64_t step = hosts / 10 ? hosts / 10 : 1;
	const char *conninfo = argc > 3 ? argv[3] : NULL;
	struct error err = {};
	double began = now();
	size_t added = 0;

	if (!hosts) {
		fputs("usage: simulate CAPTURE HOSTS [CONNINFO]\n", stderr);
		return 2;
	}
	for (uint64_t host = 0; host < hosts; host++) {
		struct push_done done;

		if (push(conninfo, argv[1], host, &done, &err)) {
			fprintf(stderr, "simulate: host-%" PRIu64 ": %s\n", host, err.text);
			return 1;
		}
		added += done.added;
		if ((host + 1) % step == 0 || !host)
			printf("%" PRIu64 " hosts: %.1f s, %zu parts of the last one, %zu in the store, %.1f MiB\n", host + 1,
			       now() - began, done.parts, added, store_mib(conninfo)), fflush(stdout);
	}
	return 0;
}
