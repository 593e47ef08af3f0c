import { ContainerError, findSyscall } from "../errors.ts";
import { propertyPath } from "../json-pointer.ts";
import { parseNumber } from "../linux/cgroup/parse-values.ts";
import { findText, isErrno, writeText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { CgroupFile } from "../plan/cgroup/files.ts";
import { filesV2 } from "../plan/cgroup/v2.ts";
import type { LinuxResources } from "../spec/resources.ts";
import { checkMemory } from "./cgroup-checks.ts";
import { statusOf } from "./container-status.ts";
import { type ContainerRecord, lockContainer, readRecord } from "./container-store.ts";
import { controllerDirectories } from "./controllers.ts";
import type { RuntimeOptions } from "./options.ts";
import { prepareSchemata, type SchemaChange } from "./resctrl.ts";
import { completeV2, updateFilesV1 } from "./update-files.ts";

/** A limit and where it is written. */
interface Write {
  readonly limit: CgroupFile;
  readonly path: string;
}

const ABSENT = ["ENOENT", "ENODEV", "EOPNOTSUPP", "EINVAL"] as const;

/**
 * runc-update(8): changes limits of a container that has not stopped; what is not named stays as it is, device rules
 * always. All or nothing, as far as the kernel takes back the old values.
 * @throws {ContainerError} not_found; failed_precondition, naming the property that cannot be applied
 */
export async function update(
  options: RuntimeOptions,
  id: string,
  resources: LinuxResources,
  schemata: SchemaChange = {},
): Promise<void> {
  using _lock = await lockContainer(options, id);
  const { kernel } = options;
  const record = readRecord(options, id);
  if (record.init === undefined || statusOf(options, record) === "stopped") {
    throw new ContainerError("failed_precondition", "container not running");
  }
  checkMemory(kernel, record.cgroups, resources);
  const applySchemata = prepareSchemata(kernel, record, schemata);
  const old: Write[] = [];
  const limits = completeLimits(kernel, record, resources);
  const writes = locate(kernel, record, updateFiles(record, limits));
  try {
    applyAll(kernel, writes, old);
    if (await tellSystemd(options, record, limits)) applyAll(kernel, writes, []);
    applySchemata();
  } catch (error) {
    restore(options, old);
    throw error;
  }
}

function completeLimits(kernel: Kernel, { cgroups }: ContainerRecord, resources: LinuxResources): LinuxResources {
  if (cgroups.mode === "v1") return resources;
  const [directory = ""] = cgroups.directories;
  return completeV2(resources, {
    cpuMax: findText(kernel, `${directory}/cpu.max`, ...ABSENT),
    memoryMax: findText(kernel, `${directory}/memory.max`, ...ABSENT),
  });
}

function updateFiles({ cgroups }: ContainerRecord, limits: LinuxResources): readonly CgroupFile[] {
  return cgroups.mode === "v1" ? updateFilesV1(limits) : filesV2(limits);
}

/** systemd writes the files itself, and some values less exactly: true when it has to be done again after it. */
async function tellSystemd(options: RuntimeOptions, { cgroups }: ContainerRecord, limits: LinuxResources) {
  if (cgroups.scope === undefined) return false;
  const { updateScope } = await import("./scope.ts");
  await updateScope(options, cgroups.scope, cgroups.mode, limits);
  return true;
}

/** Where every limit is written. @throws {ContainerError} for one without its controller, before anything is changed */
function locate(kernel: Kernel, { cgroups }: ContainerRecord, files: readonly CgroupFile[]): readonly Write[] {
  const directories = controllerDirectories(kernel, cgroups);
  return files.map((limit) => {
    const isCore = cgroups.mode === "v2" && limit.controller === "cgroup";
    const directory = isCore ? cgroups.directories[0] : directories.get(limit.controller);
    if (directory !== undefined) return { limit, path: `${directory}/${limit.file}` };
    if (cgroups.directories.length === 0) {
      throw cannotApply(limit, "container could not join or create cgroup, because its user may not make one");
    }
    const state = cgroups.mode === "v1" ? "mounted" : "available";
    throw cannotApply(limit, `the ${limit.controller} controller is not ${state} on this host`);
  });
}

/**
 * Values are checked against each other: memory against memory and swap together, quota against period and burst, and
 * which has to come first depends on what they were. So what the kernel calls invalid gets a second try after the rest.
 */
function applyAll(kernel: Kernel, writes: readonly Write[], old: Write[]): void {
  const again: Write[] = [];
  for (const write of writes) if (!tryWrite(kernel, write, old, writes.length > 1)) again.push(write);
  for (const write of again) tryWrite(kernel, write, old, false);
}

/** False when the value is invalid, as things are now, and `mayWait`. @throws {ContainerError} */
function tryWrite(kernel: Kernel, { limit, path }: Write, old: Write[], mayWait: boolean): boolean {
  const before = findText(kernel, path, "EACCES", ...ABSENT)?.trim();
  try {
    writeText(kernel, path, limit.value);
  } catch (error) {
    if (isErrno(error, "EINVAL") && mayWait) return false;
    const { fallback, ...rest } = limit;
    if (fallback !== undefined && isErrno(error, "ENOENT", "EOPNOTSUPP")) {
      // A weight belongs to the scheduler, of which this kernel, or this device, has another.
      const other = { limit: { ...rest, ...fallback }, path: path.replace(/[^/]*$/, fallback.file) };
      return tryWrite(kernel, other, old, mayWait);
    }
    if (limit.optional === true && isErrno(error, "ENOENT")) return true;
    throw refusal(kernel, { limit, path }, error);
  }
  // What has several lines is no single value that could be written back.
  if (before !== undefined && before !== "" && !before.includes("\n")) {
    old.push({ limit: { ...limit, value: before }, path });
  }
  checkShares(kernel, { limit, path });
  return true;
}

/** cpu.shares takes what is out of its range for the end of it, without a word. */
function checkShares(kernel: Kernel, { limit, path }: Write): void {
  if (limit.file !== "cpu.shares") return;
  const wanted = BigInt(limit.value);
  const got = parseNumber(findText(kernel, path, ...ABSENT)) ?? wanted;
  if (got === wanted) return;
  throw cannotApply(limit, `the ${got < wanted ? "maximum" : "minimum"} allowed cpu-shares is ${got}`);
}

function refusal(kernel: Kernel, { limit, path }: Write, cause: unknown): ContainerError {
  if (limit.file === "memory.limit_in_bytes" && isErrno(cause, "EBUSY")) {
    const value = (file: string) => parseNumber(findText(kernel, path.replace(/[^/]*$/, file), ...ABSENT)) ?? 0n;
    const usage = `current usage: ${value("memory.usage_in_bytes")}`;
    const peak = `peak usage: ${value("memory.max_usage_in_bytes")}`;
    return cannotApply(limit, `unable to set memory limit to ${limit.value} (${usage}, ${peak})`, cause);
  }
  const what = `cannot write ${JSON.stringify(limit.value)} to ${limit.file}`;
  if (findSyscall(cause) === undefined || !(cause instanceof Error)) return cannotApply(limit, what, cause);
  // The message says where and why; the reason is what stands after the last colon.
  return cannotApply(limit, `${what}: ${cause.message.slice(cause.message.lastIndexOf(": ") + 2)}`);
}

function cannotApply({ from }: CgroupFile, why: string, cause?: unknown): ContainerError {
  return new ContainerError("failed_precondition", `cannot apply ${propertyPath(from)}: ${why}`, { cause });
}

/** Writes the old values back, the latest first; twice, as they too depend on each other. */
function restore({ kernel, warn }: RuntimeOptions, old: readonly Write[]): void {
  let left = old.toReversed();
  for (let round = 0; round < 2; round++) left = left.filter((write) => !canWrite(kernel, write));
  for (const { limit } of left) warn(`cannot set ${limit.file} back to ${JSON.stringify(limit.value)}`);
}

function canWrite(kernel: Kernel, { limit, path }: Write): boolean {
  try {
    writeText(kernel, path, limit.value);
    return true;
  } catch {
    return false;
  }
}
