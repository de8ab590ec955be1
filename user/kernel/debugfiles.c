// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/debugfiles.h"

#include <dlfcn.h>
#include <elf.h>
#include <elfutils/debuginfod.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define MAX_NOTES (64 << 10)
#define MAX_BUILD_ID 64
#define MAX_DEPTH 16 /* of folders below lib/modules/RELEASE */

struct build_id {
	unsigned char bytes[MAX_BUILD_ID];
	size_t len;
};

/* The notes are those of the kernel's image: name, type and content, each padded to four bytes. */
static int find_build_id(const char *notes, size_t len, struct build_id *ret)
{
	size_t at = 0;

	while (len - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		size_t name, size;

		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note);
		name = ((size_t)note.n_namesz + 3) & ~(size_t)3;
		size = ((size_t)note.n_descsz + 3) & ~(size_t)3;
		if (name > len - at || size > len - at - name)
			return -EINVAL;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp(notes + at, "GNU", 4) && note.n_descsz <= MAX_BUILD_ID) {
			memcpy(ret->bytes, notes + at + name, note.n_descsz);
			ret->len = note.n_descsz;
			return 0;
		}
		at += name + size;
	}
	return -ENOENT;
}

static int running_build_id(const char *root, struct build_id *ret)
{
	AUTO_FREE char *notes = NULL;
	char path[PATH_MAX];
	size_t len;
	int err = file_path(root, "/sys/kernel/notes", path, sizeof(path));

	err = err ? err : file_read(path, MAX_NOTES, &notes, &len);
	return err ? err : find_build_id(notes, len, ret);
}

static bool has_build_id(const char *path, const struct build_id *wanted)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	const void *bytes;
	ssize_t len = -1;
	Elf *elf;

	if (fd < 0)
		return false;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf)
		len = dwelf_elf_gnu_build_id(elf, &bytes);
	len = len == (ssize_t)wanted->len && !memcmp(bytes, wanted->bytes, len) ? len : -1;
	elf_end(elf);
	return len > 0;
}

static char *if_it_is(const char *root, const char *path, const struct build_id *wanted)
{
	char full[PATH_MAX];

	if (file_path(root, path, full, sizeof(full)) || !has_build_id(full, wanted))
		return NULL;
	return strdup(full);
}

static char *below_build_id(const char *root, const struct build_id *id)
{
	char path[64 + 2 * MAX_BUILD_ID];
	int len;

	if (!id->len)
		return NULL;
	len = snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%02x/", id->bytes[0]);
	for (size_t i = 1; i < id->len; i++)
		len += snprintf(path + len, sizeof(path) - len, "%02x", id->bytes[i]);
	snprintf(path + len, sizeof(path) - len, ".debug");
	return if_it_is(root, path, id);
}

static char *ask_servers(void *library, const struct build_id *id)
{
	__typeof__(&debuginfod_begin) begin = dlsym(library, "debuginfod_begin");
	__typeof__(&debuginfod_end) end = dlsym(library, "debuginfod_end");
	__typeof__(&debuginfod_find_debuginfo) find = dlsym(library, "debuginfod_find_debuginfo");
	debuginfod_client *client = begin && end && find ? begin() : NULL;
	char *path = NULL;
	int fd;

	if (!client)
		return NULL;
	fd = find(client, id->bytes, id->len, &path);
	if (fd >= 0)
		close(fd);
	end(client);
	return fd >= 0 ? path : NULL;
}

/* Only where it is wanted and installed: the library brings an HTTP client with it. */
static char *from_servers(const struct build_id *id)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	void *library = urls && *urls ? dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL) : NULL;
	char *path;

	if (!library)
		return NULL;
	path = ask_servers(library, id);
	dlclose(library);
	return path;
}

char *debugfiles_running(const char *root, const char *release)
{
	static const char *const places[] = {
		"/usr/lib/debug/boot/vmlinux-%s", "/usr/lib/debug/lib/modules/%s/vmlinux",
		"/lib/modules/%s/build/vmlinux",  "/lib/modules/%s/vmlinux",
		"/boot/vmlinux-%s",
	};
	struct build_id id = {};
	char *found = NULL;

	if (running_build_id(root, &id))
		return NULL;
	for (size_t i = 0; !found && i < sizeof(places) / sizeof(places[0]); i++) {
		char path[PATH_MAX];

		if (snprintf(path, sizeof(path), places[i], release) < (int)sizeof(path))
			found = if_it_is(root, path, &id);
	}
	found = found ? found : below_build_id(root, &id);
	return found || root ? found : from_servers(&id);
}

/* "NAME.ko", "NAME.ko.debug", "NAME.ko.xz": with '-' where the kernel says '_'. */
static bool is_module_file(const char *file, const char *module)
{
	for (; *module; file++, module++)
		if (*file != *module && !(*file == '-' && *module == '_'))
			return false;
	return !strncmp(file, ".ko", 3) && (!file[3] || file[3] == '.');
}

static char *search(const char *folder, const char *module)
{
	char *paths[] = { (char *)folder, NULL };
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	char *found = NULL;
	FTSENT *entry;

	while (walk && !found && (entry = fts_read(walk))) {
		if (entry->fts_info == FTS_D && entry->fts_level > MAX_DEPTH)
			fts_set(walk, entry, FTS_SKIP);
		else if (entry->fts_info == FTS_F && is_module_file(entry->fts_name, module))
			found = strdup(entry->fts_path);
	}
	if (walk)
		fts_close(walk);
	return found;
}

char *debugfiles_module(const char *root, const char *release, const char *module)
{
	static const char *const places[] = { "/usr/lib/debug/lib/modules/%s", "/lib/modules/%s" };
	char *found = NULL;

	for (size_t i = 0; !found && i < sizeof(places) / sizeof(places[0]); i++) {
		char path[PATH_MAX], full[PATH_MAX];

		if (snprintf(path, sizeof(path), places[i], release) < (int)sizeof(path) &&
		    !file_path(root, path, full, sizeof(full)))
			found = search(full, module);
	}
	return found;
}
