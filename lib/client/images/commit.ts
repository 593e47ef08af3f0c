import { ContainerError } from "../../errors.ts";
import { childLabels } from "../../image/child-labels.ts";
import { digestOf } from "../../image/digest.ts";
import { type DescriptorJson, toList, toObject } from "../../image/documents.ts";
import { MEDIA_TYPE } from "../../image/media-types.ts";
import type { Platform } from "../../image/platforms.ts";
import { api } from "../api.ts";
import type { Client } from "../client.ts";
import type { Container } from "../tasks.ts";
import { isNotFound, RemoteContent } from "./content.ts";
import { withLease } from "./lease.ts";
import { DEFAULT_SNAPSHOTTER, getSnapshot } from "./snapshots.ts";
import { type NamedImage, nameImage } from "./transfer.ts";
import { type ResolvedImage, resolveImage, unpackImage } from "./unpack.ts";

const LAYER = `${MEDIA_TYPE.ociLayer}+gzip`;
const CONFIG = "application/vnd.oci.image.config.v1+json";
const UNCOMPRESSED = "containerd.io/uncompressed";

type Json = Readonly<Record<string, unknown>>;

/** What becomes of a container's changes. */
export interface CommitOptions {
  /** The whole name of the new image. */
  readonly name: string;
  readonly author: string;
  readonly comment: string;
  /** Changes `config` of the image's configuration. */
  readonly change: (config: Json) => Json;
  readonly platform: Platform;
  readonly nowMs: number;
}

/**
 * image-spec § Layer: makes an image of what a container has changed, on top of the image that it was made from.
 * @throws {ContainerError}
 */
export async function commitContainer(
  client: Client,
  container: Container,
  options: CommitOptions,
): Promise<NamedImage> {
  const snapshotter = container.snapshotter || DEFAULT_SNAPSHOTTER;
  return await withLease(client, async (leased) => {
    const content = new RemoteContent(leased);
    const { parent } = await getSnapshot(leased, snapshotter, container.snapshotKey);
    const base = await findBase(leased, container, parent, options.platform);
    const layer = await diff(leased, { snapshotter, key: container.snapshotKey, parent });
    const diffId = (await content.labelsOf(layer.digest)).get(UNCOMPRESSED) ?? layer.digest;
    const config = await writeDocument(content, CONFIG, makeConfig(base, diffId, options), new Map());
    const layers = [...(base?.layers ?? []).map(toOci), layer];
    const document = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers };
    const labels = childLabels({ manifests: [], config, layers });
    const manifest = await writeDocument(content, MEDIA_TYPE.ociManifest, document, labels);
    const target = { ...manifest, annotations: new Map() };
    await unpackImage(leased, await resolveImage(content, target, options.platform), { snapshotter });
    const image = { name: options.name, target };
    await nameImage(leased, image);
    return image;
  });
}

/** The image whose layers a container stands on: its own, or another one, if that has got its name. @throws {ContainerError} */
async function findBase(
  client: Client,
  container: Container,
  parent: string,
  platform: Platform,
): Promise<ResolvedImage | undefined> {
  if (parent === "") return undefined;
  const { images } = await client.call(api.images.list, { filters: [] });
  const own = images.filter(({ name }) => name === container.image);
  const others = images.filter(({ name }) => name !== container.image);
  for (const { target } of [...own, ...others]) {
    const found =
      target === null ? undefined : await tryResolve(client, { ...target, size: Number(target.size) }, platform);
    if (found?.chain.at(-1) === parent) return found;
  }
  const why = `no image is here of the layers that it stands on (${parent})`;
  throw new ContainerError("failed_precondition", `cannot commit ${container.id}: ${why}`);
}

/** Undefined for images of others: of another platform, without their content, or none of ours at all. */
async function tryResolve(
  client: Client,
  target: { readonly mediaType: string; readonly digest: string; readonly size: number },
  platform: Platform,
): Promise<ResolvedImage | undefined> {
  try {
    return await resolveImage(new RemoteContent(client), target, platform);
  } catch (error) {
    if (error instanceof ContainerError && (error.code === "not_found" || error.code === "invalid_argument")) {
      return undefined;
    }
    throw error;
  }
}

/** diff.proto: the layer that makes a snapshot out of its parent. */
async function diff(
  client: Client,
  { snapshotter, key, parent }: { readonly snapshotter: string; readonly key: string; readonly parent: string },
): Promise<DescriptorJson> {
  const view = `commit-${crypto.randomUUID()}`;
  const lower =
    parent === "" ? { mounts: [] } : await client.call(api.snapshots.view, { snapshotter, key: view, parent });
  try {
    const { mounts: right } = await client.call(api.snapshots.mounts, { snapshotter, key });
    const request = { left: lower.mounts, right, mediaType: LAYER, ref: view };
    const { diff: made } = await client.call(api.diff.diff, request, {});
    if (made === null) throw new TypeError("internal error: the daemon has answered without a diff");
    return { mediaType: LAYER, digest: made.digest, size: Number(made.size) };
  } finally {
    if (parent !== "") await removeView(client, snapshotter, view);
  }
}

async function removeView(client: Client, snapshotter: string, key: string): Promise<void> {
  try {
    await client.call(api.snapshots.remove, { snapshotter, key });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function makeConfig(base: ResolvedImage | undefined, diffId: string, options: CommitOptions): Json {
  const { platform, author, comment, nowMs, change } = options;
  const below = toObject(base?.document ?? { ...platform }, "the config of the image");
  const history = toList(below["history"], "the config of the image: history");
  const settings = below["config"] === undefined || below["config"] === null ? {} : below["config"];
  const created = new Date(nowMs).toISOString();
  const entry = {
    ...{ created, created_by: "tsctr commit" },
    ...(author === "" ? {} : { author }),
    ...(comment === "" ? {} : { comment }),
  };
  return {
    ...below,
    created,
    ...(author === "" ? {} : { author }),
    config: change(toObject(settings, "the config of the image: config")),
    rootfs: { type: "layers", diff_ids: [...(base?.diffIds ?? []), diffId] },
    history: [...history, entry],
  };
}

/** A layer of docker's, as an OCI manifest calls it. */
function toOci({ mediaType, digest, size }: DescriptorJson): DescriptorJson {
  const [, compression] = /\.diff\.tar(?:\.(\w+))?$/.exec(mediaType) ?? [];
  const isDocker = mediaType.startsWith(MEDIA_TYPE.dockerLayer);
  const type = `${MEDIA_TYPE.ociLayer}${compression === undefined ? "" : `+${compression}`}`;
  return { mediaType: isDocker ? type : mediaType, digest, size };
}

async function writeDocument(
  content: RemoteContent,
  mediaType: string,
  document: Json,
  labels: ReadonlyMap<string, string>,
) {
  const bytes = Buffer.from(JSON.stringify(document));
  const digest = digestOf(bytes);
  await content.write(digest, bytes, labels);
  return { mediaType, digest, size: bytes.length };
}
