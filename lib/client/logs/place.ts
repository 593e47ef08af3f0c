import { ContainerError } from "../../errors.ts";
import { removeEmptyDirectory, removeFile } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";
import type { Container, Process } from "../tasks.ts";
import { logFiles } from "./files.ts";

/** The label of a container that says where the outputs of its tasks go. */
export const LOG_LABEL = "tsrun.dev/log-uri";
/** containerd's restart monitor starts tasks with the outputs that this label names. */
export const RESTART_LOG_LABEL = "containerd.io/restart.loguri";
const DIRECTORY = "/var/lib/tsctr/logs";
const NAME = "json.log";
const SCHEME = "json-file://";
const PLAIN_SCHEME = "file://";

/** How much is kept of a log. */
export interface LogLimits {
  /** As docker's `max-size`, e.g. `10m`. */
  readonly maxSize?: string | undefined;
  readonly maxFile?: number | undefined;
}

/** Where the outputs of a container go that nobody is attached to: `stdout` and `stderr` of its task, and {@link LOG_LABEL}. */
export function defaultLogUri(namespace: string, id: string, { maxSize, maxFile }: LogLimits = {}): string {
  const query = new URLSearchParams();
  if (maxSize !== undefined) query.set("max-size", maxSize);
  if (maxFile !== undefined) query.set("max-file", String(maxFile));
  const options = query.size === 0 ? "" : `?${query}`;
  return `${SCHEME}${DIRECTORY}/${encodeURIComponent(namespace)}/${encodeURIComponent(id)}/${NAME}${options}`;
}

/** The file of a container's log; undefined when it has none that can be read. */
export function findLogPath(container: Container, task: Process | undefined): string | undefined {
  const uri = urisOf(container, task).find(isReadable);
  return uri === undefined ? undefined : pathOf(uri);
}

function urisOf({ labels }: Container, task: Process | undefined): readonly string[] {
  return [task?.stdout ?? "", labels[LOG_LABEL] ?? "", labels[RESTART_LOG_LABEL] ?? ""];
}

function isReadable(uri: string): boolean {
  return uri.startsWith(SCHEME) || uri.startsWith(PLAIN_SCHEME);
}

/** The file of a container's log. @throws {ContainerError} failed_precondition when it has none that can be read */
export function logPathOf(container: Container, task: Process | undefined): string {
  const path = findLogPath(container, task);
  if (path !== undefined) return path;
  const other = urisOf(container, task).find((each) => each !== "");
  const why = other === undefined ? "nobody has kept its output" : `its output goes to ${other}`;
  throw new ContainerError("failed_precondition", `cannot read the log of ${container.id}: ${why}`);
}

/** Removes the log of a container that is removed; only one that {@link defaultLogUri} has placed. @throws {SyscallError} */
export function removeLog(kernel: Kernel, container: Container): void {
  const uri = container.labels[LOG_LABEL] ?? "";
  const path = uri.startsWith(SCHEME) ? pathOf(uri) : "";
  const directory = path.slice(0, -NAME.length - 1);
  if (path !== `${directory}/${NAME}` || !isBelow(directory)) return;
  for (const file of logFiles(kernel, path)) removeFile(kernel, file);
  removeEmptyDirectory(kernel, directory);
}

function isBelow(directory: string): boolean {
  const names = directory.split("/").slice(DIRECTORY.split("/").length);
  return directory.startsWith(`${DIRECTORY}/`) && names.length === 2 && names.every((name) => !/^\.{0,2}$/.test(name));
}

function pathOf(uri: string): string {
  const url = URL.parse(uri);
  if (url === null) throw new ContainerError("invalid_argument", `cannot use ${JSON.stringify(uri)}: it is no URI`);
  return decodeURIComponent(url.pathname);
}
