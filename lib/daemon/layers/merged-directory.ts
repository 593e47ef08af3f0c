import { ContainerError } from "../../errors.ts";
import { FILE_TYPE } from "../../linux/constants/files.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { type EntryStatus, findAttribute, findEntry, isDirectory, listEntries } from "../../linux/tree/entries.ts";
import { openRoot } from "../../linux/tree/open.ts";
import type { BytePath } from "../../linux/tree/paths.ts";
import { openUnlessGone } from "../../linux/tree/walk.ts";
import type { Mount } from "../snapshots/driver.ts";
import { overlayLayers } from "./target.ts";

/** A directory of a stack of layers, open for as long as the stack is. */
export interface Layer {
  readonly path: string;
  readonly root: OwnedFd;
}

/** Layers on top of each other, the first on top. */
export interface LayerStack {
  readonly layers: readonly Layer[];
  /** Whether devices 0:0 and the attribute `opaque` stand for deletions. */
  readonly isOverlay: boolean;
}

/** What a name in a merged directory is: the topmost entry, and, for a directory, the layers that it is merged from. */
export interface MergedEntry {
  readonly layer: Layer;
  readonly status: EntryStatus;
  readonly layers: readonly Layer[];
}

interface Found {
  entry: MergedEntry | undefined;
  /** Whether nothing of the layers below belongs to it any more. */
  isComplete: boolean;
}

/** The directories behind the mounts of a snapshot: nothing has to be mounted to read it. @throws {ContainerError} */
export function layerPathsOf(mounts: readonly Mount[]): {
  readonly paths: readonly string[];
  readonly isOverlay: boolean;
} {
  const [mount, ...others] = mounts;
  if (mount === undefined) return { paths: [], isOverlay: false };
  if (others.length > 0) throw new ContainerError("unimplemented", "cannot compare snapshots of more than one mount");
  const { type, source } = mount;
  if (type === "bind" || type === "rbind") return { paths: [source], isOverlay: false };
  if (type !== "overlay") throw new ContainerError("unimplemented", `cannot compare a mount of type ${type}`);
  const { upper, lower } = overlayLayers(mount);
  return { paths: upper === undefined ? lower : [upper, ...lower], isOverlay: true };
}

/** Opens layers by their paths; two stacks share those they have in common. The caller closes them. */
export class OpenLayers implements Disposable {
  readonly #kernel: Kernel;
  readonly #layers = new Map<string, Layer>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** @throws {SyscallError} */
  open(mounts: readonly Mount[]): LayerStack {
    const { paths, isOverlay } = layerPathsOf(mounts);
    return { layers: paths.map((path) => this.#open(path)), isOverlay };
  }

  #open(path: string): Layer {
    let layer = this.#layers.get(path);
    if (layer === undefined) {
      layer = { path, root: openRoot(this.#kernel, path) };
      this.#layers.set(path, layer);
    }
    return layer;
  }

  [Symbol.dispose](): void {
    for (const { root } of this.#layers.values()) root.close();
  }
}

/** The names in a directory as overlayfs shows them. */
export function readMerged(
  kernel: Kernel,
  { layers, isOverlay }: LayerStack,
  path: BytePath,
): ReadonlyMap<BytePath, MergedEntry> {
  const found = new Map<BytePath, Found>();
  for (const layer of layers) {
    using directory = openUnlessGone(kernel, layer.root.number, path);
    if (directory === undefined) continue;
    for (const { name } of listEntries(kernel, directory.number)) {
      const known = found.get(name);
      if (known?.isComplete === true) continue;
      const status = findEntry(kernel, directory.number, name);
      if (status === undefined) continue;
      const isOpaque = () => isOverlay && isOpaqueDirectory(kernel, directory.number, name);
      found.set(name, merge(known, { layer, status, isOverlay, isOpaque }));
    }
  }
  const entries = [...found].flatMap(([name, { entry }]) => (entry === undefined ? [] : [[name, entry] as const]));
  return new Map(entries);
}

function merge(
  known: Found | undefined,
  next: {
    readonly layer: Layer;
    readonly status: EntryStatus;
    readonly isOverlay: boolean;
    readonly isOpaque: () => boolean;
  },
): Found {
  const { layer, status } = next;
  if (next.isOverlay && isWhiteout(status)) return { entry: known?.entry, isComplete: true };
  if (!isDirectory(status)) return { entry: known?.entry ?? { layer, status, layers: [] }, isComplete: true };
  const entry = known?.entry ?? { layer, status, layers: [] };
  return { entry: { ...entry, layers: [...entry.layers, layer] }, isComplete: next.isOpaque() };
}

function isWhiteout({ type, major, minor }: EntryStatus): boolean {
  return type === FILE_TYPE.S_IFCHR && major === 0 && minor === 0;
}

function isOpaqueDirectory(kernel: Kernel, directory: number, name: BytePath): boolean {
  return ["trusted.overlay.opaque", "user.overlay.opaque"].some((key) => {
    return findAttribute(kernel, directory, name, key)?.[0] === "y".charCodeAt(0);
  });
}

/** Whether two lists of layers are the same ones in the same order. */
export function sameLayers(a: readonly Layer[], b: readonly Layer[]): boolean {
  return a.length === b.length && a.every((layer, index) => layer === b[index]);
}
