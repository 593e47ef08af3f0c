import { type Platform, parsePlatform, platformOfMachine } from "../../lib/image/platforms.ts";
import type { CredentialSource } from "../../lib/registry/credentials.ts";
import { dockerConfig } from "../../lib/registry/docker-config.ts";
import { ownHost, type RegistryHost } from "../../lib/registry/hosts.ts";
import { findHosts } from "../../lib/registry/hosts-file.ts";
import type { RegistryOptions } from "../../lib/registry/options.ts";
import { boolean, path, repeated, text, type Values } from "../flags.ts";
import { AdvisedError } from "./advice.ts";
import type { CtrContext } from "./context.ts";

const HOSTS_DIRECTORY = "/etc/containerd/certs.d";

/** Options of the commands that talk to registries. */
export const registryFlags = {
  plainHttp: boolean("talk HTTP without TLS; on loopback that is so anyway"),
  skipVerify: boolean("believe any certificate", { short: "k" }),
  user: text("login, instead of that in docker's config.json", { label: "NAME:PASSWORD", short: "u" }),
  hostsDir: path(`directory of hosts.toml files (default: ${HOSTS_DIRECTORY})`, { label: "DIR" }),
};

/** `--platform` of the commands that bring or take images. */
export const platformFlag = repeated("platform, e.g. linux/arm64; may be given more than once", { label: "PLATFORM" });

/** How registries are reached, after the options and the environment. @throws {ContainerError} */
export function registryOptions(context: CtrContext, flags: Values<typeof registryFlags>): RegistryOptions {
  const { plainHttp, skipVerify, user, hostsDir = HOSTS_DIRECTORY } = flags;
  return {
    hosts: (registry) => {
      const hosts = findHosts(hostsDir, registry) ?? [ownHost(registry, plainHttp ? "http" : undefined)];
      return skipVerify ? hosts.map(withoutVerification) : hosts;
    },
    credentials: user === undefined ? storedCredentials(context) : givenCredentials(user),
  };
}

function withoutVerification(host: RegistryHost): RegistryHost {
  return { ...host, tls: { ...host.tls, skipVerify: true } };
}

function givenCredentials(user: string): CredentialSource {
  const colon = user.indexOf(":");
  if (colon < 1) {
    throw new AdvisedError("invalid_argument", `cannot log in as ${JSON.stringify(user)}: there is no password`, {
      advice: "give --user NAME:PASSWORD, or log in with docker or podman, whose config.json is read",
    });
  }
  const [username, password] = [user.slice(0, colon), user.slice(colon + 1)];
  return () => Promise.resolve({ kind: "password", username, password });
}

function storedCredentials({ env }: CtrContext): CredentialSource {
  const { HOME = "/root", PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" } = env;
  const directory = env["DOCKER_CONFIG"] || `${HOME}/.docker`;
  return dockerConfig(`${directory}/config.json`, { HOME, PATH });
}

/** The platform of this machine, which is the daemon's: its socket is a file. */
export function ownPlatform(): Platform {
  return platformOfMachine(process.arch);
}

/** The platforms that were asked for; this machine's when none was. @throws {ContainerError} */
export function platformsOf(texts: readonly string[]): readonly Platform[] {
  return texts.length === 0 ? [ownPlatform()] : texts.map(parsePlatform);
}
