import yargs, { type Options } from "yargs";
import { type Flag, type Flags, flagName } from "../flags.ts";
import { flagWords } from "../man.ts";

/** What may be typed at one place of a command line. */
export interface Place {
  readonly commands: readonly string[];
  readonly flags: Flags;
}

/** What the last of some words may become, as yargs knows it: for completion, where its 12 ms do not matter. */
export async function completions({ commands, flags }: Place, words: readonly string[]): Promise<readonly string[]> {
  const shown = Object.entries(flags).filter(([, flag]) => flag.hidden !== true);
  const parser = yargs([]).scriptName("tsctr").locale("en").version(false).exitProcess(false).fail(false);
  parser.options(Object.fromEntries(shown.map(([key, flag]) => [flagName(key), optionOf(flag)])));
  for (const name of commands) parser.command(name, "");
  const found = await parser.getCompletion([...words]);
  // Options that it has made up of what is typed are none; what a thing is for stands behind a colon.
  const options = new Set(["--help", ...shown.flatMap(([key, flag]) => flagWords(key, flag))]);
  return found.map((each) => each.replace(/:.*$/s, "")).filter((each) => !each.startsWith("-") || options.has(each));
}

function optionOf({ kind, summary, short, words }: Flag<unknown>): Options {
  return {
    ...{ type: kind === "boolean" ? "boolean" : "string", description: summary },
    ...(short === undefined ? {} : { alias: short }),
    ...(words === undefined ? {} : { choices: [...words] }),
  };
}
