// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines and inlined functions, from a file made for the purpose: a "kernel" of two
 * functions, compiled here.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sanitizer/lsan_interface.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "capture/sources.h"
#include "kernel/debugfiles.h"
#include "kernel/debuginfo.h"

#define SLIDE 0x1230000ull /* where this kernel "ran" */

static char folder[] = "/tmp/lockvane-debuginfo-XXXXXX";
static char vmlinux[PATH_MAX], other[PATH_MAX];

static void write_file(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *out;

	assert_true(snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path));
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static void run(const char *format, ...)
{
	char command[4 * PATH_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	assert_int_equal(system(command), 0);
}

/* call() is where a return address is; noinline, or there would be no function left. */
static const char main_c[] = "#include \"../include/inner.h\"\n"
			     "void call(void) { __asm__ volatile(\"nop\"); }\n"
			     "int filler;\n"
			     "__attribute__((noinline)) int outer(int x)\n"
			     "{\n"
			     "	filler = x;\n"
			     "	middle(x);\n"
			     "	return filler + 1;\n"
			     "}\n"
			     "void _start(void) { outer(1); }\n";
static const char inner_h[] = "__attribute__((noinline)) void call(void);\n"
			      "static inline __attribute__((always_inline)) void inner(int x)\n"
			      "{\n"
			      "	if (x)\n"
			      "		call();\n"
			      "}\n"
			      "static inline __attribute__((always_inline)) void middle(int x)\n"
			      "{\n"
			      "	inner(x + 1);\n"
			      "}\n";

static int make_kernel(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	run("mkdir -p %s/src/init %s/src/include %s/build", folder, folder, folder);
	write_file("src/init/main.c", main_c);
	write_file("src/include/inner.h", inner_h);
	run("cd %s/build && gcc -g -O2 -ffreestanding -nostdlib -static -fno-stack-protector "
	    "-fcf-protection=none -no-pie -Wl,--build-id -o vmlinux %s/src/init/main.c", folder,
	    folder);
	run("cd %s/build && gcc -g -O1 -ffreestanding -nostdlib -static -fno-stack-protector "
	    "-no-pie -Wl,--build-id,-Ttext=0x500000 -o other %s/src/init/main.c", folder, folder);
	snprintf(vmlinux, sizeof(vmlinux), "%s/build/vmlinux", folder);
	snprintf(other, sizeof(other), "%s/build/other", folder);
	return 0;
}

static int remove_kernel(void **state)
{
	(void)state;
	run("rm -rf %s", folder);
	return 0;
}

/* Of nm: where a function is in the file. */
static uint64_t address(const char *file, const char *function)
{
	char command[2 * PATH_MAX], name[64], type;
	uint64_t addr, found = 0;
	FILE *nm;

	snprintf(command, sizeof(command), "nm %s", file);
	nm = popen(command, "r");
	assert_non_null(nm);
	while (fscanf(nm, "%lx %c %63s", &addr, &type, name) == 3)
		if (!strcmp(name, function))
			found = addr;
	pclose(nm);
	assert_int_not_equal(found, 0);
	return found;
}

/* Where outer() returns to from call(): after the call that objdump shows. */
static uint64_t return_offset(void)
{
	char command[2 * PATH_MAX], line[256];
	uint64_t addr, after = 0;
	bool seen = false;
	FILE *objdump;

	snprintf(command, sizeof(command), "objdump -d --no-show-raw-insn %s | "
		 "sed -n '/<outer>:/,/^$/p'", vmlinux);
	objdump = popen(command, "r");
	assert_non_null(objdump);
	while (fgets(line, sizeof(line), objdump)) {
		if (seen && !after && sscanf(line, " %lx:", &addr) == 1)
			after = addr;
		if (strstr(line, "call") && strstr(line, "<call>"))
			seen = true;
	}
	pclose(objdump);
	assert_int_not_equal(after, 0);
	return after - address(vmlinux, "outer");
}

struct lines {
	char text[8][256];
	size_t nr;
};

static int keep(void *arg, const struct debuginfo_line *line)
{
	struct lines *l = arg;

	assert_true(l->nr < 8);
	snprintf(l->text[l->nr++], 256, "%s %s:%d", line->function ? line->function : "-",
		 line->file, line->line);
	return 0;
}

static struct debuginfo *open_kernel(void)
{
	struct debuginfo *d = NULL;
	struct error err = {};

	assert_int_equal(debuginfo_open(vmlinux, NULL, &d, &err), 0);
	return d;
}

static struct debuginfo_place place_of(const char *file, const char *function, uint64_t offset)
{
	struct debuginfo_place place = { .symbol = function, .offset = offset };

	place.ip = address(file, function) + offset + SLIDE;
	return place;
}

static void test_lines(void **state)
{
	uint64_t offset = return_offset();
	struct debuginfo_place place = place_of(vmlinux, "outer", offset);
	struct debuginfo *d = open_kernel();
	struct lines lines = {};
	struct error err = {};

	(void)state;
	assert_int_equal(debuginfo_match(d, NULL, &place, 1, &err), 0);
	assert_int_equal(debuginfo_lines(d, &place, keep, &lines), 0);
	assert_int_equal(lines.nr, 3);
	assert_string_equal(lines.text[0], "inner include/inner.h:5");
	assert_string_equal(lines.text[1], "middle include/inner.h:9");
	assert_string_equal(lines.text[2], "- init/main.c:7");
	debuginfo_free(d);
}

/* Built in a folder of its own, with names relative to that, as O= may do. */
static void test_relative_names(void **state)
{
	struct debuginfo_place entry = { .symbol = "call" };
	char path[PATH_MAX];
	struct debuginfo *d = NULL;
	struct lines lines = {};
	struct error err = {};

	(void)state;
	run("cd %s/src && mkdir -p out/deep && cd out/deep && gcc -g -O2 -ffreestanding -nostdlib "
	    "-static -fno-stack-protector -no-pie -o vmlinux ../../init/main.c", folder);
	snprintf(path, sizeof(path), "%s/src/out/deep/vmlinux", folder);
	assert_int_equal(debuginfo_open(path, NULL, &d, &err), 0);
	assert_int_equal(debuginfo_lines(d, &entry, keep, &lines), 0);
	assert_string_equal(lines.text[0], "- init/main.c:2");
	debuginfo_free(d);
}

/* A frame that was put back: the function alone, at its entry. And what is not there. */
static void test_entry(void **state)
{
	struct debuginfo_place entry = { .symbol = "outer" };
	struct debuginfo_place gone = { .symbol = "nowhere" };
	struct debuginfo_place module = { .symbol = "outer", .module = "lv_uffd", .offset = 4 };
	struct debuginfo_place outside = { .symbol = "outer", .offset = 4, .ip = 0x42 };
	struct debuginfo *d = open_kernel();
	struct lines lines = {};

	(void)state;
	assert_int_equal(debuginfo_lines(d, &entry, keep, &lines), 0);
	assert_int_equal(lines.nr, 1);
	assert_int_equal(strncmp(lines.text[0], "- init/main.c:", 14), 0);
	assert_int_equal(debuginfo_lines(d, &gone, keep, &lines), -ENOENT);
	assert_int_equal(debuginfo_lines(d, &module, keep, &lines), -ENOENT);
	assert_int_equal(debuginfo_lines(d, &outside, keep, &lines), -ENOENT);
	debuginfo_free(d);
}

/* Another kernel's file: its functions are not where these were. */
static void test_another_kernel(void **state)
{
	struct debuginfo_place places[3] = {
		place_of(vmlinux, "outer", 3), place_of(vmlinux, "call", 0),
		{ .symbol = "never_heard_of", .offset = 1, .ip = 0x1000 },
	};
	struct debuginfo *d = NULL;
	struct error err = {};

	(void)state;
	places[1].ip += 0x40;
	assert_int_equal(debuginfo_open(other, NULL, &d, &err), 0);
	assert_int_equal(debuginfo_match(d, NULL, places, 3, &err), -ESTALE);
	assert_non_null(strstr(err.text, "another kernel"));
	debuginfo_free(d);
}

static void set_frames(struct capture_stack *stack, const char *const *texts, const uint64_t *ips,
		       uint32_t nr)
{
	stack->frames = calloc(nr, sizeof(*stack->frames));
	stack->nr_frames = nr;
	for (uint32_t i = 0; i < nr; i++) {
		stack->frames[i].ip = ips[i];
		stack->frames[i].text = strdup(texts[i]);
	}
}

/* The build id of a file, as a kernel or module that ran would say it. */
static const char *build_id(const char *file)
{
	static char id[BUILD_ID_LEN];
	char ran[PATH_MAX];

	run("mkdir -p %s/ran/sys/kernel", folder);
	run("objcopy -O binary --only-section=.note.gnu.build-id %s %s/ran/sys/kernel/notes", file,
	    folder);
	snprintf(ran, sizeof(ran), "%s/ran", folder);
	assert_int_equal(debugfiles_build_id(ran, NULL, id), 0);
	return id;
}

static void add_image(struct capture *c, const char *module, const char *id)
{
	struct capture_image *image = capture_add_image(c);

	image->module = module ? strdup(module) : NULL;
	image->build_id = strdup(id);
}

/* All places agree, and still it is another build. */
static void test_another_build(void **state)
{
	struct capture *c = capture_new();
	struct debuginfo *d = open_kernel();
	struct error err = {};

	(void)state;
	add_image(c, NULL, build_id(other));
	assert_int_equal(sources_add(c, d, &err), -ESTALE);
	assert_non_null(strstr(err.text, build_id(other)));
	assert_non_null(strstr(err.text, build_id(vmlinux)));
	debuginfo_free(d);
	capture_free(c);
}

/* Modules in a folder: one of the build that ran tells lines, another none. */
static void test_module_lines(void **state)
{
	const char *frame = "outer+0x4/0x40 [lv_uffd]", *text;
	const uint64_t ip = 0xffffffffc0000004;
	char modules[PATH_MAX];
	const struct debugfiles_where where = {.folder = modules};

	(void)state;
	snprintf(modules, sizeof(modules), "%s/modules", folder);
	run("mkdir -p %s/a %s/b && cp %s %s/a/lv-uffd.ko && cp %s %s/b/lv-uffd.ko.debug", modules,
	    modules, other, modules, vmlinux, modules);
	for (int known = 0; known < 2; known++) {
		struct capture *c = capture_new();
		struct debuginfo *d = NULL;
		struct error err = {};

		set_frames(capture_add_stack(c), &frame, &ip, 1);
		add_image(c, NULL, build_id(vmlinux));
		add_image(c, "lv_uffd", known ? build_id(vmlinux) : "00");
		assert_int_equal(debuginfo_open(vmlinux, &where, &d, &err), 0);
		assert_int_equal(sources_add(c, d, &err), 0);
		text = c->stacks[0].frames[c->stacks[0].nr_frames - 1].text;
		assert_int_equal(!!strstr(text, frame), 1);
		assert_int_equal(!!strstr(text, " init/main.c:"), known);
		debuginfo_free(d);
		capture_free(c);
	}
}

/* The same lines, from a child that may do nothing; a file that only its caller may read. */
static void test_confined(void **state)
{
	uint64_t offset = return_offset(), outer = address(vmlinux, "outer") + SLIDE;
	const struct sources_where where = {.vmlinux = vmlinux}, nowhere = {.vmlinux = "/no/vmlinux"};
	const struct sources_where text = {.vmlinux = "/etc/passwd"};
	struct capture *c = capture_new();
	char frame[64];
	const char *frames[] = {frame};
	struct error err = {};

	(void)state;
	snprintf(frame, sizeof(frame), "outer+0x%lx/0x40", offset);
	set_frames(capture_add_stack(c), frames, &(uint64_t){outer + offset}, 1);
	assert_true(sources_add_confined(c, &nowhere, &err) < 0);
	assert_non_null(strstr(err.text, "cannot read /no/vmlinux"));
	assert_int_equal(sources_add_confined(c, &text, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no debug information"));
	assert_int_equal(c->stacks[0].nr_frames, 1);
	assert_int_equal(chmod(vmlinux, 0600), 0);
	assert_int_equal(sources_add_confined(c, &where, &err), 0);
	assert_int_equal(chmod(vmlinux, 0755), 0);
	assert_int_equal(c->stacks[0].nr_frames, 3);
	assert_string_equal(c->stacks[0].frames[0].text, "inner include/inner.h:5 [inline]");
	capture_free(c);
}

/* A signal that the caller holds back ends the search, and is there for the caller. */
static void test_confined_signal(void **state)
{
	const struct sources_where where = {.vmlinux = vmlinux};
	struct capture *c = capture_new();
	struct error err = {};
	sigset_t term, old;

	(void)state;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &old);
	kill(getpid(), SIGTERM);
	assert_int_equal(sources_add_confined(c, &where, &err), -EINTR);
	assert_int_equal(sigtimedwait(&term, NULL, &(struct timespec){}), SIGTERM);
	sigprocmask(SIG_SETMASK, &old, NULL);
	capture_free(c);
}

static void expect_refused(const char *path)
{
	struct debuginfo *d = NULL;
	struct error err = {};

	assert_true(debuginfo_open(path, NULL, &d, &err) < 0);
	assert_null(d);
	assert_non_null(strstr(err.text, path));
}

/* Cut short or overwritten anywhere, it is refused or tells less; it never kills us. */
static void test_broken_files(void **state)
{
	struct debuginfo_place place = place_of(vmlinux, "outer", return_offset());
	char path[PATH_MAX];
	size_t len;
	char *whole;

	(void)state;
	snprintf(path, sizeof(path), "%s/broken", folder);
	expect_refused(path); /* not there */
	write_file("broken", "#!/bin/sh\n");
	expect_refused(path);
	write_file("broken", "");
	expect_refused(path);
	assert_int_equal(file_read(vmlinux, 1 << 24, &whole, &len), 0);
	__lsan_disable(); /* libdw itself leaves some bytes behind where a file is broken */
	srand(1);
	for (int i = 0; i < 400; i++) {
		struct debuginfo *d = NULL;
		struct lines lines = {};
		struct error err = {};
		FILE *out = fopen(path, "w");
		size_t cut = i % 2 ? (size_t)rand() % len : len, at = (size_t)rand() % len;
		char old = whole[at];

		whole[at] = rand();
		assert_int_equal(fwrite(whole, 1, cut, out), cut);
		fclose(out);
		whole[at] = old;
		if (debuginfo_open(path, NULL, &d, &err))
			continue;
		if (!debuginfo_match(d, NULL, &place, 1, &err))
			debuginfo_lines(d, &place, keep, &lines);
		debuginfo_free(d);
	}
	__lsan_enable();
	free(whole);
}

static void test_capture(void **state)
{
	uint64_t offset = return_offset(), outer = address(vmlinux, "outer") + SLIDE;
	char text[64];
	const char *texts[] = { "call", text, "lv_there+0x1/0x2 [lv_uffd]", "0xffffffff81000000" };
	const uint64_t ips[] = { 0, outer + offset, 0xffffffffc0000001, 0xffffffff81000000 };
	struct capture *c = capture_new();
	struct debuginfo *d = open_kernel();
	struct error err = {};

	(void)state;
	snprintf(text, sizeof(text), "outer+0x%lx/0x40", offset);
	for (int i = 0; i < 2; i++)
		set_frames(capture_add_stack(c), texts, ips, 4);
	for (int round = 0; round < 2; round++) { /* the second time there is nothing left to do */
		assert_int_equal(sources_add(c, d, &err), 0);
		for (size_t i = 0; i < 2; i++) {
			const struct capture_frame *f = c->stacks[i].frames;
			char whole[128];

			assert_int_equal(c->stacks[i].nr_frames, 6);
			assert_string_equal(f[0].text, "call init/main.c:2");
			assert_string_equal(f[1].text, "inner include/inner.h:5 [inline]");
			assert_string_equal(f[2].text, "middle include/inner.h:9 [inline]");
			snprintf(whole, sizeof(whole), "%s init/main.c:7", text);
			assert_string_equal(f[3].text, whole);
			assert_string_equal(f[4].text, texts[2]);
			assert_string_equal(f[5].text, texts[3]);
			assert_true(f[1].ip == outer + offset && f[3].ip == f[1].ip);
		}
	}
	debuginfo_free(d);
	capture_free(c);
}

/* By its build id, of the usual places; one of another build is passed over. */
static void test_usual_places(void **state)
{
	char expected[PATH_MAX];
	char *found;

	(void)state;
	run("mkdir -p %s/root/sys/kernel %s/root/boot %s/root/usr/lib/debug/boot", folder, folder,
	    folder);
	run("objcopy -O binary --only-section=.note.gnu.build-id %s %s/root/sys/kernel/notes",
	    vmlinux, folder);
	run("cp %s %s/root/usr/lib/debug/boot/vmlinux-6.12.0", other, folder);
	snprintf(expected, sizeof(expected), "%s/root", folder);
	assert_null(debugfiles_running(expected, "6.12.0"));
	run("cp %s %s/root/boot/vmlinux-6.12.0", vmlinux, folder);
	found = debugfiles_running(expected, "6.12.0");
	snprintf(expected, sizeof(expected), "%s/root/boot/vmlinux-6.12.0", folder);
	assert_string_equal(found, expected);
	free(found);
}

static void test_modules(void **state)
{
	const struct debugfiles_where there = {NULL, "6.12.0"}, other_release = {NULL, "6.13.0"},
				      outside = {NULL, "../modules/6.12.0"};
	char root[PATH_MAX];
	char *found;

	(void)state;
	snprintf(root, sizeof(root), "%s/root", folder);
	run("mkdir -p %s/lib/modules/6.12.0/kernel/fs %s/usr/lib/debug/lib/modules/6.12.0/kernel",
	    root, root);
	run("touch %s/lib/modules/6.12.0/kernel/fs/lv-uffd.ko", root);
	found = debugfiles_module(root, &there, "lv_uffd", NULL);
	assert_non_null(strstr(found, "/lib/modules/6.12.0/kernel/fs/lv-uffd.ko"));
	free(found);
	run("touch %s/usr/lib/debug/lib/modules/6.12.0/kernel/lv_uffd.ko.debug", root);
	found = debugfiles_module(root, &there, "lv_uffd", NULL);
	assert_non_null(strstr(found, "/usr/lib/debug/"));
	free(found);
	assert_null(debugfiles_module(root, &there, "lv_uff", NULL));
	assert_null(debugfiles_module(root, &other_release, "lv_uffd", NULL));
	assert_null(debugfiles_module(root, &outside, "lv_uffd", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),	       cmocka_unit_test(test_entry),
		cmocka_unit_test(test_relative_names), cmocka_unit_test(test_another_kernel),
		cmocka_unit_test(test_broken_files),   cmocka_unit_test(test_capture),
		cmocka_unit_test(test_usual_places),   cmocka_unit_test(test_modules),
		cmocka_unit_test(test_another_build),  cmocka_unit_test(test_confined),
		cmocka_unit_test(test_confined_signal),
		cmocka_unit_test(test_module_lines),
	};

	return cmocka_run_group_tests(tests, make_kernel, remove_kernel);
}
