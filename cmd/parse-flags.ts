import { type Flag, type Flags, flagName, last, type Values } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

/** The options of a command line and what is left of it. */
export interface ParsedFlags<F> {
  readonly flags: Values<F>;
  readonly positionals: readonly string[];
  readonly help: boolean;
}

/**
 * Options as Go's `flag` package reads them: one dash or two, `-name value`, `-name=value`, `-bool=false`; `--` ends them.
 * node:util's parseArgs knows no single-dash names and costs 2 ms to load.
 * @throws {UsageError}
 */
export function parseFlags<const F extends Flags>(
  flags: F,
  argv: readonly string[],
  { stopAtPositional = false } = {},
): ParsedFlags<F> {
  return parseScanned(flags, scan(flags, argv, stopAtPositional));
}

/** Gives each flag its texts; `dash` is how names begin where they are told. @throws {UsageError} */
export function parseScanned<const F extends Flags>(
  flags: F,
  { texts, positionals }: Scanned,
  dash: "-" | "--" = "-",
): ParsedFlags<F> {
  const help = texts.has(HELP);
  const values: Record<string, unknown> = {};
  // After --help nothing else matters, not even a wrong value.
  if (!help) for (const key in flags) values[key] = parseFlag({ key, flag: flags[key], dash }, texts.get(key) ?? []);
  return { flags: values as Values<F>, positionals, help };
}

/** A command line, taken apart. */
export interface Scanned {
  /** The values given, by key of the flag. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
}

/** Every command has --help without defining it; no flag has this key. */
export const HELP = "";

function scan(flags: Flags, argv: readonly string[], stopAtPositional: boolean): Scanned {
  const texts = new Map<string, string[]>();
  const positionals: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? "";
    if (word === "--") return { texts, positionals: positionals.concat(argv.slice(index + 1)) };
    const option = splitOption(word);
    if (option === undefined) {
      if (stopAtPositional) return { texts, positionals: argv.slice(index) };
      positionals.push(word);
      continue;
    }
    const key = findKey(flags, option.name);
    const value = option.value ?? (takesValue(flags, key) ? argv[++index] : "true");
    if (value === undefined) throw new UsageError(`flag needs an argument: -${option.name}`);
    texts.set(key, [...(texts.get(key) ?? []), value]);
  }
  return { texts, positionals };
}

function takesValue(flags: Flags, key: string): boolean {
  return key !== HELP && flags[key]?.kind !== "boolean";
}

/** The key of the flag called `name`, long or short. @throws {UsageError} */
function findKey(flags: Flags, name: string): string {
  if (name === "help" || name === "h") return HELP;
  for (const key in flags) if (isNameOf(key, name) || flags[key]?.short === name) return key;
  throw new UsageError(`flag provided but not defined: -${name}`, { unknown: { kind: "flag", name } });
}

const DASH = 45;
const CAPITAL_A = 65;
const CAPITAL_Z = 90;
const TO_SMALL = 32;

/**
 * `flagName(key) === name`, but at once: the first regular expression of a process costs it 80 µs, the first
 * toUpperCase() 100 µs.
 */
function isNameOf(key: string, name: string): boolean {
  let at = 0;
  for (let index = 0; index < key.length; index++) {
    const code = key.charCodeAt(index);
    const isCapital = code >= CAPITAL_A && code <= CAPITAL_Z;
    if (isCapital && name.charCodeAt(at++) !== DASH) return false;
    if (name.charCodeAt(at++) !== (isCapital ? code + TO_SMALL : code)) return false;
  }
  return at === name.length;
}

function splitOption(word: string): { readonly name: string; readonly value: string | undefined } | undefined {
  if (word.length < 2 || !word.startsWith("-")) return undefined;
  const body = word.slice(word.startsWith("--") ? 2 : 1);
  if (body.startsWith("-") || body.startsWith("=")) throw new UsageError(`bad flag syntax: ${word}`);
  const equals = body.indexOf("=");
  return equals < 0 ? { name: body, value: undefined } : { name: body.slice(0, equals), value: body.slice(equals + 1) };
}

interface NamedFlag {
  readonly key: string;
  readonly flag: Flag<unknown> | undefined;
  readonly dash: string;
}

function parseFlag({ key, flag, dash }: NamedFlag, texts: readonly string[]): unknown {
  if (flag === undefined) return undefined;
  try {
    return flag.parse(texts);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    const invalid = flag.kind === "boolean" ? "invalid boolean value" : "invalid value";
    throw new UsageError(`${invalid} ${JSON.stringify(last(texts))} for flag ${dash}${flagName(key)}`, { cause });
  }
}
