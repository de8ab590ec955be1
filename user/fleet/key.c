// SPDX-License-Identifier: GPL-2.0-only
#include "fleet/key.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "base/error.h"
#include "base/strbuf.h"

/* The application whose key hashes machine ids (sd_id128_get_machine_app_specific()). */
#define APPLICATION SD_ID128_MAKE(4f, 0d, 0f, 6e, 6b, 3e, 4c, 55, 9e, 1d, 7c, 54, 38, 0b, a2, 91)

void fleet_key_of(const char *text, struct fleet_key *ret)
{
	struct sha256_ctx sha;

	sha256_init(&sha);
	sha256_update(&sha, strlen(text), (const uint8_t *)text);
	sha256_digest(&sha, sizeof(ret->bytes), ret->bytes);
}

void fleet_key_text(const struct fleet_key *key, char ret[static FLEET_KEY_LEN])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(key->bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*ret++ = '-';
		*ret++ = digits[key->bytes[i] >> 4];
		*ret++ = digits[key->bytes[i] & 15];
	}
	*ret = '\0';
}

int fleet_host_get(const char *name, struct fleet_host *ret, struct error *err)
{
	char here[FLEET_HOST_LEN] = "", id[SD_ID128_STRING_MAX] = "", text[2 * FLEET_HOST_LEN];
	sd_id128_t machine;
	int code;

	if (!name) {
		code = sd_id128_get_machine_app_specific(APPLICATION, &machine);
		if (code < 0 || gethostname(here, sizeof(here) - 1))
			return error_set_errno(err, code < 0 ? code : -errno,
					       "this host has no machine id (say --host NAME)");
		sd_id128_to_string(machine, id);
		name = here;
	}
	if (!name[0] || strlen(name) >= FLEET_HOST_LEN)
		return error_set(err, -EINVAL, "a host's name has 1 to %d characters", FLEET_HOST_LEN - 1);
	strbuf_copy_clean(ret->name, sizeof(ret->name), name, strlen(name));
	snprintf(text, sizeof(text), "host\n%s\n%s", id, ret->name);
	fleet_key_of(text, &ret->key);
	return 0;
}
