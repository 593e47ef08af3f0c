import { SpecError } from "../errors.ts";
import { parseConfig } from "./parse-config.ts";

/** For tests: a config that is right and short, with other top-level properties. */
export function configWith(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return {
    ociVersion: "1.3.0",
    root: { path: "rootfs" },
    process: { cwd: "/", args: ["true"] },
    ...properties,
  };
}

/** For tests: every fault of a document as `pointer: problem`. */
export function faultsOf(document: unknown): string[] {
  try {
    parseConfig(JSON.stringify(document));
    return [];
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return error.faults.map(({ pointer, problem }) => `${pointer}: ${problem}`);
  }
}

/** One row of a table of tests; `faults` are beginnings of what `faultsOf()` gives, none when the config is right. */
export interface Case {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly faults?: readonly string[];
}

/** For tests: cuts each fault to the length of the expected beginning, so that a comparison shows all of them. */
export function matched(faults: readonly string[], beginnings: readonly string[]): string[] {
  return faults.map((fault, index) => fault.slice(0, beginnings[index]?.length));
}
