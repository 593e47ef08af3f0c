import type { OwnedFd } from "../linux/fd.ts";
import { filesystemOf, isErrno } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { type EntryStatus, isDirectory } from "../linux/tree/entries.ts";
import { DIRECTORY, openBelow, RESOLUTION } from "../linux/tree/open.ts";
import { Pace } from "../linux/tree/pace.ts";
import { type BytePath, join, toText } from "../linux/tree/paths.ts";
import { openUnlessGone, type Visited, walkTree } from "../linux/tree/walk.ts";
import { attributesOf, describeEntry, fileContent, openFileEntry } from "./entry-reader.ts";
import type { Place } from "./entry-writer.ts";
import type { TarEntry } from "./tar-entry.ts";
import { encodeHeader, TAR_END } from "./tar-writer.ts";

/** What is packed, and how. */
export interface PackRequest {
  /** The entry; its name is "" for the directory itself. */
  readonly from: Place;
  readonly status: EntryStatus;
  /** What the archive calls it; "" leaves it out, and of a directory there is what is in it. */
  readonly as: BytePath;
  /** Told of what is left out, or was not read as a whole. */
  readonly warn: (message: string) => void;
}

/**
 * A file, or a directory with all that is in it, as a tar archive that is made as it is read. Links are not followed, and a
 * tree that somebody changes meanwhile leads nowhere else. @throws {SyscallError}
 */
export async function* packTree(kernel: Kernel, request: PackRequest): AsyncGenerator<Uint8Array> {
  const packer = new Packer(kernel, request.warn);
  const { from, status, as } = request;
  if (as !== "") yield* packer.entry(from, status, as);
  if (isDirectory(status)) {
    using root = openBelow(kernel, from.directory, from.name, {
      flags: DIRECTORY.readable,
      resolve: RESOLUTION.noLinks,
    });
    for await (const { path, name, directory, status: each } of walkTree(kernel, root.number, packer.enters)) {
      yield* packer.entry({ directory, name }, each, join(as, path));
    }
  }
  yield TAR_END;
}

class Packer {
  readonly #kernel: Kernel;
  readonly #warn: (message: string) => void;
  readonly #pace = new Pace();
  readonly #firstNames = new Map<string, BytePath>();

  constructor(kernel: Kernel, warn: (message: string) => void) {
    this.#kernel = kernel;
    this.#warn = warn;
  }

  /** What is mounted is a part of the tree, but not what only the kernel has: /proc, /sys and their like. */
  readonly enters = ({ directory, name }: Visited): boolean => {
    using opened = openUnlessGone(this.#kernel, directory, name);
    return opened !== undefined && !KERNELS_OWN.has(filesystemOf(this.#kernel, `/proc/self/fd/${opened.number}/.`));
  };

  async *entry(place: Place, status: EntryStatus, path: BytePath): AsyncGenerator<Uint8Array> {
    using ready = this.#prepare(place, status, path);
    if (ready === undefined) return;
    const { header, size, file } = ready;
    yield header;
    if (file === undefined) return;
    const onChanged = () => this.#warn(`${toText(path)} has changed while it was read`);
    yield* fileContent(this.#kernel, file, { size, pace: this.#pace, onChanged });
  }

  /** All that can fail before the archive has an entry: undefined for one that is left out. */
  #prepare(place: Place, status: EntryStatus, path: BytePath): Ready | undefined {
    try {
      return this.#begin(place, status, path);
    } catch (error) {
      if (!isErrno(error, "ENOENT")) throw error;
      this.#warn(`${toText(path)} went away while it was looked at: left out`);
      return undefined;
    }
  }

  #begin(place: Place, status: EntryStatus, path: BytePath): Ready | undefined {
    const entry = describeEntry(this.#kernel, place, { path, status });
    if (entry === undefined) {
      this.#warn(`${toText(path)} is a socket, which nobody could use: left out`);
      return undefined;
    }
    const first = status.links > 1 && !isDirectory(status) ? this.#firstNames.get(status.identity) : undefined;
    if (first !== undefined) return toReady({ ...entry, type: "hard link", target: first, size: 0 }, undefined);
    const isKept = (key: string) => key.startsWith("user.") || key === "security.capability";
    const whole = { ...entry, attributes: attributesOf(this.#kernel, place, isKept) };
    const file = entry.type === "file" && entry.size > 0 ? openFileEntry(this.#kernel, place) : undefined;
    if (status.links > 1) this.#firstNames.set(status.identity, path);
    return toReady(whole, file);
  }
}

/** An entry that can be written. */
interface Ready extends Disposable {
  readonly header: Uint8Array;
  readonly size: number;
  /** Of a file with bytes. */
  readonly file: OwnedFd | undefined;
}

function toReady(entry: TarEntry, file: OwnedFd | undefined): Ready {
  return { header: encodeHeader(entry), size: entry.size, file, [Symbol.dispose]: () => file?.close() };
}

/** statfs(2), `f_type`: proc, sysfs, cgroup, cgroup2, debugfs, tracefs, securityfs, bpf, devpts, mqueue. */
const KERNELS_OWN: ReadonlySet<number> = new Set([
  0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x64626720, 0x74726163, 0x73636673, 0xcafe4a11, 0x1cd1, 0x19800202,
]);
