import { ContainerError } from "../../errors.ts";
import { chainIds } from "../../image/chain-id.ts";
import type { Descriptor } from "../../image/descriptor.ts";
import { type DescriptorJson, fromJson, invalid, parseConfig } from "../../image/documents.ts";
import { isLayer } from "../../image/media-types.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { ALL_THERE, type Arrivals } from "../../registry/arrivals.ts";
import type { ContentStore } from "../content/content-store.ts";
import { NO_LABELS } from "../labels.ts";
import { applyLayer, DEFAULT_LIMITS, type LayerLimits } from "../layers/apply.ts";
import type { LayerSync } from "../layers/layer-sync.ts";
import { targetOf } from "../layers/target.ts";
import type { Scope } from "../names.ts";
import type { SnapshotStore } from "../snapshots/snapshot-store.ts";
import { readDocument, readReferences } from "./read-documents.ts";
import { isAlreadyThere } from "./write-blob.ts";

/** The label of a layer with its diff id. */
export const UNCOMPRESSED = "containerd.io/uncompressed";
const SNAPSHOT_REFERENCE = "containerd.io/gc.ref.snapshot.";

/** What an image is unpacked with, and into. */
export interface UnpackParts {
  readonly kernel: Kernel;
  readonly content: ContentStore;
  readonly snapshots: SnapshotStore;
  readonly limits?: LayerLimits;
  readonly layerSync?: LayerSync;
  /** Told of each layer when its unpacking begins and when it has ended; not of those that are there. */
  readonly onLayer?: (event: "extracting" | "extracted", layer: Descriptor) => void;
  /** Of an image whose config and layers are still on their way. */
  readonly arrivals?: Arrivals;
}

/**
 * Unpacks the layers of a manifest into snapshots named by their chain ids, those that are there already passed over, and
 * labels the config so that an image keeps them. Returns the name of the last one, "" without layers. The lease of the
 * scope should hold them until the image does.
 * @throws {ContainerError} invalid_argument when a layer is not what the config says
 */
export async function unpackManifest(parts: UnpackParts, scope: Scope, manifest: Descriptor): Promise<string> {
  const { content, snapshots, arrivals = ALL_THERE } = parts;
  const { config, layers } = await readReferences(content.blobs, scope.namespace, manifest);
  if (config === undefined) throw invalid(manifest.digest, "it is no manifest");
  await arrivals.of(config.digest);
  const document = await readDocument(content.blobs, scope.namespace, config.digest);
  const { diffIds } = parseConfig(document, config.digest);
  if (diffIds.length !== layers.length) {
    throw invalid(config.digest, `it has ${diffIds.length} diff ids, the manifest has ${layers.length} layers`);
  }
  const names = chainIds(diffIds);
  for (const [index, layer] of layers.entries()) {
    const [name = "", diffId = ""] = [names[index], diffIds[index]];
    await unpackLayer(parts, scope, { layer, diffId, name, parent: names[index - 1] ?? "" });
  }
  const last = names.at(-1) ?? "";
  const key = `${SNAPSHOT_REFERENCE}${snapshots.snapshotter}`;
  if (last !== "") label(content, scope, config.digest, key, last);
  return last;
}

interface LayerPlan {
  readonly layer: DescriptorJson;
  readonly diffId: string;
  readonly name: string;
  readonly parent: string;
}

async function unpackLayer(parts: UnpackParts, scope: Scope, plan: LayerPlan): Promise<void> {
  const { snapshots, arrivals = ALL_THERE } = parts;
  const { layer, name, parent } = plan;
  if (!isLayer(layer.mediaType)) {
    throw new ContainerError("unimplemented", `cannot unpack ${layer.digest}: its media type is ${layer.mediaType}`);
  }
  if (snapshots.holdCommitted(scope, name)) return;
  await arrivals.of(layer.digest);
  const key = `extract-${crypto.randomUUID()} ${name}`;
  const mounts = await snapshots.prepare(scope, { key, parent, labels: NO_LABELS });
  try {
    parts.onLayer?.("extracting", fromJson(layer));
    await apply(parts, scope, plan, mounts);
    await snapshots.commit(scope, { key, name, labels: NO_LABELS });
    parts.onLayer?.("extracted", fromJson(layer));
  } catch (error) {
    snapshots.remove(scope.namespace, key);
    // Somebody else has unpacked the same layer meanwhile.
    if (!isAlreadyThere(error)) throw error;
  }
}

async function apply(
  { kernel, content, layerSync, limits = DEFAULT_LIMITS, arrivals = ALL_THERE }: UnpackParts,
  scope: Scope,
  { layer, diffId }: LayerPlan,
  mounts: Parameters<typeof targetOf>[0],
): Promise<void> {
  await using reader = await content.blobs.openReader(scope.namespace, layer.digest);
  const chunks = whileWanted(reader.chunks(), arrivals.signal);
  const applied = await applyLayer(kernel, chunks, {
    target: targetOf(mounts),
    limits,
    sync: layerSync?.always === true ? layerSync.run : undefined,
  });
  if (applied.digest !== diffId) {
    throw invalid(`layer ${layer.digest}`, `its diff id is ${applied.digest}, the config says ${diffId}`);
  }
  label(content, scope, layer.digest, UNCOMPRESSED, diffId);
}

/** Ends in the midst of a layer when nobody wants it any more. */
async function* whileWanted(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}

function label(content: ContentStore, { namespace }: Scope, digest: string, key: string, value: string): void {
  content.blobs.update(namespace, { digest, labels: new Map([[key, value]]) }, [`labels.${key}`]);
}
