// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes memory until there is none: the kernel must kill, this program or another. The first
 * process stays small and says how it went: 0 if the one that takes was killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNK (4ul << 20)

/* From -1000, never this process, to 1000, this one first. */
static void set_score(const char *score)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd < 0 || write(fd, score, strlen(score)) < 0) {
		perror("hog: oom_score_adj");
		_exit(EXIT_FAILURE);
	}
	close(fd);
}

static void take_all(void)
{
	for (;;) {
		char *memory = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (memory == MAP_FAILED)
			usleep(1000);
	}
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc != 2) {
		fputs("usage: hog SCORE, as in oom_score_adj\n", stderr);
		return 2;
	}
	pid = fork();
	if (pid == 0) {
		set_score(argv[1]);
		take_all();
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("hog");
		return EXIT_FAILURE;
	}
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? EXIT_SUCCESS : EXIT_FAILURE;
}
