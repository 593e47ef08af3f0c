import type { Errno } from "../linux/constants/errno.ts";
import { KEYCTL, SIGNALS, SIGSET_BYTES } from "../linux/constants/processes.ts";
import { SOCK_FLAGS } from "../linux/constants/sockets.ts";
import type { Process, User } from "../spec/config.ts";
import { checkNullDevice, fdcwd, openFlags, openInRoot, writeFile } from "./calls.ts";
import { prctl } from "./credentials.ts";
import type { Host, Request } from "./host.ts";
import { MESSAGE_ALIVE, MESSAGE_READY, message, sendMessage } from "./messages.ts";
import {
  CONTROL,
  close,
  flags,
  mode,
  PROGRAM,
  type Purpose,
  register,
  type Step,
  type Struct,
  whenPossible,
} from "./step.ts";
import { CONSOLE_SOCKET } from "./terminal.ts";

/** The register with the socket on which init waits for `start`. */
export const START_LISTENER = "startListener";

/** What the program of init keeps of what it inherits, besides the standard streams and those to preserve. */
export const INIT_DESCRIPTORS = [CONTROL, START_LISTENER, PROGRAM];
const UINT32_MAX = 0xffff_ffff;
const STDIO = [0, 1, 2];
const FIRST_FD = 3;

/**
 * Moves the program's own descriptors to their places, right after what the container keeps, and closes all other descriptors: none of the caller's reaches the container, or
 * stays open while it waits. (What the steps open after this is closed at once before the wait.)
 */
export function compileDescriptors(
  names: readonly string[],
  preserveFds: number,
  hasTerminal: boolean,
): readonly Step[] {
  const purpose: Purpose = { doing: "close what the container is not to have", from: "" };
  const kept = hasTerminal ? [...names, CONSOLE_SOCKET] : names;
  const first = FIRST_FD + preserveFds;
  return [
    ...kept.map(
      (name, index): Step => ({
        call: "dup3",
        args: [register(name), first + index, openFlags("O_CLOEXEC")],
        into: name,
        purpose,
      }),
    ),
    closeFrom(first + kept.length, purpose),
  ];
}

function closeFrom(first: number, purpose: Purpose): Step {
  return { call: "close_range", args: [first, UINT32_MAX, 0], purpose };
}

/** signal(7): real-time signals have numbers alone. */
const FIRST_REALTIME = 32;
/** posix_spawn(3) of glibc leaves its two internal signals ignored. */
const OF_GLIBC = [32, 33];

/** execve(2) keeps ignored signals, which all become default, and the mask, which stays the caller's: as with runc. */
export function compileSignals({ ignoredSignals }: Pick<Host, "ignoredSignals">): readonly Step[] {
  const purpose: Purpose = { doing: "reset the signals", from: "" };
  const action: Struct = { kind: "struct", bytes: new Uint8Array(32), describe: () => "{SIG_DFL}" };
  return [
    ...[...new Set([...ignoredSignals, ...OF_GLIBC])].map((signal): Step => {
      const isNamed = signal < FIRST_REALTIME;
      return {
        call: "rt_sigaction",
        args: [isNamed ? flags(signal, SIGNALS) : signal, action, 0, SIGSET_BYTES],
        purpose,
      };
    }),
    { call: "umask", args: [mode(0)], into: CALLER_UMASK, purpose: EXACT_MODES },
  ];
}

/** The register with the umask of the caller. */
const CALLER_UMASK = "callerUmask";
const EXACT_MODES: Purpose = { doing: "give files exactly the modes asked for", from: "" };

/** umask(2): hooks that run before the container has its own make files as the caller would, not open to everybody. */
export function withCallerUmask(steps: readonly Step[]): readonly Step[] {
  const give: Purpose = { doing: "give hooks the caller's umask", from: "/hooks" };
  return [
    { call: "umask", args: [register(CALLER_UMASK)], purpose: give },
    ...steps,
    { call: "umask", args: [mode(0)], purpose: EXACT_MODES },
  ];
}

/** config.md § Linux Process, `oomScoreAdj` */
export function compileOomScore(process: Process | undefined): readonly Step[] {
  if (process?.oomScoreAdj === undefined) return [];
  const path = "/proc/self/oom_score_adj";
  const purpose: Purpose = { doing: "set the OOM score", from: "/process/oomScoreAdj", path };
  return [writeFile(path, String(process.oomScoreAdj), purpose)];
}

/** Dies with the runtime until the container is complete, and cannot be traced from inside (CVE-2016-9962). */
export function compileHardening(): readonly Step[] {
  return [tieDeath(), prctl("PR_SET_DUMPABLE", [0], { doing: "forbid tracing", from: "" })];
}

/** Dies with the runtime; clone(2) and setresuid(2) take that back. */
export function tieDeath(): Step {
  const die: Purpose = { doing: "tie the process to the runtime", from: "" };
  return prctl("PR_SET_PDEATHSIG", [flags(SIGNALS.SIGKILL, SIGNALS)], die);
}

/**
 * Setup dies with the runtime from its first step on. It fails when the runtime ended before this process was tied to
 * it: an orphan would make cgroups behind the back of the one who clears up.
 */
export function tieToRuntime(): readonly Step[] {
  const die = tieDeath();
  return [die, sendMessage(message(MESSAGE_ALIVE, "MESSAGE_ALIVE"), die.purpose)];
}

/** setsid(2): the container's first process leads a session, and can take a terminal. */
export function compileSession(): Step {
  return { call: "setsid", args: [], purpose: { doing: "start a session", from: "" } };
}

/** keyrings(7): a session keyring of the container's own, which its user may search. */
export function compileKeyring(id: string, hasUserNamespace: boolean): readonly Step[] {
  // Possessor: everything; user: view, read, link; and search, which in a user namespace is what others have.
  const permissions = hasUserNamespace ? 0x3f130008 : 0x3f1b0000;
  return whenPossible(joinSession(id), NO_KEYRINGS, [
    {
      call: "keyctl",
      args: [flags(KEYCTL.KEYCTL_SETPERM, KEYCTL), register("keyring"), permissions],
      purpose: KEYRING,
    },
  ]);
}

/** The session keyring that init has made. */
export function joinKeyring(id: string): readonly Step[] {
  return [{ ...joinSession(id), tolerated: NO_KEYRINGS }];
}

const KEYRING: Purpose = { doing: "join the session keyring", from: "" };
/** Kernels may be built without. */
const NO_KEYRINGS: readonly Errno[] = ["ENOSYS"];

function joinSession(id: string): Step {
  const operation = flags(KEYCTL.KEYCTL_JOIN_SESSION_KEYRING, KEYCTL);
  return { call: "keyctl", args: [operation, `_ses.${id}`], into: "keyring", purpose: KEYRING };
}

/** Standard streams that are the host's null device become the container's: nothing of the host stays open. */
export function reopenNullStdio(host: Host): readonly Step[] {
  if (host.nullStdio.length === 0) return [];
  const purpose: Purpose = { doing: "reopen /dev/null", from: "", path: "/dev/null" };
  const reopen: readonly Step[] = [
    checkNullDevice("null", purpose),
    { call: "openat", args: [fdcwd(), "/dev/null", openFlags("O_RDWR", "O_CLOEXEC")], into: "null", purpose },
    checkNullDevice("null", purpose),
    ...host.nullStdio.map((fd): Step => ({ call: "dup3", args: [register("null"), fd, 0], purpose })),
  ];
  const open = openInRoot({ path: "/dev/null", into: "null" }, purpose);
  return [{ ...open, tolerated: ["ENOENT"], otherwise: reopen.length }, ...reopen];
}

/** fchown(2): the program may reopen its standard streams by their path in /proc (docker logs, `echo > /dev/stderr`). */
export function compileStdioOwner(user: User, host: Host, terminal: boolean): readonly Step[] {
  const uid = user.uid ?? 0;
  const purpose: Purpose = { doing: "give the standard streams to the user", from: "/process/user/uid" };
  return (terminal ? STDIO : host.givenStdio).map((fd) => ({
    call: "fchown",
    args: [fd, uid, UINT32_MAX],
    // What cannot change hands stays whose it is, as with runc.
    tolerated: ["EINVAL", "EPERM", "EROFS"],
    purpose,
  }));
}

/** Before a filter is in force: one that was written before Linux 5.9 has never heard of close_range(2). */
export function closeOpened(request: Request): Step {
  return closeFrom(FIRST_FD + request.preserveFds + 2, { doing: "close all that was opened on the way", from: "" });
}

/**
 * Tells the runtime that the container is created, then waits until `start` connects. From here failures are reported
 * to `start`, on the connection that execve(2) closes.
 */
export function awaitStart(isOpen: boolean): readonly Step[] {
  const purpose: Purpose = { doing: "wait for start", from: "" };
  // To an ordinary user a process that cannot be traced is closed: `exec` could not join its namespaces.
  const open = prctl("PR_SET_DUMPABLE", [1], { doing: "let the user's exec in", from: "" });
  const shut = prctl("PR_SET_DUMPABLE", [0], { doing: "forbid tracing", from: "" });
  return [
    prctl("PR_SET_PDEATHSIG", [0], { doing: "let the process outlive the runtime", from: "" }),
    ...(isOpen ? [open] : []),
    sendMessage(message(MESSAGE_READY, "MESSAGE_READY"), purpose),
    close(CONTROL, purpose),
    {
      call: "accept4",
      args: [register(START_LISTENER), 0, 0, flags(SOCK_FLAGS.SOCK_CLOEXEC, SOCK_FLAGS)],
      into: CONTROL,
      purpose,
    },
    close(START_LISTENER, purpose),
    ...(isOpen ? [shut] : []),
  ];
}
