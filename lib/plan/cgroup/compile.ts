import { ContainerError } from "../../errors.ts";
import { propertyPath } from "../../json-pointer.ts";
import type { DeviceRule, LinuxResources } from "../../spec/resources.ts";
import { fdcwd, makeDirectory, openFlags, writeFile, writeTo } from "../calls.ts";
import { DEFAULT_DEVICES } from "../devices.ts";
import type { CgroupHost, CgroupV1Host, CgroupV2Host, Hierarchy, Host } from "../host.ts";
import { orElse, type Purpose, type Step, whenPossible } from "../step.ts";
import { compileDeviceFilter } from "./device-filter.ts";
import { type CgroupFile, pidsFiles } from "./files.ts";
import { deviceFilesV1, filesV1 } from "./v1.ts";
import { filesV2 } from "./v2.ts";

const PATH = "/linux/cgroupsPath";

/**
 * config-linux.md § Control groups, by writing the files of cgroupfs: makes the container's directories, sets the
 * limits and, with v1, opens what init joins by. (With v2 init is born there: CLONE_INTO_CGROUP.)
 * @throws {ContainerError} failed_precondition for a limit whose controller this host does not have
 */
export function compileCgroups(resources: LinuxResources, host: Host): readonly Step[] {
  const { cgroups, rootless } = host;
  const how: How = {
    tasks: tasksAtBirth(host),
    // Rules take the host's root; without it nobody makes a device, and those that are there are the host's.
    devices: rootless === undefined ? (resources.devices ?? []) : undefined,
  };
  return cgroups.mode === "v2" ? compileV2(resources, cgroups, how) : compileV1(resources, cgroups, how);
}

/** What the files of a cgroup depend on besides the limits. */
interface How {
  /** As tasksAtBirth() gives it. */
  readonly tasks: number;
  /** Undefined where no rules can be set. */
  readonly devices: readonly DeviceRule[] | undefined;
}

/** The limits that would forbid the birth of init; setup writes them right after it. */
export function compileLateLimits(resources: LinuxResources, host: Host): readonly Step[] {
  const tasks = tasksAtBirth(host);
  const late = pidsFiles(resources).filter((file) => isLate(file, tasks));
  const { cgroups } = host;
  if (cgroups.mode === "v2") return late.flatMap((file) => writeLimit(cgroups.directory, file));
  const pids = cgroups.hierarchies.filter(({ controllers }) => controllers.includes("pids"));
  return pids.flatMap(({ directory }) => late.flatMap((file) => writeLimit(directory, file)));
}

/**
 * How many tasks the cgroup has when init is born in it: init, and in a scope setup, too. On v1 init is born elsewhere
 * and joins, which no limit forbids.
 */
function tasksAtBirth({ cgroups, scope }: Host): number {
  if (scope !== undefined) return 2;
  return cgroups.mode === "v2" ? 1 : 0;
}

function isLate({ file, value }: CgroupFile, tasks: number): boolean {
  return file === "pids.max" && Number(value) < tasks;
}

function compileV1(resources: LinuxResources, host: CgroupV1Host, { tasks, devices }: How): readonly Step[] {
  if (host.denied === undefined && Object.keys(resources.unified ?? {}).length > 0) {
    throw new ContainerError("failed_precondition", "invalid configuration: linux.resources.unified needs cgroup v2");
  }
  const files = [...filesV1(resources), ...(devices === undefined ? [] : deviceFilesV1(devices, DEFAULT_RULES))];
  for (const file of files) {
    if (host.hierarchies.some(({ controllers }) => controllers.includes(file.controller))) continue;
    refuse(file, host.denied === undefined ? "mounted on this host" : "open to this user, who may not make a cgroup");
  }
  const unified = host.unified === undefined ? [] : makeBelow(host.unified.mountPoint, host.unified.directory);
  return [
    ...unified,
    ...host.hierarchies.flatMap((hierarchy, index) => [
      ...makeHierarchy(hierarchy),
      ...files
        .filter((file) => hierarchy.controllers.includes(file.controller) && !isLate(file, tasks))
        .flatMap((file) => writeLimit(hierarchy.directory, file)),
      openTasks(hierarchy, index),
    ]),
  ];
}

/** The file is opened before init is born, by the path it has on the host. */
function openTasks({ directory }: Hierarchy, index: number): Step {
  const path = `${directory}/tasks`;
  return {
    call: "openat",
    args: [fdcwd(), path, openFlags("O_WRONLY", "O_CLOEXEC")],
    into: tasksRegister(index),
    purpose: joinPurpose(directory),
  };
}

/** For a process that joins a container that is there. */
export function openCgroups(cgroups: CgroupHost): readonly Step[] {
  return cgroups.mode === "v2" ? [] : cgroups.hierarchies.map(openTasks);
}

/**
 * cgroups(7): a process of one thread that writes 0 to `tasks` moves itself without the lock that writes to
 * `cgroup.procs` wait for, which takes the kernel some milliseconds to get.
 */
export function joinOpenCgroups(cgroups: CgroupHost): readonly Step[] {
  if (cgroups.mode === "v2") return [];
  return cgroups.hierarchies.map(({ directory }, index) => ({
    ...writeTo(tasksRegister(index), "0", joinPurpose(directory)),
  }));
}

function tasksRegister(index: number): string {
  return `tasks${index}`;
}

function joinPurpose(directory: string): Purpose {
  return { doing: `join cgroup ${directory}`, from: PATH, path: directory };
}

/**
 * cpuset(7): a new directory takes no process until it has processors and memory nodes. One that was there when this host
 * was looked at may be gone by now, with the container that had it.
 */
function makeHierarchy({ mountPoint, directory, cpuset }: Hierarchy): readonly Step[] {
  if (cpuset === undefined) return makeBelow(mountPoint, directory);
  return between(mountPoint, directory).flatMap((path) => {
    const purpose: Purpose = { doing: `give cgroup ${path} its parent's cpus`, from: PATH, path };
    const filled = [
      writeFile(`${path}/cpuset.cpus`, cpuset.cpus, purpose),
      writeFile(`${path}/cpuset.mems`, cpuset.mems, purpose),
    ];
    const made = makeCgroup(path);
    return cpuset.fill.includes(path) ? [made, ...filled] : whenPossible(made, ["EEXIST"], filled);
  });
}

function compileV2(resources: LinuxResources, host: CgroupV2Host, { tasks, devices }: How): readonly Step[] {
  const files = filesV2(resources);
  for (const file of files) {
    if (file.controller !== "cgroup" && !host.controllers.includes(file.controller))
      refuse(file, "available on this host");
  }
  return [
    ...makeBelow(host.mountPoint, host.directory),
    ...enableControllers(host),
    ...files.filter((file) => !isLate(file, tasks)).flatMap((file) => writeLimit(host.directory, file)),
    ...(devices === undefined ? [] : compileDeviceFilter([...devices, ...DEFAULT_RULES], host.directory)),
  ];
}

/**
 * cgroups(7): a controller works in a directory when every directory above has it in cgroup.subtree_control. One that
 * cannot be enabled is a fault only if a limit needs it, which then finds its file missing.
 */
function enableControllers({ mountPoint, directory, controllers }: CgroupV2Host): readonly Step[] {
  return [mountPoint, ...between(mountPoint, directory).slice(0, -1)].flatMap((parent) =>
    controllers.map((controller): Step => {
      const purpose: Purpose = { doing: `enable controller ${controller} in ${parent}`, from: PATH, path: parent };
      const step = writeFile(`${parent}/cgroup.subtree_control`, `+${controller}`, purpose);
      return { ...step, tolerated: "any" };
    }),
  );
}

/** A file that may be missing is passed over, or has another name. */
function writeLimit(directory: string, file: CgroupFile): readonly Step[] {
  const step = writeLimitStep(directory, file);
  if (file.fallback !== undefined) {
    const other = { ...file, ...file.fallback };
    // A scheduler that is there may not be that of the device.
    return orElse(step, ["ENOENT", "EOPNOTSUPP"], [writeLimitStep(directory, other)]);
  }
  return [file.optional === true ? { ...step, tolerated: ["ENOENT"] } : step];
}

function writeLimitStep(directory: string, { file, value, from }: CgroupFile): Step {
  const path = `${directory}/${file}`;
  return writeFile(path, value, { doing: `write ${JSON.stringify(value)} to ${file}`, from, path });
}

function makeBelow(mountPoint: string, directory: string): readonly Step[] {
  return between(mountPoint, directory).map(makeCgroup);
}

function makeCgroup(path: string): Step {
  return makeDirectory(path, { doing: `make cgroup ${path}`, from: PATH, path });
}

/** The directories from below `mountPoint` down to `directory`. */
function between(mountPoint: string, directory: string): readonly string[] {
  const names = directory.slice(mountPoint.length).split("/").slice(1);
  return names.map((_, index) => `${mountPoint}/${names.slice(0, index + 1).join("/")}`);
}

function refuse({ controller, from }: CgroupFile, state: string): never {
  const why = `the ${controller} controller is not ${state}`;
  throw new ContainerError("failed_precondition", `cannot apply ${propertyPath(from)}: ${why}`);
}

/** What every container may use, as with runc: mknod of anything, the default devices, terminals. */
export const DEFAULT_RULES: readonly DeviceRule[] = [
  { allow: true, type: "c", access: "m" },
  { allow: true, type: "b", access: "m" },
  ...DEFAULT_DEVICES.map(({ major, minor }): DeviceRule => ({ allow: true, type: "c", major, minor, access: "rwm" })),
  { allow: true, type: "c", major: 136, access: "rwm" },
  { allow: true, type: "c", major: 5, minor: 2, access: "rwm" },
  { allow: true, type: "c", major: 10, minor: 200, access: "rwm" },
];
