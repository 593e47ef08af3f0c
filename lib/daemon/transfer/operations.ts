import { ContainerError } from "../../errors.ts";
import type { Platform } from "../../image/platforms.ts";
import type { RegistryOptions } from "../../registry/options.ts";
import { pullImage } from "../../registry/pull.ts";
import { pushImage } from "../../registry/push.ts";
import { exportArchive } from "../images/export.ts";
import { importArchive } from "../images/import.ts";
import type { Image } from "../metadata/images.ts";
import { receiveBytes, sendBytes } from "../streams/byte-stream.ts";
import type { ClientStream } from "../streams/client-stream.ts";
import { checkDestination, type ImageStoreEnd, saveImages, unpackImage } from "./image-store.ts";
import { namesOfImage, namesOfImported } from "./names.ts";
import { storeContent } from "./store-content.ts";
import type { TransferContext, TransferParts } from "./transfer.ts";

/** transfer/registry.proto: a name in a registry, and how that is reached. */
export interface RegistryEnd {
  readonly reference: string;
  readonly options: RegistryOptions;
}

/** transfer/importexport.proto: where an archive goes, and what it has in it. */
export interface ExportEnd {
  readonly stream: ClientStream;
  readonly platforms: readonly Platform[];
  readonly withoutDocker: boolean;
}

/** From a registry into the store. */
export async function pull(
  parts: TransferParts,
  from: RegistryEnd,
  to: ImageStoreEnd,
  context: TransferContext,
): Promise<void> {
  checkDestination(parts, to);
  await parts.leases.during(context.scope, `pull ${from.reference}`, async (scope) => {
    const own = { ...context, scope };
    const { target } = await pullImage(from.options, storeContent(parts.store.content, scope), {
      name: from.reference,
      ...(to.platforms.length === 0 ? {} : { platforms: to.platforms }),
      manifestLimit: to.manifestLimit,
      report: context.report,
      signal: context.signal,
      meanwhile: async (found, arrivals) => await unpackImage(parts, to, found, { ...own, arrivals }),
    });
    saveImages(parts, to, { names: namesOfImage(to.name, to.references, target.digest), target }, own);
  });
  context.report({ event: `Completed pull from ${from.reference}`, name: "" });
}

/** From the store to a registry. */
export async function push(
  { store }: TransferParts,
  from: ImageStoreEnd,
  to: RegistryEnd,
  { scope, report, signal }: TransferContext,
): Promise<void> {
  const { target } = store.images.get(scope.namespace, from.name);
  await pushImage(to.options, storeContent(store.content, scope), {
    ...{ name: to.reference, target, report, signal },
    ...(from.platforms.length === 0 ? {} : { platforms: from.platforms }),
  });
}

/** From an archive into the store. */
export async function importImages(
  parts: TransferParts,
  from: ClientStream,
  to: ImageStoreEnd,
  context: TransferContext,
): Promise<void> {
  checkDestination(parts, to);
  context.report({ event: "Importing", name: "" });
  await parts.leases.during(context.scope, `import ${to.name}`, async (scope) => {
    const own = { ...context, scope };
    const { index, images } = await importArchive(parts.store.content, scope, receiveBytes(from));
    context.signal.throwIfAborted();
    for (const image of images) {
      const { isFull, target } = image;
      await unpackImage(parts, to, target, own);
      const given = isFull ? image.name : image.tag;
      const names = namesOfImported({ given, isFull }, to.references, target.digest);
      saveImages(parts, to, { names, target }, own);
    }
    saveImages(parts, to, { names: namesOfImage(to.name, to.references, index.digest), target: index }, own);
  });
  context.report({ event: "Completed import", name: "" });
}

/** From the store into an archive. */
export async function exportImages(
  { store, platform }: TransferParts,
  from: ImageStoreEnd,
  to: ExportEnd,
  { scope, report, signal }: TransferContext,
): Promise<void> {
  report({ event: "Exporting", name: "" });
  const images = namesFor(from).map((name): Image => store.images.get(scope.namespace, name));
  if (images.length === 0) throw new ContainerError("invalid_argument", "cannot export: no image is named");
  const chunks = exportArchive(store.content.blobs, scope.namespace, {
    images,
    platform: to.platforms[0] ?? platform,
    withoutDocker: to.withoutDocker,
  });
  await sendBytes(to.stream, chunks);
  signal.throwIfAborted();
  report({ event: "Completed export", name: "" });
}

/** From a name of the store to another. */
export function tagImage(parts: TransferParts, from: ImageStoreEnd, to: ImageStoreEnd, context: TransferContext): void {
  checkDestination(parts, to);
  const image = parts.store.images.get(context.scope.namespace, from.name);
  const labels = new Map([...image.labels, ...to.labels]);
  const names = namesOfImage(to.name, to.references, image.target.digest);
  saveImages(parts, { ...to, labels }, { names, target: image.target }, context);
}

function namesFor({ name, references }: ImageStoreEnd): readonly string[] {
  if (references.some(({ isPrefix }) => isPrefix)) {
    throw new ContainerError("unimplemented", "cannot export all images with a prefix: name each of them");
  }
  return [name, ...references.map((each) => each.name)].filter((each) => each !== "");
}
