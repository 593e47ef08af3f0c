import { ContainerError, SyscallError } from "../errors.ts";
import type { OwnedFd } from "../linux/fd.ts";
import {
  findLink,
  findStatus,
  findText,
  isErrno,
  listDirectory,
  makeDirectories,
  makeDirectory,
  openDirectory,
  readText,
  removeEmptyDirectory,
  removeFile,
  replaceFile,
} from "../linux/files.ts";
import { tryLock } from "../linux/lock.ts";
import type { ResctrlGroup } from "../plan/resctrl.ts";
import type { Config, Hooks, NamespaceType, StringMap } from "../spec/config.ts";
import { exactIntegers } from "../spec/exact-integers.ts";
import type { RuntimeOptions } from "./options.ts";

/** `state.json`: what outlives the command that made a container. */
export interface ContainerRecord {
  readonly ociVersion: string;
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339, UTC. */
  readonly created: string;
  readonly annotations?: StringMap;
  /** Init and its start time; absent until it is born. */
  readonly init?: { readonly pid: number; readonly startTime: number };
  /** `process.args[0]`, for the error of an execve(2) that fails at start. */
  readonly program: string;
  /** Whether init is pid 1 of a pid namespace of its own, which ends with it. */
  readonly ownPidNamespace: boolean;
  /** The hooks that run after `create`, if there are any. */
  readonly hooks?: Pick<Hooks, "poststart" | "poststop">;
  /** The types of its namespaces, new and joined: what a process that is added has to join. */
  readonly namespaces: readonly NamespaceType[];
  /** The container's directories in every hierarchy, written down before they are made. */
  readonly cgroups: CgroupRecord;
  /** What the standard streams are, as proc_pid_fd(5) names them; not of a container with a terminal. */
  readonly descriptors?: readonly string[];
  /** Its groups of resctrl, written down before they are made. */
  readonly resctrl?: ResctrlGroup;
}

export interface CgroupRecord {
  readonly mode: "v1" | "v2";
  readonly directories: readonly string[];
  /** The one of them in the v2 hierarchy of a hybrid host. */
  readonly unified?: string;
  /** The systemd unit they belong to, and whether its manager is that of a user. */
  readonly scope?: { readonly name: string; readonly user: boolean };
  /** The one whose freezer holds the container; absent where v1 has no freezer. */
  readonly freezer?: string;
}

/** Init waits on this socket for `start`, which removes it: a container that has it is created. */
export const START_SOCKET = "start.sock";

/** In the directory of a container that has a proxy of the service manager's socket. */
export const NOTIFY_DIRECTORY = "notify";

const RECORD = "state.json";
const CONFIG = "config.json";
const ROOT_MODE = 0o700;
const STICKY = 0o1000;
const DIRECTORY_MODE = 0o711;
/** How long an operation waits for another one on the same container. */
const LOCK_TIMEOUT_MS = 10_000;
const LOCK_POLL_MS = 5;

/** The directory of a container below the state root. */
export function containerDirectory(options: RuntimeOptions, id: string): string {
  return `${options.root}/${id}`;
}

/**
 * Makes the directory of a new container and locks it.
 * @throws {ContainerError} already_exists
 */
export async function makeContainerDirectory(options: RuntimeOptions, id: string): Promise<OwnedFd> {
  const directory = containerDirectory(options, id);
  makeRoot(options);
  try {
    makeDirectory(options.kernel, directory, DIRECTORY_MODE);
  } catch (error) {
    throw isErrno(error, "EEXIST") ? alreadyExists(id) : error;
  }
  using lock = await lockContainer(options, id);
  // Whoever deleted it, and made it again, before it was locked has put his record there.
  if (listDirectory(options.kernel, directory).length > 0) throw alreadyExists(id);
  return lock.move();
}

function makeRoot({ kernel, root, keepRoot }: RuntimeOptions): void {
  try {
    makeDirectories(kernel, root, keepRoot ? STICKY + ROOT_MODE : ROOT_MODE);
  } catch (error) {
    throw withRemedy(error);
  }
}

function withRemedy(error: unknown): unknown {
  if (!(error instanceof SyscallError) || !isErrno(error, "EACCES", "EROFS", "EPERM")) return error;
  const remedy = "name a directory of your own by --root, or by XDG_RUNTIME_DIR";
  return new SyscallError(`${error.message}: ${remedy}`, error.details);
}

/**
 * flock(2) on a container's directory: one change at a time. The lock lasts until the descriptor is closed.
 * @throws {ContainerError} not_found; aborted when another operation does not end in time
 */
export async function lockContainer(options: RuntimeOptions, id: string): Promise<OwnedFd> {
  const deadline = performance.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    using opened = openContainer(options, id);
    while (!tryLock(options.kernel, opened)) {
      if (performance.now() > deadline) {
        throw new ContainerError("aborted", `cannot lock container ${id}: another operation on it has not ended`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
    }
    // Whoever held the lock may have removed the directory, and somebody else may have made it anew.
    if (!isRemoved(options, opened)) return opened.move();
  }
}

/** What /proc says of a directory that has no name any more; no id has a space. */
function isRemoved({ kernel }: RuntimeOptions, directory: OwnedFd): boolean {
  return findLink(kernel, `/proc/self/fd/${directory.number}`)?.endsWith(" (deleted)") ?? false;
}

function openContainer(options: RuntimeOptions, id: string): OwnedFd {
  try {
    return openDirectory(options.kernel, containerDirectory(options, id));
  } catch (error) {
    throw isErrno(error, "ENOENT", "ENOTDIR") ? notFound(id) : error;
  }
}

/** Writes state.json; a reader sees the old one or the new one. */
export function writeRecord(options: RuntimeOptions, record: ContainerRecord): void {
  const path = `${containerDirectory(options, record.id)}/${RECORD}`;
  replaceFile(options.kernel, path, JSON.stringify(record), 0o600);
}

/**
 * Reads state.json.
 * @throws {ContainerError} not_found, also for a container whose creation ended before its state was written; data_loss
 */
export function readRecord(options: RuntimeOptions, id: string): ContainerRecord {
  const record = findRecord(options, id);
  if (record === undefined) throw notFound(id);
  return record;
}

/** Reads state.json, or finds that there is none. @throws {ContainerError} data_loss */
export function findRecord(options: RuntimeOptions, id: string): ContainerRecord | undefined {
  const path = `${containerDirectory(options, id)}/${RECORD}`;
  const text = findText(options.kernel, path);
  if (text === undefined) return undefined;
  const value = parseOwn(text, path);
  // Written by writeRecord() into a directory that only its owner can write to: what is not its own is damaged.
  if (isRecord(value, id)) return value;
  throw damaged(path, "it is not the record of this container");
}

function isRecord(value: unknown, id: string): value is ContainerRecord {
  if (!isObject(value) || value["id"] !== id || !Array.isArray(value["namespaces"])) return false;
  const { init, cgroups } = value;
  if (init !== undefined && !(isObject(init) && Number.isInteger(init["pid"]) && Number(init["pid"]) > 0)) return false;
  return isObject(cgroups) && Array.isArray(cgroups["directories"]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON of our own. @throws {ContainerError} data_loss */
function parseOwn(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damaged(path, error instanceof Error ? error.message : String(error));
  }
}

/** A file that was written whole and is not whole any more. */
function damaged(path: string, why: string): ContainerError {
  const remedy = "delete --force removes what can be found of the container";
  return new ContainerError("data_loss", `cannot use ${path}: it is damaged: ${why}: ${remedy}`);
}

/** Keeps the config a container was made from: the bundle may change. */
export function writeConfig(options: RuntimeOptions, id: string, text: string): void {
  replaceFile(options.kernel, `${containerDirectory(options, id)}/${CONFIG}`, text, 0o600);
}

/** The config a container was made from, which was valid then. @throws {ContainerError} data_loss */
export function readContainerConfig(options: RuntimeOptions, id: string): ParsedConfig {
  const path = `${containerDirectory(options, id)}/${CONFIG}`;
  const text = readText(options.kernel, path);
  const config = parseOwn(text, path);
  if (!isConfig(config)) throw damaged(path, "it is not the config of a container");
  return { config, exact: exactIntegers(text) };
}

/** Whether it is what parseConfig() has let pass once; not all of it is looked at again. */
function isConfig(value: unknown): value is Config {
  return isObject(value) && typeof value["ociVersion"] === "string" && isObject(value["root"]);
}

type ParsedConfig = { readonly config: Config; readonly exact: ReadonlyMap<string, bigint> };

/** Whether there is a directory of this container, complete or not. */
export function hasDirectory(options: RuntimeOptions, id: string): boolean {
  return findStatus(options.kernel, containerDirectory(options, id)) !== undefined;
}

/** The ids of all containers, sorted; none when there is no state root. */
export function listIds(options: RuntimeOptions): readonly string[] {
  return listDirectory(options.kernel, options.root)
    .filter((entry) => entry.isDirectory && !entry.name.startsWith("@"))
    .map((entry) => entry.name)
    .sort();
}

/** Removes a container's directory; that it is gone already is no fault. */
export function removeContainerDirectory(options: RuntimeOptions, id: string): void {
  const directory = containerDirectory(options, id);
  for (const entry of listDirectory(options.kernel, directory)) {
    const path = `${directory}/${entry.name}`;
    if (!entry.isDirectory) removeFile(options.kernel, path);
    else for (const { name } of listDirectory(options.kernel, path)) removeFile(options.kernel, `${path}/${name}`);
    if (entry.isDirectory) removeEmptyDirectory(options.kernel, path);
  }
  removeEmptyDirectory(options.kernel, directory);
}

/** Engines look for these words. */
export function notFound(id: string): ContainerError {
  return new ContainerError("not_found", `container ${id} does not exist`);
}

function alreadyExists(id: string): ContainerError {
  return new ContainerError("already_exists", `container with given ID already exists: ${id}`);
}
