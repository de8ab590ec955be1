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
#define MAX_BUILD_ID ((BUILD_ID_LEN - 1) / 2)
#define MAX_DEPTH 16 /* folders below lib/modules/RELEASE */

int debugfiles_build_id_text(const void *bytes, size_t len, char ret[static BUILD_ID_LEN])
{
	const unsigned char *byte = bytes;

	if (!len || len > MAX_BUILD_ID)
		return -ENOENT;
	for (size_t i = 0; i < len; i++)
		sprintf(ret + 2 * i, "%02x", byte[i]);
	return 0;
}

/* The notes are those of an image: name, type and content, each padded to four bytes. */
static int find_build_id(const char *notes, size_t len, char ret[static BUILD_ID_LEN])
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
		    !memcmp(notes + at, "GNU", 4))
			return debugfiles_build_id_text(notes + at + name, note.n_descsz, ret);
		at += name + size;
	}
	return -ENOENT;
}

int debugfiles_build_id(const char *root, const char *module, char ret[static BUILD_ID_LEN])
{
	char path[PATH_MAX], name[PATH_MAX] = "/sys/kernel/notes";
	AUTO_FREE char *notes = NULL;
	size_t len;
	int err;

	if (module && snprintf(name, sizeof(name), "/sys/module/%s/notes/.note.gnu.build-id",
			       module) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	err = file_path(root, name, path, sizeof(path));
	err = err ? err : file_read(path, MAX_NOTES, &notes, &len);
	return err ? err : find_build_id(notes, len, ret);
}

/* -ENOENT: it has none, or it is no ELF file (a compressed one, maybe). */
static int file_build_id(const char *path, char ret[static BUILD_ID_LEN])
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	const void *bytes;
	ssize_t len = -1;
	int err;
	Elf *elf;

	if (fd < 0)
		return -errno;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf)
		len = dwelf_elf_gnu_build_id(elf, &bytes);
	err = len > 0 ? debugfiles_build_id_text(bytes, len, ret) : -ENOENT;
	elf_end(elf);
	return err;
}

static char *if_it_is(const char *root, const char *path, const char *wanted)
{
	char full[PATH_MAX], id[BUILD_ID_LEN];

	if (file_path(root, path, full, sizeof(full)) || file_build_id(full, id) ||
	    strcmp(id, wanted))
		return NULL;
	return strdup(full);
}

static char *below_build_id(const char *root, const char *id)
{
	char path[64 + BUILD_ID_LEN];

	snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%.2s/%s.debug", id, id + 2);
	return if_it_is(root, path, id);
}

static char *ask_servers(void *library, const char *id)
{
	__typeof__(&debuginfod_begin) begin = dlsym(library, "debuginfod_begin");
	__typeof__(&debuginfod_end) end = dlsym(library, "debuginfod_end");
	__typeof__(&debuginfod_find_debuginfo) find = dlsym(library, "debuginfod_find_debuginfo");
	debuginfod_client *client = begin && end && find ? begin() : NULL;
	char *path = NULL;
	int fd;

	if (!client)
		return NULL;
	fd = find(client, (const unsigned char *)id, 0, &path); /* 0: it is in hex */
	if (fd >= 0)
		close(fd);
	end(client);
	return fd >= 0 ? path : NULL;
}

/* Only where it is wanted and installed: the library brings an HTTP client with it. */
static char *from_servers(const char *id)
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
	char id[BUILD_ID_LEN], *found = NULL;

	if (debugfiles_build_id(root, NULL, id))
		return NULL;
	for (size_t i = 0; !found && i < sizeof(places) / sizeof(places[0]); i++) {
		char path[PATH_MAX];

		if (snprintf(path, sizeof(path), places[i], release) < (int)sizeof(path))
			found = if_it_is(root, path, id);
	}
	found = found ? found : below_build_id(root, id);
	return found || root ? found : from_servers(id);
}

/* "NAME.ko", "NAME.ko.debug", "NAME.ko.xz": with '-' where the kernel says '_'. */
static bool is_module_file(const char *file, const char *module)
{
	for (; *module; file++, module++)
		if (*file != *module && !(*file == '-' && *module == '_'))
			return false;
	return !strncmp(file, ".ko", 3) && (!file[3] || file[3] == '.');
}

/* A compressed file is not looked into here; it is seen when it is opened. */
static bool is_another(const char *path, const char *wanted)
{
	char id[BUILD_ID_LEN];

	return wanted && !file_build_id(path, id) && strcmp(id, wanted);
}

static char *search(const char *folder, const char *module, const char *wanted)
{
	char *paths[] = { (char *)folder, NULL };
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	char *found = NULL;
	FTSENT *entry;

	while (walk && !found && (entry = fts_read(walk))) {
		if (entry->fts_info == FTS_D && entry->fts_level > MAX_DEPTH)
			fts_set(walk, entry, FTS_SKIP);
		else if (entry->fts_info == FTS_F && is_module_file(entry->fts_name, module) &&
			 !is_another(entry->fts_path, wanted))
			found = strdup(entry->fts_path);
	}
	if (walk)
		fts_close(walk);
	return found;
}

char *debugfiles_module(const char *root, const struct debugfiles_where *where, const char *module,
			const char *wanted)
{
	static const char *const places[] = { "/usr/lib/debug/lib/modules/%s", "/lib/modules/%s" };
	char *found = NULL;

	if (where->folder)
		return search(where->folder, module, wanted);
	/* A capture from elsewhere may name the release. */
	if (!where->release || *where->release == '.' || strchr(where->release, '/'))
		return NULL;
	for (size_t i = 0; !found && i < sizeof(places) / sizeof(places[0]); i++) {
		char path[PATH_MAX], full[PATH_MAX];

		if (snprintf(path, sizeof(path), places[i], where->release) < (int)sizeof(path) &&
		    !file_path(root, path, full, sizeof(full)))
			found = search(full, module, wanted);
	}
	return found;
}
