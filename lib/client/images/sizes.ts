import type { Platform } from "../../image/platforms.ts";
import { api } from "../api.ts";
import type { Client } from "../client.ts";
import { RemoteContent } from "./content.ts";
import { resolveImage } from "./unpack.ts";

/** What an image takes on the disk, as far as it is here. */
export interface ImageSize {
  /** Its manifest, config and layers as they came; undefined when they are not all known. */
  readonly contentBytes: number | undefined;
  /** Its layers unpacked, whoever else shares them; undefined when one of them is not. */
  readonly unpackedBytes: number | undefined;
}

interface Target {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number | { toString(): string };
}

/** Measures images as one platform has them. What is not here, or is no image, has no size: that is no failure. */
export async function measureImages(
  client: Client,
  targets: readonly (Target | null)[],
  { platform, snapshotter }: { readonly platform: Platform; readonly snapshotter: string },
): Promise<readonly ImageSize[]> {
  const content = new RemoteContent(client);
  // Images share layers: each is asked for once.
  const usages = new Map<string, Promise<number | undefined>>();
  const usageOf = (key: string): Promise<number | undefined> => {
    const asked = usages.get(key) ?? findUsage(client, snapshotter, key);
    usages.set(key, asked);
    return asked;
  };
  return await Promise.all(
    targets.map(async (target) => {
      const image = target === null ? undefined : await tryResolve(content, target, platform);
      if (image === undefined) return { contentBytes: undefined, unpackedBytes: undefined };
      const parts = [image.manifest, image.config, ...image.layers];
      return {
        contentBytes: parts.reduce((sum, { size }) => sum + Number(size), 0),
        unpackedBytes: sumOf(await Promise.all(image.chain.map(usageOf))),
      };
    }),
  );
}

async function tryResolve(content: RemoteContent, { mediaType, digest, size }: Target, platform: Platform) {
  try {
    return await resolveImage(content, { mediaType, digest, size: Number(size) }, platform);
  } catch {
    return undefined;
  }
}

async function findUsage(client: Client, snapshotter: string, key: string): Promise<number | undefined> {
  try {
    return Number((await client.call(api.snapshots.usage, { snapshotter, key })).size);
  } catch {
    return undefined;
  }
}

function sumOf(parts: readonly (number | undefined)[]): number | undefined {
  return parts.reduce<number | undefined>(
    (all, each) => (all === undefined || each === undefined ? undefined : all + each),
    0,
  );
}
