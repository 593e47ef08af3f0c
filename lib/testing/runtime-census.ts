import { directoriesNamed, listDescriptors, listPids, pathsBelow, readIfThere, readStatus } from "./runtime-proc.ts";

const CGROUP_ROOT = "/sys/fs/cgroup";

/** Whose things are counted: what others do on the machine at the same time is theirs. */
export interface CensusScope {
  /** Part of every cgroup's path. */
  readonly tag: string;
  /** Holds all bundles. */
  readonly folder: string;
  /** The state root. */
  readonly root: string;
}

/** Everything a container can leave behind, by kind, one text a thing. */
export interface Census {
  readonly processes: readonly string[];
  readonly mounts: readonly string[];
  readonly cgroups: readonly string[];
  readonly stateFiles: readonly string[];
  readonly sockets: readonly string[];
  readonly descriptors: readonly string[];
}

/** What Bun opens for its own event loops, when it likes; the code under test has none of them. */
const OF_BUN = new Set(["anon_inode:[eventfd]", "anon_inode:[eventpoll]"]);

/** Counts what is there now. */
export function takeCensus({ tag, folder, root }: CensusScope): Census {
  const linesWith = (path: string, mark: string) =>
    readIfThere(path)
      .split("\n")
      .filter((line) => line.includes(mark));
  return {
    processes: listPids()
      .filter((pid) => readStatus(pid)?.parent === process.pid || isInside(pid, tag))
      .map((pid) => `${pid} ${readIfThere(`/proc/${pid}/comm`).trim()}`),
    mounts: linesWith("/proc/self/mountinfo", folder),
    cgroups: directoriesNamed(CGROUP_ROOT, tag),
    stateFiles: pathsBelow(root),
    sockets: linesWith("/proc/net/unix", folder),
    descriptors: listDescriptors(process.pid)
      .filter((target) => !OF_BUN.has(target))
      .map((target) => target.replace(/:\[\d+\]$/, "")),
  };
}

/** The processes of all cgroups with this tag; a zombie has left its cgroup, whatever /proc says. */
export function processesIn(tag: string): readonly number[] {
  return listPids().filter((pid) => isInside(pid, tag));
}

function isInside(pid: number, tag: string): boolean {
  return readIfThere(`/proc/${pid}/cgroup`).includes(tag) && readStatus(pid)?.state !== "Z";
}
