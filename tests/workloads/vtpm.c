// SPDX-License-Identifier: GPL-2.0-only
/*
 * vtpm SECONDS: a TPM 2.0 by tpm_vtpm_proxy that does nothing and says that all is well, but for
 * its capabilities. One command is sent and its answer read; then one whose answer is left alone
 * for so long.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/vtpm_proxy.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TAG_NO_SESSIONS 0x8001
#define GET_CAPABILITY 0x17a
#define GET_RANDOM 0x17b
/* The answer to GET_CAPABILITY: the kernel registers the TPM as one to be repaired. */
#define RC_FAILURE 0x101
#define LARGEST 4096

struct header {
	uint16_t tag;
	uint32_t length;
	uint32_t code;
} __attribute__((packed));

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void *answer(void *arg)
{
	union {
		struct header head;
		char bytes[LARGEST];
	} command;
	int fd = *(int *)arg;

	while (read(fd, &command, sizeof(command)) >= (ssize_t)sizeof(command.head)) {
		bool refused = command.head.code == htonl(GET_CAPABILITY);
		struct header reply = {htons(TAG_NO_SESSIONS), htonl(sizeof(reply)),
				       refused ? htonl(RC_FAILURE) : 0};

		if (write(fd, &reply, sizeof(reply)) != sizeof(reply))
			perror("answer");
	}
	return NULL;
}

static int open_tpm(const char *path)
{
	for (int tries = 0; tries < 300; tries++) {
		int fd = open(path, O_RDWR);

		if (fd >= 0)
			return fd;
		usleep(100000);
	}
	fail(path);
	return -1;
}

static void ask(int tpm)
{
	const struct header command = {htons(TAG_NO_SESSIONS), htonl(sizeof(command)),
				       htonl(GET_RANDOM)};

	if (write(tpm, &command, sizeof(command)) != sizeof(command))
		fail("command");
}

int main(int argc, char **argv)
{
	struct vtpm_proxy_new_dev device = {.flags = VTPM_PROXY_FLAG_TPM2};
	int proxy = open("/dev/vtpmx", O_RDWR), fd, tpm;
	char path[32], buffer[LARGEST];
	pthread_t thread;

	if (argc != 2) {
		fprintf(stderr, "usage: vtpm SECONDS\n");
		return 2;
	}
	if (proxy < 0 || ioctl(proxy, VTPM_PROXY_IOC_NEW_DEV, &device))
		fail("/dev/vtpmx");
	fd = (int)device.fd;
	if (pthread_create(&thread, NULL, answer, &fd))
		fail("thread");
	snprintf(path, sizeof(path), "/dev/tpm%u", device.tpm_num);
	tpm = open_tpm(path);
	ask(tpm);
	if (read(tpm, buffer, sizeof(buffer)) <= 0)
		fail("answer");
	ask(tpm);
	sleep((unsigned int)atoi(argv[1]));
	return read(tpm, buffer, sizeof(buffer)) != 0; /* thrown away meanwhile */
}
