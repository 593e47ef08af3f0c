import { ContainerError } from "../../errors.ts";
import { chainIds } from "../../image/chain-id.ts";
import type { Descriptor } from "../../image/descriptor.ts";
import { type DescriptorJson, fromJson, invalid, parseConfig } from "../../image/documents.ts";
import { isIndex, isLayer, isManifest } from "../../image/media-types.ts";
import { fittingFirst, formatPlatform, type Platform } from "../../image/platforms.ts";
import { ALL_THERE, type Arrivals } from "../../registry/arrivals.ts";
import { api } from "../api.ts";
import type { Client } from "../client.ts";
import { isAlreadyThere, isNotFound, RemoteContent } from "./content.ts";

const UNCOMPRESSED = "containerd.io/uncompressed";
const SNAPSHOT_REFERENCE = "containerd.io/gc.ref.snapshot.";
const MAX_DEPTH = 4;

/** An image as it runs on a platform. */
export interface ResolvedImage {
  readonly manifest: Descriptor;
  readonly config: DescriptorJson;
  readonly layers: readonly DescriptorJson[];
  /** The document that `config` names. */
  readonly document: unknown;
  /** What the snapshots of its layers are called, the lowest first. */
  readonly chain: readonly string[];
  readonly diffIds: readonly string[];
}

/** Reads what an image is on a platform; its config may still be on its way. @throws {ContainerError} not_found for a platform that it is not for */
export async function resolveImage(
  content: RemoteContent,
  target: Pick<Descriptor, "digest" | "mediaType" | "size">,
  platform: Platform,
  arrivals: Arrivals = ALL_THERE,
): Promise<ResolvedImage> {
  const manifest = await findManifest(content, { ...target, annotations: new Map() }, platform, 0);
  if (manifest === undefined) {
    throw new ContainerError("not_found", `there is no image for ${formatPlatform(platform)} in ${target.digest}`);
  }
  const { config, layers } = await content.references(manifest);
  if (config === undefined) throw invalid(manifest.digest, "it is no manifest");
  await arrivals.of(config.digest);
  const document = await content.document(config.digest);
  const { diffIds } = parseConfig(document, config.digest);
  if (diffIds.length !== layers.length) {
    throw invalid(config.digest, `it has ${diffIds.length} diff ids, the manifest has ${layers.length} layers`);
  }
  return { manifest, config, layers, document, diffIds, chain: chainIds(diffIds) };
}

/** The manifest that fits a platform best; one that says no platform fits any. Those whose blob is missing do not count. */
async function findManifest(
  content: RemoteContent,
  target: Descriptor,
  platform: Platform,
  depth: number,
): Promise<Descriptor | undefined> {
  if (isManifest(target.mediaType)) return (await content.has(target.digest)) ? target : undefined;
  if (!isIndex(target.mediaType) || depth === MAX_DEPTH) return undefined;
  const { manifests } = await content.references(target);
  for (const each of fittingFirst([platform], manifests)) {
    const found = await findManifest(content, fromJson(each), platform, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** How an image is unpacked. */
export interface UnpackOptions {
  readonly snapshotter: string;
  /** Told of each layer before it is unpacked, and after. */
  readonly report?: (event: "extracting" | "extracted", layer: DescriptorJson) => void;
  /** Of an image whose layers are still on their way. */
  readonly arrivals?: Arrivals;
}

/**
 * Unpacks the layers of an image into snapshots named by their chain ids; those that are there are passed over. The lease of
 * the client should hold them until the image does. @throws {ContainerError} when a layer is not what the config says
 */
export async function unpackImage(
  client: Client,
  { config, layers, diffIds, chain }: ResolvedImage,
  options: UnpackOptions,
): Promise<void> {
  const content = new RemoteContent(client);
  const { arrivals = ALL_THERE } = options;
  for (const [index, layer] of layers.entries()) {
    const [name = "", diffId = ""] = [chain[index], diffIds[index]];
    if (await hold(client, options.snapshotter, name)) continue;
    await arrivals.of(layer.digest);
    options.report?.("extracting", layer);
    await unpackLayer(client, options.snapshotter, { layer, diffId, name, parent: chain[index - 1] ?? "" });
    await content.label(layer.digest, new Map([[UNCOMPRESSED, diffId]]));
    options.report?.("extracted", layer);
  }
  const last = chain.at(-1);
  if (last !== undefined) {
    await content.label(config.digest, new Map([[`${SNAPSHOT_REFERENCE}${options.snapshotter}`, last]]));
  }
}

/** Whether a committed snapshot is there; then the client's lease, if it has one, keeps it. */
async function hold(client: Client, snapshotter: string, key: string): Promise<boolean> {
  const { lease } = client.scope;
  try {
    if (lease !== undefined) {
      const resource = { id: key, type: `snapshots/${snapshotter}` };
      await client.call(api.leases.addResource, { id: lease, resource });
    }
    await client.call(api.snapshots.stat, { snapshotter, key });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

interface LayerPlan {
  readonly layer: DescriptorJson;
  readonly diffId: string;
  readonly name: string;
  readonly parent: string;
}

async function unpackLayer(client: Client, snapshotter: string, plan: LayerPlan): Promise<void> {
  const { layer, diffId, name, parent } = plan;
  if (!isLayer(layer.mediaType)) {
    throw new ContainerError("unimplemented", `cannot unpack ${layer.digest}: its media type is ${layer.mediaType}`);
  }
  const key = `extract-${crypto.randomUUID()} ${name}`;
  const { mounts } = await client.call(api.snapshots.prepare, { snapshotter, key, parent });
  try {
    const { mediaType, digest, size } = layer;
    const { applied } = await client.call(api.diff.apply, { diff: { mediaType, digest, size }, mounts }, {});
    if (applied?.digest !== diffId) {
      throw invalid(`layer ${digest}`, `its diff id is ${applied?.digest}, the config says ${diffId}`);
    }
    await client.call(api.snapshots.commit, { snapshotter, key, name }, {});
  } catch (error) {
    await client.call(api.snapshots.remove, { snapshotter, key });
    // Somebody else has unpacked the same layer meanwhile.
    if (!isAlreadyThere(error)) throw error;
  }
}
