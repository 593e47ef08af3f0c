import type { CommandSpec } from "./command.ts";
import { type Flag, type Flags, flagName } from "./flags.ts";

/** What the help of a whole program shows besides its commands. */
export interface ProgramSpec {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly flags: Flags;
  readonly commands: readonly CommandSpec[];
}

const WIDTH = 100;

/** `tsrun kill [options] <container-id> [signal]` */
export function usageLine(program: string, spec: CommandSpec): string {
  const labels = Object.values(spec.args).map((arg) => arg.label);
  return [program, spec.name, "[options]", ...labels].join(" ");
}

/** The text of `PROGRAM COMMAND --help`: sections as runc has them, where tests and completions look for names. */
export function renderCommandHelp(program: string, spec: CommandSpec): string {
  const args = Object.values(spec.args).map((arg): Row => [arg.label, arg.summary]);
  return joinSections([
    section("NAME", [`${INDENT}${program} ${spec.name} - ${spec.summary}`]),
    section("USAGE", [`${INDENT}${usageLine(program, spec)}`]),
    section("DESCRIPTION", spec.description === undefined ? [] : indent(spec.description)),
    section("ARGUMENTS", renderRows(args)),
    section("OPTIONS", renderFlags(spec.flags)),
    section("EXAMPLES", renderExamples(program, spec)),
    section("EXIT STATUS", renderRows(exitStatuses(spec))),
  ]);
}

/** The text of `PROGRAM --help`. */
export function renderProgramHelp(spec: ProgramSpec): string {
  const commands = spec.commands.map((each): Row => [each.name, each.summary]);
  return joinSections([
    section("NAME", [`${INDENT}${spec.name} - ${spec.summary}`]),
    section("USAGE", [`${INDENT}${spec.name} [global options] COMMAND [options] [arguments]`]),
    section("DESCRIPTION", indent(spec.description)),
    section("COMMANDS", renderRows(commands)),
    section("GLOBAL OPTIONS", renderFlags(spec.flags)),
    `"${spec.name} COMMAND --help" explains one command.`,
  ]);
}

/** What every line of a section begins with. */
const INDENT = "   ";

function indent(prose: string): readonly string[] {
  return wrap(prose, WIDTH - INDENT.length).map((line) => `${INDENT}${line}`);
}

type Row = readonly [left: string, right: string];

function renderFlags(flags: Flags): readonly string[] {
  const shown = Object.entries(flags).filter(([, flag]) => flag.hidden !== true);
  const hasVersion = shown.some(([key]) => key === "version");
  const rows = shown.map(([key, flag]): Row => [flagLabel(key, flag), flagSummary(flag)]);
  return renderRows([...rows, ["-h, --help", hasVersion ? "show this help" : "show this help and do nothing else"]]);
}

/** `-b, --bundle DIR`, with room for the letter where there is none. */
export function flagLabel(key: string, flag: Flag<unknown>): string {
  const names = flag.short === undefined ? `    --${flagName(key)}` : `-${flag.short}, --${flagName(key)}`;
  return flag.kind === "boolean" ? names : `${names} ${flag.label ?? DEFAULT_LABEL[flag.kind]}`;
}

const DEFAULT_LABEL = { text: "VALUE", path: "PATH", number: "N" } as const;

/** What an option is for, and its default. */
export function flagSummary(flag: Flag<unknown>): string {
  return flag.defaultText === undefined ? flag.summary : `${flag.summary} (default: ${flag.defaultText})`;
}

function renderExamples(program: string, { examples = [] }: CommandSpec): readonly string[] {
  return examples.flatMap((example) => [`${INDENT}# ${example.summary}`, `${INDENT}${program} ${example.command}`]);
}

/** Every exit status of a command, with its meaning. */
export function exitStatuses({ exitStatuses: own = [] }: CommandSpec): readonly Row[] {
  const usual: readonly Row[] = [
    ["0", "done"],
    ["1", "not done; the reason is on standard error"],
  ];
  const named = own.map(({ status, meaning }): Row => [status, meaning]);
  // A command that gives a usual status a meaning of its own says so.
  return [...usual.filter(([status]) => !named.some(([other]) => other === status)), ...named];
}

function renderRows(rows: readonly Row[]): readonly string[] {
  const left = Math.max(0, ...rows.map(([label]) => label.length)) + 2;
  return rows.flatMap(([label, summary]) =>
    wrap(summary, WIDTH - INDENT.length - left).map(
      (line, index) => `${INDENT}${(index === 0 ? label : "").padEnd(left)}${line}`,
    ),
  );
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `${title}:\n${lines.join("\n")}`;
}

function joinSections(sections: readonly string[]): string {
  return `${sections.filter((part) => part !== "").join("\n\n")}\n`;
}

function wrap(prose: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of prose.split(/\s+/)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
