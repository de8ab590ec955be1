// SPDX-License-Identifier: GPL-2.0-only
#include "sites/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "sites/decode.h"

#define MAX_TARGETS (1 << 18)
#define NAME_LEN 256

struct lock_function {
	const char *name;
	uint8_t lock, arg, family;
	bool acquires;
};

#define LOCK_OF_ARG LOCK_ARG, 0
#define LOCK_OF_ARG2 LOCK_ARG, 1
#define LOCK_OF_SOCK LOCK_SOCK, 0
#define LOCK_OF_CPUS LOCK_CPUS, 0

static const struct lock_function lock_functions[] = {
#define LV_ACQUIRE(function, family, mode, irq) {#function, LOCK_ARG, 0, LV_##family, true},
#define LV_TRY(function, family, mode, irq) {#function, LOCK_ARG, 0, LV_##family, true},
#define LV_RELEASE(function, family, irq) {#function, LOCK_ARG, 0, LV_##family, false},
#define LV_SLEEP(function, family, mode, lock, when, how)                                          \
	{#function, LOCK_OF_##lock, LV_##family, true},
#define LV_SLEEP_RELEASE(function, family, lock, how)                                              \
	{#function, LOCK_OF_##lock, LV_##family, false},
#include "hooks.def"
};

/* kernel/panic.c and others that GCC knows as noreturn. */
static const char *const noreturn[] = {
	"panic",
	"nmi_panic",
	"__stack_chk_fail",
	"do_exit",
	"make_task_dead",
	"fortify_panic",
	"__fortify_panic",
	"usercopy_abort",
	"do_group_exit",
	"machine_real_restart",
	"kthread_exit",
	"kthread_complete_and_exit",
	"rewind_stack_and_make_dead",
	"__module_put_and_kthread_exit",
	"do_task_dead",
};

int image_init(struct image *im, const struct sites_sources *src)
{
	memset(im, 0, sizeof(*im));
	if (!src->ksyms || !src->btf || !src->read)
		return -EINVAL;
	im->src = *src;
	im->mask = 4095;
	im->target = calloc(im->mask + 1, sizeof(*im->target));
	if (!im->target || types_new(src->btf, &im->types)) {
		image_free(im);
		return -ENOMEM;
	}
	ksyms_get_bounds(src->ksyms, &im->bounds);
	im->this_cpu_off = ksyms_address(src->ksyms, "this_cpu_off");
	im->percpu_offsets = ksyms_address(src->ksyms, "__per_cpu_offset");
	return 0;
}

void image_free(struct image *im)
{
	for (size_t i = 0; im->target && i <= im->mask; i++)
		free(im->target[i]);
	free(im->target);
	types_free(im->types);
	memset(im, 0, sizeof(*im));
}

size_t image_memory(const struct image *im)
{
	return types_memory(im->types) + (im->mask + 1) * sizeof(*im->target) +
	       im->nr_targets * sizeof(**im->target);
}

/* The register that a thunk's name ends in: "__x86_indirect_thunk_r10". */
static bool thunk_register(const char *name, uint8_t *ret)
{
	static const char regs[16][4] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					 "r8",	"r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
	const char *last = strrchr(name, '_');

	if (strncmp(name, "__x86_indirect_", 15))
		return false;
	for (uint8_t i = 0; i < 16; i++)
		if (!strcmp(last + 1, regs[i])) {
			*ret = i;
			return true;
		}
	return false;
}

static void classify(struct target *t, const char *name)
{
	if (!strcmp(name, "__x86_return_thunk"))
		t->kind = TARGET_RETURN;
	else if (thunk_register(name, &t->reg))
		t->kind = TARGET_THUNK;
	for (size_t i = 0; i < sizeof(noreturn) / sizeof(*noreturn); i++)
		if (!strcmp(name, noreturn[i]))
			t->kind = TARGET_NORETURN;
	for (size_t i = 0; i < sizeof(lock_functions) / sizeof(*lock_functions); i++) {
		const struct lock_function *f = &lock_functions[i];

		if (strcmp(name, f->name))
			continue;
		t->lock = f->lock;
		t->lock_arg = f->arg;
		t->family = f->family;
		t->acquires = f->acquires;
	}
}

/* Statics of one name have one prototype in BTF, if any: no telling whose it is. */
static bool is_alone(const struct image *im, const struct ksym *sym)
{
	const struct ksym *other = NULL;
	int nr = 0;

	while ((other = ksyms_by_name(im->src.ksyms, sym->name, other)))
		nr += other->text && other->module == sym->module;
	return nr == 1;
}

const struct btf *image_btf(const struct image *im, const struct ksym *sym)
{
	const struct btf *own = sym->module ? kbtf_module(im->src.btf, sym->module) : NULL;

	return own ? own : kbtf_vmlinux(im->src.btf);
}

static void find_prototype(struct image *im, struct target *t)
{
	const struct ksym *sym = t->sym;

	t->untyped = true;
	if (!sym || !sym->text || strchr(sym->name, '.') || !is_alone(im, sym))
		return;
	t->btf = image_btf(im, sym);
	if (sym->module && t->btf == kbtf_vmlinux(im->src.btf))
		return; /* a module without types of its own */
	t->proto = types_prototype(im->types, t->btf, sym->name);
	t->untyped = !t->proto;
}

static size_t slot_of(const struct image *im, uint64_t addr)
{
	return (addr * 0x9e3779b97f4a7c15 >> 32) & im->mask;
}

static int grow(struct image *im)
{
	size_t old_mask = im->mask;
	struct target **old = im->target;
	struct target **more = calloc((old_mask + 1) * 2, sizeof(*more));

	if (!more)
		return -ENOMEM;
	im->mask = old_mask * 2 + 1;
	im->target = more;
	for (size_t i = 0; i <= old_mask; i++) {
		size_t at;

		if (!old[i])
			continue;
		for (at = slot_of(im, old[i]->addr); more[at];)
			at = (at + 1) & im->mask;
		more[at] = old[i];
	}
	free(old);
	return 0;
}

static struct target *make_target(struct image *im, uint64_t addr)
{
	struct target *t = calloc(1, sizeof(*t));
	const struct ksym *sym = ksyms_find(im->src.ksyms, addr);

	if (!t)
		return NULL;
	t->addr = addr;
	if (!sym || sym->addr != addr) {
		t->untyped = true;
		return t;
	}
	/* where an address has several names, one with a meaning, or with a prototype */
	for (size_t i = 0; i < ksyms_names_at(im->src.ksyms, sym); i++) {
		t->sym = sym + i;
		classify(t, t->sym->name);
		find_prototype(im, t);
		if (t->kind != TARGET_PLAIN || t->lock || t->proto)
			return t;
	}
	t->sym = sym;
	return t;
}

const struct target *image_target(struct image *im, uint64_t addr)
{
	size_t at = slot_of(im, addr);

	for (; im->target[at]; at = (at + 1) & im->mask)
		if (im->target[at]->addr == addr)
			return im->target[at];
	if (im->nr_targets >= MAX_TARGETS)
		return NULL;
	if (im->nr_targets * 2 > im->mask) {
		if (grow(im))
			return NULL;
		for (at = slot_of(im, addr); im->target[at];)
			at = (at + 1) & im->mask;
	}
	im->target[at] = make_target(im, addr);
	if (im->target[at])
		im->nr_targets++;
	return im->target[at];
}

struct returned image_returned(struct image *im, const struct target *t)
{
	size_t at = slot_of(im, t->addr);
	struct target *own;

	while (im->target[at] && im->target[at]->addr != t->addr)
		at = (at + 1) & im->mask;
	own = im->target[at];
	if (!own || !im->summarise || im->summarising)
		return (struct returned){};
	if (!own->summarised) {
		own->summarised = true;
		im->summarising = true;
		if (own->sym && own->sym->text)
			im->summarise(im, own->sym, &own->returned);
		im->summarising = false;
	}
	return own->returned;
}

uint32_t image_percpu(const struct image *im, uint64_t addr, uint32_t *ret_off)
{
	struct kbtf_var var;

	addr -= im->bounds.percpu_start;
	if (addr > UINT32_MAX || !kbtf_percpu_at(im->src.btf, addr, &var))
		return 0;
	*ret_off = addr - var.offset;
	return var.type.id;
}

const struct ksym *image_whole(const struct image *im, const struct ksym *sym)
{
	const struct ksym *whole = NULL;
	char name[NAME_LEN];
	char *cold;

	snprintf(name, sizeof(name), "%s", sym->name);
	cold = strstr(name, ".cold");
	if (!cold)
		return sym;
	*cold = '\0';
	while ((whole = ksyms_by_name(im->src.ksyms, name, whole)))
		if (whole->text && whole->module == sym->module)
			return whole;
	return sym;
}
