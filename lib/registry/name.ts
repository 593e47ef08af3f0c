import { ContainerError } from "../errors.ts";
import { parseDockerName } from "../image/references.ts";

/** An image in a registry. */
export interface RemoteName {
  /** As it was given, made whole. */
  readonly full: string;
  /** E.g. `docker.io` or `127.0.0.1:5000`. */
  readonly registry: string;
  /** Within the registry, e.g. `library/busybox`. */
  readonly repository: string;
  /** The tag, or the digest of a name that has one. */
  readonly reference: string;
  readonly digest: string | undefined;
}

/** A name or an address with an optional port: it becomes a part of URLs and of paths of configuration files. */
const REGISTRY =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?$/;
const MAX_REPOSITORY_CHARS = 255;

/** Takes the name of an image apart. @throws {ContainerError} invalid_argument */
export function parseRemoteName(name: string): RemoteName {
  const { repository: whole, tag, digest } = parseDockerName(name);
  const slash = whole.indexOf("/");
  const [registry, repository] = [whole.slice(0, slash), whole.slice(slash + 1)];
  if (!REGISTRY.test(registry) || repository.length > MAX_REPOSITORY_CHARS) {
    throw new ContainerError("invalid_argument", `invalid image name "${name}": "${registry}" is no registry`);
  }
  const reference = digest ?? tag ?? "latest";
  const full = digest === undefined ? `${whole}:${reference}` : `${whole}@${digest}`;
  return { full, registry, repository, reference, digest };
}
