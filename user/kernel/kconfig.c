// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/kconfig.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"

#define KCONFIG_MAX ((size_t)4 << 20)

struct kconfig {
	char *text;
	char path[PATH_MAX];
};

CLEANUP_DEFINE(gz, gzFile, gzclose)

/* zlib reads plain files as they are. */
static int read_config(const char *path, char **ret)
{
	CLEANUP(cleanup_gz) gzFile gz = gzopen(path, "re");
	AUTO_STRBUF sb = STRBUF_INIT;
	char chunk[16384];
	int len;

	if (!gz)
		return errno ? -errno : -ENOMEM;
	while ((len = gzread(gz, chunk, sizeof(chunk))) > 0) {
		strbuf_add_bytes(&sb, chunk, len);
		if (sb.len > KCONFIG_MAX)
			return -EFBIG;
	}
	/* an empty or foreign file says nothing: better none than "all options off" */
	if (len < 0 || !sb.text || !strstr(sb.text, "CONFIG_"))
		return -EINVAL;
	*ret = strbuf_take(&sb);
	return *ret ? 0 : -ENOMEM;
}

int kconfig_load(const char *root, const char *release, struct kconfig **ret)
{
	static const struct {
		const char *before, *after;
		bool release;
	} places[] = {
		{ "/proc/config.gz", "", false },
		{ "/boot/config-", "", true },
		{ "/lib/modules/", "/config", true },
	};
	struct kconfig *k = calloc(1, sizeof(*k));
	char full[PATH_MAX];
	size_t i;

	if (!k)
		return -ENOMEM;
	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(k->path, sizeof(k->path), "%s%s%s", places[i].before,
			 places[i].release ? release : "", places[i].after);
		if (file_path(root, k->path, full, sizeof(full)) || read_config(full, &k->text))
			continue;
		*ret = k;
		return 0;
	}
	kconfig_free(k);
	return -ENOENT;
}

void kconfig_free(struct kconfig *k)
{
	if (!k)
		return;
	free(k->text);
	free(k);
}

const char *kconfig_path(const struct kconfig *k)
{
	return k->path;
}

char kconfig_get(const struct kconfig *k, const char *option)
{
	size_t len = strlen(option);
	const char *line = k->text;

	for (; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, option, len) || line[len] != '=')
			continue;
		if (line[len + 1] == 'y' || line[len + 1] == 'm')
			return line[len + 1];
		return 'v';
	}
	return 'n';
}
