import { ContainerError } from "../errors.ts";

/** `sha256:<hex>` or `sha512:<hex>`: what a blob is known by. */
export type Digest = string;

/** Algorithms of image-spec § Digests, with the length of their hexadecimal text. */
const ALGORITHMS = { sha256: 64, sha512: 128 } as const;
/** image-spec § Digests: an algorithm we compute. */
export type DigestAlgorithm = keyof typeof ALGORITHMS;

/** A digest, taken apart. */
export interface DigestParts {
  readonly algorithm: DigestAlgorithm;
  readonly hex: string;
}

const DIGEST = /^([a-z0-9]+):([0-9a-f]+)$/;

/** @throws {ContainerError} invalid_argument. What passes is safe as the name of a file. */
export function parseDigest(digest: string): DigestParts {
  const parts = findDigest(digest);
  if (parts === undefined) throw new ContainerError("invalid_argument", `invalid digest "${digest.slice(0, 200)}"`);
  return parts;
}

/** The parts of a digest, or undefined when it is none. */
export function findDigest(digest: string): DigestParts | undefined {
  const [, algorithm, hex] = DIGEST.exec(digest) ?? [];
  if (algorithm !== "sha256" && algorithm !== "sha512") return undefined;
  return hex?.length === ALGORITHMS[algorithm] ? { algorithm, hex } : undefined;
}

/** A running digest. */
export class Digester {
  readonly algorithm: DigestAlgorithm;
  #hasher: Bun.CryptoHasher;

  constructor(algorithm: DigestAlgorithm = "sha256") {
    this.algorithm = algorithm;
    this.#hasher = new Bun.CryptoHasher(algorithm);
  }

  update(bytes: Uint8Array): void {
    this.#hasher.update(bytes);
  }

  /** The digest of the bytes so far; more may follow. */
  current(): Digest {
    return `${this.algorithm}:${this.#hasher.copy().digest("hex")}`;
  }

  reset(): void {
    this.#hasher = new Bun.CryptoHasher(this.algorithm);
  }
}

/** The sha256 digest of some bytes. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
}
