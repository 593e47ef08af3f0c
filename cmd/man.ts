import type { CommandSpec } from "./command.ts";
import { type Flag, type Flags, flagName } from "./flags.ts";
import { exitStatuses, flagLabel, flagSummary, type ProgramSpec, usageLine } from "./help.ts";

/** Manual pages in Markdown, as pandoc's `man` writer takes them: the same lines that `--help` shows. */
const SECTION = "8";

/** The page of one command. */
export function renderCommandPage(program: string, spec: CommandSpec): string {
  const args = Object.values(spec.args).map((arg): Entry => [arg.label, arg.summary]);
  const name = pageName(program, spec);
  return page(name, [
    ["NAME", `${name} - ${spec.summary}`],
    ["SYNOPSIS", code(usageLine(program, spec))],
    ["DESCRIPTION", spec.description ?? ""],
    ["ARGUMENTS", definitions(args)],
    ["OPTIONS", definitions(flagEntries(spec.flags))],
    [
      "EXAMPLES",
      (spec.examples ?? [])
        .map((each) => `${sentence(each.summary)}\n\n${code(`${program} ${each.command}`)}`)
        .join("\n\n"),
    ],
    ["EXIT STATUS", definitions(exitStatuses(spec))],
    ["SEE ALSO", `**${program}**(${SECTION})`],
  ]);
}

/** The page of the whole program. */
export function renderProgramPage(spec: ProgramSpec): string {
  const commands = spec.commands.map((each): Entry => [each.name, each.summary]);
  const pages = spec.commands.map((each) => `**${pageName(spec.name, each)}**(${SECTION})`);
  return page(spec.name, [
    ["NAME", `${spec.name} - ${spec.summary}`],
    ["SYNOPSIS", code(`${spec.name} [global options] COMMAND [options] [arguments]`)],
    ["DESCRIPTION", spec.description],
    ["COMMANDS", definitions(commands)],
    ["GLOBAL OPTIONS", definitions(flagEntries(spec.flags))],
    ["SEE ALSO", pages.join(", ")],
  ]);
}

/** `tsrun-kill`, and `tsctr-images-ls` of a command of two words. */
export function pageName(program: string, { name }: CommandSpec): string {
  return `${program}-${name.replaceAll(" ", "-")}`;
}

type Entry = readonly [term: string, text: string];

function page(name: string, sections: readonly (readonly [title: string, text: string])[]): string {
  const shown = sections.filter(([, text]) => text !== "").map(([title, text]) => `# ${title}\n\n${text}\n`);
  return `% ${name.toUpperCase()}(${SECTION})\n\n${shown.join("\n")}`;
}

function code(line: string): string {
  return `    ${line}`;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}:`;
}

function definitions(entries: readonly Entry[]): string {
  return entries.map(([term, text]) => `\`${term}\`\n: ${text}`).join("\n\n");
}

function flagEntries(flags: Flags): readonly Entry[] {
  const shown = Object.entries(flags).filter(([, flag]) => flag.hidden !== true);
  const own = shown.map(([key, flag]): Entry => [flagLabel(key, flag).trim(), flagSummary(flag)]);
  return [...own, ["-h, --help", "show the help"]];
}

/** Names of a flag as they are typed: `--bundle` and `-b`. */
export function flagWords(key: string, { short }: Flag<unknown>): readonly string[] {
  return short === undefined ? [`--${flagName(key)}`] : [`--${flagName(key)}`, `-${short}`];
}
