import { ContainerError } from "../../errors.ts";
import { errnoNumber } from "../../linux/constants/errno.ts";
import { AT_FDCWD, OPEN } from "../../linux/constants/files.ts";
import { checkResult, OwnedFd } from "../../linux/fd.ts";
import type { Kernel } from "../../linux/kernel.ts";
import {
  changeMode,
  findEntry,
  isDirectory,
  makeDirectory,
  openEntry,
  readLink,
  type Time,
} from "../../linux/tree/entries.ts";
import { DIRECTORY, openRoot, RESOLUTION, tryOpenBelow } from "../../linux/tree/open.ts";
import { type BytePath, clean, fromBytes, join, split, toText } from "../../linux/tree/paths.ts";
import { copyLooks } from "../../tar/entry-writer.ts";

const HANDLE = { flags: DIRECTORY.handle, resolve: RESOLUTION.inRoot };
const MODEL = { flags: OPEN.O_PATH, resolve: RESOLUTION.inRoot };
/** As many links as the kernel follows in one path. */
const MAX_LINKS = 40;
const DEFAULT_MODE = 0o755;
/** What the kernel tells of a path, in bytes. */
const PATH_MAX = 4096;

/** A directory inside the root: a descriptor that names it, and where it is, links resolved. */
interface Directory {
  readonly number: number;
  readonly realPath: BytePath;
}

interface Options {
  readonly root: number;
  /** The directories below the root's layer, nearest first. */
  readonly below: readonly string[];
  /** Told of every directory that is made because an entry is in it, and of the time it should end up with, if any. */
  readonly onMade: (realPath: BytePath, time: Time | undefined) => void;
}

/**
 * The directories that entries are in, opened by the kernel inside the root and made when they are missing. The last one
 * is kept open: entries of a directory come together.
 */
export class ParentDirectories implements Disposable {
  readonly #kernel: Kernel;
  readonly #options: Options;
  readonly #below: readonly OwnedFd[];
  readonly #rootPath: BytePath;
  #path: BytePath | undefined;
  #directory: OwnedFd | undefined;
  #realPath: BytePath = "";

  constructor(kernel: Kernel, options: Options) {
    this.#kernel = kernel;
    this.#options = options;
    this.#below = options.below.map((path) => openRoot(kernel, path));
    this.#rootPath = this.#pathOf(options.root);
  }

  /** Opens a directory, valid until the next call, made if it is missing. @throws {ContainerError} */
  open(path: BytePath): Directory {
    if (path === this.#path && this.#directory !== undefined) return this.#current();
    return this.#keep(path, this.#openOrMake(path, 0));
  }

  /** Opens a directory that is there, valid until the next call. */
  find(path: BytePath): Directory | undefined {
    if (path === this.#path && this.#directory !== undefined) return this.#current();
    const result = tryOpenBelow(this.#kernel, this.#options.root, path, HANDLE);
    return result < 0 ? undefined : this.#keep(path, new OwnedFd(this.#kernel, result));
  }

  /** To be called when something was removed: what paths mean may have changed. */
  forget(): void {
    this.#path = undefined;
  }

  /** The directory in which a hard link's target is; the caller closes it. @throws {ContainerError} invalid_argument */
  openAbove(target: BytePath): OwnedFd {
    const path = clean(target);
    const result = tryOpenBelow(this.#kernel, this.#options.root, split(path)[0], HANDLE);
    if (path !== "" && result >= 0) return new OwnedFd(this.#kernel, result);
    if (result >= 0) this.#kernel.call("close", result);
    throw new ContainerError("invalid_argument", `its target "${toText(target)}" is not in the layer`);
  }

  /** A descriptor of a directory that can be read; the caller closes it. */
  openReadable(directory: number): OwnedFd {
    return openEntry(this.#kernel, directory, ".", DIRECTORY.readable);
  }

  /** A descriptor that names a directory in another; the caller closes it. */
  openChild(directory: number, name: BytePath): OwnedFd {
    return openEntry(this.#kernel, directory, name, DIRECTORY.handle);
  }

  [Symbol.dispose](): void {
    this.#directory?.close();
    for (const each of this.#below) each.close();
  }

  #current(): Directory {
    return { number: this.#directory?.number ?? -1, realPath: this.#realPath };
  }

  #keep(path: BytePath, directory: OwnedFd): Directory {
    this.#directory?.close();
    this.#directory = directory;
    this.#path = path;
    this.#realPath = this.#realPathOf(directory.number);
    return this.#current();
  }

  #realPathOf(directory: number): BytePath {
    return this.#pathOf(directory).slice(this.#rootPath.length).replace(/^\//, "");
  }

  /** @throws {ContainerError} invalid_argument for one that is deeper than a path can say */
  #pathOf(directory: number): BytePath {
    const buffer = new Uint8Array(PATH_MAX);
    const size = this.#kernel.call("readlinkat", AT_FDCWD, `/proc/self/fd/${directory}`, buffer, buffer.length);
    if (size > 0 && size < PATH_MAX) return fromBytes(buffer.subarray(0, size));
    throw new ContainerError("invalid_argument", "a directory of the layer is too deep: file name too long");
  }

  #openOrMake(path: BytePath, links: number): OwnedFd {
    const result = tryOpenBelow(this.#kernel, this.#options.root, path, HANDLE);
    if (result !== -errnoNumber("ENOENT")) {
      return new OwnedFd(this.#kernel, checkResult(result, { doing: `open its directory ${toText(path)}` }, "openat2"));
    }
    const [above, name] = split(path);
    using parent = this.#openOrMake(above, links);
    const there = findEntry(this.#kernel, parent.number, name);
    if (there === undefined) {
      this.#make(parent.number, path);
      return openEntry(this.#kernel, parent.number, name, DIRECTORY.handle);
    }
    // A link to what is not there: the directory it points to, inside the root, is the one that is made.
    if (links === MAX_LINKS) checkResult(-errnoNumber("ELOOP"), { doing: `open ${toText(path)}` }, "openat2");
    const target = readLink(this.#kernel, parent.number, name);
    return this.#openOrMake(clean(target.startsWith("/") ? target : join(above, target)), links + 1);
  }

  /** Makes a directory that looks like the one of that path in the layers below. */
  #make(parent: number, path: BytePath): void {
    const [, name] = split(path);
    makeDirectory(this.#kernel, parent, name, DEFAULT_MODE);
    changeMode(this.#kernel, parent, name, DEFAULT_MODE);
    this.#options.onMade(join(this.#realPathOf(parent), name), this.#copyFromBelow(parent, path));
  }

  /** The time of the directory it looks like now. */
  #copyFromBelow(parent: number, path: BytePath): Time | undefined {
    for (const below of this.#below) {
      const result = tryOpenBelow(this.#kernel, below.number, path, MODEL);
      if (result < 0) continue;
      using model = new OwnedFd(this.#kernel, result);
      const status = findEntry(this.#kernel, model.number, "");
      if (status === undefined || !isDirectory(status)) return undefined;
      copyLooks(
        this.#kernel,
        { directory: model.number, name: "" },
        { directory: parent, name: split(path)[1] },
        status,
      );
      return status.mtime;
    }
    return undefined;
  }
}
