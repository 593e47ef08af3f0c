import { findText } from "./files.ts";
import type { Kernel } from "./kernel.ts";

/** What identifies a process for as long as the machine is up: a pid may be given out again, not with the same start. */
export interface ProcessStat {
  readonly pid: number;
  /** proc_pid_stat(5): one letter, `Z` for a zombie. */
  readonly state: string;
  readonly parent: number;
  /** In clock ticks since boot. */
  readonly startTime: number;
}

/** proc_pid_stat(5); undefined when there is no such process. */
export function readStat(kernel: Kernel, pid: number): ProcessStat | undefined {
  const text = findText(kernel, `/proc/${pid}/stat`, "ENOENT", "ESRCH");
  if (text === undefined) return undefined;
  // The name stands in parentheses and may contain anything, parentheses too.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { pid, state: fields[0] ?? "", parent: Number(fields[1]), startTime: Number(fields[19]) };
}

/** proc_pid_status(5), NSpid: the pid a process has in its own pid namespace. */
export function pidInside(kernel: Kernel, pid: number): number {
  const line = findText(kernel, `/proc/${pid}/status`, "ENOENT", "ESRCH")
    ?.split("\n")
    .find((entry) => entry.startsWith("NSpid:"));
  return Number(line?.split("\t").at(-1) ?? pid);
}

/** Whether the process that was seen with this start time is still running; a zombie is not. */
export function isRunning(kernel: Kernel, pid: number, startTime: number): boolean {
  const stat = readStat(kernel, pid);
  return stat !== undefined && stat.startTime === startTime && !"ZX".includes(stat.state);
}
