import type { Descriptor } from "../../image/descriptor.ts";
import type { Mount } from "../snapshots/driver.ts";
import type { Store } from "../store.ts";
import { applyLayer } from "./apply.ts";
import { targetOf } from "./target.ts";

const TAR = "application/vnd.oci.image.layer.v1.tar";

/** diff.proto: Apply. Unpacks a blob into a snapshot; gives the archive without compression. @throws {ContainerError} */
export async function applyBlob(
  { kernel, content, layerSync }: Pick<Store, "kernel" | "content" | "layerSync">,
  namespace: string,
  {
    layer,
    mounts,
    sync = false,
  }: { readonly layer: Descriptor; readonly mounts: readonly Mount[]; readonly sync?: boolean },
): Promise<Descriptor> {
  const target = targetOf(mounts);
  await using reader = await content.blobs.openReader(namespace, layer.digest);
  const { digest, size } = await applyLayer(kernel, reader.chunks(), {
    target,
    sync: sync || layerSync.always ? layerSync.run : undefined,
  });
  return { mediaType: TAR, digest, size, annotations: new Map() };
}
