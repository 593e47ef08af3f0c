/*
 * The executor: maps the program it is given and runs it, one system call after the other. It
 * decides nothing. At the first refusal it reports (instruction, errno) and exits; a program that
 * succeeds ends in execve(2) or exit(2).
 *
 * It runs in a single thread, uses no libc, allocates nothing and has no global variables: the
 * pages it dirties are its stack and those of the program it writes results into.
 */
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/mman.h>
#include <linux/openat2.h>
#include <linux/poll.h>
#include <linux/stat.h>

#include "program.h"
#include "syscall.h"

#define EXIT_BROKEN_PROGRAM 125
#define EXIT_FAILED_STEP 126
#define MAX_SYMLINKS 40
#define MAX_RETRIES 64
#define MAX_DEPTH 128
#define COPY_BYTES (1 << 20)
#define MSG_NOSIGNAL 0x4000
#define SEEK_END 2
#define X_OK 1
#define EXIT_NOT_EXECUTED 127
#define MFD_CLOEXEC 1
#define SIGNAL_KILL 9
#define SIGNAL_CHILD 17
#define STATFS_BYTES 120
#define PASSWD_MAX_CHUNKS 2048 /* 1 MiB */

#define call1(nr, a) call6(nr, (uint64_t)(a), 0, 0, 0, 0, 0)
#define call2(nr, a, b) call6(nr, (uint64_t)(a), (uint64_t)(b), 0, 0, 0, 0)
#define call3(nr, a, b, c) call6(nr, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), 0, 0, 0)
#define call4(nr, a, b, c, d) call6(nr, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), 0, 0)
#define call5(nr, a, b, c, d, e) \
	call6(nr, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e), 0)

/* A call that was interrupted is made again; close(2) has closed its descriptor all the same. */
static long call6(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	long ret;

	do
		ret = my_syscall6(nr, a, b, c, d, e, f);
	while (ret == -EINTR && nr != __NR_close);
	return ret == -EINTR ? 0 : ret;
}

/* The compiler may emit calls to these two even in freestanding code. */
void *memcpy(void *restrict dest, const void *restrict src, unsigned long n)
{
	char *d = dest;
	const char *s = src;

	while (n--)
		*d++ = *s++;
	return dest;
}

void *memset(void *dest, int c, unsigned long n)
{
	char *d = dest;

	while (n--)
		*d++ = (char)c;
	return dest;
}

static unsigned long length(const char *s)
{
	unsigned long n = 0;

	while (s[n])
		n++;
	return n;
}

static void close_fd(long fd)
{
	if (fd >= 0)
		call1(__NR_close, fd);
}

/* openat2(2): answers EAGAIN when a rename races with a scoped lookup; the lookup is then repeated. */
static long open_scoped(long dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .mode = 0, .resolve = resolve };
	long ret = -EAGAIN;

	for (int i = 0; i < MAX_RETRIES && ret == -EAGAIN; i++)
		ret = call4(__NR_openat2, dir, path, &how, sizeof(how));
	return ret;
}

struct target {
	long root;
	uint64_t make;
	uint64_t mode;
	uint64_t resolve;
};

/* Puts the target of the dangling link `name` (in `dir`) in place of it in `path`: restart from the root. */
static long splice_link(char *path, unsigned long start, unsigned long end, long dir, const char *name)
{
	char link[PATH_MAX];
	unsigned long rest = length(path + end);
	long bytes = call4(__NR_readlinkat, dir, name, link, sizeof(link));

	if (bytes < 0)
		return bytes;
	unsigned long keep = link[0] == '/' ? 0 : start;
	unsigned long size = (unsigned long)bytes;

	if (keep + size + rest >= PATH_MAX)
		return -ENAMETOOLONG;
	if (keep + size <= end)
		for (unsigned long i = 0; i <= rest; i++)
			path[keep + size + i] = path[end + i];
	else
		for (unsigned long i = rest + 1; i-- > 0;)
			path[keep + size + i] = path[end + i];
	memcpy(path + keep, link, size);
	return 0;
}

/* Makes `name` in `dir` and opens it without following anything; -EEXIST when something else is there. */
static long make_entry(const struct target *t, long dir, const char *name, int last)
{
	long ret = last && t->make == MAKE_FILE ? call4(__NR_mknodat, dir, name, S_IFREG | (t->mode & 0666), 0)
						: call3(__NR_mkdirat, dir, name, last ? t->mode : 0755);
	if (ret < 0)
		return ret;
	return open_scoped(dir, name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

/*
 * Walks `path` from the root and makes what is missing, each entry relative to a descriptor of its
 * parent: a component swapped for a link in between can not lead out (CVE-2024-45310). Returns the
 * descriptor, or 1 with a new `path` after a dangling link, whose target is then made inside the root.
 */
static long walk(const struct target *t, char *path, long *found)
{
	long dir = open_scoped(t->root, ".", O_PATH, RESOLVE_IN_ROOT);
	unsigned long end = 0;

	while (dir >= 0 && path[end]) {
		char name[NAME_MAX + 1];
		unsigned long start = end;

		while (path[start] == '/')
			start++;
		for (end = start; path[end] && path[end] != '/';)
			end++;
		if (end == start)
			break;
		if (end - start > NAME_MAX) {
			close_fd(dir);
			return -ENAMETOOLONG;
		}
		memcpy(name, path + start, end - start);
		name[end - start] = 0;

		unsigned long after = end;
		while (path[after] == '/')
			after++;

		char kept = path[end];
		path[end] = 0;
		long next = open_scoped(t->root, path, O_PATH, t->resolve);
		path[end] = kept;
		for (int i = 0; i < MAX_RETRIES && next == -ENOENT; i++) {
			next = make_entry(t, dir, name, path[after] == 0);
			if (next != -EEXIST)
				break;
			long ret = (t->resolve & RESOLVE_NO_SYMLINKS) ? -ELOOP : splice_link(path, start, end, dir, name);
			if (ret == -EINVAL) { /* not a link: someone made it between the two calls */
				next = open_scoped(dir, name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH);
				continue;
			}
			close_fd(dir);
			return ret < 0 ? ret : 1;
		}
		close_fd(dir);
		dir = next;
	}
	*found = dir;
	return dir < 0 ? dir : 0;
}

static long statx_fd(uint64_t fd, struct statx *st)
{
	return call5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MODE, st);
}

static long open_in_root(const uint64_t *args)
{
	struct target t = { .root = (long)args[0], .make = args[2], .mode = args[3], .resolve = args[4] };
	const char *wanted = (const char *)args[1];
	char path[PATH_MAX];
	unsigned long bytes = length(wanted) + 1;
	long fd = open_scoped(t.root, wanted, O_PATH, t.resolve);

	if (t.make == MAKE_LIKE && (fd >= 0 || fd == -ENOENT)) {
		struct statx like, st;
		long ret = statx_fd(args[5], &like);
		int directory = (like.stx_mode & S_IFMT) == S_IFDIR;

		if (ret == 0 && fd >= 0)
			ret = statx_fd((uint64_t)fd, &st);
		if (ret == 0 && fd >= 0 && ((st.stx_mode & S_IFMT) == S_IFDIR) != directory)
			ret = -ENOTDIR; /* as mount(2) says; move_mount(2) has but EINVAL */
		if (ret < 0) {
			close_fd(fd);
			return ret;
		}
		t.make = directory ? MAKE_DIRECTORY : MAKE_FILE;
	}
	if (fd != -ENOENT || t.make == MAKE_NOTHING)
		return fd;
	if (bytes > sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, wanted, bytes);
	for (int i = 0; i < MAX_SYMLINKS; i++) {
		long ret = walk(&t, path, &fd);
		if (ret <= 0)
			return ret < 0 ? ret : fd;
	}
	return -ELOOP;
}

/* execvp(3): the first path that is an executable file; a path that may not be run outranks one that is not there. */
static long find_executable(const uint64_t *args)
{
	const char *const *paths = (const char *const *)args[0];
	int is_search = paths[0] && paths[1];
	long error = -ENOENT;

	for (; *paths; paths++) {
		struct statx st;
		long ret = call5(__NR_statx, AT_FDCWD, *paths, 0, STATX_TYPE | STATX_MODE, &st);
		if (ret == 0 && (st.stx_mode & S_IFMT) == S_IFDIR)
			ret = -EISDIR;
		else if (ret == 0 && (st.stx_mode & 0111) == 0)
			ret = -EACCES;
		else if (ret == 0)
			ret = call4(__NR_faccessat2, AT_FDCWD, *paths, X_OK, AT_EACCESS);
		/* Linux before 5.8, or a filter of those days: what is there is for execve(2) to judge. */
		if (ret == -ENOSYS || ret == -EPERM)
			ret = call4(__NR_openat, AT_FDCWD, *paths, O_PATH | O_CLOEXEC, 0);
		if (ret > 0) {
			close_fd(ret);
			ret = 0;
		}
		if (ret == 0)
			return (long)*paths;
		/* In a PATH a component that is no directory is as good as missing. */
		if (error == -ENOENT && (ret != -ENOTDIR || !is_search))
			error = ret;
	}
	return error;
}

static long check_device(const uint64_t *args)
{
	struct statx st;
	long ret = statx_fd(args[0], &st);

	if (ret < 0)
		return ret;
	if ((st.stx_mode & S_IFMT) != args[1] || st.stx_rdev_major != args[2] || st.stx_rdev_minor != args[3])
		return -ENODEV;
	return 0;
}

static long check_filesystem(const uint64_t *args)
{
	long buffer[STATFS_BYTES / sizeof(long)]; /* struct statfs starts with `long f_type` */
	long ret = call2(__NR_fstatfs, args[0], buffer);

	if (ret < 0)
		return ret;
	return ((uint64_t)buffer[0] == args[1]) == (args[2] != 0) ? 0 : -ENODEV;
}

/* getcwd(2): a directory that is not below the root reads "(unreachable)/…" (CVE-2024-21626). */
static long check_cwd(const uint64_t *args)
{
	char path[PATH_MAX];
	long ret = call2(__NR_getcwd, path, sizeof(path));

	if (ret < 0)
		return ret;
	if (path[0] != '/')
		return -ENOENT;
	return args[0] && path[1] == 0 ? -EACCES : 0;
}

static long get_mode(uint64_t fd)
{
	struct statx st;
	long ret = statx_fd(fd, &st);

	return ret < 0 ? ret : st.stx_mode & 07777;
}

/* passwd(5), read a byte at a time: `name:password:uid:gid:gecos:directory:shell` */
struct passwd_reader {
	unsigned int field;
	uint64_t uid;
	int has_uid;
	unsigned long bytes; /* of the directory */
};

enum { PASSWD_UID = 2, PASSWD_DIRECTORY = 5 };

/* Takes one byte; 1 when it ends the line of `uid` and `home` holds its directory. */
static int read_passwd(struct passwd_reader *r, char c, uint64_t uid, char *home, uint64_t size)
{
	if (c == '\n') {
		int found = r->has_uid && r->uid == uid && r->field >= PASSWD_DIRECTORY && r->bytes > 0 && r->bytes < size;
		if (found)
			home[r->bytes] = 0;
		*r = (struct passwd_reader){ 0 };
		return found;
	}
	if (c == ':')
		r->field++;
	else if (r->field == PASSWD_UID && c >= '0' && c <= '9' && r->uid <= UINT32_MAX) {
		r->uid = r->uid * 10 + (uint64_t)(c - '0');
		r->has_uid = 1;
	} else if (r->field == PASSWD_UID)
		r->uid = UINT64_MAX; /* not a number: no one's line */
	else if (r->field == PASSWD_DIRECTORY) {
		if (r->bytes < size)
			home[r->bytes] = c;
		r->bytes++;
	}
	return 0;
}

static long find_home(const uint64_t *args)
{
	char chunk[512];
	struct passwd_reader reader = { 0 };
	char *home = (char *)args[2];
	long bytes = 0;
	long fd = call4(__NR_openat, AT_FDCWD, args[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);

	if (fd < 0)
		return -ENOENT; /* whatever is in its place, it names no one */
	for (int i = 0; i < PASSWD_MAX_CHUNKS; i++) {
		bytes = call3(__NR_read, fd, chunk, sizeof(chunk));
		if (bytes <= 0)
			break;
		for (long at = 0; at < bytes; at++)
			if (read_passwd(&reader, chunk[at], args[1], home, args[3])) {
				close_fd(fd);
				return 0;
			}
	}
	close_fd(fd);
	if (bytes == 0 && read_passwd(&reader, '\n', args[1], home, args[3]))
		return 0;
	home[0] = '/';
	home[1] = 0;
	return -ENOENT;
}

static long write_file(const uint64_t *args)
{
	long fd = call4(__NR_openat, AT_FDCWD, args[0], O_WRONLY | O_CLOEXEC | O_NOCTTY, 0);

	if (fd < 0)
		return fd;
	long ret = call3(__NR_write, fd, args[1], args[2]);
	close_fd(fd);
	return ret >= 0 && (uint64_t)ret != args[2] ? -EIO : ret;
}

struct dirent64 { /* getdents64(2) */
	uint64_t inode;
	int64_t offset;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

static long copy_tree(long from, long to, int depth);

/* Owner first: a change of it takes the set-id bits away. */
static long give_away(long fd, const struct statx *st)
{
	long ret = call3(__NR_fchown, fd, st->stx_uid, st->stx_gid);

	return ret < 0 ? ret : call2(__NR_fchmod, fd, st->stx_mode & 07777);
}

static long copy_file(long from, long to, const char *name, const struct statx *st)
{
	long in = call4(__NR_openat, from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
	long out = in < 0 ? in : call4(__NR_openat, to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	long ret = out;

	while (ret >= 0 && (ret = call4(__NR_sendfile, out, in, 0, COPY_BYTES)) > 0)
		;
	if (ret == 0)
		ret = give_away(out, st);
	close_fd(out);
	close_fd(in);
	return ret;
}

static long copy_directory(long from, long to, const char *name, const struct statx *st, int depth)
{
	long ret = call3(__NR_mkdirat, to, name, 0700);
	long in = ret < 0 ? ret : call4(__NR_openat, from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	long out = in < 0 ? in : call4(__NR_openat, to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);

	ret = out < 0 ? out : copy_tree(in, out, depth + 1);
	if (ret == 0)
		ret = give_away(out, st);
	close_fd(out);
	close_fd(in);
	return ret;
}

static long copy_entry(long from, long to, const char *name, int depth)
{
	struct statx st;
	char link[PATH_MAX];
	long ret = call5(__NR_statx, from, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st);

	if (ret < 0)
		return ret;
	if ((st.stx_mode & S_IFMT) == S_IFDIR)
		return copy_directory(from, to, name, &st, depth);
	if ((st.stx_mode & S_IFMT) == S_IFREG)
		return copy_file(from, to, name, &st);
	if ((st.stx_mode & S_IFMT) == S_IFLNK) {
		ret = call4(__NR_readlinkat, from, name, link, sizeof(link) - 1);
		if (ret < 0)
			return ret;
		link[ret] = 0;
		ret = call3(__NR_symlinkat, link, to, name);
	} else {
		/* makedev(3) for the numbers that devices have: 12 bits of major, 8 of minor */
		ret = call4(__NR_mknodat, to, name, st.stx_mode, st.stx_rdev_major << 8 | (st.stx_rdev_minor & 0xff));
	}
	return ret < 0 ? ret : call5(__NR_fchownat, to, name, st.stx_uid, st.stx_gid, AT_SYMLINK_NOFOLLOW);
}

static int is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

/* Every entry by a descriptor of its directory: a link in the image is copied, not followed. */
static long copy_tree(long from, long to, int depth)
{
	uint64_t buffer[128];
	long bytes;

	if (depth > MAX_DEPTH)
		return -ELOOP;
	while ((bytes = call3(__NR_getdents64, from, buffer, sizeof(buffer))) > 0) {
		for (long at = 0; at < bytes;) {
			const struct dirent64 *entry = (const struct dirent64 *)((const char *)buffer + at);
			long ret = is_dot(entry->name) ? 0 : copy_entry(from, to, entry->name, depth);

			if (ret < 0)
				return ret;
			at += entry->bytes;
		}
	}
	return bytes;
}

/* The child of run_hook(): the input is a file in memory, which a hook need not read (and no writer waits for). */
static void become_hook(const struct hook *hook, long input, long output)
{
	call3(__NR_dup3, input, 0, 0);
	call3(__NR_dup3, output, 1, 0);
	call3(__NR_dup3, output, 2, 0);
	call3(__NR_execve, hook->path, hook->argv, hook->envp);
	call1(__NR_exit_group, EXIT_NOT_EXECUTED);
}

/* Keeps the beginning of what a hook prints and drops the rest; 0 at the end. */
static long take_output(struct hook *hook, long fd)
{
	char chunk[256];
	long bytes = call3(__NR_read, fd, chunk, sizeof(chunk));

	for (long i = 0; i < bytes && hook->output_bytes < HOOK_OUTPUT_BYTES; i++)
		hook->output[hook->output_bytes++] = chunk[i];
	return bytes;
}

/* Waits for the end of a hook, which is that of the process: what it started may hold its output open. */
static long follow_hook(struct hook *hook, long pid, long output)
{
	long pidfd = call2(__NR_pidfd_open, pid, 0);
	struct pollfd fds[2] = { { .fd = (int)pidfd, .events = POLLIN }, { .fd = (int)output, .events = POLLIN } };
	struct { int64_t seconds, nanoseconds; } left = { hook->timeout_ms / 1000, hook->timeout_ms % 1000 * 1000000 };
	long ret = pidfd;

	while (pidfd >= 0 && fds[0].revents == 0) {
		/* ppoll(2) of Linux leaves the rest of the time in `left` */
		ret = call5(__NR_ppoll, fds, 2, hook->timeout_ms < 0 ? 0 : &left, 0, 0);
		if (ret <= 0)
			break;
		if (fds[1].revents && take_output(hook, output) <= 0)
			fds[1].fd = -1;
	}
	close_fd(pidfd);
	if (ret <= 0)
		call2(__NR_kill, pid, SIGNAL_KILL);
	call4(__NR_wait4, pid, &hook->status, 0, 0);
	if (ret <= 0)
		return ret < 0 ? ret : -ETIMEDOUT;
	return hook->status == 0 ? 0 : -EPROTO;
}

static long run_hook(struct hook *hook)
{
	int pipe[2];
	long input = call2(__NR_memfd_create, "hook", MFD_CLOEXEC);
	long ret = input < 0 ? input : call2(__NR_pipe2, pipe, O_CLOEXEC | O_NONBLOCK);

	if (ret < 0)
		return ret;
	ret = call4(__NR_pwrite64, input, hook->input, hook->input_bytes, 0);
	if (ret >= 0)
		ret = call5(__NR_clone, SIGNAL_CHILD, 0, 0, 0, 0);
	if (ret == 0)
		become_hook(hook, input, pipe[1]);
	close_fd(pipe[1]);
	if (ret > 0)
		ret = follow_hook(hook, ret, pipe[0]);
	close_fd(pipe[0]);
	close_fd(input);
	return ret;
}

static long store(const uint64_t *args)
{
	if (args[2] == sizeof(uint64_t))
		*(uint64_t *)args[0] = args[1];
	else
		*(uint32_t *)args[0] = (uint32_t)args[1];
	return 0;
}

static long execute(uint16_t nr, const uint64_t *args)
{
	long ret;

	switch (nr) {
	case OP_STORE:
		return store(args);
	case OP_OPEN_IN_ROOT:
		return open_in_root(args);
	case OP_FIND_EXECUTABLE:
		return find_executable(args);
	case OP_CHECK_DEVICE:
		return check_device(args);
	case OP_CHECK_FILESYSTEM:
		return check_filesystem(args);
	case OP_CHECK_CWD:
		return check_cwd(args);
	case OP_GET_MODE:
		return get_mode(args[0]);
	case OP_WRITE_FILE:
		return write_file(args);
	case OP_COPY_TREE:
		return copy_tree((long)args[0], (long)args[1], 0);
	case OP_RUN_HOOK:
		return run_hook((struct hook *)args[0]);
	case OP_FIND_HOME:
		return find_home(args);
	default:
		for (int i = 0; i < MAX_RETRIES; i++) {
			ret = call6(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
			if (ret != -EAGAIN || nr != __NR_openat2)
				break;
		}
		return ret;
	}
}

static int is_tolerated(const struct insn *insn, long error)
{
	for (unsigned int i = 0; i < TOLERATED_COUNT; i++)
		if (insn->tolerated[i] == error)
			return 1;
	return (insn->flags & TOLERATE_ANY) != 0;
}

/* What there is to say of a refusal: the words of a filesystem context (fsopen(2)), or of a hook after its status. */
static uint32_t read_log(const struct insn *insn, const uint64_t *args, struct report *report)
{
	if (insn->nr == OP_RUN_HOOK) {
		const struct hook *hook = (const struct hook *)args[0];
		memcpy(report->log, &hook->status, sizeof(hook->status));
		memcpy(report->log + sizeof(hook->status), hook->output, hook->output_bytes);
		return (uint32_t)sizeof(hook->status) + hook->output_bytes;
	}
	if (insn->nr != __NR_fsconfig && insn->nr != __NR_fsmount)
		return 0;
	long bytes = call3(__NR_read, args[0], report->log, sizeof(report->log));

	return bytes > 0 ? (uint32_t)bytes : 0;
}

static void fail(const struct program *p, uint32_t index, const uint64_t *args, long error)
{
	struct report report = { .kind = REPORT_FAILURE, .insn = p->first + index, .error = (int32_t)error };

	report.log_bytes = read_log(&p->insns[index], args, &report);
	call6(__NR_sendto, (uint64_t)p->registers[REGISTER_CONTROL], (uint64_t)&report, sizeof(report), MSG_NOSIGNAL,
		    0, 0);
	call1(__NR_exit_group, EXIT_FAILED_STEP);
}

/* Maps the part of the program at `offset` and checks what the writer promised. */
static struct program *map_part(long fd, uint64_t offset, uint64_t bytes)
{
	if (bytes < sizeof(struct program) || bytes > PROGRAM_MAX_BYTES || offset > PROGRAM_MAX_BYTES)
		return 0;
	/* Beyond the end of a file there is memory that cannot be touched. */
	if (call3(__NR_lseek, fd, 0, SEEK_END) < (long)(offset + bytes))
		return 0;

	uint64_t base = PROGRAM_BASE + offset;
	long at = call6(__NR_mmap, base, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED_NOREPLACE,
			      (uint64_t)fd, offset);
	if (at != (long)base)
		return 0;

	struct program *p = (struct program *)base;
	if (p->magic != PROGRAM_MAGIC || p->version != PROGRAM_VERSION || p->bytes != bytes || p->offset != offset)
		return 0;
	if (p->count > (bytes - sizeof(*p)) / sizeof(struct insn))
		return 0;
	return p;
}

/* Waits for the next part and takes the registers along; 0 when the runtime is gone or the part is not whole. */
static struct program *next_part(const struct program *p, const uint64_t *args)
{
	struct next next = { 0 };

	if (call3(__NR_read, args[1], &next, sizeof(next)) != sizeof(next))
		return 0;
	struct program *part = map_part((long)args[0], next.offset, next.bytes);
	if (part)
		memcpy(part->registers, p->registers, sizeof(part->registers));
	close_fd((long)args[0]);
	return part;
}

/* Runs a part; the next one, when it ends in OP_CONTINUE. */
static struct program *run(struct program *p)
{
	for (uint32_t i = 0; i < p->count; i++) {
		const struct insn *insn = &p->insns[i];
		uint64_t args[ARGUMENT_COUNT];

		for (unsigned int a = 0; a < ARGUMENT_COUNT; a++)
			args[a] = insn->registers >> a & 1 ? (uint64_t)p->registers[insn->args[a] % REGISTER_COUNT]
							   : insn->args[a];
		if (insn->nr == OP_CONTINUE)
			return next_part(p, args);
		long ret = execute(insn->nr, args);
		if (ret == 0 && insn->flags & FAIL_ON_ZERO)
			ret = -EPIPE;
		if (ret < 0 && ret >= -4095) {
			if (!is_tolerated(insn, -ret))
				fail(p, i, args, -ret);
			i += insn->otherwise;
			continue;
		}
		if (insn->into < REGISTER_COUNT)
			p->registers[insn->into] = ret;
		if (ret == 0 || !(insn->flags & SKIP_ON_ZERO))
			i += insn->skip;
	}
	return 0;
}

/* The first part says itself how long it is: the next one may be in the file already. */
static struct program *load(long fd)
{
	struct program header;
	long bytes = call4(__NR_pread64, fd, &header, sizeof(header), 0);

	return bytes == sizeof(header) ? map_part(fd, 0, header.bytes) : 0;
}

/* argv[argc - 1] is the number of the program's descriptor. */
__attribute__((noreturn, used)) void executor_main(const long *stack)
{
	const char *const *argv = (const char *const *)(stack + 1);
	const char *digits = argv[stack[0] - 1];
	long fd = 0;

	for (; *digits >= '0' && *digits <= '9' && fd < 1 << 20; digits++)
		fd = fd * 10 + (*digits - '0');
	struct program *p = *digits ? 0 : load(fd);
	while (p)
		p = run(p);
	for (;;)
		call1(__NR_exit_group, EXIT_BROKEN_PROGRAM);
}
