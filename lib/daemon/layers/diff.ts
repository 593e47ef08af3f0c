import { ContainerError } from "../../errors.ts";
import { FILE_TYPE } from "../../linux/constants/files.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { type EntryStatus, isDirectory, readLink } from "../../linux/tree/entries.ts";
import { DIRECTORY, openBelow, RESOLUTION } from "../../linux/tree/open.ts";
import { Pace } from "../../linux/tree/pace.ts";
import { type BytePath, fromText, join, split, toText } from "../../linux/tree/paths.ts";
import { attributesOf, describeEntry, fileContent, openFileEntry } from "../../tar/entry-reader.ts";
import type { TarEntry } from "../../tar/tar-entry.ts";
import { encodeHeader, TAR_END } from "../../tar/tar-writer.ts";
import type { Mount } from "../snapshots/driver.ts";
import {
  type Layer,
  type LayerStack,
  type MergedEntry,
  OpenLayers,
  readMerged,
  sameLayers,
} from "./merged-directory.ts";

const WHITEOUT = fromText(".wh.");
/** What overlayfs notes of directories that were renamed and of files whose bytes are in another layer. */
const FOREIGN = new Set(["trusted.overlay.redirect", "trusted.overlay.metacopy"]);

/**
 * image-spec § Creating: the archive of what makes one snapshot out of another, as it is read. Nothing is mounted: the
 * layers behind the mounts are read by descriptors and merged as overlayfs does, so that what a container changes
 * meanwhile cannot lead elsewhere. The same two trees give the same bytes. A directory comes before what is in it, names
 * in order of their bytes; sockets are left out.
 * @throws {ContainerError} aborted when a file changes while it is read, failed_precondition, unimplemented
 */
export async function* diffLayers(
  kernel: Kernel,
  { lower, upper }: { readonly lower: readonly Mount[]; readonly upper: readonly Mount[] },
): AsyncGenerator<Uint8Array> {
  using open = new OpenLayers(kernel);
  const below = open.open(lower);
  const above = open.open(upper);
  const differ = new Differ(kernel, below.isOverlay, above.isOverlay);
  yield* differ.directory("", below.layers, above.layers);
  yield TAR_END;
}

class Differ {
  readonly #kernel: Kernel;
  readonly #lowerIsOverlay: boolean;
  readonly #upperIsOverlay: boolean;
  readonly #pace = new Pace();
  /** Directories on the way that have not changed themselves: they are written when something in them has. */
  readonly #pending: { readonly path: BytePath; readonly entry: MergedEntry }[] = [];
  readonly #firstNames = new Map<string, BytePath>();

  constructor(kernel: Kernel, lowerIsOverlay: boolean, upperIsOverlay: boolean) {
    this.#kernel = kernel;
    this.#lowerIsOverlay = lowerIsOverlay;
    this.#upperIsOverlay = upperIsOverlay;
  }

  async *directory(path: BytePath, lower: readonly Layer[], upper: readonly Layer[]): AsyncGenerator<Uint8Array> {
    // What neither has changed is not even looked at.
    if (sameLayers(lower, upper)) return;
    const before = this.#read(path, { layers: lower, isOverlay: this.#lowerIsOverlay });
    const after = this.#read(path, { layers: upper, isOverlay: this.#upperIsOverlay });
    for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
      if (this.#pace.isDue) await this.#pace.turn();
      const entry = after.get(name);
      if (entry === undefined) yield* this.#whiteout(path, name);
      else yield* this.#entry(join(path, name), before.get(name), entry);
    }
  }

  #read(path: BytePath, stack: LayerStack): ReadonlyMap<BytePath, MergedEntry> {
    return readMerged(this.#kernel, stack, path);
  }

  async *#entry(path: BytePath, before: MergedEntry | undefined, entry: MergedEntry): AsyncGenerator<Uint8Array> {
    const isSame = before !== undefined && this.#isSame(path, before, entry);
    if (!isDirectory(entry.status)) {
      if (!isSame) yield* this.#write(path, entry);
      return;
    }
    const depth = this.#pending.length;
    if (isSame) this.#pending.push({ path, entry });
    else yield* this.#write(path, entry);
    const layersBefore = before !== undefined && isDirectory(before.status) ? before.layers : [];
    yield* this.directory(path, layersBefore, entry.layers);
    this.#pending.length = Math.min(this.#pending.length, depth);
  }

  /** Whether two entries are one, or look so: a file's bytes are compared only where its time does not tell. */
  #isSame(path: BytePath, before: MergedEntry, after: MergedEntry): boolean {
    const [a, b] = [before.status, after.status];
    if (before.layer === after.layer && a.identity === b.identity) return true;
    if (a.type !== b.type || a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return false;
    if (a.major !== b.major || a.minor !== b.minor) return false;
    const attributes = (entry: MergedEntry) => this.#inDirectory(path, entry, (at, name) => this.#attributes(at, name));
    if (!sameAttributes(attributes(before), attributes(after))) return false;
    if (isDirectory(a)) return true;
    if (a.type === FILE_TYPE.S_IFLNK) {
      const target = (entry: MergedEntry) =>
        this.#inDirectory(path, entry, (at, name) => readLink(this.#kernel, at, name));
      return target(before) === target(after);
    }
    return a.size === b.size && a.mtime.seconds === b.mtime.seconds && a.mtime.nanoseconds === b.mtime.nanoseconds;
  }

  *#whiteout(path: BytePath, name: BytePath): Generator<Uint8Array> {
    yield* this.#writePending();
    const fields = {
      type: "file",
      target: "",
      mode: 0,
      uid: 0,
      gid: 0,
      size: 0,
      atime: undefined,
      major: 0,
      minor: 0,
    } as const;
    const mtime = { seconds: 0, nanoseconds: 0 };
    yield encodeHeader({ ...fields, name: join(path, `${WHITEOUT}${name}`), mtime, attributes: new Map() });
  }

  *#writePending(): Generator<Uint8Array> {
    for (const { path, entry } of this.#pending.splice(0)) {
      const header = this.#inDirectory(path, entry, (at, name) => this.#header(path, entry.status, at, name));
      if (header !== undefined) yield encodeHeader(header);
    }
  }

  async *#write(path: BytePath, entry: MergedEntry): AsyncGenerator<Uint8Array> {
    const { status } = entry;
    const [above, name] = split(path);
    using directory = this.#open(entry.layer, above);
    const header = this.#header(path, status, directory.number, name);
    if (header === undefined) return;
    yield* this.#writePending();
    const first = this.#firstNames.get(status.identity);
    if (status.links > 1 && header.type !== "directory") {
      if (first !== undefined) {
        yield encodeHeader({ ...header, type: "hard link", target: first, size: 0, attributes: new Map() });
        return;
      }
      this.#firstNames.set(status.identity, path);
    }
    yield encodeHeader(header);
    if (header.type !== "file" || header.size === 0) return;
    const onChanged = () => {
      throw changed(name);
    };
    using file = openFileEntry(this.#kernel, { directory: directory.number, name });
    yield* fileContent(this.#kernel, file, { size: header.size, pace: this.#pace, onChanged });
  }

  #header(path: BytePath, status: EntryStatus, directory: number, name: BytePath): TarEntry | undefined {
    const entry = describeEntry(this.#kernel, { directory, name }, { path, status });
    if (entry === undefined) return undefined;
    const mtime = { seconds: status.mtime.seconds, nanoseconds: 0 };
    return { ...entry, mtime, attributes: this.#attributes(directory, name) };
  }

  /** The attributes that belong to a file wherever it is. @throws {ContainerError} failed_precondition */
  #attributes(directory: number, name: BytePath): ReadonlyMap<string, Uint8Array> {
    return attributesOf(this.#kernel, { directory, name }, (key) => {
      if (this.#upperIsOverlay && FOREIGN.has(key)) {
        const why = `overlayfs has noted ${key} on "${toText(name)}"; mount with redirect_dir=off and metacopy=off`;
        throw new ContainerError("failed_precondition", `cannot compare snapshots: ${why}`);
      }
      return key === "security.capability" || isUserAttribute(key);
    });
  }

  #inDirectory<T>(path: BytePath, { layer }: MergedEntry, work: (directory: number, name: BytePath) => T): T {
    const [above, name] = split(path);
    using directory = this.#open(layer, above);
    return work(directory.number, name);
  }

  #open(layer: Layer, path: BytePath): OwnedFd {
    return openBelow(this.#kernel, layer.root.number, path, { flags: DIRECTORY.handle, resolve: RESOLUTION.noLinks });
  }
}

function isUserAttribute(key: string): boolean {
  return key.startsWith("user.") && !key.startsWith("user.overlay.");
}

function sameAttributes(a: ReadonlyMap<string, Uint8Array>, b: ReadonlyMap<string, Uint8Array>): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([key, value]) => {
    const other = b.get(key);
    return other !== undefined && Buffer.compare(value, other) === 0;
  });
}

function changed(name: BytePath): ContainerError {
  return new ContainerError("aborted", `cannot read "${toText(name)}": it has changed meanwhile`);
}
