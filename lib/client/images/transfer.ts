import { ContainerError } from "../../errors.ts";
import type { Descriptor } from "../../image/descriptor.ts";
import type { Platform } from "../../image/platforms.ts";
import type { Arrivals } from "../../registry/arrivals.ts";
import type { RegistryOptions } from "../../registry/options.ts";
import type { Report } from "../../registry/progress.ts";
import { refOf } from "../../registry/progress.ts";
import { pullImage } from "../../registry/pull.ts";
import { pushImage } from "../../registry/push.ts";
import { api } from "../api.ts";
import type { Client } from "../client.ts";
import { isAlreadyThere, isNotFound, RemoteContent } from "./content.ts";
import { withLease } from "./lease.ts";
import { resolveImage, unpackImage } from "./unpack.ts";

/** What to bring, and what becomes of it. */
export interface PullOptions {
  readonly name: string;
  /** Undefined brings all; the first one is unpacked. */
  readonly platforms: readonly Platform[] | undefined;
  /** What is unpacked. */
  readonly platform: Platform;
  readonly snapshotter: string;
  readonly unpack: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** An image that has a name. */
export interface NamedImage {
  readonly name: string;
  readonly target: Descriptor;
}

/**
 * Brings an image from its registry into a daemon, by this process: any daemon with a content store will do. Unpacks it and
 * gives it its name at the end, so that who sees it can run it. @throws {ContainerError}
 */
export async function pullTo(client: Client, registry: RegistryOptions, options: PullOptions): Promise<NamedImage> {
  const { name, platforms, platform, snapshotter, report, signal } = options;
  const work = async (leased: Client) => {
    const content = new RemoteContent(leased);
    const limits = platforms === undefined ? {} : { platforms, manifestLimit: platforms.length };
    const unpack = async (target: Descriptor, arrivals: Arrivals) => {
      const image = await resolveImage(content, target, platforms?.[0] ?? platform, arrivals);
      await unpackImage(leased, image, {
        snapshotter,
        report: (event, layer) => report({ event, name: refOf(layer), parents: [name] }),
        arrivals,
      });
    };
    const meanwhile = options.unpack ? { meanwhile: unpack } : {};
    const pulled = await pullImage(registry, content, { name, report, signal, ...limits, ...meanwhile });
    await nameImage(leased, pulled);
    return pulled;
  };
  return await withLease(client, work, `pull ${name}`);
}

/** Sends an image of a daemon to a registry. @throws {ContainerError} */
export async function pushFrom(
  client: Client,
  registry: RegistryOptions,
  request: Parameters<typeof pushImage>[2],
): Promise<void> {
  await pushImage(registry, new RemoteContent(client), request);
}

/** Gives an image a name, from which another one is taken if it has it. @throws {ContainerError} */
export async function nameImage(client: Client, { name, target }: NamedImage): Promise<void> {
  const { mediaType, digest, size, annotations } = target;
  const image = { name, target: { mediaType, digest, size, annotations: Object.fromEntries(annotations) } };
  try {
    await client.call(api.images.create, { image });
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
    await client.call(api.images.update, { image, updateMask: { paths: ["target"] } });
  }
}

/** The image that people mean by a name: the one called so, or by the whole of it. @throws {ContainerError} not_found */
export async function getImage(client: Client, names: readonly string[]): Promise<NamedImage> {
  for (const name of names) {
    const image = await findImage(client, name);
    if (image !== undefined) return image;
  }
  throw new ContainerError("not_found", `image ${names[0]} not found`);
}

async function findImage(client: Client, name: string): Promise<NamedImage | undefined> {
  try {
    const { image } = await client.call(api.images.get, { name });
    const { mediaType = "", digest = "", size = 0, annotations = {} } = image?.target ?? {};
    const target = { mediaType, digest, size: Number(size), annotations: new Map(Object.entries(annotations)) };
    return { name, target };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
