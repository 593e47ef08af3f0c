import { createReadStream, createWriteStream } from "node:fs";
import type { OwnedFd } from "../linux/fd.ts";
import type { Kernel } from "../linux/kernel.ts";
import {
  clearNewlineTranslation,
  copyWindowSize,
  findAttributes,
  rawAttributes,
  setAttributes,
} from "../linux/terminal.ts";

const STDIN = 0;
const STDOUT = 1;
/** How long output may still come after the program has ended, from processes it left behind. */
const DRAIN_MS = 1_000;

/** The caller's terminal joined to the container's, in raw mode until `stop`. */
export interface TerminalRelay {
  /** The caller's terminal has a new size. */
  resize(): void;
  /** Passes on what is still on its way, and gives the caller's terminal its mode back. */
  stop(): Promise<void>;
}

/** Starts to pass bytes between the standard streams and the terminal's master, which the relay owns from here. */
export function relayTerminal(kernel: Kernel, master: OwnedFd): TerminalRelay {
  const saved = findAttributes(kernel, STDIN);
  if (saved !== undefined) setAttributes(kernel, STDIN, rawAttributes(saved));
  clearNewlineTranslation(kernel, master.number);
  copyWindowSize(kernel, saved === undefined ? STDOUT : STDIN, master.number);
  const fd = master.release();
  // Each stream closes nothing: reads of the master end in EIO when its last slave is closed.
  const output = createReadStream("", { fd, autoClose: false });
  const screen = createWriteStream("", { fd: STDOUT, autoClose: false });
  const keys = createReadStream("", { fd: STDIN, autoClose: false });
  const input = createWriteStream("", { fd, autoClose: false });
  const ended = new Promise<void>((resolve) => {
    output.once("error", () => resolve());
    output.once("end", () => resolve());
  });
  screen.on("error", () => output.resume());
  input.on("error", () => keys.destroy());
  keys.on("error", () => keys.destroy());
  output.pipe(screen, { end: false });
  keys.pipe(input, { end: false });
  return {
    resize: () => copyWindowSize(kernel, saved === undefined ? STDOUT : STDIN, fd),
    stop: async () => {
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, DRAIN_MS))]);
      await new Promise<void>((resolve) => {
        if (screen.destroyed) resolve();
        else screen.end(() => resolve());
      });
      if (saved !== undefined) setAttributes(kernel, STDIN, saved);
      kernel.call("close", fd);
    },
  };
}
