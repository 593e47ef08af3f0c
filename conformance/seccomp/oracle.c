/*
 * libseccomp's opinion. Reads one profile a run from standard input, a line at a time, and writes the BPF program to
 * standard output:
 *
 *   default VALUE            what the filter returns when nothing else does
 *   arch TOKEN               SCMP_ARCH_*, beside the native one
 *   only TOKEN               SCMP_ARCH_*, in place of the native one
 *   optimize 2               binary tree instead of a chain
 *   rule VALUE NAME [INDEX OP A B]...
 *
 * Exit status 3: libseccomp refuses a rule; the line is on standard error.
 *
 * With the argument `names`, reads lines `TOKEN NAME` and writes the number of each; with `numbers`, reads lines
 * `TOKEN NUMBER` and writes the name of each.
 */
#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINE 512
#define MAX_NAME 64

static uint32_t action_of(uint32_t value)
{
	return value == 0 ? SCMP_ACT_KILL_THREAD : value;
}

static int add_rule(scmp_filter_ctx filter, const char *line)
{
	uint32_t value;
	char name[MAX_NAME];
	int used, count = 0;
	struct scmp_arg_cmp args[6];

	if (sscanf(line, "rule %" SCNu32 " %63s%n", &value, name, &used) != 2)
		return -EINVAL;
	for (line += used; count < 6; count++, line += used) {
		unsigned int index, op;
		uint64_t a, b;

		if (sscanf(line, "%u %u %" SCNu64 " %" SCNu64 "%n", &index, &op, &a, &b, &used) != 4)
			break;
		args[count] = (struct scmp_arg_cmp){ index, (enum scmp_compare)op, a, b };
	}
	int number = seccomp_syscall_resolve_name(name);
	if (number == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(filter, action_of(value), number, (unsigned int)count, args);
}

static int resolve(int names)
{
	uint32_t token;
	char text[MAX_NAME];

	while (scanf("%" SCNu32 " %63s", &token, text) == 2) {
		if (names) {
			printf("%d\n", seccomp_syscall_resolve_name_arch(token, text));
			continue;
		}
		char *name = seccomp_syscall_resolve_num_arch(token, atoi(text));
		printf("%s\n", name == NULL ? "-" : name);
		free(name);
	}
	return 0;
}

int main(int argc, char **argv)
{
	char line[MAX_LINE];
	scmp_filter_ctx filter = NULL;

	if (argc > 1)
		return resolve(strcmp(argv[1], "names") == 0);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		uint32_t value;
		int result = 0;

		if (sscanf(line, "default %" SCNu32, &value) == 1) {
			filter = seccomp_init(action_of(value));
			if (filter == NULL)
				return 2;
		} else if (sscanf(line, "arch %" SCNu32, &value) == 1) {
			result = seccomp_arch_add(filter, value);
			if (result == -EEXIST)
				result = 0;
		} else if (sscanf(line, "only %" SCNu32, &value) == 1) {
			result = seccomp_arch_add(filter, value);
			if (result == 0)
				result = seccomp_arch_remove(filter, SCMP_ARCH_NATIVE);
		} else if (sscanf(line, "optimize %" SCNu32, &value) == 1) {
			result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, value);
		} else {
			result = add_rule(filter, line);
		}
		if (result < 0) {
			fprintf(stderr, "%d %s", result, line);
			return 3;
		}
	}
	return seccomp_export_bpf(filter, STDOUT_FILENO) < 0 ? 4 : 0;
}
