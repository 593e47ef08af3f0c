import type { Descriptor } from "../../image/descriptor.ts";
import type { Kernel } from "../../linux/kernel.ts";
import type { ContentStore } from "../content/content-store.ts";
import type { Mount } from "../snapshots/driver.ts";
import { applyLayer } from "./apply.ts";
import { targetOf } from "./target.ts";

const TAR = "application/vnd.oci.image.layer.v1.tar";

/** diff.proto: Apply. Unpacks a blob into a snapshot; gives the archive without compression. @throws {ContainerError} */
export async function applyBlob(
  { kernel, content }: { readonly kernel: Kernel; readonly content: ContentStore },
  namespace: string,
  { layer, mounts }: { readonly layer: Descriptor; readonly mounts: readonly Mount[] },
): Promise<Descriptor> {
  const target = targetOf(mounts);
  await using reader = await content.blobs.openReader(namespace, layer.digest);
  const { digest, size } = await applyLayer(kernel, reader.chunks(), { target });
  return { mediaType: TAR, digest, size, annotations: new Map() };
}
