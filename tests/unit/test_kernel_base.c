// SPDX-License-Identifier: GPL-2.0-only
/* The small helpers under all layers. */
#include "test_kernel_util.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/strbuf.h"

static void test_error(void **state)
{
	struct error err = { 0 };
	char big[600];

	(void)state;
	assert_int_equal(error_set(NULL, -EPERM, "nobody %s", "listens"), -EPERM);
	assert_int_equal(error_prefix(&err, "before"), 0); /* nothing was wrong */
	assert_string_equal(err.text, "");
	assert_int_equal(error_set(&err, -ENOENT, "no %s", "file"), -ENOENT);
	assert_int_equal(err.code, -ENOENT);
	assert_int_equal(error_prefix(&err, "trace %d", 1), -ENOENT);
	assert_string_equal(err.text, "trace 1: no file");
	assert_int_equal(error_set_errno(&err, -ENOENT, "x"), -ENOENT);
	assert_string_equal(err.text, "x: No such file or directory");
	memset(big, 'y', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	error_set(&err, -EINVAL, "%s", big);
	error_prefix(&err, "%s", big);
	error_set_errno(&err, -EINVAL, "%s", big);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void test_strbuf(void **state)
{
	AUTO_STRBUF sb = STRBUF_INIT;
	char *text;
	int i;

	(void)state;
	text = strbuf_take(&sb);
	assert_string_equal(text, "");
	free(text);
	for (i = 0; i < 1000; i++)
		strbuf_addf(&sb, "%d,", i);
	strbuf_add(&sb, "end");
	strbuf_add_bytes(&sb, "\0x", 2);
	assert_int_equal(sb.len, 10 * 2 + 90 * 3 + 900 * 4 + 5);
	assert_memory_equal(sb.text + sb.len - 9, "999,end\0x", 10);
	strbuf_reset(&sb);
	assert_string_equal(sb.text, "");
	strbuf_add(&sb, "again");
	text = strbuf_take(&sb);
	assert_string_equal(text, "again");
	free(text);
	assert_null(sb.text);
}

static void test_copy_clean(void **state)
{
	char buf[8];

	(void)state;
	assert_int_equal(strbuf_copy_clean(buf, sizeof(buf), "a\nb\x7f\xff~", 100), 6);
	assert_string_equal(buf, "a?b??~");
	assert_int_equal(strbuf_copy_clean(buf, sizeof(buf), "123456789", 9), 7);
	assert_string_equal(buf, "1234567");
	assert_int_equal(strbuf_copy_clean(buf, sizeof(buf), "123456789", 3), 3);
	assert_string_equal(buf, "123");
	assert_int_equal(strbuf_copy_clean(buf, 0, "1", 1), 0);
	assert_string_equal(buf, "123");
}

static void test_file(void **state)
{
	char line[8], *text = NULL;
	int64_t number = 77;
	size_t len, i;
	char *big = malloc(100000);

	(void)state;
	assert_non_null(big);
	for (i = 0; i < 100000; i++)
		big[i] = 'a' + i % 26;
	fixture_write_bytes("big", big, 100000);
	assert_int_equal(file_read(fixture_path("big"), 100000, &text, &len), 0);
	assert_int_equal(len, 100000);
	assert_memory_equal(text, big, len);
	free(text);
	free(big);
	text = NULL;
	assert_int_equal(file_read(fixture_path("big"), 99999, &text, &len), -EFBIG);
	assert_int_equal(file_read(fixture_path("absent"), 10, &text, &len), -ENOENT);
	assert_int_equal(file_read(fixture_path("."), 10, &text, &len), -EISDIR);
	assert_null(text);

	fixture_write("line", "0123456789\nsecond\n");
	assert_int_equal(file_line(fixture_dir, "/line", line, sizeof(line)), 0);
	assert_string_equal(line, "0123456");
	assert_int_equal(file_number(fixture_dir, "/line", &number), 0);
	assert_int_equal(number, 123456789);
	fixture_write("line", "-12 apples");
	assert_int_equal(file_number(fixture_dir, "/line", &number), 0);
	assert_int_equal(number, -12);
	fixture_write("line", "apples");
	assert_int_equal(file_number(fixture_dir, "/line", &number), -EINVAL);
	fixture_write("line", "99999999999999999999999999");
	assert_int_equal(file_number(fixture_dir, "/line", &number), -EINVAL);
	assert_int_equal(number, -12);
}

static int take(char **ret)
{
	AUTO_FREE char *text = strdup("kept");
	AUTO_CLOSE int fd = -1;
	AUTO_FCLOSE FILE *f = NULL;
	AUTO_CLOSEDIR DIR *d = NULL;

	(void)fd;
	(void)f;
	(void)d;
	*ret = TAKE_PTR(text);
	return text ? -EINVAL : 0;
}

static void test_cleanup(void **state)
{
	char *text = NULL;

	(void)state;
	errno = EBADF;
	assert_int_equal(take(&text), 0);
	assert_string_equal(text, "kept");
	free(text);
	/* a destructor does not hide why we failed */
	errno = ENOTTY;
	{
		AUTO_FCLOSE FILE *f = fopen("/dev/null", "r");

		errno = ENOTTY;
		(void)f;
	}
	assert_int_equal(errno, ENOTTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error), cmocka_unit_test(test_strbuf),
		cmocka_unit_test(test_copy_clean), cmocka_unit_test(test_file),
		cmocka_unit_test(test_cleanup),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
