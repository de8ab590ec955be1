// SPDX-License-Identifier: GPL-2.0-only
/*
 * discoverable SECONDS: a Bluetooth controller by /dev/vhci, which a child process plays, is switched on
 * and is discoverable for so long, by the kernel's management socket. Then the child ends, and the
 * controller goes. The controller says yes to each command, and is as old as one can be: zeros.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BTPROTO_HCI 1
#define HCI_DEV_NONE 0xffff
#define HCI_CHANNEL_CONTROL 3
#define SET_POWERED 0x0005
#define SET_DISCOVERABLE 0x0006
#define SET_CONNECTABLE 0x0007
#define COMMAND_COMPLETE 0x0001
#define COMMAND_STATUS 0x0002
#define INVALID_INDEX 0x11 /* the kernel has not set it up yet */
#define SETUP_SECONDS 60

#define HCI_COMMAND 0x01
#define HCI_EVENT 0x04
#define HCI_VENDOR 0xff
#define EVENT_COMMAND_COMPLETE 0x0e
#define READ_BUFFER_SIZE 0x1005
#define READ_ADDRESS 0x1009

struct address {
	uint16_t family, device, channel;
};

struct message {
	uint16_t code, index, length;
	uint8_t data[512];
} __attribute__((packed));

struct hci_command {
	uint8_t type;
	uint16_t opcode;
	uint8_t length;
	uint8_t data[255];
} __attribute__((packed));

struct hci_complete {
	uint8_t type, event, length, commands;
	uint16_t opcode;
	uint8_t status;
	uint8_t data[248]; /* as long as a name, the longest answer */
} __attribute__((packed));

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void answer(int vhci, uint16_t opcode)
{
	static const uint8_t sizes[] = {0xfd, 0x03, 0x40, 0x08, 0x00, 0x01, 0x00};
	static const uint8_t own[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06};
	struct hci_complete complete = {
		.type = HCI_EVENT,
		.event = EVENT_COMMAND_COMPLETE,
		.length = sizeof(complete) - 3,
		.commands = 1,
		.opcode = opcode,
	};

	if (opcode == READ_BUFFER_SIZE)
		memcpy(complete.data, sizes, sizeof(sizes));
	if (opcode == READ_ADDRESS)
		memcpy(complete.data, own, sizeof(own));
	if (write(vhci, &complete, sizeof(complete)) < 0)
		fail("answer of the controller");
}

/* Until it is killed. */
static void play_controller(void)
{
	static const uint8_t create[] = {HCI_VENDOR, 0};
	int vhci = open("/dev/vhci", O_RDWR | O_CLOEXEC);
	struct hci_command command;
	ssize_t size;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (vhci < 0 || write(vhci, create, sizeof(create)) != sizeof(create))
		fail("/dev/vhci");
	while ((size = read(vhci, &command, sizeof(command))) > 0)
		if (command.type == HCI_COMMAND && size >= 4)
			answer(vhci, command.opcode);
	fail("/dev/vhci");
}

/* Returns the command's status. */
static uint8_t ask(int mgmt, uint16_t code, const uint8_t *data, uint16_t length)
{
	struct message message = {.code = code, .length = length};

	memcpy(message.data, data, length);
	/* The kernel returns 0 for a command that it refuses. */
	if (write(mgmt, &message, 6 + length) < 0)
		fail("command");
	/* An answer begins with the command's code and a status. */
	while (read(mgmt, &message, sizeof(message)) > 8) {
		bool is_answer = message.code == COMMAND_COMPLETE || message.code == COMMAND_STATUS;

		if (is_answer && !memcmp(message.data, &code, sizeof(code)))
			return message.data[2];
	}
	fail("answer");
	return 1;
}

static void insist(int mgmt, uint16_t code, const uint8_t *data, uint16_t length)
{
	uint8_t status = ask(mgmt, code, data, length);

	if (!status)
		return;
	fprintf(stderr, "command %#x: status %#x\n", code, status);
	exit(1);
}

static void switch_on(int mgmt)
{
	uint8_t on[] = {1};

	for (int i = 0; i < SETUP_SECONDS; i++) {
		if (ask(mgmt, SET_POWERED, on, sizeof(on)) != INVALID_INDEX)
			break;
		sleep(1);
	}
	insist(mgmt, SET_POWERED, on, sizeof(on));
	insist(mgmt, SET_CONNECTABLE, on, sizeof(on));
}

int main(int argc, char **argv)
{
	struct address address = {AF_BLUETOOTH, HCI_DEV_NONE, HCI_CHANNEL_CONTROL};
	int mgmt = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC, BTPROTO_HCI);
	uint8_t discoverable[] = {1, 0, 0};
	pid_t controller;

	if (argc != 2) {
		fprintf(stderr, "usage: discoverable SECONDS\n");
		return 2;
	}
	discoverable[1] = (uint8_t)atoi(argv[1]);
	if (mgmt < 0 || bind(mgmt, (struct sockaddr *)&address, sizeof(address)))
		fail("management socket");
	controller = fork();
	if (controller < 0)
		fail("fork");
	if (!controller)
		play_controller();
	switch_on(mgmt);
	insist(mgmt, SET_DISCOVERABLE, discoverable, sizeof(discoverable));
	sleep(discoverable[1] + 2);
	kill(controller, SIGKILL);
	waitpid(controller, NULL, 0);
	return 0;
}
