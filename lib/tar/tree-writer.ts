import { ContainerError } from "../errors.ts";
import { checkResult } from "../linux/fd.ts";
import type { Kernel } from "../linux/kernel.ts";
import { changeTimes, findEntry, isDirectory, makeDirectory, type Time, unlinkEntry } from "../linux/tree/entries.ts";
import { DIRECTORY, openBelow, RESOLUTION } from "../linux/tree/open.ts";
import { Pace } from "../linux/tree/pace.ts";
import { type BytePath, clean, join, split, toText } from "../linux/tree/paths.ts";
import { decompress } from "./compression.ts";
import { writeEntry } from "./entry-writer.ts";
import { invalidTar, type TarEntry } from "./tar-entry.ts";
import { TarReader } from "./tar-reader.ts";

/** How an archive is unpacked. */
export interface UnpackRequest {
  /** A directory that is open: nothing is written elsewhere. */
  readonly into: number;
  /** Changes an entry before it is made, or leaves it out. */
  readonly edit: (entry: TarEntry) => TarEntry | undefined;
}

const NO_LINKS = { flags: DIRECTORY.handle, resolve: RESOLUTION.noLinks };
const DEFAULT_MODE = 0o755;

/**
 * Unpacks a tar archive, compressed or not. A file takes the place of another; of a directory and something else neither
 * takes the other's. No link below the directory is followed, whoever has made it.
 * @throws {ContainerError}, {SyscallError}
 */
export async function unpackTree(
  kernel: Kernel,
  chunks: AsyncIterable<Uint8Array>,
  request: UnpackRequest,
): Promise<void> {
  const reader = new TarReader(decompress(chunks));
  const writer = new Unpacker(kernel, request);
  try {
    for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
      await writer.add(entry, reader);
    }
    await reader.drain();
    writer.finish();
  } finally {
    await reader.close();
  }
}

class Unpacker {
  readonly #kernel: Kernel;
  readonly #request: UnpackRequest;
  readonly #pace = new Pace();
  /** Writing into a directory changes its times, so they are set at the end. */
  readonly #times = new Map<BytePath, Time>();

  constructor(kernel: Kernel, request: UnpackRequest) {
    this.#kernel = kernel;
    this.#request = request;
  }

  async add(given: TarEntry, reader: TarReader): Promise<void> {
    if (this.#pace.isDue) await this.#pace.turn();
    const entry = this.#request.edit(given);
    const path = clean(given.name);
    // The directory itself is there already.
    if (entry === undefined || path === "") return;
    const [above, name] = split(path);
    using directory = this.#openDirectory(above);
    const place = { directory: directory.number, name };
    this.#makeRoom(entry, path, directory.number);
    if (entry.type === "hard link") {
      const target = clean(entry.target);
      if (target === "") throw invalidTar(`${toText(path)} is a hard link to nothing`);
      using aboveTarget = this.#openDirectory(split(target)[0]);
      await writeEntry(this.#kernel, entry, { place, above: aboveTarget.number, pace: this.#pace });
    } else await writeEntry(this.#kernel, entry, { place, reader, pace: this.#pace });
    if (entry.type === "directory") this.#times.set(path, entry.mtime);
  }

  finish(): void {
    for (const [path, time] of [...this.#times].reverse()) {
      using directory = this.#openDirectory(path);
      changeTimes(this.#kernel, directory.number, ".", { atime: time, mtime: time });
    }
  }

  /** A directory of the archive; those that it does not name are made. */
  #openDirectory(path: BytePath) {
    const { into } = this.#request;
    for (let made = "", rest = path.split("/"); path !== "" && rest.length > 0; rest = rest.slice(1)) {
      using above = openBelow(this.#kernel, into, made, NO_LINKS);
      const [name = ""] = rest;
      if (findEntry(this.#kernel, above.number, name) === undefined) {
        makeDirectory(this.#kernel, above.number, name, DEFAULT_MODE);
      }
      made = join(made, name);
    }
    return openBelow(this.#kernel, into, path, NO_LINKS);
  }

  #makeRoom({ type }: TarEntry, path: BytePath, directory: number): void {
    const [, name] = split(path);
    const there = findEntry(this.#kernel, directory, name);
    if (there === undefined) return;
    const [isThere, isNew] = [isDirectory(there), type === "directory"];
    if (isThere && isNew) return;
    if (isThere !== isNew) {
      const [a, b] = isThere ? ["what is no directory", "a directory"] : ["a directory", "what is no directory"];
      throw new ContainerError("failed_precondition", `cannot write ${toText(path)}: ${b} is there, and this is ${a}`);
    }
    checkResult(unlinkEntry(this.#kernel, directory, name), { doing: `replace ${toText(path)}` }, "unlinkat");
  }
}
