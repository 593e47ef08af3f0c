import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Kernel } from "../../linux/kernel.ts";
import { unmountAll } from "../../linux/mount.ts";
import { hasErrno, wrapFileError } from "../errno.ts";
import { namesIn } from "../files.ts";
import { alreadyExists } from "../names.ts";

/** Where bundles are kept, by containerd's name for it. */
const ROOM = "io.containerd.runtime.v2.task";
/** Others may pass through: the root of a user namespace has to reach its rootfs. */
const MODE = 0o711;
const MAX_ADDRESS_BYTES = 4096;

/** The directories of tasks: `state` is lost when the machine ends, `root` is not. */
export interface TaskRoots {
  readonly state: string;
  readonly root: string;
}

/** The directory of one task, in which its shim runs. */
export interface Bundle {
  readonly namespace: string;
  readonly id: string;
  readonly path: string;
  /** For what outlives the bundle. */
  readonly work: string;
}

/** The place of a bundle; both names have been checked by whoever has recorded the container. */
export function locateBundle({ state, root }: TaskRoots, namespace: string, id: string): Bundle {
  return { namespace, id, path: join(state, ROOM, namespace, id), work: join(root, ROOM, namespace, id) };
}

/** Makes a bundle with a config, byte for byte. @throws {ContainerError} already_exists */
export function createBundle(bundle: Bundle, config: Uint8Array): void {
  const { path, work, id } = bundle;
  try {
    mkdirSync(join(path, ".."), { recursive: true, mode: MODE });
    mkdirSync(path, { mode: MODE });
    mkdirSync(join(path, "rootfs"), { mode: MODE });
    mkdirSync(work, { recursive: true, mode: MODE });
    symlinkSync(work, join(path, "work"));
    writeFileSync(join(path, "config.json"), config, { mode: 0o600 });
  } catch (error) {
    if (hasErrno(error, "EEXIST")) throw alreadyExists(`task ${id}`);
    throw wrapFileError(error, `make the bundle of ${id}`);
  }
}

/** A directory for the images that a task is restored from, which goes with its bundle. */
export function checkpointDirectory({ work }: Bundle): string {
  const directory = join(work, "restore");
  mkdirSync(directory, { mode: 0o700 });
  return directory;
}

/**
 * Removes a bundle, of which nothing may be running any more. From the renaming on its id can be used again.
 * @throws {ContainerError} when something is left in its rootfs that is no mount: it may be somebody's data
 */
export function removeBundle(kernel: Kernel, { path, work, id }: Bundle): void {
  const rootfs = join(path, "rootfs");
  unmountAll(kernel, rootfs);
  const hidden = join(path, "..", `.${id}`);
  try {
    removeEmpty(rootfs);
    rmSync(hidden, { recursive: true, force: true });
    renameSync(path, hidden);
    rmSync(hidden, { recursive: true, force: true });
    rmSync(work, { recursive: true, force: true });
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw wrapFileError(error, `remove the bundle of ${id}`);
  }
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error;
  }
}

/** The bundles that are there. What was being removed is removed. */
export function listBundles(roots: TaskRoots): readonly Bundle[] {
  const room = join(roots.state, ROOM);
  return namesIn(room).flatMap((namespace) =>
    namesIn(join(room, namespace)).flatMap((id) => {
      if (!id.startsWith(".")) return [locateBundle(roots, namespace, id)];
      rmSync(join(room, namespace, id), { recursive: true, force: true });
      return [];
    }),
  );
}

/** The address that a shim has written down; undefined when there is none. */
export function findAddress({ path }: Bundle): string | undefined {
  try {
    const text = readFileSync(join(path, "address"), "utf8").trim();
    return text === "" || text.length > MAX_ADDRESS_BYTES ? undefined : text;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

const BINARY_FILE = "shim-binary-path";

/** Writes down how the shim of a bundle is called, for the process that will have to call it again. */
export function writeShimCommand({ path }: Bundle, command: ShimCommand): void {
  writeFileSync(join(path, BINARY_FILE), JSON.stringify(command), { mode: 0o600 });
}

/** A shim's executable, and the name to call it by. */
export interface ShimCommand {
  readonly program: string;
  readonly name: string;
}

export function findShimCommand({ path }: Bundle): ShimCommand | undefined {
  try {
    // Written by writeShimCommand() into a directory that only its owner can write to.
    return JSON.parse(readFileSync(join(path, BINARY_FILE), "utf8")) as ShimCommand;
  } catch {
    return undefined;
  }
}
