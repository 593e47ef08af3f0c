/*
 * The layout of a program: docs/program-format.md describes it, lib/plan/layout.ts writes it.
 * A program is a file of one or more parts, each at an offset of whole pages. A part is mapped at PROGRAM_BASE plus its
 * offset, so that every pointer in it is absolute.
 */
#ifndef TSRUN_PROGRAM_H
#define TSRUN_PROGRAM_H

#include <stdint.h>

/* 64 GiB: below every mapping the kernel places by itself, on x86-64 and on arm64 with 39-bit addresses. */
#define PROGRAM_BASE 0x1000000000UL
#define PROGRAM_MAGIC 0x4e525354U /* "TSRN" */
#define PROGRAM_VERSION 1U
#define PROGRAM_MAX_BYTES (16UL << 20)

#define REGISTER_COUNT 240U
/* The register that always holds the socket reports are sent to. */
#define REGISTER_CONTROL 0U
#define NO_REGISTER 0xffU

#define ARGUMENT_COUNT 6U
#define TOLERATED_COUNT 3U

/* struct insn, `nr`: numbers from here on are operations of the executor, not system calls. */
enum operation {
	OP_STORE = 0x8000,       /* address, value, bytes: writes a register into the program's memory */
	OP_OPEN_IN_ROOT,         /* root fd, path, enum make, mode, resolve flags, like fd: an O_PATH descriptor */
	OP_FIND_EXECUTABLE,      /* address of a NULL-ended array of paths: the address of the first fit */
	OP_CHECK_DEVICE,         /* fd, S_IFMT bits, major, minor: fails with ENODEV on any other file */
	OP_CHECK_FILESYSTEM,     /* fd, magic of statfs(2), wanted: fails with ENODEV when it is (not) that filesystem */
	OP_CHECK_CWD,            /* below: ENOENT when the working directory is out of the root; if `below`, EACCES at / */
	OP_GET_MODE,             /* fd: the permission bits */
	OP_WRITE_FILE,           /* path, text, bytes: opens a file that is there, writes the text at once, closes it */
	OP_RUN_HOOK,             /* struct hook: runs a program to its end; EPROTO when it fails, ETIMEDOUT */
	OP_COPY_TREE,            /* from fd, to fd, both readable directories: copies what is in the one into the other */
	OP_CONTINUE,             /* program fd, control fd: waits for a struct next, goes on with that part of the program */
	OP_FIND_HOME,            /* path of a passwd(5) file, uid, address and size of a buffer: writes the home directory */
};

/* OP_OPEN_IN_ROOT: what to make where nothing is. */
enum make {
	MAKE_NOTHING,
	MAKE_DIRECTORY,
	MAKE_FILE,
	MAKE_LIKE, /* a directory when the `like` descriptor is one, else a file; ENOTDIR when the other is there */
};

/* struct insn, `flags` */
#define FAIL_ON_ZERO 1U /* a result of 0 (end of file) counts as EPIPE */
#define SKIP_ON_ZERO 2U /* `skip` applies only when the result is 0 (the child of clone) */
#define TOLERATE_ANY 4U /* no errno is a failure */

/* OP_RUN_HOOK: what to run, and room for what came of it. */
#define HOOK_OUTPUT_BYTES 232U

struct hook {
	uint64_t path;
	uint64_t argv;
	uint64_t envp;
	uint64_t input; /* what its standard input holds */
	uint64_t input_bytes;
	int64_t timeout_ms; /* -1: none */
	uint32_t status;    /* of wait(2), afterwards */
	uint32_t output_bytes;
	char output[HOOK_OUTPUT_BYTES]; /* the beginning of its standard output and error */
};

struct insn {
	uint16_t nr;                         /* system call number or enum operation */
	uint8_t into;                        /* register that takes the result, or NO_REGISTER */
	uint8_t registers;                   /* bit i: args[i] is the number of a register */
	uint16_t skip;                       /* instructions to pass over after success */
	uint16_t otherwise;                  /* instructions to pass over after a tolerated errno */
	uint16_t tolerated[TOLERATED_COUNT]; /* errnos that are no failure; 0 is none */
	uint16_t flags;
	uint64_t args[ARGUMENT_COUNT];
};

struct program {
	uint32_t magic;
	uint32_t version;
	uint32_t bytes; /* of this part */
	uint32_t count; /* of instructions */
	uint32_t first; /* number of the first one in the whole program, for reports */
	uint32_t offset; /* of this part in the file */
	uint64_t reserved;
	int64_t registers[REGISTER_COUNT];
	struct insn insns[];
};

/* What the runtime sends on the control socket when the next part stands in the file. */
struct next {
	uint64_t offset;
	uint64_t bytes;
};

/* What the executor sends on the control socket when an instruction fails. */
#define REPORT_FAILURE 1U
#define REPORT_LOG_BYTES 240U

struct report {
	uint32_t kind; /* REPORT_FAILURE; the program's own messages use other values */
	uint32_t insn; /* number of the instruction in the whole program */
	int32_t error; /* errno */
	uint32_t log_bytes;
	char log[REPORT_LOG_BYTES]; /* what a filesystem context said (fsopen(2)), not NUL-ended */
};

_Static_assert(sizeof(struct insn) == 64, "lib/plan/layout.ts writes 64 bytes");
_Static_assert(sizeof(struct program) == 32 + 8 * REGISTER_COUNT, "lib/plan/layout.ts writes 1952 bytes");
_Static_assert(sizeof(struct hook) == 288, "lib/plan/hooks.ts writes 288 bytes");
_Static_assert(sizeof(struct report) == 256, "lib/linux/executor.ts reads 256 bytes");

#endif
