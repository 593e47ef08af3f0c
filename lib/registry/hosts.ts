import type { TlsSettings } from "./transport.ts";

/** What a host may be asked for. */
export type Capability = "pull" | "resolve" | "push";

/** An address under which the repositories of a registry are served: itself, or a mirror. */
export interface RegistryHost {
  /** With the path before the names of repositories, e.g. `https://registry-1.docker.io/v2/`. */
  readonly base: URL;
  readonly capabilities: ReadonlySet<Capability>;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls?: TlsSettings;
}

export const ALL_CAPABILITIES: ReadonlySet<Capability> = new Set(["pull", "resolve", "push"]);

/** Where Docker's own registry is. */
const ADDRESSES: Readonly<Record<string, string>> = { "docker.io": "registry-1.docker.io" };

/** The host that a registry's name stands for. Plain HTTP on loopback, or where somebody has asked for it. */
export function ownHost(registry: string, scheme?: "http" | "https"): RegistryHost {
  const address = ADDRESSES[registry] ?? registry;
  const used = scheme ?? (isLoopback(address) ? "http" : "https");
  return { base: new URL(`${used}://${address}/v2/`), capabilities: ALL_CAPABILITIES, headers: {} };
}

/** Whether a host, with or without a port, is this machine. */
export function isLoopback(host: string): boolean {
  const name = URL.parse(`http://${host}/`)?.hostname ?? "";
  return name === "localhost" || name === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(name);
}
