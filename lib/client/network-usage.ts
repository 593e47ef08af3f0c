import { findLink, findText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";

/** What has gone through the interfaces of a network namespace, the loopback one left out. */
export interface NetworkUsage {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** proc(5), /proc/PID/net/dev of a process. Undefined when it is gone, or has the network of the host: that is not its own. */
export function findNetworkUsage(kernel: Kernel, pid: number): NetworkUsage | undefined {
  if (findLink(kernel, `/proc/${pid}/ns/net`) === findLink(kernel, "/proc/self/ns/net")) return undefined;
  const text = findText(kernel, `/proc/${pid}/net/dev`);
  return text === undefined ? undefined : parseNetDev(text);
}

/** Two lines of titles, then one an interface: its name, eight numbers of what came, eight of what went, bytes first. */
export function parseNetDev(text: string): NetworkUsage {
  const interfaces = text.split("\n").flatMap((line) => {
    const [, name, numbers = ""] = /^\s*([^:|]+):\s*(.*)$/.exec(line) ?? [];
    return name === undefined || name === "lo" ? [] : [numbers.trim().split(/\s+/).map(Number)];
  });
  const sum = (column: number) => interfaces.reduce((total, numbers) => total + (numbers[column] ?? 0), 0);
  return { receivedBytes: sum(0), sentBytes: sum(8) };
}
