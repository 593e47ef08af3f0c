/*
 * The suite's eyes: runs as the container's process or as a hook, does what its arguments say and prints a JSON object a
 * line for each. Static and without any file of its own, so that it runs in every root filesystem.
 *
 *   self                 what this process is: ids, capabilities, limits, descriptors, names
 *   read:PATH            content        write:PATH   opens for writing        touch:PATH   makes a file
 *   stat:PATH            lstat(2)       list:PATH    names
 *   look:PATH            opens for reading           open:PATH    opens for reading and writing
 *   mknod:TYPE:MA:MI:PATH               call:NAME    a system call that does nothing
 *   forks:N              how many of N children can be there at once
 *   log:PATH:WORD        appends a line to PATH       hook:PATH:WORD   the same, with all that a hook is told
 *   trap:SIGNAL          prints a line when the signal arrives           wait          until it is killed
 *   exit:STATUS
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define MAX_FD 1024
#define MAX_TEXT (256 * 1024)
#define MAX_NODES 1024

static char text[MAX_TEXT];

static void put_string(FILE *out, const char *string)
{
	fputc('"', out);
	for (const unsigned char *c = (const unsigned char *)string; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c < 0x20)
			fprintf(out, "\\u%04x", *c);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}

static void put_list(FILE *out, const char *name, char **list)
{
	fprintf(out, ",\"%s\":[", name);
	for (char **each = list; *each; each++) {
		if (each != list)
			fputc(',', out);
		put_string(out, *each);
	}
	fputc(']', out);
}

/* Reads all of a descriptor into `text`; returns 0 or an errno. */
static int read_text(int fd)
{
	size_t size = 0;
	ssize_t count;
	while (size < sizeof(text) - 1 && (count = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)count;
	text[size] = 0;
	return count < 0 ? errno : 0;
}

static void put_namespaces(FILE *out)
{
	static const char *const kinds[] = { "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts" };
	const char *comma = "";
	fprintf(out, ",\"namespaces\":{");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char path[64], target[64];
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		ssize_t length = readlink(path, target, sizeof(target) - 1);
		if (length <= 0)
			continue;
		target[length] = 0;
		fprintf(out, "%s\"%s\":\"%s\"", comma, kinds[i], target);
		comma = ",";
	}
	fputc('}', out);
}

static void put_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	unsigned long long bounding = 0, ambient = 0;
	syscall(SYS_capget, &header, data);
	for (int cap = 0; cap < 64; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			bounding |= 1ull << cap;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			ambient |= 1ull << cap;
	}
	printf(",\"capabilities\":{\"effective\":\"%08x%08x\",\"permitted\":\"%08x%08x\",\"inheritable\":\"%08x%08x\"",
	       data[1].effective, data[0].effective, data[1].permitted, data[0].permitted, data[1].inheritable, data[0].inheritable);
	printf(",\"bounding\":\"%016llx\",\"ambient\":\"%016llx\"}", bounding, ambient);
}

static void put_limits(void)
{
	static const char *const names[] = { "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK",
		"AS", "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME" };
	const char *comma = "";
	printf(",\"rlimits\":{");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct rlimit limit;
		if (getrlimit((int)i, &limit) < 0)
			continue;
		printf("%s\"RLIMIT_%s\":{\"soft\":%llu,\"hard\":%llu}", comma, names[i], (unsigned long long)limit.rlim_cur,
		       (unsigned long long)limit.rlim_max);
		comma = ",";
	}
	printf("}");
}

static void put_descriptors(void)
{
	const char *comma = "";
	printf(",\"descriptors\":[");
	for (int fd = 0; fd < MAX_FD; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			continue;
		printf("%s{\"fd\":%d,\"terminal\":%s}", comma, fd, isatty(fd) ? "true" : "false");
		comma = ",";
	}
	printf("]");
}

static void put_user(void)
{
	gid_t groups[NGROUPS_MAX > 1024 ? 1024 : NGROUPS_MAX];
	mode_t mask = umask(0);
	umask(mask);
	printf(",\"user\":{\"uid\":%u,\"gid\":%u,\"umask\":%u,\"groups\":[", geteuid(), getegid(), mask);
	int count = getgroups((int)(sizeof(groups) / sizeof(groups[0])), groups);
	for (int i = 0; i < count; i++)
		printf("%s%u", i ? "," : "", groups[i]);
	printf("]}");
}

static void put_kernel(void)
{
	struct utsname name;
	struct winsize size = { 0 };
	unsigned long nodes[MAX_NODES / (8 * sizeof(unsigned long))] = { 0 };
	int mode = -1;
	uname(&name);
	printf(",\"hostname\":");
	put_string(stdout, name.nodename);
	printf(",\"domainname\":");
	put_string(stdout, name.domainname);
	printf(",\"machine\":");
	put_string(stdout, name.machine);
	ioctl(0, TIOCGWINSZ, &size);
	printf(",\"rows\":%u,\"columns\":%u", size.ws_row, size.ws_col);
	syscall(SYS_get_mempolicy, &mode, nodes, (unsigned long)MAX_NODES, NULL, 0ul);
	printf(",\"memoryPolicy\":%d,\"memoryNodes\":%lu", mode, nodes[0]);
	printf(",\"scheduler\":%d,\"nice\":%d", sched_getscheduler(0), getpriority(PRIO_PROCESS, 0));
	printf(",\"ioPriority\":%ld", syscall(SYS_ioprio_get, 1, 0));
	printf(",\"noNewPrivileges\":%d,\"seccomp\":%d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_SECCOMP));
}

static void show_self(int argc, char **argv, char **envp)
{
	char *cwd = getcwd(NULL, 0);
	(void)argc;
	printf("{\"do\":\"self\",\"errno\":0,\"pid\":%d", getpid());
	put_descriptors();
	put_list(stdout, "args", argv);
	put_list(stdout, "env", envp);
	printf(",\"cwd\":");
	put_string(stdout, cwd ? cwd : "");
	free(cwd);
	put_user();
	put_capabilities();
	put_limits();
	put_kernel();
	put_namespaces(stdout);
	printf("}\n");
}

static void begin(const char *action, int error)
{
	printf("{\"do\":");
	put_string(stdout, action);
	printf(",\"errno\":%d", error);
}

static void try_open(const char *action, const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	begin(action, fd < 0 ? errno : 0);
	printf("}\n");
	if (fd >= 0)
		close(fd);
}

static void show_file(const char *action, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int error = fd < 0 ? errno : 0;
	struct stat st = { 0 };
	text[0] = 0;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode)) {
		ssize_t count = read(fd, text, 1);
		error = count < 0 ? errno : 0;
		snprintf(text, sizeof(text), "%zd", count);
	} else if (fd >= 0) {
		error = read_text(fd);
	}
	begin(action, error);
	printf(",\"text\":");
	put_string(stdout, text);
	printf("}\n");
	if (fd >= 0)
		close(fd);
}

static void show_stat(const char *action, const char *path)
{
	struct stat st = { 0 };
	char target[PATH_MAX] = "";
	int error = lstat(path, &st) < 0 ? errno : 0;
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	target[length < 0 ? 0 : length] = 0;
	const char *type = S_ISREG(st.st_mode) ? "file" : S_ISDIR(st.st_mode) ? "directory" : S_ISCHR(st.st_mode) ? "c" :
			   S_ISBLK(st.st_mode) ? "b" : S_ISFIFO(st.st_mode) ? "p" : S_ISLNK(st.st_mode) ? "link" : "other";
	begin(action, error);
	printf(",\"type\":\"%s\",\"mode\":%u,\"uid\":%u,\"gid\":%u,\"major\":%u,\"minor\":%u,\"target\":", type,
	       st.st_mode & 07777, st.st_uid, st.st_gid, major(st.st_rdev), minor(st.st_rdev));
	put_string(stdout, target);
	printf("}\n");
}

static void show_names(const char *action, const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	const char *comma = "";
	begin(action, folder ? 0 : errno);
	printf(",\"names\":[");
	while (folder && (entry = readdir(folder))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		fputs(comma, stdout);
		put_string(stdout, entry->d_name);
		comma = ",";
	}
	printf("]}\n");
	if (folder)
		closedir(folder);
}

static void make_node(const char *action, const char *words)
{
	char type, path[PATH_MAX];
	unsigned int number_major, number_minor;
	int error = EINVAL;
	if (sscanf(words, "%c:%u:%u:%4095s", &type, &number_major, &number_minor, path) == 4) {
		mode_t mode = (type == 'b' ? S_IFBLK : S_IFCHR) | 0600;
		error = mknod(path, mode, makedev(number_major, number_minor)) < 0 ? errno : 0;
	}
	begin(action, error);
	printf("}\n");
}

static void make_call(const char *action, const char *name)
{
	static const struct {
		const char *name;
		long number;
	} calls[] = { { "getpgid", SYS_getpgid }, { "getsid", SYS_getsid }, { "sched_yield", SYS_sched_yield },
		      { "getpriority", SYS_getpriority }, { "umask", SYS_umask } };
	char word[32] = "";
	long argument = 0, result = -1;
	sscanf(name, "%31[a-z_]:%ld", word, &argument);
	errno = EINVAL;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(word, calls[i].name) == 0)
			result = syscall(calls[i].number, argument, 0);
	begin(action, result < 0 ? errno : 0);
	printf("}\n");
}

static void count_forks(const char *action, int wanted)
{
	int made = 0, error = 0;
	pid_t pids[256];
	fflush(stdout);
	while (made < wanted && made < 256) {
		pid_t pid = fork();
		if (pid == 0) {
			for (;;)
				pause();
		}
		if (pid < 0) {
			error = errno;
			break;
		}
		pids[made++] = pid;
	}
	for (int i = 0; i < made; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	begin(action, error);
	printf(",\"count\":%d}\n", made);
}

/* What the process runs whose pid the state in `text` tells. */
static void put_program(FILE *out)
{
	char path[64], target[PATH_MAX] = "";
	const char *pid = strstr(text, "\"pid\":");
	if (pid) {
		snprintf(path, sizeof(path), "/proc/%d/exe", atoi(pid + strlen("\"pid\":")));
		ssize_t length = readlink(path, target, sizeof(target) - 1);
		target[length < 0 ? 0 : length] = 0;
	}
	fprintf(out, ",\"program\":");
	put_string(out, target);
}

/* One write for a line: hooks and the program append to the same file. */
static void append(const char *words, int is_hook, char **argv, char **envp)
{
	char path[PATH_MAX], *line = NULL;
	size_t size = 0;
	const char *word = strrchr(words, ':');
	snprintf(path, sizeof(path), "%.*s", (int)(word - words), words);
	FILE *out = open_memstream(&line, &size);
	fprintf(out, "{\"word\":\"%s\",\"pid\":%d", word + 1, getpid());
	if (is_hook) {
		read_text(0);
		fprintf(out, ",\"stdin\":");
		put_string(out, text);
		put_program(out);
		put_list(out, "args", argv);
		put_list(out, "env", envp);
		put_namespaces(out);
		fprintf(out, ",\"probeAtRoot\":%s", access("/probe", X_OK) == 0 ? "true" : "false");
	}
	fprintf(out, "}\n");
	fclose(out);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, line, size) != (ssize_t)size)
		fprintf(stderr, "probe: cannot write %s: %s\n", path, strerror(errno));
	close(fd);
	free(line);
}

static void report_signal(int number)
{
	char line[64];
	int length = snprintf(line, sizeof(line), "{\"do\":\"signal\",\"errno\":0,\"number\":%d}\n", number);
	if (write(1, line, (size_t)length) < 0)
		_exit(70);
}

static int is_action(const char *action, const char *name, const char **rest)
{
	size_t length = strlen(name);
	*rest = action + length;
	return strncmp(action, name, length) == 0;
}

static void act(const char *action, int argc, char **argv, char **envp)
{
	const char *rest;
	if (strcmp(action, "self") == 0)
		show_self(argc, argv, envp);
	else if (is_action(action, "read:", &rest))
		show_file(action, rest);
	else if (is_action(action, "write:", &rest))
		try_open(action, rest, O_WRONLY);
	else if (is_action(action, "touch:", &rest))
		try_open(action, rest, O_WRONLY | O_CREAT);
	else if (is_action(action, "look:", &rest))
		try_open(action, rest, O_RDONLY);
	else if (is_action(action, "open:", &rest))
		try_open(action, rest, O_RDWR);
	else if (is_action(action, "stat:", &rest))
		show_stat(action, rest);
	else if (is_action(action, "list:", &rest))
		show_names(action, rest);
	else if (is_action(action, "mknod:", &rest))
		make_node(action, rest);
	else if (is_action(action, "call:", &rest))
		make_call(action, rest);
	else if (is_action(action, "forks:", &rest))
		count_forks(action, atoi(rest));
	else if (is_action(action, "log:", &rest))
		append(rest, 0, argv, envp);
	else if (is_action(action, "hook:", &rest))
		append(rest, 1, argv, envp);
	else if (is_action(action, "trap:", &rest))
		signal(atoi(rest), report_signal);
	else if (is_action(action, "exit:", &rest))
		exit(atoi(rest));
	else if (strcmp(action, "wait") == 0)
		for (fflush(stdout);;)
			pause();
	else {
		begin(action, ENOSYS);
		printf("}\n");
	}
	fflush(stdout);
}

int main(int argc, char **argv, char **envp)
{
	for (int i = 1; i < argc; i++)
		act(argv[i], argc, argv, envp);
	return 0;
}
