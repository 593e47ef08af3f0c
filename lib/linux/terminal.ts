import { TTY } from "./constants/terminals.ts";
import { checkedCall } from "./fd.ts";
import type { Kernel } from "./kernel.ts";

/** struct termios of the kernel: four u32 of flags, the line discipline, 19 control characters. */
const TERMIOS_BYTES = 36;
const IFLAG = 0;
const OFLAG = 4;
const CFLAG = 8;
const LFLAG = 12;
const CONTROL_CHARACTERS = 17;
const VTIME = 5;
const VMIN = 6;

/** termios(3), cfmakeraw: what is cleared in each word, and the character size. Output is still processed (OPOST). */
const RAW_IFLAG = 0o1 | 0o2 | 0o10 | 0o40 | 0o100 | 0o200 | 0o400 | 0o2000;
const OPOST = 0o1;
const ONLCR = 0o4;
const RAW_LFLAG = 0o10 | 0o100 | 0o2 | 0o1 | 0o100000;
const CSIZE_PARENB = 0o60 | 0o400;
const CS8 = 0o60;

/** The attributes of a terminal, to be set again later. */
export type TerminalAttributes = Uint8Array;

/** tcgetattr(3); undefined when the descriptor is no terminal. */
export function findAttributes(kernel: Kernel, fd: number): TerminalAttributes | undefined {
  const attributes = new Uint8Array(TERMIOS_BYTES);
  return kernel.call("ioctl", fd, TTY.TCGETS, attributes) < 0 ? undefined : attributes;
}

/** tcsetattr(3). @throws {SyscallError} */
export function setAttributes(kernel: Kernel, fd: number, attributes: TerminalAttributes): void {
  checkedCall(kernel, { doing: "set the terminal's mode" }, "ioctl", fd, TTY.TCSETS, attributes);
}

/** Every byte typed goes through as it is, and at once; what is printed is left to this terminal to lay out. */
export function rawAttributes(attributes: TerminalAttributes): TerminalAttributes {
  const raw = attributes.slice();
  const view = new DataView(raw.buffer);
  const clear = (at: number, bits: number) => view.setUint32(at, (view.getUint32(at, true) & ~bits) >>> 0, true);
  clear(IFLAG, RAW_IFLAG | 0o1000);
  clear(LFLAG, RAW_LFLAG);
  clear(CFLAG, CSIZE_PARENB);
  view.setUint32(CFLAG, view.getUint32(CFLAG, true) | CS8, true);
  raw[CONTROL_CHARACTERS + VMIN] = 1;
  raw[CONTROL_CHARACTERS + VTIME] = 0;
  return raw;
}

/** As rawAttributes(), and what is printed goes through as it is, too: it was laid out by another terminal. */
export function transparentAttributes(attributes: TerminalAttributes): TerminalAttributes {
  const raw = rawAttributes(attributes);
  const view = new DataView(raw.buffer);
  view.setUint32(OFLAG, (view.getUint32(OFLAG, true) & ~OPOST) >>> 0, true);
  return raw;
}

/** Takes ONLCR off a terminal whose output another one lays out: a newline would become a return too many. */
export function clearNewlineTranslation(kernel: Kernel, fd: number): void {
  const attributes = findAttributes(kernel, fd);
  if (attributes === undefined) return;
  const view = new DataView(attributes.buffer);
  view.setUint32(OFLAG, (view.getUint32(OFLAG, true) & ~ONLCR) >>> 0, true);
  setAttributes(kernel, fd, attributes);
}

/** TIOCGWINSZ and TIOCSWINSZ: gives one terminal the size of another; nothing when either is none. */
export function copyWindowSize(kernel: Kernel, from: number, to: number): void {
  const size = new Uint8Array(8);
  if (kernel.call("ioctl", from, TTY.TIOCGWINSZ, size) < 0) return;
  kernel.call("ioctl", to, TTY.TIOCSWINSZ, size);
}

/** TIOCGWINSZ: rows and columns; undefined when the descriptor is no terminal, or one that does not know. */
export function findWindowSize(
  kernel: Kernel,
  fd: number,
): { readonly rows: number; readonly columns: number } | undefined {
  const size = new Uint16Array(4);
  if (kernel.call("ioctl", fd, TTY.TIOCGWINSZ, size) < 0) return undefined;
  const [rows = 0, columns = 0] = size;
  return columns === 0 ? undefined : { rows, columns };
}
