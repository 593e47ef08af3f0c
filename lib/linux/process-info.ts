import { findText, readText } from "./files.ts";
import type { Kernel } from "./kernel.ts";

/** What ps(1) shows of a process. Ticks are of USER_HZ, 100 a second. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Device number of the controlling terminal; 0: none. */
  readonly terminal: number;
  /** The process group in the foreground of that terminal. */
  readonly foreground: number;
  /** proc_pid_stat(5): one letter. */
  readonly state: string;
  readonly cpuTicks: number;
  readonly nice: number;
  readonly threads: number;
  /** Since boot. */
  readonly startTicks: number;
  /** Effective ids. */
  readonly uid: number;
  readonly gid: number;
  readonly virtualKb: number;
  readonly residentKb: number;
  readonly lockedKb: number;
  readonly comm: string;
  /** Empty for a kernel thread and for a zombie. */
  readonly args: readonly string[];
}

/** What the numbers of a process are measured by. */
export interface MachineInfo {
  readonly nowMs: number;
  readonly uptimeSeconds: number;
  readonly memoryKb: number;
  /** How many digits a pid can have. */
  readonly pidDigits: number;
}

export const TICKS_PER_SECOND = 100;

const GONE = ["ENOENT", "ESRCH"] as const;

/** proc_pid_stat(5), proc_pid_status(5) and proc_pid_cmdline(5); undefined when the process has ended. */
export function readProcessInfo(kernel: Kernel, pid: number): ProcessInfo | undefined {
  const stat = findText(kernel, `/proc/${pid}/stat`, ...GONE);
  const status = findText(kernel, `/proc/${pid}/status`, ...GONE);
  const cmdline = findText(kernel, `/proc/${pid}/cmdline`, ...GONE);
  if (stat === undefined || status === undefined || cmdline === undefined) return undefined;
  return parseProcessInfo(stat, status, cmdline);
}

/** The three files of a process as one record. */
export function parseProcessInfo(stat: string, status: string, cmdline: string): ProcessInfo {
  // The name stands in parentheses and may contain anything, parentheses too.
  const open = stat.indexOf("(");
  const close = stat.lastIndexOf(")");
  const fields = stat.slice(close + 2).split(" ");
  // proc_pid_stat(5) counts from 1, and the third field is the first here.
  const field = (number: number) => Number(fields[number - 3]);
  const lines = new Map(status.split("\n").map((line) => splitLine(line)));
  const word = (name: string, index: number) => Number(lines.get(name)?.split(/\s+/)[index] ?? 0);
  return {
    pid: Number(stat.slice(0, open)),
    comm: stat.slice(open + 1, close),
    state: fields[0] ?? "?",
    parent: field(4),
    group: field(5),
    session: field(6),
    terminal: field(7),
    foreground: field(8),
    cpuTicks: field(14) + field(15),
    nice: field(19),
    threads: field(20),
    startTicks: field(22),
    uid: word("Uid", 1),
    gid: word("Gid", 1),
    virtualKb: word("VmSize", 0),
    residentKb: word("VmRSS", 0),
    lockedKb: word("VmLck", 0),
    args: cmdline === "" ? [] : cmdline.replace(/\0+$/, "").split("\0"),
  };
}

function splitLine(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}

/** proc_uptime(5), proc_meminfo(5) and /proc/sys/kernel/pid_max. */
export function readMachineInfo(kernel: Kernel, nowMs: number): MachineInfo {
  const memory = /^MemTotal:\s+(\d+)/m.exec(readText(kernel, "/proc/meminfo"));
  return {
    nowMs,
    uptimeSeconds: Number.parseFloat(readText(kernel, "/proc/uptime")),
    memoryKb: Number(memory?.[1] ?? 0),
    pidDigits: String(Number(readText(kernel, "/proc/sys/kernel/pid_max")) - 1).length,
  };
}

/** passwd(5) or group(5): names by number. */
export function readNames(kernel: Kernel, path: "/etc/passwd" | "/etc/group"): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of (findText(kernel, path) ?? "").split("\n")) {
    const [name = "", , number = ""] = line.split(":");
    if (name !== "" && number !== "" && !names.has(Number(number))) names.set(Number(number), name);
  }
  return names;
}
