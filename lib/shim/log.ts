import { OPEN } from "../linux/constants/files.ts";
import { openFile } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";

/** The log of a shim. */
export interface ShimLog {
  debug(message: string): void;
  warn(message: string): void;
}

const FLAGS = OPEN.O_RDWR + OPEN.O_NONBLOCK;

/**
 * Writes to the FIFO `log` of a bundle, which containerd reads. It is opened for both, so that a containerd that is away is
 * no fault; what does not fit then is lost. Without a FIFO nothing is written.
 */
export function openLog(kernel: Kernel, bundle: string, debug: boolean): ShimLog {
  let fd: number | undefined;
  try {
    fd = openFile(kernel, `${bundle}/log`, FLAGS).release();
  } catch {
    fd = undefined;
  }
  const write = (level: string, message: string): void => {
    if (fd === undefined) return;
    const time = new Date().toISOString();
    const line = new TextEncoder().encode(`time="${time}" level=${level} msg=${JSON.stringify(message)}\n`);
    kernel.call("write", fd, line, line.length);
  };
  return {
    debug: (message) => {
      if (debug) write("debug", message);
    },
    warn: (message) => write("warning", message),
  };
}
