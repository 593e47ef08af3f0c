import { ContainerError } from "../errors.ts";

/** image-spec § Image Index, `platform`: what an image runs on. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  aarch64: "arm64",
  armhf: "arm",
  i386: "386",
  i686: "386",
  "x86-64": "amd64",
  x86_64: "amd64",
};
/** What Node.js calls a machine that has another name in Go, which images use. */
const MACHINES: Readonly<Record<string, string>> = { x64: "amd64" };
/** The variant that is meant when there is none. */
const PLAIN_VARIANTS: Readonly<Record<string, string>> = { amd64: "v1", arm: "v7", arm64: "v8" };
/** Of 32-bit arm, the newest first: a processor runs what is made for older ones. */
const ARM_VARIANTS = ["v8", "v7", "v6", "v5"];
const AMD64_VARIANTS = ["v4", "v3", "v2", "v1"];
const LAST = Number.MAX_SAFE_INTEGER;
const PART = /^[A-Za-z0-9_.-]+$/;

/** `linux/arm/v7`, as people write it; the architecture alone is one of Linux. @throws {ContainerError} invalid_argument */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  const [os = "", architecture = "", variant] = parts.length === 1 ? ["linux", text] : parts;
  if (parts.length > 3 || !parts.every((part) => PART.test(part))) {
    throw new ContainerError(
      "invalid_argument",
      `invalid platform "${text}": must be like linux/amd64 or linux/arm/v7`,
    );
  }
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** A platform as people write it. */
export function formatPlatform({ os, architecture, variant = "" }: Platform): string {
  return variant === "" ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/**
 * How well a platform serves whoever wants one of a list: 0 is best, undefined is not at all. A processor serves what is
 * made for older ones of its kind, too.
 */
export function rankPlatform(wanted: readonly Platform[], offered: Platform): number | undefined {
  const name = formatPlatform(normalised(offered));
  const rank = wanted.flatMap(served).findIndex((each) => formatPlatform(each) === name);
  return rank === -1 ? undefined : rank;
}

/** What serves whoever wants one of a list, the best first; what does not say what it is for may serve, and comes last. */
export function fittingFirst<T extends { readonly platform?: Platform | undefined }>(
  wanted: readonly Platform[],
  offered: readonly T[],
): readonly T[] {
  return offered
    .map((each) => ({ each, rank: each.platform === undefined ? LAST : rankPlatform(wanted, each.platform) }))
    .filter(({ rank }) => rank !== undefined)
    .toSorted((a, b) => (a.rank ?? 0) - (b.rank ?? 0))
    .map(({ each }) => each);
}

/** The platform of a machine whose architecture Node.js calls so: `process.arch`. */
export function platformOfMachine(arch: string): Platform {
  return { os: "linux", architecture: MACHINES[arch] ?? arch };
}

/** What runs on a platform, the best first; variants are all written out. */
function served(platform: Platform): readonly Platform[] {
  const own = normalised(platform);
  const { os, architecture, variant = "" } = own;
  const down = (name: string, variants: readonly string[], from: string): readonly Platform[] => {
    const at = variants.indexOf(from);
    return at === -1 ? [] : variants.slice(at).map((each) => ({ os, architecture: name, variant: each }));
  };
  if (architecture === "arm") return [own, ...down("arm", ARM_VARIANTS, variant).slice(1)];
  if (architecture === "arm64") return [own, ...down("arm", ARM_VARIANTS, "v8")];
  if (architecture !== "amd64") return [own];
  return [own, ...down("amd64", AMD64_VARIANTS, variant).slice(1), { os, architecture: "386" }];
}

function normalised({ os, architecture, variant = "" }: Platform): Platform {
  const lower = architecture.toLowerCase();
  const name = ARCHITECTURES[lower] ?? lower;
  const plain = PLAIN_VARIANTS[name];
  const given = /^\d+$/.test(variant) ? `v${variant}` : variant.toLowerCase();
  const full = given === "" ? plain : given;
  return { os: os.toLowerCase(), architecture: name, ...(full === undefined ? {} : { variant: full }) };
}
