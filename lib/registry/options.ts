import type { CredentialSource } from "./credentials.ts";
import type { RegistryHost } from "./hosts.ts";
import type { RetryLimits } from "./retry.ts";
import type { TransportLimits } from "./transport.ts";

/** Limits of a transfer. */
export interface RegistryLimits extends TransportLimits, RetryLimits {
  /** Blobs on their way at the same time. */
  readonly parallel: number;
  /** The bytes of one request of an upload in parts. */
  readonly chunkBytes: number;
}

export const DEFAULT_LIMITS: RegistryLimits = {
  stallMs: 30_000,
  attempts: 6,
  firstDelayMs: 300,
  maxDelayMs: 10_000,
  maxRetryAfterMs: 120_000,
  parallel: 3,
  chunkBytes: 16 * 2 ** 20,
};

/** How registries are reached. */
export interface RegistryOptions {
  /** The hosts of a registry in the order in which they are tried. @throws {ContainerError} */
  readonly hosts: (registry: string) => readonly RegistryHost[];
  readonly credentials: CredentialSource;
  /** Added to all requests to the registry. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly limits?: Partial<RegistryLimits>;
}
