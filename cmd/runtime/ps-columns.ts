import { type ProcessInfo, TICKS_PER_SECOND } from "../../lib/linux/process-info.ts";
import type { ProcessSnapshot } from "../../lib/runtime/processes.ts";

/** A column of ps(1). The widths and alignments are those of procps. */
export interface Column {
  readonly header: string;
  readonly width: number;
  readonly align: "left" | "right";
  readonly cell: (process: ProcessInfo, snapshot: ProcessSnapshot) => string;
}

type Cell = Column["cell"];

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_SECONDS = 86_400;
const USER_WIDTH = 8;

/** Finds a column by one of procps' names; `pidDigits` is how wide a pid can be. */
export function findColumn(name: string, pidDigits: number): Column | undefined {
  return Object.hasOwn(COLUMNS, name) ? COLUMNS[name]?.(pidDigits) : undefined;
}

function left(header: string, width: number, cell: Cell): () => Column {
  return () => ({ header, width, align: "left", cell });
}

function right(header: string, width: number, cell: Cell): () => Column {
  return () => ({ header, width, align: "right", cell });
}

/** A column of pids is as wide as they can become. */
function pids(header: string, cell: Cell): (pidDigits: number) => Column {
  return (pidDigits) => ({ header, width: Math.max(5, pidDigits), align: "right", cell });
}

const programName = ({ comm, state }: ProcessInfo): string => printable(state === "Z" ? `${comm} <defunct>` : comm);

/** The command line; for a process without one its name in brackets. */
const commandLine = ({ args, comm, state }: ProcessInfo): string => {
  if (args.length > 0) return printable(args.join(" "));
  return printable(state === "Z" ? `[${comm}] <defunct>` : `[${comm}]`);
};

const user: Cell = ({ uid }, { users }) => shortName(users.get(uid) ?? String(uid));
const group: Cell = ({ gid }, { groups }) => shortName(groups.get(gid) ?? String(gid));
const tty: Cell = ({ terminal }) => terminalName(terminal);
const cpuPercent: Cell = (process, snapshot) => tenths(cpuShare(process, snapshot, 1000));
const memoryPercent: Cell = ({ residentKb }, { machine }) =>
  tenths(Math.min(999, Math.floor((residentKb * 1000) / Math.max(1, machine.memoryKb))));

const COLUMNS: Readonly<Record<string, (pidDigits: number) => Column>> = {
  "%cpu": right("%CPU", 4, cpuPercent),
  "%mem": right("%MEM", 4, memoryPercent),
  UID: left("UID", USER_WIDTH, user),
  args: left("COMMAND", 27, commandLine),
  bsdstart: right("START", 5, (process, snapshot) => startOf(process, snapshot, "bsd")),
  bsdtime: right("TIME", 6, ({ cpuTicks }) => bsdTime(seconds(cpuTicks))),
  c: right("C", 2, (process, snapshot) => String(Math.min(99, cpuShare(process, snapshot, 100)))),
  cmd: left("CMD", 27, commandLine),
  comm: left("COMMAND", 15, programName),
  command: left("COMMAND", 27, commandLine),
  etime: right("ELAPSED", 11, (process, { machine }) => elapsed(ageSeconds(process, machine.uptimeSeconds))),
  etimes: right("ELAPSED", 7, (process, { machine }) => String(ageSeconds(process, machine.uptimeSeconds))),
  euid: right("EUID", 5, ({ uid }) => String(uid)),
  euser: left("EUSER", USER_WIDTH, user),
  gid: right("GID", 5, ({ gid }) => String(gid)),
  group: left("GROUP", USER_WIDTH, group),
  ni: right("NI", 3, ({ nice }) => String(nice)),
  nice: right("NI", 3, ({ nice }) => String(nice)),
  nlwp: right("NLWP", 4, ({ threads }) => String(threads)),
  pcpu: right("%CPU", 4, cpuPercent),
  pgid: pids("PGID", ({ group: id }) => String(id)),
  pid: pids("PID", ({ pid }) => String(pid)),
  pmem: right("%MEM", 4, memoryPercent),
  ppid: pids("PPID", ({ parent }) => String(parent)),
  rss: right("RSS", 5, ({ residentKb }) => String(residentKb)),
  s: left("S", 1, ({ state }) => state),
  sess: pids("SESS", ({ session }) => String(session)),
  sid: pids("SID", ({ session }) => String(session)),
  start_time: right("START", 5, (process, snapshot) => startOf(process, snapshot, "sysv")),
  stat: left("STAT", 4, stateLetters),
  state: left("S", 1, ({ state }) => state),
  stime: right("STIME", 5, (process, snapshot) => startOf(process, snapshot, "sysv")),
  time: right("TIME", 8, ({ cpuTicks }) => sysvTime(seconds(cpuTicks))),
  tname: left("TTY", 8, tty),
  tt: left("TT", 8, tty),
  tty: left("TT", 8, tty),
  ucmd: left("CMD", 15, programName),
  uid: right("UID", 5, ({ uid }) => String(uid)),
  uname: left("USER", USER_WIDTH, user),
  user: left("USER", USER_WIDTH, user),
  vsize: right("VSZ", 6, ({ virtualKb }) => String(virtualKb)),
  vsz: right("VSZ", 6, ({ virtualKb }) => String(virtualKb)),
};

/** What a terminal must not be told by the name of a process. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return text.replace(/[\x00-\x1f\x7f]/g, "?");
}

/** procps cuts a name that does not fit and marks the place. */
function shortName(text: string): string {
  return text.length <= USER_WIDTH ? text : `${text.slice(0, USER_WIDTH - 1)}+`;
}

/** ps(1), PROCESS STATE CODES. */
function stateLetters({ state, nice, lockedKb, pid, session, threads, group: id, foreground }: ProcessInfo): string {
  const priority = nice < 0 ? "<" : nice > 0 ? "N" : "";
  const flags = [lockedKb > 0 && "L", session === pid && "s", threads > 1 && "l", foreground === id && "+"];
  return `${state}${priority}${flags.filter((flag) => flag !== false).join("")}`;
}

const PTS_MAJOR = 136;
const PTS_MAJORS = 8;
const TTY_MAJOR = 4;
const FIRST_SERIAL = 64;

/** proc_pid_stat(5), tty_nr: the minor's low byte in bits 7 to 0 and the rest in 31 to 20, the major in 15 to 8. */
function terminalName(device: number): string {
  if (device === 0) return "?";
  const major = Math.floor(device / 0x100) % 0x1000;
  const minor = (device % 0x100) + Math.floor(device / 0x100000) * 0x100;
  if (major >= PTS_MAJOR && major < PTS_MAJOR + PTS_MAJORS) return `pts/${(major - PTS_MAJOR) * 256 + minor}`;
  if (major === TTY_MAJOR) return minor < FIRST_SERIAL ? `tty${minor}` : `ttyS${minor - FIRST_SERIAL}`;
  return `${major}:${minor}`;
}

function seconds(ticks: number): number {
  return Math.floor(ticks / TICKS_PER_SECOND);
}

function ageSeconds({ startTicks }: ProcessInfo, uptimeSeconds: number): number {
  return Math.max(0, Math.floor(uptimeSeconds - startTicks / TICKS_PER_SECOND));
}

/** How much of one processor the process has had in its life, in parts of `whole`. */
function cpuShare(process: ProcessInfo, { machine }: ProcessSnapshot, whole: number): number {
  const age = ageSeconds(process, machine.uptimeSeconds);
  return age === 0 ? 0 : Math.floor((process.cpuTicks * whole) / TICKS_PER_SECOND / age);
}

function tenths(value: number): string {
  return value > 999 ? String(Math.floor(value / 10)) : `${Math.floor(value / 10)}.${value % 10}`;
}

function startOf({ startTicks }: ProcessInfo, { machine }: ProcessSnapshot, style: "bsd" | "sysv"): string {
  const ageMs = machine.uptimeSeconds * 1000 - (startTicks * 1000) / TICKS_PER_SECOND;
  const start = new Date(machine.nowMs - ageMs);
  const now = new Date(machine.nowMs);
  const isRecent = style === "bsd" ? ageMs < DAY_SECONDS * 1000 : start.toDateString() === now.toDateString();
  if (isRecent) return `${two(start.getHours())}:${two(start.getMinutes())}`;
  if (style === "sysv" && start.getFullYear() !== now.getFullYear()) return String(start.getFullYear());
  return `${MONTHS[start.getMonth()]}${two(start.getDate())}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function bsdTime(total: number): string {
  return `${Math.floor(total / 60)}:${two(total % 60)}`;
}

/** `[dd-]hh:mm:ss` */
function sysvTime(total: number): string {
  const days = Math.floor(total / DAY_SECONDS);
  const clock = [Math.floor(total / 3600) % 24, Math.floor(total / 60) % 60, total % 60].map(two).join(":");
  return days === 0 ? clock : `${two(days)}-${clock}`;
}

/** `[[dd-]hh:]mm:ss` */
function elapsed(total: number): string {
  const text = sysvTime(total);
  return total < 3600 ? text.slice(3) : text;
}
