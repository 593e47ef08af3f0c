import { type ExportOptions, exportArchive as exportFrom } from "../../archive/export.ts";
import type { BlobStore } from "../content/blobs.ts";
import { archiveSource } from "./archive-store.ts";

/** The archive of images of a namespace, as it is read. @throws {ContainerError} not_found when a part is missing */
export function exportArchive(
  blobs: BlobStore,
  namespace: string,
  options: ExportOptions,
): AsyncGenerator<Uint8Array, void> {
  return exportFrom(archiveSource(blobs, namespace), options);
}
