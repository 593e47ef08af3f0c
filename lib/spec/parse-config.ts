import { ContainerError } from "../errors.ts";
import { checkDocument } from "./check-document.ts";
import type { Config, Process } from "./config.ts";
import { exactIntegers } from "./exact-integers.ts";
import { isConfig, isProcess, isResources } from "./gen/is-valid.js";
import { schemas, validateConfig, validateProcess, validateResources } from "./gen/validate-config.js";
import { locateSyntaxError } from "./json-syntax.ts";
import type { LinuxResources } from "./resources.ts";
import { configRules, processRules, resourcesRules } from "./rules/all.ts";
import { configWarnings, processWarnings } from "./rules/warnings.ts";

/** A document that may be used, and what its author should know. */
export interface Parsed {
  /** Each a sentence without a period, beginning with the property. */
  readonly warnings: readonly string[];
}

export interface ParsedConfig extends Parsed {
  readonly config: Config;
  /** The exact values, by pointer, of integers that `config` holds rounded; filled when a seccomp comparison is among them. */
  readonly exact: ReadonlyMap<string, bigint>;
}

const EXACT_ALREADY: ReadonlyMap<string, bigint> = new Map();

/**
 * config.md: checks a config.json against the spec.
 * @throws {SpecError} with all faults of a document that is JSON
 * @throws {ContainerError} invalid_argument for one that is not
 */
export function parseConfig(text: string): ParsedConfig {
  const config = checkDocument<Config>(parseJson(text, "config.json"), {
    schema: "config.json",
    isValid: isConfig,
    validate: validateConfig,
    schemas,
    rules: configRules,
  });
  return {
    config,
    warnings: configWarnings(config),
    exact: hasRoundedArgs(config) ? exactIntegers(text) : EXACT_ALREADY,
  };
}

/** config.md § Process: checks the document of `exec --process`; throws as `parseConfig()`. */
export function parseProcess(text: string): Parsed & { readonly process: Process } {
  const process = checkDocument<Process>(parseJson(text, "process.json"), {
    schema: "process.json",
    isValid: isProcess,
    validate: validateProcess,
    schemas,
    rules: processRules,
  });
  return { process, warnings: processWarnings(process, "") };
}

/** config-linux.md § Control groups: checks the document of `update --resources`; throws as `parseConfig()`. */
export function parseResources(text: string): LinuxResources {
  return checkDocument<LinuxResources>(parseJson(text, "resources"), {
    schema: "resources.json",
    isValid: isResources,
    validate: validateResources,
    schemas,
    rules: resourcesRules,
  });
}

/** A limit that is rounded is as good a limit; a seccomp filter that compares with another number is another filter. */
function hasRoundedArgs({ linux }: Config): boolean {
  for (const { args } of linux?.seccomp?.syscalls ?? []) {
    for (const { value, valueTwo = 0 } of args ?? []) {
      if (value > Number.MAX_SAFE_INTEGER || valueTwo > Number.MAX_SAFE_INTEGER) return true;
    }
  }
  return false;
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What JSON.parse() says of it is less than what we find out below.
  }
  const { line, column, problem } = locateSyntaxError(text);
  throw new ContainerError("invalid_argument", `cannot parse ${name}: line ${line}, column ${column}: ${problem}`);
}
