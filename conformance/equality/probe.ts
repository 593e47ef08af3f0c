import { mkdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MASKED_PATHS, READONLY_PATHS } from "../harness/config.ts";
import {
  mountOrder,
  type Names,
  normaliseDescriptors,
  normaliseKeyring,
  normaliseMountinfo,
  normaliseNamespaces,
  normaliseStatus,
  replaceNames,
} from "./normalise.ts";

/** The two helper programs, built for this run. */
export interface Helpers {
  readonly probe: string;
  readonly pty: string;
}

/** Builds the helpers into `folder`. @throws {Error} with the compiler's words */
export function buildHelpers(folder: string): Helpers {
  mkdirSync(folder, { recursive: true });
  const build = (name: string): string => {
    const output = join(folder, name);
    const source = join(import.meta.dir, `${name}.c`);
    const result = Bun.spawnSync({ cmd: ["cc", "-O1", "-static", "-w", "-o", output, source], stderr: "pipe" });
    if (result.exitCode !== 0) throw new Error(`cannot build ${name}.c: ${result.stderr.toString()}`);
    return output;
  };
  return { probe: build("probe"), pty: build("pty") };
}

/** What the shell part looks at beyond what it always looks at. */
export interface ProbeOptions {
  /** Places whose type, mode, owner and number of entries are told. */
  readonly paths?: readonly string[];
  /** Files that are read and folders that are listed. */
  readonly reads?: readonly string[];
  /** Files that are opened for writing and folders that a file is made in. */
  readonly writes?: readonly string[];
  /** Devices that one byte is read from. */
  readonly devices?: readonly string[];
  readonly sysctls?: readonly string[];
  /** More shell, for what only one case asks. */
  readonly extra?: string;
  readonly status?: number;
}

const DEFAULT_DEVICES = ["null", "zero", "full", "random", "urandom"].map((name) => `/dev/${name}`);
const DEFAULT_SYSCTLS = [
  "/proc/sys/kernel/hostname",
  "/proc/sys/kernel/domainname",
  "/proc/sys/kernel/shmmax",
  "/proc/sys/kernel/msgmax",
  "/proc/sys/net/ipv4/ip_forward",
  "/proc/sys/net/ipv4/ping_group_range",
  "/proc/sys/net/ipv4/ip_unprivileged_port_start",
  "/proc/sys/fs/mqueue/msg_max",
];
const DEFAULT_PATHS = [
  "/",
  "/proc",
  "/sys",
  "/dev",
  "/dev/pts",
  "/dev/shm",
  "/dev/mqueue",
  "/tmp",
  "/etc",
  "/sys/fs/cgroup",
];

function quote(words: readonly string[]): string {
  return `'${words.join(" ")}'`;
}

/** /probe.conf, which probe.sh reads. */
export function writeProbeOptions(rootfs: string, options: ProbeOptions): void {
  const lines = [
    `PATHS=${quote([...DEFAULT_PATHS, ...MASKED_PATHS, ...READONLY_PATHS, ...(options.paths ?? [])])}`,
    `READS=${quote([...MASKED_PATHS, ...(options.reads ?? [])])}`,
    `WRITES=${quote(["/tmp", "/", "/sys", "/dev", ...READONLY_PATHS, ...(options.writes ?? [])])}`,
    `DEVICES=${quote([...DEFAULT_DEVICES, ...(options.devices ?? [])])}`,
    `SYSCTLS=${quote([...DEFAULT_SYSCTLS, ...(options.sysctls ?? [])])}`,
    `EXTRA='${(options.extra ?? "").replaceAll("'", `'\\''`)}'`,
    `STATUS=${options.status ?? 0}`,
  ];
  writeFileSync(join(rootfs, "probe.conf"), `${lines.join("\n")}\n`);
}

const NAMESPACE_FILES = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];

/** The namespaces of `pid` under `name`, as {@link normaliseNamespaces} wants them. */
export function namespacesOf(pid: number | "self", name: string): readonly (readonly [string, string])[] {
  return NAMESPACE_FILES.map((kind) => [readlinkSync(`/proc/${pid}/ns/${kind}`), name] as const);
}

/** What a probe printed: section name → lines. A section that is missing was not reached. */
export function parseProbe(text: string): ReadonlyMap<string, readonly string[]> {
  const sections = new Map<string, string[]>();
  let current: string[] = [];
  sections.set("before", current);
  for (const raw of text.split("\n")) {
    const line = raw.replace(/\r$/, "");
    if (line.startsWith("@")) {
      current = [];
      sections.set(line.slice(1), current);
    } else if (line !== "") current.push(line);
  }
  return sections;
}

/** Removes from a probe's sections what differs from run to run. */
export function normaliseProbe(
  sections: ReadonlyMap<string, readonly string[]>,
  names: Names,
  namespaces: ReadonlyMap<string, string>,
): ReadonlyMap<string, readonly string[]> {
  const result = new Map<string, readonly string[]>();
  for (const [name, raw] of sections) {
    const lines = raw.map((line) => replaceNames(line, names));
    if (name === "mountinfo") {
      result.set("mountinfo", normaliseMountinfo(lines));
      result.set("mount order", mountOrder(lines));
    } else if (name === "namespaces") result.set(name, normaliseNamespaces(lines, namespaces));
    else if (name === "descriptors") result.set(name, normaliseDescriptors(lines));
    else if (name === "status") result.set(name, normaliseStatus(lines));
    else if (name === "keyring") result.set(name, normaliseKeyring(lines));
    else result.set(name, lines);
  }
  return result;
}
