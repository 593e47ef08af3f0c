import { ContainerError } from "../../errors.ts";
import { normalizeDockerName } from "../../image/references.ts";

/** transfer/imagestore.proto: a name that images are given, or found by. */
export interface NamePattern {
  readonly name: string;
  readonly isPrefix: boolean;
  readonly allowOverwrite: boolean;
  readonly addDigest: boolean;
  readonly skipNamedDigest: boolean;
}

/** The names of an image that has come from a registry, or from another name. */
export function namesOfImage(name: string, patterns: readonly NamePattern[], digest: string): readonly string[] {
  const whole = patterns.filter(({ isPrefix }) => !isPrefix);
  const extra = whole.map((pattern) => (pattern.addDigest ? `${pattern.name}@${digest}` : pattern.name));
  return [...new Set([name, ...extra].filter((each) => each !== ""))];
}

/**
 * The names of an image of an archive, which calls it `given` there, in full or by a tag alone: those that patterns make of
 * it. A name in full is taken if it begins with a pattern's own, or if that may be overwritten.
 */
export function namesOfImported(
  { given, isFull }: { readonly given: string; readonly isFull: boolean },
  patterns: readonly NamePattern[],
  digest: string,
): readonly string[] {
  const names: string[] = [];
  for (const pattern of patterns.filter(({ isPrefix }) => isPrefix)) {
    const name = isFull ? accepted(pattern, given) : completed(pattern, given);
    const byDigest = `${pattern.name}@${digest}`;
    if (name !== "") names.push(name);
    if (pattern.addDigest && (name === "" || !pattern.skipNamedDigest)) names.push(byDigest);
  }
  return [...new Set(names)];
}

function accepted({ name, allowOverwrite }: NamePattern, given: string): string {
  return allowOverwrite || given.startsWith(`${name}:`) || given.startsWith(`${name}@`) ? given : "";
}

/** A tag behind the pattern's name; something longer may be a name of its own. */
function completed({ name, allowOverwrite }: NamePattern, given: string): string {
  if (given === "") return "";
  if (!/[:/]/.test(given)) return `${name}:${given}`;
  try {
    const full = normalizeDockerName(given);
    return allowOverwrite || full.startsWith(`${name}:`) ? full : "";
  } catch (error) {
    if (error instanceof ContainerError) return "";
    throw error;
  }
}
