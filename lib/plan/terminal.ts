import { TTY } from "../linux/constants/terminals.ts";
import type { ConsoleSize } from "../spec/config.ts";
import { attach, checkFilesystem, cloneFd, openFlags, openInRoot } from "./calls.ts";
import { sendDescriptor } from "./send-descriptor.ts";
import { flags, type Purpose, register, type Step, type Struct } from "./step.ts";

/** The register with the socket that takes the terminal's master. */
export const CONSOLE_SOCKET = "consoleSocket";

const STDIO = [0, 1, 2];

/**
 * config.md § Process, `terminal`: a pseudoterminal of the container's own devpts. The slave comes from the master by
 * TIOCGPTPEER, never by its path (CVE-2025-52565); the master is sent away; the slave becomes the stdio and, for init, /dev/console.
 */
export function compileTerminal(size: ConsoleSize | undefined, isConsole: boolean): readonly Step[] {
  const purpose: Purpose = { doing: "open a terminal", from: "/process/terminal", path: "/dev/pts/ptmx" };
  const sized: Purpose = { ...purpose, doing: "set the terminal's size", from: "/process/consoleSize" };
  const unlock = new Uint8Array(4);
  return [
    openInRoot({ path: "/dev/pts", into: "pts", noSymlinks: true }, purpose),
    checkFilesystem("pts", "DEVPTS_SUPER_MAGIC", true, purpose),
    {
      call: "openat",
      args: [register("pts"), "ptmx", openFlags("O_RDWR", "O_NOCTTY", "O_CLOEXEC")],
      into: "master",
      purpose,
    },
    ioctl("master", "TIOCSPTLCK", { kind: "struct", bytes: unlock, describe: () => "[0]" }, purpose),
    {
      call: "ioctl",
      args: [register("master"), flags(TTY.TIOCGPTPEER, TTY), openFlags("O_RDWR", "O_NOCTTY", "O_CLOEXEC")],
      into: "slave",
      purpose,
    },
    ...(size === undefined ? [] : [ioctl("master", "TIOCSWINSZ", windowSize(size), sized)]),
    ...(isConsole ? bindConsole() : []),
    ...sendMaster(),
    ...STDIO.map((fd): Step => ({ call: "dup3", args: [register("slave"), fd, 0], purpose })),
    { call: "ioctl", args: [0, flags(TTY.TIOCSCTTY, TTY), 0], purpose },
  ];
}

function bindConsole(): readonly Step[] {
  const bind: Purpose = { doing: "bind the terminal on /dev/console", from: "/process/terminal", path: "/dev/console" };
  return [
    openInRoot({ path: "/dev/console", into: "target", make: "file", mode: 0o666, noSymlinks: true }, bind),
    cloneFd("slave", false, "tree", bind),
    attach("tree", "target", bind),
  ];
}

function ioctl(fd: string, request: keyof typeof TTY, argument: Struct, purpose: Purpose): Step {
  return { call: "ioctl", args: [register(fd), flags(TTY[request], TTY), argument], purpose };
}

/** `struct winsize`: u16 rows, columns, and two the kernel does not use. */
function windowSize({ height, width }: ConsoleSize): Struct {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, height, true);
  view.setUint16(2, width, true);
  return { kind: "struct", bytes, describe: () => `{rows=${height}, columns=${width}}` };
}

/** What runc sends along with the descriptor; engines read and drop it. */
const MASTER_NAME = "/dev/ptmx";
/** sendmsg(2) of the master by SCM_RIGHTS, as an engine's console socket expects it. */
function sendMaster(): readonly Step[] {
  const purpose: Purpose = { doing: "send the terminal to the console socket", from: "/process/terminal" };
  return sendDescriptor({ socket: CONSOLE_SOCKET, descriptor: "master", payload: MASTER_NAME }, purpose);
}
