import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Kernel } from "../../linux/kernel.ts";
import { changeMode, changeOwner, findEntry } from "../../linux/tree/entries.ts";
import { openRoot } from "../../linux/tree/open.ts";
import { removeTree } from "../../linux/tree/remove.ts";
import { type Usage, usageOf } from "../../linux/tree/walk.ts";
import { numbersIn } from "../files.ts";

const FS_MODE = 0o755;

/** The directories of a driver's snapshots: `<number>/fs` with the files, and what the driver adds beside it. */
export class SnapshotDirectories {
  readonly kernel: Kernel;
  readonly #root: string;

  constructor(kernel: Kernel, root: string) {
    this.kernel = kernel;
    this.#root = root;
    mkdirSync(root, { recursive: true, mode: 0o700 });
  }

  /** The path of a snapshot, or of something in it. */
  path(number: number, ...names: readonly string[]): string {
    return join(this.#root, String(number), ...names);
  }

  /** Makes a snapshot's directory and an empty `fs` in it, which belongs to whom the parent's belongs. */
  create(number: number, parent: number | undefined): void {
    mkdirSync(this.path(number), { mode: 0o700 });
    mkdirSync(this.path(number, "fs"), { mode: FS_MODE });
    using directory = openRoot(this.kernel, this.path(number));
    changeMode(this.kernel, directory.number, "fs", FS_MODE);
    if (parent === undefined) return;
    using above = openRoot(this.kernel, this.path(parent, "fs"));
    const status = findEntry(this.kernel, above.number, "");
    if (status !== undefined) changeOwner(this.kernel, directory.number, "fs", status.uid, status.gid);
  }

  async usage(number: number): Promise<Usage> {
    using directory = openRoot(this.kernel, this.path(number, "fs"));
    return await usageOf(this.kernel, directory.number);
  }

  exists(number: number): boolean {
    return existsSync(this.path(number, "fs"));
  }

  async remove(number: number): Promise<void> {
    using root = openRoot(this.kernel, this.#root);
    await removeTree(this.kernel, root.number, String(number));
  }

  list(): readonly number[] {
    return numbersIn(this.#root);
  }
}
