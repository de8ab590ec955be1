/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys of what the hosts of a fleet share: 16 bytes of SHA-256, as key_of() in schema_1.sql has them. */
#ifndef LOCKVANE_FLEET_KEY_H
#define LOCKVANE_FLEET_KEY_H

#include <stdint.h>

struct fleet_key {
	uint8_t bytes[16];
};

#define FLEET_KEY_LEN 37
void fleet_key_of(const char *text, struct fleet_key *ret);
/* As PostgreSQL writes a uuid. */
void fleet_key_text(const struct fleet_key *key, char ret[static FLEET_KEY_LEN]);

/*
 * The owner of the captures. name: NULL is this host's, with its machine id (hashed, so that the store
 * does not have it); another name is a host of its own. -ENOENT: this host has no machine id.
 */
#define FLEET_HOST_LEN 256
struct fleet_host {
	struct fleet_key key;
	char name[FLEET_HOST_LEN];
};

struct error;
int fleet_host_get(const char *name, struct fleet_host *ret, struct error *err);

#endif
