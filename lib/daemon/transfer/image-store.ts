import { ContainerError } from "../../errors.ts";
import type { Descriptor } from "../../image/descriptor.ts";
import { fromJson } from "../../image/documents.ts";
import { isIndex } from "../../image/media-types.ts";
import { fittingFirst, formatPlatform, type Platform } from "../../image/platforms.ts";
import { ALL_THERE, type Arrivals } from "../../registry/arrivals.ts";
import { BlobProgress } from "../../registry/progress.ts";
import { readReferences } from "../images/read-documents.ts";
import { unpackManifest } from "../images/unpack.ts";
import type { Labels } from "../labels.ts";
import type { Image } from "../metadata/images.ts";
import type { NamePattern } from "./names.ts";
import type { TransferContext, TransferParts } from "./transfer.ts";

/** transfer/imagestore.proto: images of the store, as the one end of a transfer. */
export interface ImageStoreEnd {
  readonly name: string;
  readonly labels: Labels;
  /** Of an index, which manifests; none for all. */
  readonly platforms: readonly Platform[];
  /** 0 for all that fit. */
  readonly manifestLimit: number;
  readonly references: readonly NamePattern[];
  readonly unpacks: readonly { readonly platform: Platform | undefined; readonly snapshotter: string }[];
}

const DEFAULT_SNAPSHOTTER = "overlayfs";

/** Refuses at once what would be refused after a long transfer. @throws {ContainerError} */
export function checkDestination({ store }: TransferParts, end: ImageStoreEnd): void {
  if (end.name === "" && end.references.length === 0) {
    throw new ContainerError("invalid_argument", "cannot store the image: it has no name");
  }
  for (const { snapshotter } of end.unpacks) store.snapshotter(snapshotter || DEFAULT_SNAPSHOTTER);
}

/** Unpacks an image as its end says, its config and layers as they arrive. @throws {ContainerError} */
export async function unpackImage(
  parts: TransferParts,
  { unpacks }: ImageStoreEnd,
  target: Descriptor,
  { scope, report, arrivals = ALL_THERE }: TransferContext & { readonly arrivals?: Arrivals },
): Promise<void> {
  const { kernel, content, layerSync } = parts.store;
  for (const { platform, snapshotter } of unpacks) {
    const wanted = platform ?? parts.platform;
    const manifest = await findManifest(parts, scope.namespace, target, wanted);
    const onLayer = (event: string, layer: Descriptor) =>
      new BlobProgress(report, layer, manifest.digest).tell(event, event === "extracted" ? layer.size : 0);
    const snapshots = parts.store.snapshotter(snapshotter || DEFAULT_SNAPSHOTTER);
    await unpackManifest({ kernel, content, layerSync, snapshots, onLayer, arrivals }, scope, manifest);
  }
}

/** Gives a descriptor some names, and tells of each. */
export function saveImages(
  { save }: TransferParts,
  { labels }: ImageStoreEnd,
  { names, target }: { readonly names: readonly string[]; readonly target: Descriptor },
  { scope, report }: TransferContext,
): readonly Image[] {
  return names.map((name) => {
    const image = save(scope.namespace, { name, target: { ...target, annotations: new Map() }, labels });
    report({ event: "saved", name, descriptor: target });
    return image;
  });
}

/** The manifest of an image for a platform. */
async function findManifest(
  { store }: TransferParts,
  namespace: string,
  target: Descriptor,
  platform: Platform,
): Promise<Descriptor> {
  let current = target;
  // Indexes cannot go in a circle: each has the digest of the next.
  while (isIndex(current.mediaType)) {
    const { manifests } = await readReferences(store.content.blobs, namespace, current);
    const here = manifests.filter(({ digest }) => store.content.blobs.find(namespace, digest) !== undefined);
    const [best] = fittingFirst([platform], here);
    if (best === undefined) {
      const why = `there is no manifest for ${formatPlatform(platform)} in ${current.digest}`;
      throw new ContainerError("not_found", `cannot unpack the image: ${why}`);
    }
    current = fromJson(best);
  }
  return current;
}
