import { ContainerError } from "../errors.ts";
import { toObject, toTexts } from "../image/documents.ts";
import { type Platform, platformOfMachine } from "../image/platforms.ts";
import { normalizeDockerName } from "../image/references.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";
import { RemoteContent } from "./images/content.ts";
import { resolveImage as resolveContent } from "./images/unpack.ts";

/** image-spec § Image Configuration, `config`: what a container is made with unless it is told otherwise. */
export interface ImageSettings {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly user: string;
  readonly workingDir: string;
  readonly stopSignal: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Directories that are to outlive the container. */
  readonly volumes: readonly string[];
}

/** An image of one platform. */
export interface RunnableImage {
  readonly name: string;
  readonly settings: ImageSettings;
  /** The snapshot of all its layers. */
  readonly chainId: string;
}

/** How the message begins that there is no such image. */
export const NO_IMAGE = "there is no image ";

/** Finds an image by its name, full or as docker shortens it. @throws {ContainerError} not_found */
export async function findImage(client: Client, name: string) {
  const names = [...new Set([name, fullName(name)])];
  const filters = names.map((each) => `name==${JSON.stringify(each)}`);
  const { images } = await client.call(api.images.list, { filters });
  const found = names.map((each) => images.find((image) => image.name === each)).find((image) => image !== undefined);
  if (found?.target) return { name: found.name, target: found.target };
  throw new ContainerError("not_found", `${NO_IMAGE}${names.join(" or ")} in namespace ${client.scope.namespace}`);
}

function fullName(name: string): string {
  try {
    return normalizeDockerName(name);
  } catch {
    // Images may have any name.
    return name;
  }
}

/** What a machine runs of an image: this one, unless told otherwise. @throws {ContainerError} not_found */
export async function resolveImage(
  client: Client,
  wanted: string,
  platform: Platform = platformOfMachine(process.arch),
): Promise<RunnableImage> {
  const { name, target } = await findImage(client, wanted);
  const { mediaType, digest, size } = target;
  const content = new RemoteContent(client);
  const { document, chain } = await resolveContent(content, { mediaType, digest, size: Number(size) }, platform);
  const what = `the config of image ${name}`;
  return { name, settings: parseSettings(toObject(document, what)["config"], what), chainId: chain.at(-1) ?? "" };
}

function parseSettings(value: unknown, what: string): ImageSettings {
  const config = value === undefined || value === null ? {} : toObject(value, what);
  const text = (name: string) => (typeof config[name] === "string" ? config[name] : "");
  const texts = (name: string) => toTexts(config[name], `${what}: ${name}`);
  const record = (name: string) => (config[name] ? toObject(config[name], `${what}: ${name}`) : {});
  return {
    ...{ entrypoint: texts("Entrypoint"), cmd: texts("Cmd"), env: texts("Env"), user: text("User") },
    workingDir: text("WorkingDir"),
    stopSignal: text("StopSignal") || undefined,
    labels: Object.fromEntries(Object.entries(record("Labels")).map(([key, label]) => [key, String(label)])),
    volumes: Object.keys(record("Volumes")),
  };
}
