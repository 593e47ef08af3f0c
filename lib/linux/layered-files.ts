import { errnoNumber } from "./constants/errno.ts";
import { AT_FDCWD, FILE_TYPE, OPEN } from "./constants/files.ts";
import { OwnedFd } from "./fd.ts";
import { findStatus } from "./files.ts";
import type { Kernel } from "./kernel.ts";

/** types.proto, Mount: how a snapshot is mounted. */
export interface SnapshotMount {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** Names on the way, with those of links: a loop of links ends here. */
const MAX_STEPS = 256;
const MAX_FILE_BYTES = 4 * 2 ** 20;
const PATH_MAX = 4096;
const DIRECTORY = OPEN.O_RDONLY | OPEN.O_DIRECTORY | OPEN.O_NOFOLLOW | OPEN.O_CLOEXEC;
const FILE = OPEN.O_RDONLY | OPEN.O_NOFOLLOW | OPEN.O_CLOEXEC | OPEN.O_NONBLOCK;
const HANDLE = OPEN.O_PATH | OPEN.O_NOFOLLOW | OPEN.O_CLOEXEC;

/** The directories that a mounted snapshot shows, the uppermost first; undefined for mounts that are not made of such. */
export function layersOf(mounts: readonly SnapshotMount[]): readonly string[] | undefined {
  const [mount] = mounts;
  if (mount === undefined || mounts.length > 1) return undefined;
  if (mount.type === "bind" || mount.options.includes("bind") || mount.options.includes("rbind")) return [mount.source];
  if (mount.type !== "overlay") return undefined;
  const option = (name: string) => mount.options.find((each) => each.startsWith(name))?.slice(name.length);
  const upper = option("upperdir=");
  const lower = option("lowerdir=")?.split(":") ?? [];
  return upper === undefined ? lower : [upper, ...lower];
}

/**
 * The text of a file of a snapshot that is not mounted: layers are put together as overlayfs does. Every component is
 * opened by its name in the directory before, and links are followed by us, so nothing outside of the layers is reached.
 * Undefined when there is no such file, or it cannot be read.
 */
export function findLayeredText(kernel: Kernel, layers: readonly string[], path: string): string | undefined {
  using walk = new Walk(openRoots(kernel, layers), path);
  for (let step = 0; step < MAX_STEPS; step++) {
    const outcome = walk.step();
    if (outcome !== undefined) return outcome.text;
  }
  return undefined;
}

/** A way through directories that layers make up. */
class Walk implements Disposable {
  readonly #root: Layers;
  /** The directories below the root down to where it is. */
  readonly #stack: Layers[] = [];
  #pending: readonly string[];

  constructor(root: Layers, path: string) {
    this.#root = root;
    this.#pending = namesIn(path);
  }

  /** Goes one name further; an outcome is the end. */
  step(): { readonly text: string | undefined } | undefined {
    const [name, ...rest] = this.#pending;
    if (name === undefined) return { text: undefined };
    this.#pending = rest;
    if (name === ".") return undefined;
    if (name === "..") {
      this.#stack.pop()?.[Symbol.dispose]();
      return undefined;
    }
    const found = (this.#stack.at(-1) ?? this.#root).find(name);
    if (found?.kind === "directory") this.#stack.push(found.layers);
    else if (found?.kind === "link") this.#follow(found.target);
    else return { text: rest.length === 0 ? found?.text : undefined };
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#leave();
    this.#root[Symbol.dispose]();
  }

  #follow(target: string): void {
    this.#pending = [...namesIn(target), ...this.#pending];
    if (target.startsWith("/")) this.#leave();
  }

  #leave(): void {
    for (const layers of this.#stack.splice(0)) layers[Symbol.dispose]();
  }
}

function namesIn(path: string): readonly string[] {
  return path.split("/").filter((name) => name !== "");
}

type Entry =
  | { readonly kind: "directory"; readonly layers: Layers }
  | { readonly kind: "file"; readonly text: string }
  | { readonly kind: "link"; readonly target: string };

type Look =
  | { readonly kind: "part"; readonly directory: OwnedFd }
  | { readonly kind: "other"; readonly found: Entry | undefined };

function openRoots(kernel: Kernel, layers: readonly string[]): Layers {
  const opened = layers.flatMap((layer) => {
    const fd = kernel.call("openat", AT_FDCWD, layer, OPEN.O_RDONLY | OPEN.O_DIRECTORY | OPEN.O_CLOEXEC, 0);
    return fd < 0 ? [] : [new OwnedFd(kernel, fd)];
  });
  return new Layers(kernel, opened);
}

/** One directory, as its layers show it. */
class Layers implements Disposable {
  readonly #kernel: Kernel;
  readonly #directories: readonly OwnedFd[];

  constructor(kernel: Kernel, directories: readonly OwnedFd[]) {
    this.#kernel = kernel;
    this.#directories = directories;
  }

  /** What a name is in this directory. */
  find(name: string): Entry | undefined {
    const below: OwnedFd[] = [];
    for (const directory of this.#directories) {
      const entry = this.#look(directory, name);
      if (entry === undefined) continue;
      // A file hides what is below it, and so does a whiteout; below a directory it hides the rest.
      if (entry.kind !== "part") return below.length === 0 ? entry.found : this.#merged(below);
      below.push(entry.directory);
      if (this.#isOpaque(entry.directory)) break;
    }
    return below.length === 0 ? undefined : this.#merged(below);
  }

  #merged(directories: readonly OwnedFd[]): Entry {
    return { kind: "directory", layers: new Layers(this.#kernel, directories) };
  }

  /** What a name is in one layer; undefined when it is not there. */
  #look(directory: OwnedFd, name: string): Look | undefined {
    const handle = this.#kernel.call("openat", directory.number, name, HANDLE, 0);
    if (handle < 0) return undefined;
    using entry = new OwnedFd(this.#kernel, handle);
    const type = findStatus(this.#kernel, entry.number)?.type;
    if (type !== FILE_TYPE.S_IFDIR) {
      const found = type === FILE_TYPE.S_IFLNK ? this.#link(entry) : this.#file(directory, name, type);
      return { kind: "other", found };
    }
    const opened = this.#kernel.call("openat", directory.number, name, DIRECTORY, 0);
    if (opened < 0) return { kind: "other", found: undefined };
    return { kind: "part", directory: new OwnedFd(this.#kernel, opened) };
  }

  [Symbol.dispose](): void {
    for (const directory of this.#directories) directory.close();
  }

  #isOpaque(directory: OwnedFd): boolean {
    const value = new Uint8Array(1);
    const path = `/proc/self/fd/${directory.number}/.`;
    const names = ["trusted.overlay.opaque", "user.overlay.opaque"];
    return names.some((name) => this.#kernel.call("lgetxattr", path, name, value, 1) === 1 && value[0] === 0x79);
  }

  #link(entry: OwnedFd): Entry | undefined {
    const target = new Uint8Array(PATH_MAX);
    const length = this.#kernel.call("readlinkat", entry.number, "", target, target.length);
    return length < 0 ? undefined : { kind: "link", target: new TextDecoder().decode(target.subarray(0, length)) };
  }

  #file(directory: OwnedFd, name: string, type: number | undefined): Entry | undefined {
    if (type !== FILE_TYPE.S_IFREG) return undefined;
    const fd = this.#kernel.call("openat", directory.number, name, FILE, 0);
    if (fd < 0) return undefined;
    using opened = new OwnedFd(this.#kernel, fd);
    const text = readAll(this.#kernel, opened.number);
    return text === undefined ? undefined : { kind: "file", text };
  }
}

function readAll(kernel: Kernel, fd: number): string | undefined {
  const size = findStatus(kernel, fd)?.sizeBytes ?? 0;
  if (size > MAX_FILE_BYTES) return undefined;
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const read = kernel.call("read", fd, bytes.subarray(length), size - length);
    if (read === -errnoNumber("EINTR")) continue;
    if (read <= 0) break;
    length += read;
  }
  return new TextDecoder().decode(bytes.subarray(0, length));
}
