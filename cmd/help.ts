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

/** Of a terminal that is wider, or of none. */
const MAX_WIDTH = 100;
/** Less than this is no column of words any more. */
const MIN_COLUMN = 24;

/** `tsrun kill [options] <container-id> [signal]` */
export function usageLine(program: string, spec: CommandSpec): string {
  const labels = Object.values(spec.args).map((arg) => arg.label);
  return [program, spec.name, "[options]", ...labels].join(" ");
}

/** The text of `PROGRAM COMMAND --help`: sections as runc has them, where tests and completions look for names. */
export function renderCommandHelp(program: string, spec: CommandSpec, width = MAX_WIDTH): string {
  const args = Object.values(spec.args).map((arg): Row => [arg.label, arg.summary]);
  return joinSections([
    section("NAME", [`${INDENT}${program} ${spec.name} - ${spec.summary}`]),
    section("USAGE", [`${INDENT}${usageLine(program, spec)}`]),
    section("DESCRIPTION", spec.description === undefined ? [] : indent(spec.description, width)),
    section("ARGUMENTS", renderRows(args, width)),
    section("OPTIONS", renderFlags(spec.flags, width)),
    section("EXAMPLES", renderExamples(program, spec)),
    section("EXIT STATUS", renderRows(exitStatuses(spec), width)),
  ]);
}

/** The text of `PROGRAM --help`. */
export function renderProgramHelp(spec: ProgramSpec, width = MAX_WIDTH): string {
  const commands = spec.commands.map((each): Row => [each.name, each.summary]);
  return joinSections([
    section("NAME", [`${INDENT}${spec.name} - ${spec.summary}`]),
    section("USAGE", [`${INDENT}${spec.name} [global options] COMMAND [options] [arguments]`]),
    section("DESCRIPTION", indent(spec.description, width)),
    section("COMMANDS", renderRows(commands, width)),
    section("GLOBAL OPTIONS", renderFlags(spec.flags, width)),
    `"${spec.name} COMMAND --help" explains one command.`,
  ]);
}

/** What every line of a section begins with. */
const INDENT = "   ";

function indent(prose: string, width: number): readonly string[] {
  return wrap(prose, Math.min(width, MAX_WIDTH) - INDENT.length).map((line) => `${INDENT}${line}`);
}

type Row = readonly [left: string, right: string];

function renderFlags(flags: Flags, width: number): readonly string[] {
  const shown = Object.entries(flags).filter(([, flag]) => flag.hidden !== true);
  const hasVersion = shown.some(([key]) => key === "version");
  const rows = shown.map(([key, flag]): Row => [flagLabel(key, flag), flagSummary(flag)]);
  const help: Row = ["-h, --help", hasVersion ? "show this help" : "show this help and do nothing else"];
  return renderRows([...rows, help], width);
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

function renderRows(rows: readonly Row[], width: number): readonly string[] {
  const left = Math.max(0, ...rows.map(([label]) => label.length)) + 2;
  const right = Math.min(width, MAX_WIDTH) - INDENT.length - left;
  if (right < MIN_COLUMN) {
    // One below the other, where there is no room side by side.
    return rows.flatMap(([label, summary]) => [
      `${INDENT}${label.trimStart()}`,
      ...indent(summary, width - INDENT.length).map((line) => `${INDENT}${line}`),
    ]);
  }
  return rows.flatMap(([label, summary]) =>
    wrap(summary, right).map((line, index) => `${INDENT}${(index === 0 ? label : "").padEnd(left)}${line}`),
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
