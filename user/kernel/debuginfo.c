// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/debuginfo.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define KERNEL "kernel"
#define MAX_INLINED 8 /* functions in one place; more are left out */
#define MAX_MODULES 64
#define MAX_SYMBOLS (4 << 20)
#define MAX_PATH 1024
#define AGREE 80 /* percent of the places that must agree on where the kernel ran */

struct symbol {
	const char *name;
	uint64_t addr;
};

/* The kernel, or one module. */
struct image {
	char *name;
	Dwfl_Module *dwfl;      /* NULL: looked for in vain */
	struct symbol *symbols; /* functions, by name */
	size_t nr;
};

struct debuginfo {
	Dwfl *dwfl;
	const struct debugfiles_where *modules;
	const struct debuginfo_ran *ran;
	struct image images[1 + MAX_MODULES]; /* the kernel first */
	size_t nr_images;
	uint64_t slide;      /* the running kernel's addresses less the file's */
	char root[MAX_PATH]; /* the source's, in the file's paths, "/" at its end; "": not known */
};

static char *no_search_path = "";

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = dwfl_offline_section_address,
	.debuginfo_path = &no_search_path,
};

static int by_name(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int read_symbols(struct image *image)
{
	int nr = dwfl_module_getsymtab(image->dwfl);

	if (nr > MAX_SYMBOLS)
		return -EFBIG;
	image->symbols = calloc(nr > 0 ? nr : 1, sizeof(*image->symbols));
	if (!image->symbols)
		return -ENOMEM;
	for (int i = 0; i < nr; i++) {
		GElf_Addr addr;
		GElf_Sym sym;
		const char *name =
			dwfl_module_getsym_info(image->dwfl, i, &sym, &addr, NULL, NULL, NULL);

		if (name && *name && GELF_ST_TYPE(sym.st_info) == STT_FUNC)
			image->symbols[image->nr++] = (struct symbol){ name, addr };
	}
	qsort(image->symbols, image->nr, sizeof(*image->symbols), by_name);
	return 0;
}

/* The first function of that name, NULL: none. *ret_only: there is no other. */
static const struct symbol *find_symbol(const struct image *image, const char *name,
					bool *ret_only)
{
	size_t low = 0, high = image->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(image->symbols[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == image->nr || strcmp(image->symbols[low].name, name))
		return NULL;
	*ret_only = low + 1 == image->nr || strcmp(image->symbols[low + 1].name, name);
	return &image->symbols[low];
}

/* The build id of what ran, and of the file: are they known, and not the same? */
static bool is_another(Dwfl_Module *file, const char *wanted, char ret_id[static BUILD_ID_LEN])
{
	const unsigned char *bytes;
	GElf_Addr addr;
	int len = dwfl_module_build_id(file, &bytes, &addr);

	return wanted && len > 0 && !debugfiles_build_id_text(bytes, len, ret_id) &&
	       strcmp(ret_id, wanted);
}

/*
 * path NULL: there is no such file, which is remembered, too. fd: the file, open already, or -1.
 * wanted: its build id, or NULL.
 */
static int add_image(struct debuginfo *d, const char *name, const char *path, int fd,
		     const char *wanted)
{
	char id[BUILD_ID_LEN];
	struct image *image = &d->images[d->nr_images];
	Dwarf_Addr bias;

	image->name = strdup(name);
	if (!image->name)
		return -ENOMEM;
	d->nr_images++;
	if (!path)
		return -ENOENT;
	dwfl_report_begin_add(d->dwfl);
	image->dwfl = dwfl_report_offline(d->dwfl, name, path, fd);
	dwfl_report_end(d->dwfl, NULL, NULL);
	if (!image->dwfl && fd >= 0)
		close(fd); /* else it is the library's */
	if (image->dwfl &&
	    (is_another(image->dwfl, wanted, id) || !dwfl_module_getdwarf(image->dwfl, &bias)))
		image->dwfl = NULL;
	return image->dwfl ? read_symbols(image) : -ENOENT;
}

/* Take "FOLDER/.." and "." out of a path. */
static void normalize(char *path)
{
	char *to = path, *from = path, *kept = path; /* kept: ".." that nothing stands before */

	while (*from) {
		size_t len = strcspn(from, "/"), step = len + !!from[len];
		bool up = len == 2 && !strncmp(from, "..", 2);

		if (up && to > kept + (*path == '/')) {
			for (to--; to > kept && to[-1] != '/';)
				to--;
		} else if (len != 1 || *from != '.') {
			memmove(to, from, step);
			to += step;
			if (up)
				kept = to;
		}
		from += step;
	}
	*to = '\0';
}

/* A file's name from the folder its unit was compiled in, as libdw gives those of lines. */
static void join_path(Dwarf_Die *unit, const char *file, char *buf, size_t room)
{
	Dwarf_Attribute attr;
	const char *folder = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attr));
	bool joined = folder && *file != '/';
	int len = snprintf(buf, room, "%s%s%s", joined ? folder : "", joined ? "/" : "", file);

	if (len < 0 || (size_t)len >= room)
		buf[0] = '\0';
	normalize(buf);
}

/* The kernel's own source is where init/main.c was compiled from. */
static void find_root(struct debuginfo *d)
{
	static const char main_c[] = "init/main.c";
	Dwarf_Die *unit = NULL;
	Dwarf_Addr bias;

	while ((unit = dwfl_module_nextcu(d->images[0].dwfl, unit, &bias))) {
		const char *name = dwarf_diename(unit);
		size_t len = name ? strlen(name) : 0, tail = sizeof(main_c) - 1;

		if (len < tail || strcmp(name + len - tail, main_c))
			continue;
		join_path(unit, name, d->root, sizeof(d->root));
		len = strlen(d->root);
		d->root[len < tail ? 0 : len - tail] = '\0';
		return;
	}
}

CLEANUP_DEFINE(debuginfo, struct debuginfo *, debuginfo_free)

int debuginfo_open_at(int fd, const char *path, const struct debugfiles_where *modules,
		      struct debuginfo **ret, struct error *err)
{
	CLEANUP(cleanup_debuginfo) struct debuginfo *d = calloc(1, sizeof(*d));
	int code;

	if (d)
		d->dwfl = dwfl_begin(&callbacks);
	if (!d || !d->dwfl) {
		close(fd);
		return error_set(err, -ENOMEM, "out of memory");
	}
	d->modules = modules;
	code = add_image(d, KERNEL, path, fd, NULL);
	if (code)
		return error_set(err, code == -ENOENT ? -EINVAL : code,
				 "%s holds no debug information of a kernel: it must be a vmlinux "
				 "with DWARF (%s)", path,
				 code == -ENOENT ? "none found" : strerror(-code));
	find_root(d);
	*ret = TAKE_PTR(d);
	return 0;
}

int debuginfo_open(const char *path, const struct debugfiles_where *modules, struct debuginfo **ret,
		   struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_set_errno(err, -errno, "cannot read %s", path);
	return debuginfo_open_at(fd, path, modules, ret, err);
}

void debuginfo_free(struct debuginfo *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->nr_images; i++) {
		free(d->images[i].name);
		free(d->images[i].symbols);
	}
	if (d->dwfl)
		dwfl_end(d->dwfl);
	free(d);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The value met most often in a sorted array, and how often. */
static uint64_t most_common(const uint64_t *sorted, size_t nr, size_t *ret_times)
{
	uint64_t best = 0;
	size_t begin = 0;

	*ret_times = 0;
	for (size_t i = 1; i <= nr; i++) {
		if (i < nr && sorted[i] == sorted[begin])
			continue;
		if (i - begin > *ret_times) {
			*ret_times = i - begin;
			best = sorted[begin];
		}
		begin = i;
	}
	return best;
}

static int match_places(struct debuginfo *d, const struct debuginfo_place *places, size_t nr,
			struct error *err)
{
	AUTO_FREE uint64_t *slides = calloc(nr ? nr : 1, sizeof(*slides));
	size_t asked = 0, found = 0, known = 0, times;

	if (!slides)
		return error_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < nr; i++) {
		const struct symbol *symbol;
		bool only = false;

		if (places[i].module || !places[i].ip)
			continue;
		known++;
		symbol = find_symbol(&d->images[0], places[i].symbol, &only);
		asked += !symbol || only;
		if (symbol && only)
			slides[found++] = places[i].ip - places[i].offset - symbol->addr;
	}
	qsort(slides, found, sizeof(*slides), by_value);
	d->slide = most_common(slides, found, &times);
	if (known && (!asked || times * 100 < asked * AGREE))
		return error_set(err, -ESTALE,
				 "the debug information is of another kernel: %zu of %zu places are "
				 "where it says", times, asked);
	return 0;
}

int debuginfo_match(struct debuginfo *d, const struct debuginfo_ran *ran,
		    const struct debuginfo_place *places, size_t nr, struct error *err)
{
	const char *wanted = ran ? ran->build_id(ran->arg, NULL) : NULL;
	char id[BUILD_ID_LEN];

	d->ran = ran;
	if (is_another(d->images[0].dwfl, wanted, id))
		return error_set(err, -ESTALE,
				 "the debug information is of another kernel: its build id is %s, "
				 "that of the kernel traced %s",
				 id, wanted);
	return match_places(d, places, nr, err);
}

static struct image *find_image(struct debuginfo *d, const char *module)
{
	const char *wanted = d->ran ? d->ran->build_id(d->ran->arg, module) : NULL;
	AUTO_FREE char *path = NULL;

	for (size_t i = 0; i < d->nr_images; i++)
		if (!strcmp(d->images[i].name, module))
			return &d->images[i];
	if (!d->modules || d->nr_images > MAX_MODULES)
		return NULL;
	path = debugfiles_module(NULL, d->modules, module, wanted);
	return add_image(d, module, path, -1, wanted) == -ENOMEM ? NULL : &d->images[d->nr_images - 1];
}

/* Where the file has a place. A module is not moved as a whole: its symbols tell. */
static int find_address(struct debuginfo *d, const struct debuginfo_place *place,
			struct image **ret_image, uint64_t *ret)
{
	struct image *image = place->module ? find_image(d, place->module) : &d->images[0];
	const struct symbol *symbol;
	bool only = false;

	if (!image || !image->dwfl)
		return -ENOENT;
	*ret_image = image;
	if (!place->module && place->ip) {
		*ret = place->ip - d->slide;
		return 0;
	}
	symbol = find_symbol(image, place->symbol, &only);
	if (!symbol || !only)
		return -ENOENT;
	*ret = symbol->addr + place->offset;
	return 0;
}

/* As the kernel's own reports name files: from the top of its source. */
static const char *source_path(const struct debuginfo *d, Dwarf_Die *unit, const char *file,
			       char *buf, size_t room)
{
	Dwarf_Attribute attr;
	const char *folder = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attr));
	size_t root = strlen(d->root), len = folder ? strlen(folder) : 0;

	if (!file)
		return "?";
	join_path(unit, file, buf, room);
	if (root && !strncmp(buf, d->root, root))
		return buf + root;
	if (len && !strncmp(buf, folder, len) && buf[len] == '/')
		return buf + len + 1;
	return buf;
}

/* Where an inlined function was called: its file, or NULL. */
static const char *called_from(Dwarf_Die *unit, Dwarf_Die *inlined, int *ret_line)
{
	Dwarf_Word file = 0, line = 0;
	Dwarf_Attribute attr;
	Dwarf_Files *files;
	size_t nr;

	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attr), &file) ||
	    dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attr), &line) ||
	    dwarf_getsrcfiles(unit, &files, &nr) || file >= nr)
		return NULL;
	*ret_line = line;
	return dwarf_filesrc(files, file, NULL, NULL);
}

struct walk {
	const struct debuginfo *d;
	Dwarf_Die *unit;
	int (*each)(void *arg, const struct debuginfo_line *line);
	void *arg;
	const char *file; /* file of the function that is walked, as the unit has it */
	int line;
};

static int tell_function(const struct walk *w, const char *function)
{
	char path[MAX_PATH];
	struct debuginfo_line line = { .function = function, .line = w->line };

	line.file = source_path(w->d, w->unit, w->file, path, sizeof(path));
	return w->each(w->arg, &line);
}

/* scopes: from the innermost outwards. */
static int tell_scopes(struct walk *w, Dwarf_Die *scopes, int nr)
{
	int code = 0, inlined = 0;

	for (int i = 0; !code && i < nr && dwarf_tag(&scopes[i]) != DW_TAG_subprogram; i++) {
		const char *name;

		if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine)
			continue;
		name = dwarf_diename(&scopes[i]);
		if (inlined++ < MAX_INLINED)
			code = tell_function(w, name ? name : "?");
		w->file = called_from(w->unit, &scopes[i], &w->line);
	}
	return code ? code : tell_function(w, NULL);
}

static int tell_all(struct walk *w, Dwarf_Addr addr)
{
	Dwarf_Die *innermost = NULL, *scopes = NULL;
	int code, nr = dwarf_getscopes(w->unit, addr, &innermost);

	if (nr > 0)
		nr = dwarf_getscopes_die(innermost, &scopes);
	code = tell_scopes(w, scopes, nr > 0 ? nr : 0);
	free(scopes);
	free(innermost);
	return code;
}

int debuginfo_lines(struct debuginfo *d, const struct debuginfo_place *place,
		    int (*each)(void *arg, const struct debuginfo_line *line), void *arg)
{
	struct walk w = { .d = d, .each = each, .arg = arg };
	struct image *image;
	Dwfl_Line *line;
	Dwarf_Addr bias;
	uint64_t addr;
	int err = find_address(d, place, &image, &addr);

	if (err)
		return err;
	/*
	 * A stack's are return addresses: the call is before that. (But for the one that an
	 * interrupt hit, whose line may be that of the instruction before.) An entry is what it is.
	 */
	if (place->offset)
		addr--;
	w.unit = dwfl_module_addrdie(image->dwfl, addr, &bias);
	line = w.unit ? dwfl_module_getsrc(image->dwfl, addr) : NULL;
	if (!line)
		return -ENOENT;
	w.file = dwfl_lineinfo(line, NULL, &w.line, NULL, NULL, NULL);
	return tell_all(&w, addr - bias);
}
