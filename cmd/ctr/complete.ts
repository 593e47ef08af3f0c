import { api } from "../../lib/client/api.ts";
import type { CommandSpec } from "../command.ts";
import type { ProgramSpec } from "../help.ts";
import { UsageError } from "../usage-error.ts";
import type { CtrContext } from "./context.ts";
import { nounOf } from "./nouns.ts";
import { scan } from "./scan.ts";
import { completions, type Place } from "./yargs.ts";

/** What may stand in the place of the last word of a command line, which may be empty. */
export async function complete(context: CtrContext, words: readonly string[]): Promise<readonly string[]> {
  const current = words.at(-1) ?? "";
  const program = await context.describe();
  const { place, command, rest } = locate(program, words);
  const known = await completions(place, [...rest, current]);
  const isValue = rest.at(-1)?.startsWith("-") === true && known.length > 0;
  const names = current.startsWith("-") || isValue ? [] : await namesFor(context, command);
  const wanted = (each: string) => each.startsWith(current) && each.startsWith("-") === current.startsWith("-");
  return [...new Set([...known, ...names])].filter(wanted).sort();
}

interface Located {
  readonly place: Place;
  readonly command: CommandSpec | undefined;
  /** The words behind the command, without the last one. */
  readonly rest: readonly string[];
}

/** Where in the program the last word is. */
function locate(program: ProgramSpec, words: readonly string[]): Located {
  const before = afterGlobals(program, words.slice(0, -1));
  const [word = "", second = ""] = before;
  const first = nounOf(word);
  const command =
    program.commands.find(({ name }) => name === `${first} ${second}`) ??
    program.commands.find(({ name }) => name === first);
  if (command !== undefined) {
    const place = { commands: [], flags: command.flags };
    return { place, command, rest: before.slice(command.name.split(" ").length) };
  }
  const verbs = program.commands.flatMap(({ name }) =>
    name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : [],
  );
  if (first !== "") return { place: { commands: verbs, flags: {} }, command, rest: before.slice(1) };
  const nouns = new Set(program.commands.map(({ name }) => name.split(" ", 1)[0] ?? ""));
  return { place: { commands: [...nouns], flags: program.flags }, command, rest: before };
}

/** The words from the command on; all of them while an option in front of it has no value yet. */
function afterGlobals(program: ProgramSpec, words: readonly string[]): readonly string[] {
  try {
    return scan(program.flags, words, true).positionals;
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  }
}

/** What the daemon has that a command is about, after the labels of its arguments; nothing when it does not answer. */
async function namesFor(context: CtrContext, command: CommandSpec | undefined): Promise<readonly string[]> {
  const labels = Object.values(command?.args ?? {}).map(({ label }) => label);
  try {
    if (labels.some((label) => label.includes("container"))) {
      const { containers } = await (await context.connect()).call(api.containers.list, {});
      return containers.map(({ id }) => id);
    }
    if (labels.some((label) => label.includes("image"))) {
      const { images } = await (await context.connect()).call(api.images.list, {});
      return images.map(({ name }) => name);
    }
    if (labels.some((label) => label.includes("volume"))) {
      const { listVolumes, volumesDirectory } = await import("../../lib/client/volumes/volume.ts");
      const directory = await volumesDirectory(await context.connect());
      return listVolumes(context.kernel, directory).map(({ name }) => name);
    }
  } catch {
    // Commands and options are known without a daemon.
  }
  return [];
}
