import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { say } from "./tally.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>["values"];

/** A command line: what it chose, the wish for help, or what is wrong with it. */
export type Reading<T extends Options> =
  | { readonly kind: "values"; readonly values: Values<T> }
  | { readonly kind: "help" }
  | { readonly kind: "fault"; readonly fault: string };

const NUMBER = /^\d+$/;

/** Reads the options of a command line, of which `--help` is one always. Where a default is a number, so is the value. */
export function parseOptions<const T extends Options>(words: readonly string[], options: T): Reading<T> {
  if (words.includes("--help") || words.includes("-h")) return { kind: "help" };
  try {
    const { values } = parseArgs({ args: [...words], options });
    for (const [name, value] of Object.entries(values)) {
      const usual = options[name]?.default;
      if (typeof usual === "string" && NUMBER.test(usual) && !NUMBER.test(String(value)))
        return { kind: "fault", fault: `--${name} takes a number, not ${JSON.stringify(value)}` };
    }
    return { kind: "values", values };
  } catch (error) {
    return { kind: "fault", fault: firstSentence(error instanceof Error ? error.message : String(error)) };
  }
}

/** What node says goes on with advice that is about its own programs. */
function firstSentence(text: string): string {
  const [sentence = ""] = text.split(/\.?\n|\. /);
  return `${sentence.slice(0, 1).toLowerCase()}${sentence.slice(1)}`;
}

/** The comment that a program begins with, which is its help, too. */
export function helpOf(source: string): string {
  const comment = /\/\*\*(.*?)\*\//s.exec(source)?.[1] ?? "";
  return comment
    .split("\n")
    .map((line) => line.replace(/^ \* ?/, "").trimEnd())
    .join("\n")
    .trim();
}

/**
 * The options that the program `main`, a path, was called with. Ends the process for `--help`, which prints the comment that
 * the program begins with, and for a command line that is wrong.
 */
export function readOptions<const T extends Options>(main: string, options: T): Values<T> {
  const reading = parseOptions(process.argv.slice(2), options);
  if (reading.kind === "values") return reading.values;
  if (reading.kind === "help") {
    say(helpOf(readFileSync(main, "utf8")));
    process.exit(0);
  }
  process.stderr.write(`${basename(dirname(main))}: ${reading.fault}; --help lists the options\n`);
  process.exit(1);
}
