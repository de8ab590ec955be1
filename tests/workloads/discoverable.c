// SPDX-License-Identifier: GPL-2.0-only
/*
 * discoverable SECONDS: the first Bluetooth controller is switched on, and is discoverable for so
 * long, by the kernel's management socket.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BTPROTO_HCI 1
#define HCI_DEV_NONE 0xffff
#define HCI_CHANNEL_CONTROL 3
#define SET_POWERED 0x0005
#define SET_DISCOVERABLE 0x0006
#define SET_CONNECTABLE 0x0007
#define COMMAND_COMPLETE 0x0001
#define COMMAND_STATUS 0x0002

struct address {
	uint16_t family, device, channel;
};

struct message {
	uint16_t code, index, length;
	uint8_t data[512];
} __attribute__((packed));

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void ask(int mgmt, uint16_t code, const uint8_t *data, uint16_t length)
{
	struct message message = {.code = code, .length = length};

	memcpy(message.data, data, length);
	if (write(mgmt, &message, 6 + length) != 6 + length)
		fail("command");
	/* An answer begins with the command's code and a status. */
	while (read(mgmt, &message, sizeof(message)) > 8) {
		bool is_answer = message.code == COMMAND_COMPLETE || message.code == COMMAND_STATUS;

		if (!is_answer || memcmp(message.data, &code, sizeof(code)))
			continue;
		if (message.data[2]) {
			fprintf(stderr, "command %#x: status %#x\n", code, message.data[2]);
			exit(1);
		}
		return;
	}
	fail("answer");
}

int main(int argc, char **argv)
{
	struct address address = {AF_BLUETOOTH, HCI_DEV_NONE, HCI_CHANNEL_CONTROL};
	int mgmt = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC, BTPROTO_HCI);
	uint8_t on[] = {1}, discoverable[] = {1, 0, 0};

	if (argc != 2) {
		fprintf(stderr, "usage: discoverable SECONDS\n");
		return 2;
	}
	discoverable[1] = (uint8_t)atoi(argv[1]);
	if (mgmt < 0 || bind(mgmt, (struct sockaddr *)&address, sizeof(address)))
		fail("management socket");
	ask(mgmt, SET_POWERED, on, sizeof(on));
	ask(mgmt, SET_CONNECTABLE, on, sizeof(on));
	ask(mgmt, SET_DISCOVERABLE, discoverable, sizeof(discoverable));
	sleep(discoverable[1] + 2);
	return 0;
}
