import { ContainerError } from "../errors.ts";
import { findText, listDirectory, readText, writeText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { type ResctrlHost, schemataOf } from "../plan/resctrl.ts";
import type { IntelRdt } from "../spec/config.ts";
import type { ContainerRecord } from "./container-store.ts";

/** What resctrl there is on this host, and what the group of that name is set to. */
export function findResctrl(kernel: Kernel, closID: string | undefined): ResctrlHost {
  const mountPoint = findMountPoint(kernel);
  if (mountPoint === undefined) return { resources: [] };
  const resources = listDirectory(kernel, `${mountPoint}/info`).map(({ name }) => name);
  const schemata = closID === undefined ? undefined : findText(kernel, `${mountPoint}/${closID}/schemata`);
  return { mountPoint, resources, ...(schemata === undefined ? {} : { schemata }) };
}

/** proc_pid_mountinfo(5): the fifth field of the line of that type. */
function findMountPoint(kernel: Kernel): string | undefined {
  const [, path] = /^(?:\S+ ){4}(\S+) .* - resctrl /m.exec(readText(kernel, "/proc/self/mountinfo")) ?? [];
  return path;
}

/** What `update` can change of a container's group. */
export type SchemaChange = Pick<IntelRdt, "l3CacheSchema" | "memBwSchema">;

/**
 * runc-update(8), `--l3-cache-schema` and `--mem-bw-schema`: looks whether it can be done, and gives what does it.
 * @throws {ContainerError} failed_precondition, in runc's words
 */
export function prepareSchemata(kernel: Kernel, { id, resctrl }: ContainerRecord, change: SchemaChange): () => void {
  const lines = schemataOf(change);
  if (lines.length === 0) return () => undefined;
  const { resources } = findResctrl(kernel, undefined);
  const has = (prefix: string) => resources.some((name) => name.startsWith(prefix) && !name.endsWith("_MON"));
  if (change.l3CacheSchema !== undefined && !has("L3")) refuse("Intel RDT/CAT: l3 cache schema is not enabled");
  if (change.memBwSchema !== undefined && !has("MB")) refuse("Intel RDT/MBA: memory bandwidth schema is not enabled");
  if (resctrl === undefined) refuse(`container ${id} has no resctrl group: its config has no linux.intelRdt`);
  return () => writeText(kernel, resctrl.schemata, `${lines.join("\n")}\n`);
}

function refuse(why: string): never {
  throw new ContainerError("failed_precondition", why);
}
