/*
 * What a process inside the container sees of itself, before any shell has touched signals or descriptors.
 * Prints "@section" lines followed by their facts, then becomes /bin/sh /probe.sh for the facts that are files.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define MAX_FD 256
#define MAX_CAPABILITY 63
#define SIZE_WAIT_ROUNDS 300
#define KEYCTL_GET_KEYRING_ID 0
#define KEYCTL_DESCRIBE 6
#define KEY_SPEC_SESSION_KEYRING -3

static void show_arguments(int argc, char **argv, char **envp)
{
	printf("@args\n");
	for (int i = 0; i < argc; i++)
		printf("%d %s\n", i, argv[i]);
	printf("@env\n");
	for (; *envp; envp++)
		printf("%s\n", *envp);
	printf("@cwd\n");
	char *cwd = getcwd(NULL, 0);
	printf("%s\n", cwd ? cwd : strerror(errno));
	free(cwd);
}

static void show_ids(void)
{
	uid_t r, e, s;
	gid_t groups[256];
	printf("@user\n");
	getresuid(&r, &e, &s);
	printf("uid %u %u %u\n", r, e, s);
	getresgid(&r, &e, &s);
	printf("gid %u %u %u\n", r, e, s);
	int count = getgroups(256, groups);
	for (int i = 0; i < count; i++)
		printf("group %u\n", groups[i]);
	mode_t mask = umask(0);
	umask(mask);
	printf("umask %04o\n", mask);
	printf("@session\n");
	printf("pid %d\n", getpid() == 1 ? 1 : -1);
	printf("ppid %d\n", getppid() == 0 ? 0 : -1);
	printf("session leader %s\n", getsid(0) == getpid() ? "yes" : "no");
	printf("group leader %s\n", getpgrp() == getpid() ? "yes" : "no");
}

static void show_signals(void)
{
	sigset_t blocked;
	printf("@signals\n");
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	for (int signo = 1; signo < 65; signo++) {
		struct sigaction action;
		if (sigismember(&blocked, signo) == 1)
			printf("blocked %d\n", signo);
		if (sigaction(signo, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
			printf("%s %d\n", action.sa_handler == SIG_IGN ? "ignored" : "caught", signo);
	}
}

static void show_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	printf("@capabilities\n");
	syscall(SYS_capget, &header, data);
	printf("effective %08x%08x\n", data[1].effective, data[0].effective);
	printf("permitted %08x%08x\n", data[1].permitted, data[0].permitted);
	printf("inheritable %08x%08x\n", data[1].inheritable, data[0].inheritable);
	for (int cap = 0; cap <= MAX_CAPABILITY; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			printf("bounding %d\n", cap);
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			printf("ambient %d\n", cap);
	}
}

static void show_attributes(void)
{
	int death = 0, reaper = 0;
	printf("@attributes\n");
	prctl(PR_GET_PDEATHSIG, &death);
	prctl(PR_GET_CHILD_SUBREAPER, &reaper);
	printf("no_new_privs %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	printf("securebits %#x\n", prctl(PR_GET_SECUREBITS));
	printf("keepcaps %d\n", prctl(PR_GET_KEEPCAPS));
	printf("dumpable %d\n", prctl(PR_GET_DUMPABLE));
	printf("death signal %d\n", death);
	printf("subreaper %d\n", reaper);
	printf("seccomp %d\n", prctl(PR_GET_SECCOMP));
	printf("timer slack %d\n", prctl(PR_GET_TIMERSLACK));
	printf("thp disabled %d\n", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	printf("personality %#x\n", personality(0xffffffff));
	printf("scheduler %d\n", sched_getscheduler(0));
	printf("nice %d\n", getpriority(PRIO_PROCESS, 0));
	printf("io priority %ld\n", syscall(SYS_ioprio_get, 1, 0));
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &cpus))
			printf("cpu %d\n", cpu);
}

static void show_limits(void)
{
	static const char *const names[] = { "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK",
		"AS", "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME" };
	printf("@rlimits\n");
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct rlimit limit;
		if (getrlimit((int)i, &limit) == 0)
			printf("%s %lld %lld\n", names[i], (long long)limit.rlim_cur, (long long)limit.rlim_max);
	}
}

static void show_descriptors(void)
{
	printf("@descriptors\n");
	for (int fd = 0; fd < MAX_FD; fd++) {
		struct stat st;
		char path[64], target[512] = "?";
		int flags = fcntl(fd, F_GETFL);
		if (flags < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t length = readlink(path, target, sizeof(target) - 1);
		if (length > 0)
			target[length] = 0;
		fstat(fd, &st);
		printf("%d type %o mode %o owner %u:%u access %o close-on-exec %d %s\n", fd, (st.st_mode & S_IFMT) >> 12,
		       st.st_mode & 07777, st.st_uid, st.st_gid, flags & (O_ACCMODE | O_APPEND | O_NONBLOCK),
		       fcntl(fd, F_GETFD) & FD_CLOEXEC, target);
	}
}

/* runc sets the size of a relayed terminal after the start; the first size that is not zero counts. */
static void wait_for_size(void)
{
	const struct timespec pause = { 0, 10 * 1000 * 1000 };
	struct winsize size = { 0 };
	for (int round = 0; round < SIZE_WAIT_ROUNDS; round++) {
		if (ioctl(0, TIOCGWINSZ, &size) < 0 || size.ws_row != 0)
			return;
		nanosleep(&pause, NULL);
	}
}

static void show_terminal(void)
{
	struct winsize size = { 0 };
	struct termios mode;
	printf("@terminal\n");
	if (!isatty(0)) {
		int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
		printf("none, /dev/tty: %s\n", fd < 0 ? strerror(errno) : "opens");
		return;
	}
	if (getenv("PROBE_WAIT_SIZE"))
		wait_for_size();
	ioctl(0, TIOCGWINSZ, &size);
	printf("size %u rows %u columns\n", size.ws_row, size.ws_col);
	tcgetattr(0, &mode);
	printf("iflag %o oflag %o cflag %o lflag %o\n", mode.c_iflag, mode.c_oflag, mode.c_cflag, mode.c_lflag);
	for (int fd = 0; fd < 3; fd++)
		printf("fd %d %s\n", fd, isatty(fd) ? ttyname(fd) ? ttyname(fd) : strerror(errno) : "not a terminal");
	printf("foreground %s\n", tcgetpgrp(0) == getpgrp() ? "yes" : "no");
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	printf("/dev/tty %s\n", fd < 0 ? strerror(errno) : "opens");
}

static void show_host(void)
{
	struct utsname name;
	char keyring[256] = "none";
	printf("@uts\n");
	uname(&name);
	printf("hostname %s\ndomainname %s\n", name.nodename, name.domainname);
	printf("@keyring\n");
	long key = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	if (key < 0 || syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, keyring, sizeof(keyring)) < 0)
		snprintf(keyring, sizeof(keyring), "%s", strerror(errno));
	printf("%s\n", keyring);
	printf("@namespaces\n");
	static const char *const kinds[] = { "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts" };
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char path[64], target[64];
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		ssize_t length = readlink(path, target, sizeof(target) - 1);
		if (length > 0)
			printf("%.*s\n", (int)length, target);
	}
}

static void show_status(void)
{
	static const char *const wanted[] = { "Uid", "Gid", "Groups", "Umask", "Cap", "NoNewPrivs", "Seccomp", "SigPnd", "SigBlk", "SigIgn", "SigCgt", "Shd",
		"NS", "Threads", "Cpus_allowed_list", "Mems_allowed_list", "Speculation", "THP_enabled", "CoreDumping" };
	char line[512];
	printf("@status\n");
	FILE *file = fopen("/proc/self/status", "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		for (unsigned int i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
				fputs(line, stdout);
	fclose(file);
}

int main(int argc, char **argv, char **envp)
{
	show_descriptors();
	show_arguments(argc, argv, envp);
	show_ids();
	show_signals();
	show_capabilities();
	show_attributes();
	show_limits();
	show_terminal();
	show_host();
	show_status();
	fflush(stdout);
	execl("/bin/sh", "sh", "/probe.sh", (char *)NULL);
	printf("@end\ncannot run /bin/sh: %s\n", strerror(errno));
	return 70;
}
