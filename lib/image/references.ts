import { ContainerError } from "../errors.ts";

const DEFAULT_DOMAIN = "docker.io";
const DEFAULT_REPOSITORY = "library";
const DEFAULT_TAG = "latest";
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/;

/** The name of an image, taken apart. */
export interface ImageReference {
  /** With the registry. */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** What Docker means by a name: `busybox` is `docker.io/library/busybox:latest`. @throws {ContainerError} invalid_argument */
export function parseDockerName(name: string): ImageReference {
  const [rest = "", digest] = splitOnce(name, "@");
  const colon = rest.lastIndexOf(":");
  const hasTag = colon > rest.lastIndexOf("/");
  const [path, tag] = hasTag ? [rest.slice(0, colon), rest.slice(colon + 1)] : [rest, undefined];
  const repository = completed(path);
  const [, below = ""] = splitOnce(repository, "/");
  const isValid =
    PATH.test(below) && (tag === undefined || TAG.test(tag)) && (digest === undefined || DIGEST.test(digest));
  if (!isValid) throw new ContainerError("invalid_argument", `invalid image name "${name}"`);
  if (digest !== undefined) return { repository, tag: undefined, digest };
  return { repository, tag: tag ?? DEFAULT_TAG, digest: undefined };
}

/** The full name of an image, with registry and tag. @throws {ContainerError} invalid_argument */
export function normalizeDockerName(name: string): string {
  const { repository, tag, digest } = parseDockerName(name);
  return digest === undefined ? `${repository}:${tag}` : `${repository}@${digest}`;
}

/** A full name as people type it: `busybox:latest`. */
export function familiarName(name: string): string {
  const long = `${DEFAULT_DOMAIN}/${DEFAULT_REPOSITORY}/`;
  if (name.startsWith(long)) return name.slice(long.length);
  return name.startsWith(`${DEFAULT_DOMAIN}/`) ? name.slice(DEFAULT_DOMAIN.length + 1) : name;
}

/** Adds the registry and the repository that Docker leaves out. The first part is a registry when it looks like a host. */
function completed(path: string): string {
  const [first = "", rest] = splitOnce(path, "/");
  const isHost = rest !== undefined && (/[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase());
  const [domain, below] = isHost ? [first, rest] : [DEFAULT_DOMAIN, path];
  const known = domain === "index.docker.io" ? DEFAULT_DOMAIN : domain;
  return known === DEFAULT_DOMAIN && !below.includes("/")
    ? `${known}/${DEFAULT_REPOSITORY}/${below}`
    : `${known}/${below}`;
}

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
