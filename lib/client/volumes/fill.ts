import { ContainerError } from "../../errors.ts";
import { createText, exists, isErrno, removeFile } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { copyMetadata, copyTree } from "../../linux/tree/copy.ts";
import { isDirectory, listEntries, makeDirectory, openEntry } from "../../linux/tree/entries.ts";
import { DIRECTORY } from "../../linux/tree/open.ts";
import { fromText } from "../../linux/tree/paths.ts";
import { removeTree } from "../../linux/tree/remove.ts";
import type { ContainerRoot } from "../copy/container-root.ts";
import { findInside } from "../copy/find.ts";
import { type HeldVolume, openVolume, removeHeld, type VolumeMaking } from "./hold.ts";
import { DATA, type Volume } from "./volume.ts";

/** A volume that a container mounts. */
export interface VolumeUse extends VolumeMaking {
  /** Where in the container. */
  readonly target: string;
  /** Of an empty volume: what the image has there is copied into it. */
  readonly isFilled: boolean;
}

/** The volumes of a container that is being made. */
export interface ContainerVolumes {
  /** As `volumesDirectory()` gives it. */
  readonly directory: string;
  readonly uses: readonly VolumeUse[];
}

/** Volumes that nobody removes, until they are disposed of. */
export interface HeldVolumes extends Disposable {
  /** Removes those that were made for the container alone. */
  undo(): Promise<void>;
}

/** Begins a file beside the data while it is being copied: a copy that was not finished is made again. */
const FILLING = "filling";

/**
 * Makes the volumes of a container that are not there, and fills those that are empty with what its image has in their
 * places: `openImage` opens its root, and is called only if it is needed. They are held until the container's record says that it uses them. @throws {ContainerError}
 */
export async function holdVolumes(
  kernel: Kernel,
  openImage: () => ContainerRoot,
  { directory, uses }: ContainerVolumes,
): Promise<HeldVolumes> {
  const held: HeldVolume[] = [];
  const release = () => {
    for (const each of held) each[Symbol.dispose]();
  };
  const undo = async () => {
    for (const each of held) if (each.isNew && each.volume.isAnonymous) await removeHeld(kernel, directory, each);
  };
  try {
    // In one order for all: two commands cannot wait for each other.
    const byName = Map.groupBy(uses, ({ name }) => name);
    for (const name of [...byName.keys()].toSorted()) {
      const [first] = byName.get(name) ?? [];
      if (first !== undefined) held.push(await openVolume(kernel, directory, first));
    }
    await fill(kernel, openImage, { held, uses });
  } catch (error) {
    await undo().catch(() => undefined);
    release();
    throw error;
  }
  return { undo, [Symbol.dispose]: release };
}

async function fill(
  kernel: Kernel,
  openImage: () => ContainerRoot,
  { held, uses }: { readonly held: readonly HeldVolume[]; readonly uses: readonly VolumeUse[] },
): Promise<void> {
  const wanted: (readonly [HeldVolume, VolumeUse])[] = [];
  for (const each of held) {
    const use = uses.find(({ name, isFilled }) => name === each.volume.name && isFilled);
    if (use !== undefined && (await isEmpty(kernel, each))) wanted.push([each, use]);
  }
  if (wanted.length === 0) return;
  using root = openImage();
  for (const [each, use] of wanted) await fillOne(kernel, root, each, use);
}

/** Whether there is nothing in a volume; what a copy has left that was killed is removed. */
async function isEmpty(kernel: Kernel, { directory, volume }: HeldVolume): Promise<boolean> {
  const marker = markerOf(volume);
  if (exists(kernel, marker)) {
    await removeTree(kernel, directory.number, DATA);
    makeDirectory(kernel, directory.number, DATA, 0o755);
    removeFile(kernel, marker);
  }
  using data = openEntry(kernel, directory.number, DATA, DIRECTORY.readable);
  return listEntries(kernel, data.number).length === 0;
}

function markerOf({ mountpoint }: Volume): string {
  return `${mountpoint.slice(0, -DATA.length)}${FILLING}`;
}

async function fillOne(kernel: Kernel, root: ContainerRoot, held: HeldVolume, { target }: VolumeUse): Promise<void> {
  const side = { root: root.number, label: "image:" };
  const source = findSource(kernel, side, target);
  if (source === undefined) return;
  using _ = source;
  if (!isDirectory(source.status)) {
    const why = `${target} of the image is no directory`;
    throw new ContainerError("failed_precondition", `cannot mount volume ${held.volume.name} there: ${why}`);
  }
  const marker = markerOf(held.volume);
  createText(kernel, marker, "", 0o600);
  {
    using from = openEntry(kernel, source.directory, source.name, DIRECTORY.readable);
    using to = openEntry(kernel, held.directory.number, DATA, DIRECTORY.readable);
    await copyTree(kernel, from.number, to.number);
  }
  const from = { directory: source.directory, name: source.name };
  copyMetadata(kernel, from, { directory: held.directory.number, name: DATA }, source.status);
  removeFile(kernel, marker);
}

/** The directory of an image that a volume is mounted over; links are followed as in the container. */
function findSource(kernel: Kernel, side: { readonly root: number; readonly label: string }, target: string) {
  try {
    return findInside(kernel, side, fromText(target), { follow: true });
  } catch (error) {
    // A directory on the way is not there: the runtime will make it.
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}
