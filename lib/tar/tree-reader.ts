import type { Kernel } from "../linux/kernel.ts";
import { type EntryStatus, isDirectory } from "../linux/tree/entries.ts";
import { DIRECTORY, openBelow, RESOLUTION } from "../linux/tree/open.ts";
import { Pace } from "../linux/tree/pace.ts";
import { type BytePath, join, toText } from "../linux/tree/paths.ts";
import { walkTree } from "../linux/tree/walk.ts";
import { attributesOf, describeEntry, fileContent } from "./entry-reader.ts";
import type { Place } from "./entry-writer.ts";
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
    for await (const { path, name, directory, status: each } of walkTree(kernel, root.number)) {
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

  async *entry(place: Place, status: EntryStatus, path: BytePath): AsyncGenerator<Uint8Array> {
    const entry = describeEntry(this.#kernel, place, { path, status });
    if (entry === undefined) {
      this.#warn(`${toText(path)} is a socket, which nobody could use: left out`);
      return;
    }
    const first = status.links > 1 && !isDirectory(status) ? this.#firstNames.get(status.identity) : undefined;
    if (first !== undefined) {
      yield encodeHeader({ ...entry, type: "hard link", target: first, size: 0 });
      return;
    }
    if (status.links > 1) this.#firstNames.set(status.identity, path);
    const isKept = (key: string) => key.startsWith("user.") || key === "security.capability";
    yield encodeHeader({ ...entry, attributes: attributesOf(this.#kernel, place, isKept) });
    if (entry.type !== "file" || entry.size === 0) return;
    const onChanged = () => this.#warn(`${toText(path)} has changed while it was read`);
    yield* fileContent(this.#kernel, place, { size: entry.size, pace: this.#pace, onChanged });
  }
}
