import { ContainerError } from "../../errors.ts";
import { errnoNumber } from "../../linux/constants/errno.ts";
import { FILE_TYPE } from "../../linux/constants/files.ts";
import { checkResult, type OwnedFd } from "../../linux/fd.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { changeTimes, findEntry, isDirectory, listEntries, setAttribute, type Time } from "../../linux/tree/entries.ts";
import { openRoot } from "../../linux/tree/open.ts";
import { Pace } from "../../linux/tree/pace.ts";
import { type BytePath, clean, join, split } from "../../linux/tree/paths.ts";
import { removeTree } from "../../linux/tree/remove.ts";
import { type Place, writeEntry } from "../../tar/entry-writer.ts";
import { invalidTar, type TarEntry } from "../../tar/tar-entry.ts";
import type { TarReader } from "../../tar/tar-reader.ts";
import { ParentDirectories } from "./parent-directories.ts";
import type { LayerTarget } from "./target.ts";

const WHITEOUT = ".wh.";
const WHITEOUT_META = ".wh..wh.";
const OPAQUE = ".wh..wh..opq";
const OVERLAY_OPAQUE = { key: "trusted.overlay.opaque", value: Buffer.from("y") };

/**
 * Writes the entries of a layer into a directory. A path is cleaned as text, its directory opened inside the root by the
 * kernel, and the last name made there without following anything: there is no way out by "..", links or hard links.
 */
export class LayerWriter implements Disposable {
  readonly #kernel: Kernel;
  readonly #root: OwnedFd;
  readonly #isOverlay: boolean;
  readonly #parents: ParentDirectories;
  readonly #pace = new Pace();
  /** What this layer has made, by real paths: its own deletions do not concern it. */
  readonly #made = new Set<BytePath>();
  /** Writing into a directory changes its times, so they are set at the end. */
  readonly #times = new Map<BytePath, { readonly atime: Time; readonly mtime: Time }>();
  #implied = 0;

  constructor(kernel: Kernel, target: LayerTarget) {
    this.#kernel = kernel;
    this.#root = openRoot(kernel, target.directory);
    this.#isOverlay = target.form === "overlay";
    const onMade = (path: BytePath, time: Time | undefined) => {
      this.#implied++;
      this.#made.add(path);
      if (time !== undefined) this.#times.set(path, { atime: time, mtime: time });
    };
    this.#parents = new ParentDirectories(kernel, { root: this.#root.number, below: target.parents, onMade });
  }

  /** How many directories were made because something is in them. */
  get implied(): number {
    return this.#implied;
  }

  /** Writes an entry; its bytes are read from the reader that gave it. @throws {ContainerError} */
  async add(entry: TarEntry, reader: TarReader): Promise<void> {
    if (this.#pace.isDue) await this.#pace.turn();
    const path = clean(entry.name);
    // The root is there already and keeps its looks.
    if (path === "") return;
    const [directory, name] = split(path);
    if (name.startsWith(WHITEOUT_META) && name !== OPAQUE) return;
    const parent = this.#parents.open(directory);
    const place = { directory: parent.number, name };
    if (name === OPAQUE) await this.#hideAll(parent.number, parent.realPath);
    else if (name.startsWith(WHITEOUT))
      await this.#hide({ ...place, name: name.slice(WHITEOUT.length) }, parent, entry);
    else await this.#write(entry, reader, { ...place, realPath: join(parent.realPath, name) });
  }

  /** Sets the times of directories, when all is written. */
  async finish(): Promise<void> {
    for (const [path, times] of this.#times) {
      if (this.#pace.isDue) await this.#pace.turn();
      const [directory, name] = split(path);
      const parent = this.#parents.find(directory);
      if (parent === undefined || !isDirectory(findEntry(this.#kernel, parent.number, name))) continue;
      changeTimes(this.#kernel, parent.number, name, times);
    }
  }

  [Symbol.dispose](): void {
    this.#parents[Symbol.dispose]();
    this.#root.close();
  }

  async #write(entry: TarEntry, reader: TarReader, place: Place & { readonly realPath: BytePath }): Promise<void> {
    const { realPath } = place;
    using above = entry.type === "hard link" ? this.#parents.openAbove(entry.target) : undefined;
    const hidden = await this.#makeRoom(entry, place);
    await writeEntry(this.#kernel, entry, { place, above: above?.number, reader, pace: this.#pace });
    // What this layer deletes before it makes the directory stays deleted.
    if (hidden && entry.type === "directory") this.#markOpaque(place);
    if (entry.type === "directory")
      this.#times.set(realPath, { atime: entry.atime ?? entry.mtime, mtime: entry.mtime });
    else this.#times.delete(realPath);
    this.#made.add(realPath);
  }

  /**
   * Removes what is in the way of an entry: everything but a directory in the way of a directory. Tells whether it was the
   * mark of a deletion.
   */
  async #makeRoom(entry: TarEntry, { directory, name }: Place): Promise<boolean> {
    const there = findEntry(this.#kernel, directory, name);
    if (there === undefined || (isDirectory(there) && entry.type === "directory")) return false;
    this.#parents.forget();
    // The descriptor of the directory belongs to what has just been forgotten, which keeps it until the next one.
    await removeTree(this.#kernel, directory, name);
    return this.#isOverlay && there.type === FILE_TYPE.S_IFCHR && there.major === 0 && there.minor === 0;
  }

  /** `.wh.name`: the name of the layers below is not to be seen. */
  async #hide(place: Place, { realPath }: { readonly realPath: BytePath }, entry: TarEntry): Promise<void> {
    const { directory, name } = place;
    if (name === "" || name === "." || name === "..") throw invalidTar(`it deletes "${name}"`);
    const isOwn = this.#made.has(join(realPath, name));
    if (isOwn) {
      if (this.#isOverlay && isDirectory(findEntry(this.#kernel, directory, name))) this.#markOpaque(place);
      return;
    }
    this.#parents.forget();
    await removeTree(this.#kernel, directory, name);
    if (!this.#isOverlay) return;
    const whiteout = { ...entry, type: "char", name, mode: 0, major: 0, minor: 0, attributes: new Map() } as const;
    await writeEntry(this.#kernel, whiteout, { place, pace: this.#pace });
  }

  /** `.wh..wh..opq`: nothing of the layers below is to be seen in the directory. */
  async #hideAll(directory: number, realPath: BytePath): Promise<void> {
    if (this.#isOverlay) this.#markOpaque({ directory, name: "" });
    else {
      await this.#removeOthers(directory, realPath);
      this.#parents.forget();
    }
  }

  async #removeOthers(directory: number, realPath: BytePath): Promise<void> {
    // A descriptor to be read from: the one at hand only names the directory.
    using readable = this.#parents.openReadable(directory);
    for (const { name } of listEntries(this.#kernel, readable.number)) {
      const path = join(realPath, name);
      if (!this.#made.has(path)) await removeTree(this.#kernel, directory, name);
      else if (isDirectory(findEntry(this.#kernel, directory, name))) {
        using child = this.#parents.openChild(directory, name);
        await this.#removeOthers(child.number, path);
      }
    }
  }

  #markOpaque({ directory, name }: Place): void {
    const result = setAttribute(this.#kernel, directory, name, OVERLAY_OPAQUE);
    if (result === -errnoNumber("EOPNOTSUPP")) {
      throw new ContainerError("failed_precondition", "the filesystem of the snapshots has no trusted attributes");
    }
    checkResult(result, { doing: "make a directory opaque" }, "lsetxattr");
  }
}
