/*
 * receive SOCKET: listens at SOCKET, takes one connection to its end and prints what came as a line of JSON: the payload,
 * and the descriptors with the message that brought them. A terminal is then copied to standard output until it is closed.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_PAYLOAD 65536
#define MAX_DESCRIPTORS 16

static char payload[MAX_PAYLOAD];
static size_t payload_size;
static int descriptors[MAX_DESCRIPTORS], first_message[MAX_DESCRIPTORS];
static int descriptor_count, message_count;

static int accept_one(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (server < 0 || bind(server, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(server, 4) < 0)
		return -1;
	return accept(server, NULL, NULL);
}

static ssize_t receive_message(int fd)
{
	char control[CMSG_SPACE(sizeof(int) * MAX_DESCRIPTORS)];
	struct iovec vector = { payload + payload_size, sizeof(payload) - 1 - payload_size };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	ssize_t count = recvmsg(fd, &message, 0);
	if (count <= 0)
		return count;
	message_count++;
	payload_size += (size_t)count;
	for (struct cmsghdr *each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each)) {
		size_t number = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < number && descriptor_count < MAX_DESCRIPTORS; i++) {
			memcpy(&descriptors[descriptor_count], CMSG_DATA(each) + i * sizeof(int), sizeof(int));
			first_message[descriptor_count++] = message_count;
		}
	}
	return count;
}

static void report(void)
{
	printf("{\"do\":\"received\",\"errno\":0,\"messages\":%d,\"descriptors\":[", message_count);
	for (int i = 0; i < descriptor_count; i++) {
		char path[64], target[256] = "";
		snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptors[i]);
		ssize_t length = readlink(path, target, sizeof(target) - 1);
		target[length < 0 ? 0 : length] = 0;
		printf("%s{\"message\":%d,\"target\":\"%s\"}", i ? "," : "", first_message[i], target);
	}
	printf("],\"payload\":\"");
	for (const char *c = payload; *c; c++)
		printf(*c == '"' || *c == '\\' ? "\\%c" : *c < 0x20 ? " " : "%c", *c);
	printf("\"}\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char buffer[4096];
	ssize_t count;
	int connection = argc == 2 ? accept_one(argv[1]) : -1;
	if (connection < 0)
		return 1;
	/* Who sends a console need not close the connection before the container ends: the descriptor is enough. */
	while ((count = receive_message(connection)) > 0)
		if (descriptor_count > 0 && isatty(descriptors[0]))
			break;
	report();
	if (descriptor_count > 0 && isatty(descriptors[0]))
		while ((count = read(descriptors[0], buffer, sizeof(buffer))) > 0)
			if (write(1, buffer, (size_t)count) < 0)
				return 1;
	return 0;
}
