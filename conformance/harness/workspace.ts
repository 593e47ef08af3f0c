import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CGROUP_ROOT = "/sys/fs/cgroup";
const CGROUP_DEPTH_MAX = 8;

/** A temporary folder and a name for everything a suite makes, so that all of it can be found again and removed. */
export interface Workspace {
  readonly folder: string;
  /** Part of every container id and of every cgroup path of this run. */
  readonly tag: string;
}

/** Makes the workspace of one suite's run; close it with {@link removeWorkspace}. */
export function makeWorkspace(suite: string): Workspace {
  const folder = mkdtempSync(join(tmpdir(), `tsrun-${suite}-`));
  chmodSync(folder, 0o711); // a container in a user namespace must be able to walk to its root
  return { folder, tag: `${suite}${process.pid}` };
}

/** Mount points of this mount namespace below `folder`, deepest first. */
export function mountsBelow(folder: string): readonly string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((path) => path.startsWith(`${folder}/`))
    .reverse();
}

function foldersIn(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return []; // a cgroup went away during the walk
  }
}

/** Directories of every cgroup hierarchy whose path contains `tag`, deepest first. */
export function cgroupsNamed(tag: string): readonly string[] {
  const found: string[] = [];
  const walk = (folder: string, depth: number): void => {
    for (const name of foldersIn(folder)) {
      const path = join(folder, name);
      if (depth < CGROUP_DEPTH_MAX) walk(path, depth + 1);
      if (path.includes(tag)) found.push(path);
    }
  };
  walk(CGROUP_ROOT, 0);
  return found;
}

/** Pids whose command line or cgroup contains one of `marks`; this process is never among them. */
export function processesNamed(marks: readonly string[]): readonly number[] {
  const has = (text: string): boolean => marks.some((mark) => text.includes(mark));
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid)
    .filter((pid) => has(readProc(pid, "cmdline")) || has(readProc(pid, "cgroup")));
}

/** /proc/PID/FILE, or "" once the process is gone. */
export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** True while the process runs; a zombie has ended. */
export function isAlive(pid: number): boolean {
  const stat = readProc(pid, "stat");
  const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  return state !== "" && state !== "Z" && state !== "X";
}

function tryRemoveCgroups(tag: string): void {
  for (const path of cgroupsNamed(tag)) {
    try {
      rmdirSync(path);
    } catch {
      // a process that was just killed may still be in it; the next round takes it
    }
  }
}

/** Ends, unmounts and removes everything that bears the workspace's names, whatever state a failed case left it in. */
export function removeWorkspace(workspace: Workspace): void {
  for (let round = 0; round < 50; round++) {
    const pids = processesNamed([workspace.folder, workspace.tag]).filter(isAlive);
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // it ended by itself
      }
    }
    tryRemoveCgroups(workspace.tag);
    if (pids.length === 0 && cgroupsNamed(workspace.tag).length === 0) break;
    Bun.sleepSync(20);
  }
  for (const path of mountsBelow(workspace.folder)) Bun.spawnSync({ cmd: ["umount", "-l", path] });
  const left = mountsBelow(workspace.folder);
  // A bind mount of the host below the folder would be emptied with it.
  if (left.length > 0) throw new Error(`cannot remove ${workspace.folder}: still mounted: ${left.join(", ")}`);
  if (existsSync(workspace.folder)) rmSync(workspace.folder, { recursive: true, force: true });
}

/** Runs `body` with a workspace that is removed at the end, on failure and on SIGINT, SIGTERM and SIGHUP. */
export async function withWorkspace<T>(suite: string, body: (workspace: Workspace) => Promise<T>): Promise<T> {
  const workspace = makeWorkspace(suite);
  const stop = (): void => {
    removeWorkspace(workspace);
    process.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, stop);
  try {
    return await body(workspace);
  } finally {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, stop);
    removeWorkspace(workspace);
  }
}
