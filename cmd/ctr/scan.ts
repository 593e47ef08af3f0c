import { type Flags, flagName } from "../flags.ts";
import { HELP, type Scanned } from "../parse-flags.ts";
import { UsageError } from "../usage-error.ts";

/**
 * Options as getopt_long(3) reads them: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-abn value`; `--` ends them.
 * yargs reads the same, but takes 12 ms to load: it completes words, where nobody waits for a container.
 * @throws {UsageError}
 */
export function scan(flags: Flags, argv: readonly string[], stopAtPositional: boolean): Scanned {
  const texts = new Map<string, string[]>();
  const positionals: string[] = [];
  const words = argv[Symbol.iterator]();
  const take = (key: string, given: string | undefined, name: string): void => {
    const value = given ?? (isBoolean(flags, key) ? "true" : words.next().value);
    if (value === undefined) throw new UsageError(`the option ${name} needs a value`);
    texts.set(key, [...(texts.get(key) ?? []), value]);
  };
  for (const word of words) {
    if (word === "--") return { texts, positionals: [...positionals, ...words] };
    if (word.startsWith("--")) takeLong(flags, word, take);
    else if (word.length > 1 && word.startsWith("-")) takeShort(flags, word, take);
    else if (stopAtPositional) return { texts, positionals: [word, ...words] };
    else positionals.push(word);
  }
  return { texts, positionals };
}

type Take = (key: string, given: string | undefined, name: string) => void;

function takeLong(flags: Flags, word: string, take: Take): void {
  const equals = word.indexOf("=");
  const name = equals < 0 ? word : word.slice(0, equals);
  const key = name === "--help" ? HELP : Object.keys(flags).find((each) => `--${flagName(each)}` === name);
  if (key === undefined) throw unknown(name);
  take(key, equals < 0 ? undefined : word.slice(equals + 1), name);
}

function takeShort(flags: Flags, word: string, take: Take): void {
  for (let at = 1; at < word.length; at++) {
    const letter = word[at];
    const name = `-${letter}`;
    const key = letter === "h" ? HELP : Object.keys(flags).find((each) => flags[each]?.short === letter);
    if (key === undefined) throw unknown(name);
    const rest = word.slice(at + 1);
    // What follows the letter of an option with a value is the value.
    const isLast = rest === "" || !isBoolean(flags, key);
    if (isLast) {
      take(key, rest === "" ? undefined : rest.replace(/^=/, ""), name);
      return;
    }
    take(key, rest.startsWith("=") ? rest.slice(1) : undefined, name);
    if (rest.startsWith("=")) return;
  }
}

function isBoolean(flags: Flags, key: string): boolean {
  return key === HELP || flags[key]?.kind === "boolean";
}

function unknown(name: string): UsageError {
  return new UsageError(`there is no option ${name}`, { unknown: { kind: "flag", name: name.replace(/^-+/, "") } });
}
