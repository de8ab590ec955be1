// SPDX-License-Identifier: GPL-2.0-only
/*
 * Judges the lines of `list` (on stdin): what the source says of each lock, by the types that the
 * debug information of the same build gives to the names in it. Prints the wrong ones, and sums.
 *   judge DEBUG-FILE SOURCE-FOLDER [all]
 */
#include <ctype.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expr.h"
#include "module.h"

#define FIELDS 12
#define TEXT 2048

enum verdict { RIGHT, WRONG, UNJUDGED, NR_VERDICTS };

static const char *const library[] = {
#define LIBRARY_TYPE(name) #name,
#include "sites/library.def"
#undef LIBRARY_TYPE
};

/* Headers whose functions only pass a lock on. */
static const char *const wrappers[] = {"spinlock.h",	"spinlock_api_smp.h", "rwlock_api_smp.h",
				       "spinlock_rt.h", "rwlock.h",	      "mutex.h",
				       "rwsem.h",	"seqlock.h",	      "percpu-rwsem.h",
				       "cleanup.h",	"ww_mutex.h"};

static const char *const takes[] = {
	"spin_lock",	     "spin_trylock",	  "raw_spin_lock",	"raw_spin_trylock",
	"read_lock",	     "write_lock",	  "read_trylock",	"write_trylock",
	"mutex_lock",	     "mutex_trylock",	  "down_read",		"down_write",
	"percpu_down_write", "write_seqlock",	  "ww_mutex_lock",	"ww_mutex_trylock",
	"_raw_spin_lock",    "read_seqlock_excl", "atomic_dec_and_lock"};

static bool is_wrapper(const char *file)
{
	const char *base = file ? strrchr(file, '/') : NULL;

	for (size_t i = 0; base && i < sizeof(wrappers) / sizeof(*wrappers); i++)
		if (!strcmp(base + 1, wrappers[i]) && strstr(file, "include/linux/"))
			return true;
	return false;
}

struct where {
	const char *file;
	int line;
	int scope; /* from this one on, names are looked up */
};

/* The source line of the call: of the innermost function that is not a lock's own wrapper. */
static bool find_line(Dwarf_Die *cu, Dwarf_Die *scopes, int nr, uint64_t pc, struct where *ret)
{
	Dwarf_Line *line = dwarf_getsrc_die(cu, pc);
	Dwarf_Files *files;
	size_t nr_files;

	if (!line || dwarf_lineno(line, &ret->line))
		return false;
	ret->file = dwarf_linesrc(line, NULL, NULL);
	ret->scope = 0;
	if (dwarf_getsrcfiles(cu, &files, &nr_files))
		return false;
	for (int i = 0; i < nr && is_wrapper(ret->file); i++) {
		Dwarf_Attribute attr;
		Dwarf_Word file, at;

		if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine)
			continue;
		if (!dwarf_attr(&scopes[i], DW_AT_call_file, &attr) ||
		    dwarf_formudata(&attr, &file) ||
		    !dwarf_attr(&scopes[i], DW_AT_call_line, &attr) || dwarf_formudata(&attr, &at))
			return false;
		ret->file = dwarf_filesrc(files, file, NULL, NULL);
		ret->line = at;
		ret->scope = i + 1;
	}
	return ret->file && !is_wrapper(ret->file);
}

static FILE *open_source(const char *folder, const char *file)
{
	char path[1024];

	/* the build folder is some levels down: try what remains of the path */
	for (const char *p = file; p; p = strchr(p + 1, '/')) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", folder, *p == '/' ? p + 1 : p);
		f = fopen(path, "r");
		if (f)
			return f;
	}
	return NULL;
}

static bool read_lines(const char *folder, const struct where *w, char text[TEXT])
{
	FILE *f = open_source(folder, w->file);
	char line[512];
	size_t len = 0;

	text[0] = '\0';
	for (int n = 1; f && fgets(line, sizeof(line), f) && n < w->line + 5; n++) {
		size_t add = strlen(line);

		if (n < w->line || len + add >= TEXT)
			continue;
		memcpy(text + len, line, add + 1);
		len += add;
	}
	if (f)
		fclose(f);
	return len;
}

/* Where the argument begins of the first call in the text that takes a lock. */
static const char *find_argument(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (p != text && (isalnum((unsigned char)p[-1]) || p[-1] == '_'))
			continue;
		if (*p == '\n' && strchr(";", p > text ? p[-1] : ' '))
			return NULL; /* the statement is over */
		if (!strncmp(p, "guard(", 6) || !strncmp(p, "scoped_guard(", 13)) {
			const char *q = strchr(p, *p == 'g' ? ')' : ',');

			if (!q)
				return NULL;
			return *p == 'g' ? (q[1] == '(' ? q + 2 : NULL) : q + 1;
		}
		for (size_t i = 0; i < sizeof(takes) / sizeof(*takes); i++) {
			size_t n = strlen(takes[i]);

			if (strncmp(p, takes[i], n))
				continue;
			n += strspn(p + n, "abcdefghijklmnopqrstuvwxyz_");
			if (p[n] != '(')
				continue;
			if (!strncmp(p, "atomic_dec_and", 14))
				return strchr(p, ',') ? strchr(p, ',') + 1 : NULL;
			return p + n + 1;
		}
	}
	return NULL;
}

static bool is_library(const char *name)
{
	for (size_t i = 0; i < sizeof(library) / sizeof(*library); i++)
		if (!strcmp(library[i], name))
			return true;
	return false;
}

static bool step_matches(const struct expr_step *s, const char *name, size_t len, long off)
{
	return strlen(s->name) == len && !strncmp(s->name, name, len) && off >= s->off &&
	       off < s->off + (s->size ? s->size : 1);
}

static enum verdict compare(char **f, const struct expr *e)
{
	size_t outer = strcspn(f[7], ".[+-"), inner = strcspn(f[8], ".[");
	int telling = 0;

	if (!e->known)
		return UNJUDGED;
	if (!strcmp(f[5], "symbol")) {
		if (e->symbol)
			return strlen(e->base) <= outer && !strncmp(e->base, f[7], strlen(e->base))
				       ? RIGHT
				       : WRONG;
		return UNJUDGED;
	}
	if (strcmp(f[5], "member"))
		return UNJUDGED;
	for (int i = 0; i < e->nr; i++) {
		if (step_matches(&e->step[i], f[7], outer, atol(f[10])) ||
		    step_matches(&e->step[i], f[8], inner, atol(f[11])))
			return RIGHT;
		telling += !is_library(e->step[i].name);
	}
	return telling ? WRONG : UNJUDGED;
}

struct sums {
	long of[4][NR_VERDICTS];
};

struct debug {
	Dwarf *dw;
	uint64_t slide; /* from an address of `list` to one of it */
};

static uint64_t text_address(Elf *elf)
{
	Elf_Scn *scn = NULL;
	size_t names;
	GElf_Shdr sh;

	if (elf_getshdrstrndx(elf, &names))
		return 0;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *name;

		if (!gelf_getshdr(scn, &sh))
			continue;
		name = elf_strptr(elf, names, sh.sh_name);
		if (name && !strcmp(name, ".text"))
			return sh.sh_addr;
	}
	return 0;
}

/* A module's is laid out and relocated by libdwfl, in its own way. */
static bool open_debug(const char *path, struct debug *ret)
{
	static const Dwfl_Callbacks callbacks = {
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	int fd = open(path, O_RDONLY);
	Dwfl_Module *mod;
	Dwarf_Addr bias;
	Dwfl *dwfl;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return false;
	if (elf64_getehdr(elf) && elf64_getehdr(elf)->e_type != ET_REL) {
		ret->dw = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
		return ret->dw;
	}
	elf_end(elf);
	dwfl = dwfl_begin(&callbacks);
	mod = dwfl ? dwfl_report_offline(dwfl, "", path, fd) : NULL;
	if (!mod || dwfl_report_end(dwfl, NULL, NULL))
		return false;
	ret->dw = dwfl_module_getdwarf(mod, &bias);
	elf = dwfl_module_getelf(mod, &bias);
	if (!ret->dw || !elf)
		return false;
	ret->slide = text_address(elf) - MODULE_BASE;
	return true;
}

/* The blocks and functions around a place, also those that others are inlined in. */
static int find_scopes(Dwarf_Die *cu, uint64_t pc, Dwarf_Die **ret)
{
	Dwarf_Die *innermost;
	int nr = dwarf_getscopes(cu, pc, &innermost);

	if (nr <= 0)
		return nr;
	nr = dwarf_getscopes_die(&innermost[0], ret);
	free(innermost);
	return nr;
}

static void judge_line(const struct debug *debug, const char *folder, char **f, bool all,
		       struct sums *sums)
{
	static const char *const words[] = {"right", "WRONG", "open"};
	uint64_t pc = strtoull(f[0], NULL, 16) - 1 + debug->slide;
	enum verdict verdict = UNJUDGED;
	char text[TEXT] = "";
	Dwarf_Die cu, *scopes = NULL;
	struct where w = {};
	const char *arg = NULL;
	struct expr e = {};
	int nr, kind;

	if (!dwarf_addrdie(debug->dw, pc, &cu))
		return;
	nr = find_scopes(&cu, pc, &scopes);
	if (nr > 0 && find_line(&cu, scopes, nr, pc, &w) && read_lines(folder, &w, text))
		arg = find_argument(text);
	if (arg) {
		expr_evaluate(arg, scopes + w.scope, nr - w.scope, &e);
		verdict = compare(f, &e);
	}
	free(scopes);
	kind = !strcmp(f[5], "symbol") ? 3
	       : !strcmp(f[6], "type") ? 0
	       : !strcmp(f[6], "use")  ? 1
				       : 2;
	sums->of[kind][verdict]++;
	if (verdict != WRONG && !all)
		return;
	printf("%s %s %s %s %s %s | %s | %s:%d %.60s", words[verdict], f[0], f[1], f[5], f[6], f[7],
	       f[8], w.file ? w.file : "?", w.line, arg ? arg : "\n");
	for (int i = 0; i < e.nr; i++)
		printf("    %s +%ld (%ld)\n", e.step[i].name, (long)e.step[i].off,
		       (long)e.step[i].size);
	if (!strchr(arg ? arg : "", '\n') || strlen(arg) > 60)
		printf("\n");
}

static int split(char *line, char **f)
{
	int n = 0;

	line[strcspn(line, "\n")] = '\0';
	while (n < FIELDS && line)
		f[n++] = strsep(&line, "\t");
	return n;
}

static void index_functions(Dwarf *dw)
{
	Dwarf_Off off = 0, next;
	size_t header;

	while (!dwarf_nextcu(dw, off, &next, &header, NULL, NULL, NULL)) {
		Dwarf_Die unit;

		if (dwarf_offdie(dw, off + header, &unit))
			expr_add_functions(&unit);
		off = next;
	}
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"by type", "by use", "by hint", "symbol"};
	struct sums sums = {};
	char line[4096], *f[FIELDS];
	struct debug debug = {};

	if (argc < 3 || !open_debug(argv[1], &debug)) {
		fprintf(stderr, "judge: no debug information to be read\n");
		return 2;
	}
	index_functions(debug.dw);
	while (fgets(line, sizeof(line), stdin))
		if (split(line, f) == FIELDS && !strcmp(f[4], "acquire") &&
		    (!strcmp(f[5], "member") || !strcmp(f[5], "symbol")))
			judge_line(&debug, argv[2], f, argc > 3, &sums);
	for (int i = 0; i < 4; i++)
		printf("%s: %ld right, %ld wrong, %ld not judged\n", names[i], sums.of[i][RIGHT],
		       sums.of[i][WRONG], sums.of[i][UNJUDGED]);
	return 0;
}
