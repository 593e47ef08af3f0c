import { ContainerError } from "../errors.ts";
import { errnoText } from "./constants/errno.ts";
import { CLOSE_RANGE, FCNTL } from "./constants/files.ts";
import { MSG } from "./constants/sockets.ts";
import { checkedCall, OwnedFd } from "./fd.ts";
import { findLink } from "./files.ts";
import type { Kernel } from "./kernel.ts";
import { createMemfd, sealedMemfd, sealMemfd, writeMemfd } from "./memfd.ts";
import { EXECUTOR_BASE64 } from "./native/gen/init.ts";
import { inheritable } from "./socket.ts";

/** What the executor is started with. */
export interface Launch {
  /** Writes the numbers the descriptors have in the executor into the program's first part, and gives its bytes. */
  readonly image: (numbers: readonly number[], program: number) => Uint8Array;
  /** Descriptors the program uses; they stay the caller's. */
  readonly inherit: readonly OwnedFd[];
  /** How many descriptors after 2 the container keeps: 3, 4, … */
  readonly preserveFds: number;
  /** The descriptors that are its 0, 1 and 2; those of this process when it is not given. */
  readonly stdio?: readonly number[] | undefined;
}

const UINT32_MAX = 0xffff_ffff;
const FIRST_FD = 3;
/** The program moves what it inherits to the first free numbers: they must not stand in each other's way. */
const DISTANCE = 16;

/** An executor that runs the first part of a program. */
export interface RunningExecutor {
  /** A child of this process, which the caller waits for. */
  readonly pid: number;
  /** The file of the program, for its next part; the caller closes it. */
  readonly program: OwnedFd;
}

/**
 * Starts the executor with the first part of a program. It inherits 0, 1, 2, the
 * preserved descriptors and those listed: all others of this process become close-on-exec.
 * @throws {ContainerError} invalid_argument when a descriptor to preserve is not open
 */
export function launchExecutor(kernel: Kernel, launch: Launch): RunningExecutor {
  const first = FIRST_FD + launch.preserveFds;
  keepPreserved(kernel, launch.preserveFds);
  const doing = { doing: "start the executor" };
  checkedCall(kernel, doing, "close_range", first, UINT32_MAX, CLOSE_RANGE.CLOSE_RANGE_CLOEXEC);
  using open = new DisposableStack();
  const inherited = launch.inherit.map((fd) => open.use(inheritable(kernel, fd, first + DISTANCE)));
  const file = open.use(createMemfd(kernel, "tsrun-program"));
  const program = open.use(inheritable(kernel, file, first + DISTANCE));
  const numbers = inherited.map(({ number }) => number);
  writeMemfd(kernel, file, launch.image(numbers, program.number), 0);
  const executable = open.use(sealedMemfd(kernel, "tsrun-init", Buffer.from(EXECUTOR_BASE64, "base64")));
  using _stdio = launch.stdio === undefined ? undefined : replaceStdio(kernel, launch.stdio);
  const pid = kernel.spawn(`/proc/self/fd/${executable.number}`, ["tsrun", "init", String(program.number)]);
  if (pid < 0) throw new ContainerError("internal", `cannot start the executor: ${errnoText(-pid)}`);
  return { pid, program: file.move() };
}

/** Makes descriptors the standard streams of this process until the end of the scope. @throws {SyscallError} */
function replaceStdio(kernel: Kernel, stdio: readonly number[]): Disposable {
  const doing = { doing: "hand on the standard streams" };
  using undo = new DisposableStack();
  stdio.forEach((_, fd) => {
    // Above all the numbers that the next dup3(2) of this loop could hit.
    const own = kernel.call("fcntl", fd, FCNTL.F_DUPFD_CLOEXEC, FIRST_FD);
    if (own < 0) return;
    undo.use(new OwnedFd(kernel, own));
    undo.defer(() => kernel.call("dup3", own, fd, 0));
  });
  for (const [fd, source] of stdio.entries()) checkedCall(kernel, doing, "dup3", source, fd, 0);
  return undo.move();
}

/** Hands the next part of its program to the executor, which waits for it. Nothing can change the program any more. */
export function sendPart(
  kernel: Kernel,
  executor: RunningExecutor,
  control: OwnedFd,
  image: Uint8Array,
  offset: number,
): void {
  writeMemfd(kernel, executor.program, image, offset);
  sealMemfd(kernel, executor.program);
  // struct next of native/program.h; the executor may have ended over an earlier step, which it has reported then.
  const next = BigUint64Array.of(BigInt(offset), BigInt(image.length));
  kernel.call("sendto", control.number, next, next.byteLength, MSG.MSG_NOSIGNAL, 0, 0);
}

/** What Bun opens for itself: not the caller's, whatever their numbers. */
const OF_BUN = ["anon_inode:[eventpoll]", "anon_inode:[eventfd]"];

/** Bun makes all it inherits close-on-exec; those to be kept lose that again. */
function keepPreserved(kernel: Kernel, count: number): void {
  for (let fd = FIRST_FD; fd < FIRST_FD + count; fd++) {
    const target = findLink(kernel, `/proc/self/fd/${fd}`);
    if (target === undefined || OF_BUN.includes(target)) {
      throw new ContainerError(
        "invalid_argument",
        `cannot preserve ${count} descriptors: descriptor ${fd} is not open`,
      );
    }
    checkedCall(kernel, { doing: `preserve descriptor ${fd}` }, "fcntl", fd, FCNTL.F_SETFD, 0);
  }
}

/** A message of the executor or of its program; native/program.h, struct report. */
export type Report =
  | { readonly kind: "failure"; readonly step: number; readonly errno: number; readonly log: Uint8Array }
  | { readonly kind: "message"; readonly message: number; readonly value: number };

/** struct report: u32 kind, insn; i32 error; u32 log_bytes; char log[240]. */
export const REPORT_BYTES = 256;
const REPORT_FAILURE = 1;
const REPORT_HEADER_BYTES = 16;

/** Reads a message as it came from the control socket. @throws {TypeError} when it has another layout */
export function parseReport(bytes: Uint8Array): Report {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8) throw new TypeError(`internal error: report of ${bytes.length} bytes`);
  const kind = view.getUint32(0, true);
  if (kind === REPORT_FAILURE && bytes.length < REPORT_HEADER_BYTES) {
    throw new TypeError(`internal error: report of ${bytes.length} bytes`);
  }
  if (kind !== REPORT_FAILURE) return { kind: "message", message: kind, value: view.getUint32(4, true) };
  const length = Math.min(view.getUint32(12, true), bytes.length - REPORT_HEADER_BYTES);
  const log = bytes.slice(REPORT_HEADER_BYTES, REPORT_HEADER_BYTES + length);
  return { kind: "failure", step: view.getUint32(4, true), errno: view.getInt32(8, true), log };
}

/** Status of a process that ended, as wait(2) has it. */
export interface ExitStatus {
  /** The exit status, or 128 plus the signal. */
  readonly code: number;
  readonly signal: number | undefined;
}

/** wait4(2): waits for a child; undefined with `block` false while it runs. */
export function waitForChild(kernel: Kernel, pid: number, block: boolean): ExitStatus | undefined {
  const status = new Int32Array(1);
  const result = kernel.call("wait4", pid, status, block ? 0 : 1, 0);
  if (result === 0) return undefined;
  if (result < 0) return { code: 255, signal: undefined };
  return decodeStatus(status[0] ?? 0);
}

/** wait(2): takes a status apart. */
export function decodeStatus(status: number): ExitStatus {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff, signal: undefined } : { code: 128 + signal, signal };
}
