// SPDX-License-Identifier: GPL-2.0-only
/* Where the listener listens, and where it will not. */
#include "test_listener.h"

static char folder[] = "/tmp/lv-listener-XXXXXX";
static char path[64], address[72];

static int try_unix(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void test_addresses(void **state)
{
	static const char *const good[] = {"127.0.0.1:9464", "127.9.9.9:1", "[::1]:65535",
					   "unix:/run/lockvane/metrics"};
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"", "no address"},
		{"9464", "no address"},
		{"127.0.0.1", "no address"},
		{"127.0.0.1:", "no address"},
		{"127.0.0.1:0", "no address"},
		{"127.0.0.1:65536", "no address"},
		{"127.0.0.1:99999999999999999999", "no address"},
		{"127.0.0.1:-1", "no address"},
		{"127.0.0.1: 80", "no address"},
		{"127.0.0.1:80x", "no address"},
		{"::1:80", "no address"},
		{"[::1:80", "no address"},
		{"localhost:9464", "not looked up"},
		{"0.0.0.0:9464", "no loopback address"},
		{"10.0.0.1:9464", "no loopback address"},
		{"[::]:9464", "no loopback address"},
		{"[::ffff:127.0.0.1]:9464", "no loopback address"},
		{"[2001:db8::1]:9464", "no loopback address"},
		{"unix:relative", "begin with /"},
		{"unix:", "begin with /"},
	};
	char lengthy[200] = "unix:/";
	struct error err;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(listener_check(good[i], &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(listener_check(bad[i].text, &err), -EINVAL);
		if (!strstr(err.text, bad[i].words))
			fail_msg("%s: %s", bad[i].text, err.text);
	}
	memset(lengthy + 6, 'a', 190);
	assert_int_equal(listener_check(lengthy, &err), -EINVAL);
	assert_non_null(strstr(err.text, "longer than"));
}

static void test_port(void **state)
{
	struct listener *l = NULL;
	struct error err = {};
	uint16_t port;
	char text[32];

	/* A port that was free a moment ago, twice: the second time its connections linger. */
	close(tcp_socket(&port));
	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(listener_start(text, 0, &l, &err), 0);
		post_sample(l);
		assert_answer(connect_tcp(port), get_metrics, "200", "lockvane_edges");
		listener_stop(l);
	}
}

static void test_sockets_refused(void **state)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	struct listener *l = NULL;
	struct error err = {};
	AUTO_CLOSE int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int idle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO_CLOSE int wide = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(wide, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(wide, 1), 0);
	assert_int_equal(listener_start_on(file, &l, &err), -EINVAL);
	assert_int_equal(listener_start_on(idle, &l, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no stream socket that listens"));
	assert_int_equal(listener_start_on(wide, &l, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no loopback address"));
	assert_null(l);
	/* Still the caller's. */
	assert_true(fcntl(wide, F_GETFD) >= 0);
}

static void check_mode(mode_t mode)
{
	struct listener *l = NULL;
	struct error err = {};
	mode_t mask = umask(077);
	struct stat st;

	assert_int_equal(listener_start(address, mode, &l, &err), 0);
	umask(mask);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, mode);
	post_sample(l);
	assert_answer(try_unix(), get_metrics, "200", "lockvane_edges");
	listener_stop(l);
	assert_int_equal(lstat(path, &st), -1);
}

static void test_unix(void **state)
{
	check_mode(0600);
	check_mode(0660);
}

static void test_unix_left_over(void **state)
{
	struct listener *l = NULL, *second = NULL;
	struct error err = {};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* Somebody died here. */
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	close(fd);
	assert_int_equal(listener_start(address, 0600, &l, &err), 0);
	/* Somebody lives here. */
	assert_int_equal(listener_start(address, 0600, &second, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "listens on"));
	post_sample(l);
	assert_answer(try_unix(), get_metrics, "200", "lockvane_edges");
	/* What is no longer ours stays. */
	assert_int_equal(unlink(path), 0);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	listener_stop(l);
	assert_int_equal(lstat(path, &st), 0);
	/* And is not overwritten. */
	assert_int_equal(listener_start(address, 0600, &l, &err), -EEXIST);
	assert_non_null(strstr(err.text, "no socket"));
	assert_int_equal(unlink(path), 0);
}

static void test_unix_no_folder(void **state)
{
	struct listener *l = NULL;
	struct error err = {};
	int before = count_fds();

	assert_int_equal(listener_start("unix:/no/such/folder/s", 0600, &l, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "unix:/no/such/folder/s"));
	assert_int_equal(count_fds(), before);
}

/* Started and stopped with connections open: nothing is left, nobody waits. */
static void test_stop(void **state)
{
	int before = count_fds();

	for (int i = 0; i < 20; i++) {
		struct listener *l = NULL;
		struct error err = {};
		double began;
		int fd;

		assert_int_equal(listener_start(address, 0600, &l, &err), 0);
		fd = try_unix();
		assert_true(fd >= 0);
		say(fd, "GET /met");
		began = now();
		listener_stop(l);
		assert_true(now() - began < 2);
		close(fd);
	}
	assert_int_equal(count_fds(), before);
	listener_stop(NULL);
}

static int make_folder(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/metrics", folder);
	snprintf(address, sizeof(address), "unix:%s", path);
	return 0;
}

static int remove_folder(void **state)
{
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_port),
		cmocka_unit_test(test_sockets_refused),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_unix_left_over),
		cmocka_unit_test(test_unix_no_folder),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests_name("listener_address", tests, make_folder, remove_folder);
}
