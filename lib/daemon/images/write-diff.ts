import { ContainerError } from "../../errors.ts";
import type { Descriptor } from "../../image/descriptor.ts";
import { Digester } from "../../image/digest.ts";
import { isLayer } from "../../image/media-types.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { type Compression, compress } from "../../tar/compression.ts";
import type { ContentStore } from "../content/content-store.ts";
import type { Labels } from "../labels.ts";
import { diffLayers } from "../layers/diff.ts";
import type { Scope } from "../names.ts";
import type { Mount } from "../snapshots/driver.ts";
import { UNCOMPRESSED } from "./unpack.ts";
import { writeBlob } from "./write-blob.ts";

/** diff.proto: DiffRequest. */
export interface DiffRequest {
  readonly lower: readonly Mount[];
  readonly upper: readonly Mount[];
  /** Of a layer; says how it is compressed. */
  readonly mediaType: string;
  readonly ref: string;
  readonly labels: Labels;
}

/**
 * diff.proto: writes the layer that makes one snapshot out of another as a blob, labelled with its diff id.
 * @throws {ContainerError} unimplemented for a media type that is no layer's, and what `diffLayers()` throws
 */
export async function writeDiff(
  { kernel, content }: { readonly kernel: Kernel; readonly content: ContentStore },
  scope: Scope,
  { lower, upper, mediaType, ref, labels }: DiffRequest,
): Promise<Descriptor> {
  if (!isLayer(mediaType)) throw new ContainerError("unimplemented", `cannot make a diff of media type ${mediaType}`);
  const diffId = new Digester();
  const archive = (async function* () {
    for await (const chunk of diffLayers(kernel, { lower, upper })) {
      diffId.update(chunk);
      yield chunk;
    }
  })();
  const chunks = compress(archive, compressionOf(mediaType));
  const { digest, size } = await writeBlob(content, scope, { ref, chunks });
  const all = new Map([...labels, [UNCOMPRESSED, diffId.current()]]);
  const mask = [...all.keys()].map((key) => `labels.${key}`);
  content.blobs.update(scope.namespace, { digest, labels: all }, mask);
  return { mediaType, digest, size, annotations: new Map() };
}

function compressionOf(mediaType: string): Compression {
  if (mediaType.endsWith("gzip")) return "gzip";
  return mediaType.endsWith("zstd") ? "zstd" : "none";
}
