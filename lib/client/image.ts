import { ContainerError } from "../errors.ts";
import { chainIds } from "../image/chain-id.ts";
import {
  type DescriptorJson,
  MAX_DOCUMENT_BYTES,
  parseConfig,
  parseJson,
  parseReferences,
  toObject,
  toTexts,
} from "../image/documents.ts";
import { isIndex } from "../image/media-types.ts";
import { formatPlatform, rankPlatform } from "../image/platforms.ts";
import { normalizeDockerName } from "../image/references.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";

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
export interface ResolvedImage {
  readonly name: string;
  readonly settings: ImageSettings;
  /** The snapshot of all its layers. */
  readonly chainId: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** Finds an image by its name, full or as docker shortens it. @throws {ContainerError} not_found */
export async function findImage(client: Client, name: string) {
  const names = [...new Set([name, fullName(name)])];
  const filters = names.map((each) => `name==${JSON.stringify(each)}`);
  const { images } = await client.call(api.images.list, { filters });
  const found = names.map((each) => images.find((image) => image.name === each)).find((image) => image !== undefined);
  if (found?.target) return { name: found.name, target: found.target };
  throw new ContainerError(
    "not_found",
    `there is no image ${names.join(" or ")} in namespace ${client.scope.namespace}`,
  );
}

function fullName(name: string): string {
  try {
    return normalizeDockerName(name);
  } catch {
    // Images may have any name.
    return name;
  }
}

/** What this machine runs of an image. @throws {ContainerError} not_found */
export async function resolveImage(client: Client, wanted: string): Promise<ResolvedImage> {
  const { name, target } = await findImage(client, wanted);
  const manifest = await readManifest(client, { ...target, size: Number(target.size) }, name);
  if (manifest.config === undefined) throw new ContainerError("invalid_argument", `image ${name} has no config`);
  const what = `the config of image ${name}`;
  const config = parseJson(await readBlob(client, manifest.config.digest), what);
  const chainId = chainIds(parseConfig(config, what).diffIds).at(-1) ?? "";
  return { name, settings: parseSettings(toObject(config, what)["config"], what), chainId };
}

type Target = Pick<DescriptorJson, "mediaType" | "digest" | "size">;

async function readManifest(client: Client, target: Target, name: string) {
  const what = `image ${name}`;
  const references = parseReferences(parseJson(await readBlob(client, target.digest), what), what);
  if (!isIndex(target.mediaType)) return references;
  const machine = { os: "linux", architecture: ARCHITECTURES[process.arch] ?? process.arch };
  const rank = ({ platform }: DescriptorJson) => (platform === undefined ? 0 : rankPlatform([machine], platform));
  const [manifest] = references.manifests
    .filter((each) => rank(each) !== undefined)
    .toSorted((a, b) => (rank(a) ?? 0) - (rank(b) ?? 0));
  if (manifest === undefined) {
    throw new ContainerError("not_found", `image ${name} is not made for ${formatPlatform(machine)}`);
  }
  return parseReferences(parseJson(await readBlob(client, manifest.digest), what), what);
}

/** The bytes of a document. @throws {ContainerError} resource_exhausted for one that is too long */
export async function readBlob(client: Client, digest: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const { data } of client.stream(api.content.read, { digest })) {
    size += data.length;
    if (size > MAX_DOCUMENT_BYTES) throw new ContainerError("resource_exhausted", `blob ${digest} is no document`);
    parts.push(data);
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
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
