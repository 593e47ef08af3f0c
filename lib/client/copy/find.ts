import { ContainerError } from "../../errors.ts";
import { FILE_TYPE, OPEN } from "../../linux/constants/files.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { type EntryStatus, findEntry, isDirectory, readLink } from "../../linux/tree/entries.ts";
import { DIRECTORY, openBelow, RESOLUTION } from "../../linux/tree/open.ts";
import { type BytePath, clean, toText } from "../../linux/tree/paths.ts";

/** A tree that is copied from or into, and what it is called in messages, e.g. `web:`. */
export interface Side {
  readonly root: number;
  readonly label: string;
}

/** An entry below a root: a directory that is open, and a name in it, "" for the directory itself. */
export interface Found extends Disposable {
  readonly directory: number;
  readonly name: BytePath;
  readonly status: EntryStatus;
}

const IN_ROOT = { flags: DIRECTORY.handle, resolve: RESOLUTION.inRoot };
/** As many links as the kernel follows in one path. */
const MAX_LINKS = 40;

/**
 * Finds what a path names inside a root: the kernel follows links on the way as if the root were `/`. A link at the end is
 * followed if asked for, or when the path says that it is a directory. Undefined when nothing is there.
 * @throws {SyscallError} when the directory that it is in cannot be opened
 */
export function findInside(
  kernel: Kernel,
  { root }: Side,
  path: BytePath,
  { follow }: { readonly follow: boolean },
): Found | undefined {
  let current = path;
  const follows = follow || /\/\.?$/.test(path);
  for (let links = 0; links <= MAX_LINKS; links++) {
    const [above, name] = divide(current);
    const directory = openBelow(kernel, root, above, IN_ROOT);
    const status = findEntry(kernel, directory.number, name);
    if (status !== undefined && (status.type !== FILE_TYPE.S_IFLNK || !follows)) return found(directory, name, status);
    const target = status && readLink(kernel, directory.number, name);
    directory.close();
    if (target === undefined) return undefined;
    current = target.startsWith("/") ? target : `${above}/${target}`;
  }
  throw new ContainerError("failed_precondition", `cannot open ${toText(path)}: too many links`);
}

function found(directory: OwnedFd, name: BytePath, status: EntryStatus): Found {
  return { directory: directory.number, name, status, [Symbol.dispose]: () => directory.close() };
}

/** The last name of a path, and what is before it; a path that ends in no name of its own is a directory as a whole. */
function divide(path: BytePath): readonly [BytePath, BytePath] {
  const bare = path.replace(/\/+$/, "");
  const slash = bare.lastIndexOf("/");
  const name = bare.slice(slash + 1);
  if (name === "" || name === "." || name === "..") return [path === "" ? "." : path, ""];
  return [slash < 0 ? "." : bare.slice(0, slash + 1), name];
}

/** Where a copy goes: a directory, and what the copy is called there; "" for what is in a directory, without itself. */
export interface Destination extends Disposable {
  readonly into: number;
  readonly as: BytePath;
}

/** What is copied, as far as it matters for where it goes. */
export interface Source {
  readonly name: BytePath;
  readonly isDirectory: boolean;
  /** The path ended in `/.`: what is in the directory is meant. */
  readonly isContents: boolean;
}

/**
 * docker cp: into a directory that is there, and else by the name given, in a directory that has to be there.
 * @throws {ContainerError} failed_precondition, not_found
 */
export function findDestination(kernel: Kernel, side: Side, path: BytePath, source: Source): Destination {
  using there = findInside(kernel, side, path, { follow: true });
  if (there !== undefined && isDirectory(there.status)) {
    const into = open(kernel, there.directory, there.name);
    return destination(into, source.isContents ? "" : source.name);
  }
  const shown = `${side.label}${toText(path)}`;
  if (there !== undefined) {
    if (source.isDirectory)
      throw refused("failed_precondition", shown, "it is no directory, and a directory is to be copied");
    if (/\/\.?$/.test(path)) throw refused("failed_precondition", shown, "it is no directory");
    return destination(open(kernel, there.directory, ""), there.name);
  }
  if (!source.isDirectory && path.endsWith("/")) throw refused("not_found", shown, "there is no such directory");
  const [above, name] = divide(path.replace(/\/+\.?$/, ""));
  if (name === "") throw refused("not_found", shown, "there is no such directory");
  using parent = findInside(kernel, side, `${above}/.`, { follow: true });
  if (parent === undefined || !isDirectory(parent.status)) {
    throw refused("not_found", shown, `there is no directory ${toText(clean(above))}`);
  }
  return destination(open(kernel, parent.directory, parent.name), name);
}

function open(kernel: Kernel, directory: number, name: BytePath): OwnedFd {
  return openBelow(kernel, directory, name, { flags: OPEN.O_PATH + OPEN.O_DIRECTORY, resolve: RESOLUTION.noLinks });
}

function destination(into: OwnedFd, as: BytePath): Destination {
  return { into: into.number, as, [Symbol.dispose]: () => into.close() };
}

function refused(code: "failed_precondition" | "not_found", path: string, why: string): ContainerError {
  return new ContainerError(code, `cannot copy to ${path}: ${why}`);
}
