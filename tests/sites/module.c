// SPDX-License-Identifier: GPL-2.0-only
#include "module.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SECTIONS 4096
#define MAX_IMAGE (64u << 20)
#define FOREIGN 0xffffffffc8000000ull /* symbols of other modules */

struct load {
	Elf *elf;
	const struct ksyms *kernel;
	uint64_t addr[MAX_SECTIONS]; /* 0: not loaded */
	struct module *m;
	size_t names; /* the section of section names */
	uint64_t foreign;
};

static void place(struct load *l, size_t i, const GElf_Shdr *sh)
{
	uint64_t align = sh->sh_addralign ? sh->sh_addralign : 1;

	l->m->size = (l->m->size + align - 1) / align * align;
	l->addr[i] = MODULE_BASE + l->m->size;
	l->m->size += sh->sh_size;
}

/* .text comes first, code before data. */
static int lay_out(struct load *l)
{
	for (int pass = 0; pass < 3; pass++) {
		Elf_Scn *scn = NULL;

		while ((scn = elf_nextscn(l->elf, scn))) {
			size_t i = elf_ndxscn(scn);
			GElf_Shdr sh;
			const char *name;
			int wanted;

			if (i >= MAX_SECTIONS || !gelf_getshdr(scn, &sh) ||
			    !(sh.sh_flags & SHF_ALLOC))
				continue;
			name = elf_strptr(l->elf, l->names, sh.sh_name);
			wanted = name && !strcmp(name, ".text") ? 0
				 : sh.sh_flags & SHF_EXECINSTR	? 1
								: 2;
			if (wanted == pass)
				place(l, i, &sh);
			if (wanted == pass && !pass)
				l->m->text_size = sh.sh_size;
		}
	}
	if (!l->m->size || l->m->size > MAX_IMAGE)
		return -EINVAL;
	l->m->image = calloc(1, l->m->size);
	return l->m->image ? 0 : -ENOMEM;
}

static void copy_sections(struct load *l)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(l->elf, scn))) {
		size_t i = elf_ndxscn(scn);
		Elf_Data *data = elf_getdata(scn, NULL);
		GElf_Shdr sh;

		if (i < MAX_SECTIONS && l->addr[i] && gelf_getshdr(scn, &sh) && data &&
		    sh.sh_type != SHT_NOBITS && data->d_buf && data->d_size <= sh.sh_size)
			memcpy(l->m->image + (l->addr[i] - MODULE_BASE), data->d_buf, data->d_size);
	}
}

static uint64_t symbol_value(struct load *l, const GElf_Sym *sym, const char *name)
{
	uint64_t addr;

	if (sym->st_shndx == SHN_ABS)
		return sym->st_value;
	if (sym->st_shndx != SHN_UNDEF)
		return sym->st_shndx < MAX_SECTIONS ? l->addr[sym->st_shndx] + sym->st_value : 0;
	addr = name ? ksyms_address(l->kernel, name) : 0;
	if (!addr)
		addr = FOREIGN + (l->foreign += 64);
	return addr;
}

static void relocate(struct load *l, uint64_t at, uint32_t type, uint64_t value)
{
	uint8_t *p = l->m->image + (at - MODULE_BASE);

	if (at < MODULE_BASE || at - MODULE_BASE + 8 > l->m->size)
		return;
	switch (type) {
	case R_X86_64_64:
		memcpy(p, &value, 8);
		break;
	case R_X86_64_32:
	case R_X86_64_32S:
		memcpy(p, &value, 4);
		break;
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		value -= at;
		memcpy(p, &value, 4);
		break;
	default:
		break;
	}
}

static void relocate_section(struct load *l, Elf_Data *rela, size_t nr, uint64_t base,
			     const uint64_t *values)
{
	for (size_t i = 0; i < nr; i++) {
		GElf_Rela r;

		if (gelf_getrela(rela, i, &r))
			relocate(l, base + r.r_offset, GELF_R_TYPE(r.r_info),
				 values[GELF_R_SYM(r.r_info)] + r.r_addend);
	}
}

static int write_symbols(struct load *l, Elf_Data *data, size_t nr, size_t strings,
			 const char *module, const char *path, uint64_t *values)
{
	FILE *f = fopen(path, "a");

	if (!f)
		return -errno;
	for (size_t i = 0; i < nr; i++) {
		const char *name;
		GElf_Sym sym;
		int type;

		if (!gelf_getsym(data, i, &sym))
			continue;
		name = elf_strptr(l->elf, strings, sym.st_name);
		values[i] = symbol_value(l, &sym, name);
		type = GELF_ST_TYPE(sym.st_info);
		if (name && name[0] && name[0] != '.' && values[i] >= MODULE_BASE &&
		    sym.st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_OBJECT))
			fprintf(f, "%lx %c %s\t[%s]\n", (unsigned long)values[i],
				type == STT_FUNC ? 't' : 'd', name, module);
	}
	fprintf(f, "%llx d end_of_module\t[%s]\n", MODULE_BASE + l->m->size, module);
	return fclose(f) ? -EIO : 0;
}

static int link_module(struct load *l, const char *name, const char *symbols)
{
	Elf_Scn *scn = NULL, *syms = NULL;
	uint64_t *values;
	GElf_Shdr sh;
	int err;

	while ((scn = elf_nextscn(l->elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_SYMTAB)
			syms = scn;
	if (!syms || !gelf_getshdr(syms, &sh) || !sh.sh_entsize)
		return -EINVAL;
	values = calloc(sh.sh_size / sh.sh_entsize + 1, sizeof(*values));
	if (!values)
		return -ENOMEM;
	err = write_symbols(l, elf_getdata(syms, NULL), sh.sh_size / sh.sh_entsize, sh.sh_link,
			    name, symbols, values);
	for (scn = NULL; !err && (scn = elf_nextscn(l->elf, scn));)
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_RELA && sh.sh_info < MAX_SECTIONS &&
		    l->addr[sh.sh_info])
			relocate_section(l, elf_getdata(scn, NULL), sh.sh_size / sh.sh_entsize,
					 l->addr[sh.sh_info], values);
	free(values);
	return err;
}

int module_load(const char *path, const char *name, const struct ksyms *kernel, const char *symbols,
		struct module *ret)
{
	struct load *l = calloc(1, sizeof(*l));
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = -EINVAL;

	memset(ret, 0, sizeof(*ret));
	elf_version(EV_CURRENT);
	if (l && fd >= 0 && (l->elf = elf_begin(fd, ELF_C_READ, NULL))) {
		l->kernel = kernel;
		l->m = ret;
		err = elf_getshdrstrndx(l->elf, &l->names) ? -EINVAL : lay_out(l);
		if (!err) {
			copy_sections(l);
			err = link_module(l, name, symbols);
		}
		elf_end(l->elf);
	}
	if (fd >= 0)
		close(fd);
	free(l);
	if (err)
		module_free(ret);
	return err;
}

void module_free(struct module *m)
{
	free(m->image);
	memset(m, 0, sizeof(*m));
}
