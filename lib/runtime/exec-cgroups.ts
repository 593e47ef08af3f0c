import { ContainerError } from "../errors.ts";
import { findText, isDirectory, readText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { CgroupHost } from "../plan/host.ts";
import type { CgroupRecord } from "./container-store.ts";
import { controllerDirectories } from "./controllers.ts";

const MOUNT_POINT = "/sys/fs/cgroup";
/** cgroups(7), thread mode: what these are enabled for may hold processes of its own, if nothing else is. */
const THREADED = ["cpu", "cpuset", "perf_event", "pids"];

/**
 * The directories that a process which is added to a container joins: the container's, or those below that `below`
 * names (runc-exec(8), `--cgroup`): `path`, or with v1 `controller[,controller…]:path`.
 * @throws {ContainerError} in runc's words, for what is not below, not there, or takes no process
 */
export function execCgroups(
  kernel: Kernel,
  record: CgroupRecord,
  initPid: number,
  below: readonly string[],
): CgroupHost {
  const paths = parseSubCgroups(below);
  if (record.mode === "v2") return v2Cgroup(kernel, record, initPid, paths);
  const { unified, directories } = record;
  const moved = subDirectories(kernel, record, paths);
  for (const directory of moved.values()) if (!isDirectory(kernel, directory)) throw notJoined(directory, ABSENT);
  const target = (directory: string) => ({
    controllers: [],
    mountPoint: "",
    directory: moved.get(directory) ?? directory,
  });
  const hierarchies = directories.filter((directory) => directory !== unified).map(target);
  return { mode: "v1", hierarchies, ...(unified === undefined ? {} : { unified: target(unified) }) };
}

/** By controller; the path without one stands under "". */
function parseSubCgroups(below: readonly string[]): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const text of below) {
    const [first = "", path, ...more] = text.split(":");
    if (more.length > 0) throw invalid(`invalid --cgroup argument: ${text}`);
    if (path === undefined && below.length > 1) {
      throw invalid(`invalid --cgroup argument: ${text} (missing <controller>: prefix)`);
    }
    if (path === undefined) paths.set("", first);
    else for (const controller of first.split(",")) paths.set(controller, path);
  }
  return paths;
}

/** For each directory of the container the one below it that is to be joined. */
function subDirectories(
  kernel: Kernel,
  record: CgroupRecord,
  paths: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const all = paths.get("");
  if (all !== undefined) {
    return new Map(record.directories.map((directory) => [directory, directoryBelow(directory, all)]));
  }
  if (paths.size === 0) return new Map();
  const controllers = controllerDirectories(kernel, record);
  return new Map(
    [...paths].map(([controller, path]) => {
      const directory = controllers.get(controller);
      if (directory === undefined) throw invalid(`unknown controller ${controller} in --cgroup`);
      return [directory, directoryBelow(directory, path)];
    }),
  );
}

/**
 * A directory that passes controllers on takes no processes: where the container's does, init has moved below it, and
 * what is added goes there. That is not done for a path that was named.
 */
function v2Cgroup(
  kernel: Kernel,
  record: CgroupRecord,
  initPid: number,
  paths: ReadonlyMap<string, string>,
): CgroupHost {
  const [own = ""] = record.directories;
  const [controller] = paths.keys();
  if (controller !== undefined && controller !== "") throw invalid(`unknown controller ${controller} in --cgroup`);
  const path = paths.get("");
  if (path === undefined) return v2Host(passedOn(kernel, own).length === 0 ? own : cgroupOf(kernel, initPid));
  const directory = directoryBelow(own, path);
  if (!isDirectory(kernel, directory)) throw notJoined(directory, ABSENT);
  if (passedOn(kernel, directory).some((name) => !THREADED.includes(name))) throw notJoined(directory, BUSY);
  return v2Host(directory);
}

function v2Host(directory: string): CgroupHost {
  return { mode: "v2", directory, mountPoint: MOUNT_POINT, controllers: [] };
}

/** The controllers that a v2 cgroup has enabled for those below it. */
function passedOn(kernel: Kernel, directory: string): readonly string[] {
  const text = findText(kernel, `${directory}/cgroup.subtree_control`, "ENOENT", "ENODEV", "EACCES") ?? "";
  return text.split(/\s+/).filter((name) => name !== "");
}

function cgroupOf(kernel: Kernel, pid: number): string {
  const line = readText(kernel, `/proc/${pid}/cgroup`).trim();
  return `${MOUNT_POINT}${line.slice(line.lastIndexOf(":") + 1)}`;
}

function directoryBelow(directory: string, path: string): string {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (names.includes("..")) throw invalid(`${path} is not a sub cgroup path`);
  return [directory, ...names].join("/");
}

const ABSENT = "no such file or directory (ENOENT)";
const BUSY = "device or resource busy (EBUSY)";

function notJoined(directory: string, why: string): ContainerError {
  const what = "cannot exec: adding pid of the process to cgroups";
  return new ContainerError("failed_precondition", `${what}: ${directory}/cgroup.procs: ${why}`);
}

function invalid(why: string): ContainerError {
  return new ContainerError("invalid_argument", `cannot exec: ${why}`);
}
