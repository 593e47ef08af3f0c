import { isAbsolute } from "node:path";
import { ContainerError } from "../../errors.ts";
import type { CredentialSource } from "../../registry/credentials.ts";
import { dockerConfig, type HelperEnvironment } from "../../registry/docker-config.ts";
import { ownHost, type RegistryHost } from "../../registry/hosts.ts";
import { findHosts } from "../../registry/hosts-file.ts";
import type { RegistryLimits, RegistryOptions } from "../../registry/options.ts";

/** How the daemon reaches registries. */
export interface RegistrySettings {
  /** Directories with a `hosts.toml` for each registry. */
  readonly hostsDirectory: string;
  /** docker's config.json, with logins. */
  readonly dockerConfig: string;
  /** Registries that are asked by plain HTTP. */
  readonly insecure: readonly string[];
  /** Blobs on their way at the same time, in one transfer. */
  readonly parallel: number;
  /** What helpers of docker's config.json are run with. */
  readonly environment: HelperEnvironment;
}

export const DEFAULT_REGISTRY_SETTINGS: RegistrySettings = {
  hostsDirectory: "/etc/containerd/certs.d",
  dockerConfig: "/root/.docker/config.json",
  insecure: [],
  parallel: 3,
  environment: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root" },
};

/** What a client says of the registry of one transfer. */
export interface ResolverWishes {
  /** Instead of the daemon's own; "" for none. */
  readonly hostsDirectory: string;
  /** `http` or `https`, "" for what is usual. */
  readonly scheme: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Instead of docker's config.json. */
  readonly credentials: CredentialSource | undefined;
}

/** A name and value that can be sent, and cannot end the header. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** The settings together with what a client wants. @throws {ContainerError} invalid_argument */
export function registryOptions(settings: RegistrySettings, wishes: ResolverWishes): RegistryOptions {
  const { scheme, headers, credentials, hostsDirectory } = wishes;
  const wrong = (why: string) => new ContainerError("invalid_argument", `cannot use the registry: ${why}`);
  if (!["", "http", "https"].includes(scheme)) throw wrong(`default scheme "${scheme}" must be http or https`);
  if (hostsDirectory !== "" && !isAbsolute(hostsDirectory)) throw wrong("the host directory must be an absolute path");
  for (const [name, value] of Object.entries(headers)) {
    if (!(HEADER_NAME.test(name) && HEADER_VALUE.test(value))) throw wrong(`${JSON.stringify(name)} is no header`);
  }
  const limits: Partial<RegistryLimits> = { parallel: settings.parallel };
  const usual = dockerConfig(settings.dockerConfig, settings.environment);
  const directory = hostsDirectory === "" ? settings.hostsDirectory : hostsDirectory;
  return {
    hosts: (registry) => hostsOf(registry, { directory, scheme, insecure: settings.insecure }),
    credentials: credentials ?? usual,
    headers,
    limits,
  };
}

function hostsOf(
  registry: string,
  { directory, scheme, insecure }: { directory: string; scheme: string; insecure: readonly string[] },
): readonly RegistryHost[] {
  if (scheme === "http" || scheme === "https") {
    // Whoever names the scheme means the registry itself, as it is, but for its certificates.
    const configured = findHosts(directory, registry)?.filter(({ base }) => base.protocol === `${scheme}:`) ?? [];
    return configured.length > 0 ? configured : [ownHost(registry, scheme)];
  }
  const isInsecure = insecure.includes(registry);
  return findHosts(directory, registry) ?? [isInsecure ? ownHost(registry, "http") : ownHost(registry)];
}
