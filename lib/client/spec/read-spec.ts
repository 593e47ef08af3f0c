import type { Config } from "../../spec/config.ts";
import type { Container } from "../tasks.ts";

/**
 * The config.json that a container was made with; undefined when it is none that can be read. Somebody else may have made
 * it: it has been parsed, not checked.
 */
export function readSpec({ spec }: Container): Partial<Config> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(spec?.value));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** config.md § POSIX process: the program and its arguments. */
export function specArgs(container: Container): readonly string[] {
  const args: unknown = readSpec(container)?.process?.args;
  return Array.isArray(args) ? args.map(String) : [];
}
