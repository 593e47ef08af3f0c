import { ContainerError } from "../../errors.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import {
  isErrno,
  makeDirectories,
  openDirectory,
  removeEmptyDirectory,
  renameFile,
  replaceFile,
} from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { isStillAt, tryLock } from "../../linux/lock.ts";
import { openRoot } from "../../linux/tree/open.ts";
import { fromText } from "../../linux/tree/paths.ts";
import { removeTree } from "../../linux/tree/remove.ts";
import { RECORD, readVolume, type Volume } from "./volume.ts";

/** A volume that nobody else changes, until it is disposed of. */
export interface HeldVolume extends Disposable {
  readonly volume: Volume;
  readonly isNew: boolean;
  /** Its directory: the record, and what is mounted. */
  readonly directory: OwnedFd;
}

/** What a volume is made with. */
export interface VolumeMaking {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly isAnonymous: boolean;
}

const PRIVATE = 0o711;
const OPEN_TO_ALL = 0o755;
const OWNER_ONLY = 0o600;

/** Whoever holds a volume may be filling it. */
const LOCK_TIMEOUT_MS = 600_000;
const LOCK_POLL_MS = 20;

/** Makes a volume, or takes the one that is there. @throws {ContainerError} */
export async function openVolume(kernel: Kernel, parent: string, making: VolumeMaking): Promise<HeldVolume> {
  const { name, ...record } = making;
  for (;;) {
    makeDirectories(kernel, `${parent}/${name}`, PRIVATE);
    const directory = await lock(kernel, parent, name);
    // It was removed in between.
    if (directory === undefined) continue;
    const found = readVolume(kernel, parent, name);
    const isNew = found.createdAt === undefined;
    try {
      makeDirectories(kernel, found.mountpoint, OPEN_TO_ALL);
      const text = JSON.stringify({ ...record, createdAt: new Date().toISOString() });
      // Last: what has a record is whole.
      if (isNew) replaceFile(kernel, `${parent}/${name}/${RECORD}`, text, OWNER_ONLY);
    } catch (error) {
      directory.close();
      throw error;
    }
    return held(directory, readVolume(kernel, parent, name), isNew);
  }
}

/** A volume that is there; undefined when it is not. @throws {ContainerError} */
export async function findHeld(kernel: Kernel, parent: string, name: string): Promise<HeldVolume | undefined> {
  const directory = await lock(kernel, parent, name);
  return directory === undefined ? undefined : held(directory, readVolume(kernel, parent, name), false);
}

function held(directory: OwnedFd, volume: Volume, isNew: boolean): HeldVolume {
  return { volume, isNew, directory, [Symbol.dispose]: () => directory.close() };
}

/** flock(2) on the directory of a volume. Undefined when it is not there. @throws {ContainerError} aborted */
async function lock(kernel: Kernel, parent: string, name: string): Promise<OwnedFd | undefined> {
  const path = `${parent}/${name}`;
  const deadline = performance.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    using directory = tryOpen(kernel, path);
    if (directory === undefined) return undefined;
    while (!tryLock(kernel, directory)) {
      if (performance.now() > deadline) {
        throw new ContainerError("aborted", `cannot use volume ${name}: another command has not let go of it`);
      }
      await Bun.sleep(LOCK_POLL_MS);
    }
    // Who held it before may have removed it, and somebody else may have made it anew.
    if (isStillAt(kernel, directory, path)) return directory.move();
  }
}

function tryOpen(kernel: Kernel, path: string): OwnedFd | undefined {
  try {
    return openDirectory(kernel, path);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Removes a volume with all that is in it: its name first, so that it is gone for others at once. @throws {SyscallError} */
export async function removeHeld(kernel: Kernel, parent: string, { volume }: HeldVolume): Promise<void> {
  // No name of a volume begins so.
  const going = `${GOING}${crypto.randomUUID()}`;
  renameFile(kernel, `${parent}/${volume.name}`, `${parent}/${going}`);
  await removeBelow(kernel, parent, going);
  removeEmptyDirectory(kernel, parent);
  removeEmptyDirectory(kernel, parent.slice(0, parent.lastIndexOf("/")));
}

/** How a directory is called that is being removed. */
export const GOING = ".removed-";

/** Removes a directory of a volume that has no name any more. */
export async function removeBelow(kernel: Kernel, parent: string, name: string): Promise<void> {
  using above = openRoot(kernel, parent);
  await removeTree(kernel, above.number, fromText(name));
}
