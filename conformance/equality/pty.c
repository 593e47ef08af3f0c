/*
 * The far side of a terminal.
 *   pty receive SOCKET          waits for one descriptor on a console socket, then copies that terminal to stdout
 *   pty run ROWS COLS COMMAND…  runs COMMAND in a new terminal of that size, copies it to stdout, exits like COMMAND
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* A terminal ends in EIO when its last user is gone. */
static void copy(int from)
{
	char buffer[4096];
	ssize_t length;
	while ((length = read(from, buffer, sizeof(buffer))) > 0)
		if (write(1, buffer, (size_t)length) < 0)
			return;
}

static int fail(const char *what)
{
	perror(what);
	return 70;
}

static int receive(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char payload[4096], control[CMSG_SPACE(4 * sizeof(int))];
	struct iovec part = { payload, sizeof(payload) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 1) < 0)
		return fail("listen");
	int peer = accept(listener, NULL, NULL);
	ssize_t length = recvmsg(peer, &message, MSG_CMSG_CLOEXEC);
	if (length < 0)
		return fail("recvmsg");
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	size_t count = header ? (header->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
	printf("@console\npayload %.*s\ndescriptors %zu\n", (int)length, payload, count);
	if (count == 0)
		return 1;
	int terminal;
	struct winsize size = { 0 };
	memcpy(&terminal, CMSG_DATA(header), sizeof(terminal));
	ioctl(terminal, TIOCGWINSZ, &size);
	printf("size %u rows %u columns\n", size.ws_row, size.ws_col);
	fflush(stdout);
	copy(terminal);
	return 0;
}

static int run(char **argv)
{
	struct winsize size = { .ws_row = (unsigned short)atoi(argv[0]), .ws_col = (unsigned short)atoi(argv[1]) };
	int terminal, status;
	pid_t child = forkpty(&terminal, NULL, NULL, &size);
	if (child < 0)
		return fail("forkpty");
	if (child == 0) {
		execvp(argv[2], argv + 2);
		_exit(fail(argv[2]));
	}
	copy(terminal);
	if (waitpid(child, &status, 0) < 0)
		return fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "receive") == 0)
		return receive(argv[2]);
	if (argc >= 5 && strcmp(argv[1], "run") == 0)
		return run(argv + 2);
	fprintf(stderr, "usage: pty receive SOCKET | pty run ROWS COLS COMMAND...\n");
	return 64;
}
