// SPDX-License-Identifier: GPL-2.0-only
/*
 * The founding case by plain system calls: poll a userfaultfd (or a device that locks
 * like one) with kernel aio, read it, destroy the aio context, and exit with the file
 * still open. One child process a round: the file must be released by its exit. --half does one part
 * of it, so that hosts can have the order between them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/aio_abi.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS_DEFAULT 20

struct options {
	const char *device; /* NULL: the real userfaultfd */
	bool poll;
	bool read;
	bool cancel;
	long rounds;
};

static int fail(const char *what, const char *advice)
{
	fprintf(stderr, "uffd_aio: %s: %s%s%s\n", what, strerror(errno), advice ? ": " : "",
		advice ? advice : "");
	return -1;
}

static int open_userfaultfd(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	int fd = syscall(SYS_userfaultfd, O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return fail("userfaultfd",
			    errno == ENOSYS ? "this kernel has none" : "run as root");
	if (ioctl(fd, UFFDIO_API, &api) < 0) {
		fail("UFFDIO_API", NULL);
		close(fd);
		return -1;
	}
	return fd;
}

static int open_device(const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? fail(path, "is its module loaded?") : fd;
}

/* Nothing is pending, so the read must say so; what counts are the locks it takes. */
static int read_nothing(int fd)
{
	char buffer[sizeof(struct uffd_msg)];
	ssize_t size = read(fd, buffer, sizeof(buffer));

	if (size < 0 && errno == EAGAIN)
		return 0;
	if (size < 0)
		return fail("read", NULL);
	fprintf(stderr, "uffd_aio: read: %zd bytes where none were expected\n", size);
	return -1;
}

/* A cancelled poll reports EINPROGRESS: its completion comes as an event. */
static int cancel(aio_context_t aio, struct iocb *request)
{
	struct io_event event;

	if (syscall(SYS_io_cancel, aio, request, &event) < 0 && errno != EINPROGRESS)
		return fail("io_cancel", NULL);
	return 0;
}

static int poll_by_aio(const struct options *options, int fd)
{
	struct iocb request = {.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN};
	struct iocb *requests[] = {&request};
	aio_context_t aio = 0;

	request.aio_fildes = fd;
	if (syscall(SYS_io_setup, 1, &aio) < 0)
		return fail("io_setup", errno == ENOSYS ? "this kernel has no aio" : NULL);
	if (syscall(SYS_io_submit, aio, 1, requests) != 1)
		return fail("io_submit", errno == EINVAL ? "this kernel's aio cannot poll" : NULL);
	if (options->read && read_nothing(fd) < 0)
		return -1;
	if (options->cancel && cancel(aio, &request) < 0)
		return -1;
	if (syscall(SYS_io_destroy, aio) < 0)
		return fail("io_destroy", NULL);
	return 0;
}

/* The file stays open: exit releases it. */
static int one_round(const struct options *options)
{
	int fd = options->device ? open_device(options->device) : open_userfaultfd();

	if (fd < 0)
		return -1;
	return options->poll ? poll_by_aio(options, fd) : read_nothing(fd);
}

static int in_child(const struct options *options)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return fail("fork", NULL);
	if (child == 0)
		_exit(one_round(options) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	if (waitpid(child, &status, 0) < 0)
		return fail("waitpid", NULL);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void usage(FILE *out)
{
	fputs("usage: uffd_aio [--device PATH] [--half poll|read] [--no-cancel] [-n ROUNDS]\n"
	      "  --device PATH   a device that locks like userfaultfd, not userfaultfd itself\n"
	      "  --half poll|read  poll it and do not read it, or the other way round\n"
	      "  --no-cancel     leave the poll request to io_destroy\n"
	      "  -n ROUNDS       how often, each in a process of its own (20)\n",
	      out);
}

static int parse(int argc, char **argv, struct options *ret_options)
{
	static const struct option longs[] = {
		{"device", required_argument, NULL, 'd'},
		{"half", required_argument, NULL, 'H'},
		{"no-cancel", no_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "n:h", longs, NULL)) != -1) {
		switch (c) {
		case 'd':
			ret_options->device = optarg;
			break;
		case 'H':
			ret_options->read = !strcmp(optarg, "read");
			ret_options->poll = !strcmp(optarg, "poll");
			if (ret_options->read == ret_options->poll)
				return -1;
			break;
		case 'c':
			ret_options->cancel = false;
			break;
		case 'n':
			ret_options->rounds = strtol(optarg, &end, 10);
			if (*end || ret_options->rounds < 1)
				return -1;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_SUCCESS);
		default:
			return -1;
		}
	}
	return optind == argc ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct options options = {.poll = true, .read = true, .cancel = true, .rounds = ROUNDS_DEFAULT};

	if (parse(argc, argv, &options) < 0) {
		usage(stderr);
		return 2;
	}
	for (long i = 0; i < options.rounds; i++)
		if (in_child(&options) < 0)
			return EXIT_FAILURE;
	printf("uffd_aio: %ld rounds on %s, %s\n", options.rounds,
	       options.device ? options.device : "userfaultfd",
	       !options.poll	? "read only"
	       : options.cancel ? "with io_cancel"
				: "without io_cancel");
	return EXIT_SUCCESS;
}
