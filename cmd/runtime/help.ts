import { flagName } from "../flags.ts";
import { type ProgramSpec, renderCommandHelp, renderProgramHelp, usageLine } from "../help.ts";
import { suggest } from "../suggest.ts";
import type { UsageError } from "../usage-error.ts";
import { globalFlags } from "./global-flags.ts";
import { COMMANDS, findCommand } from "./program.ts";

/** The text of `--help`, of one command or of the whole program. */
export async function helpText(program: string, command: string | undefined): Promise<string> {
  const spec = await findCommand(command ?? "")?.();
  if (spec !== undefined) return renderCommandHelp(program, spec);
  return renderProgramHelp(await programSpec(program));
}

/** All that help, manual pages and completion are made from. */
export async function programSpec(program: string): Promise<ProgramSpec> {
  return {
    name: program,
    summary: "Open Container Initiative runtime",
    description:
      "Runs containers from OCI bundles. A bundle is a directory with a config.json and a root filesystem. The options, texts and exit statuses are those " +
      `of runc, in whose place ${program} can stand.`,
    flags: globalFlags,
    commands: await Promise.all(Object.values(COMMANDS).map((load) => load())),
  };
}

/** What a wrong command line is told when there is nothing better to suggest. */
export async function usageText(program: string, command: string | undefined): Promise<string> {
  const spec = await findCommand(command ?? "")?.();
  if (spec === undefined)
    return `usage: ${program} [global options] COMMAND [options] [arguments]; see "${program} --help"`;
  return `usage: ${usageLine(program, spec)}; see "${program} ${spec.name} --help"`;
}

/** `did you mean --bundle?`, when a known name is near. */
export async function suggestionFor(error: UsageError, command: string | undefined): Promise<string | undefined> {
  if (error.unknown === undefined) return undefined;
  const { kind, name } = error.unknown;
  if (kind === "command") return question(suggest(name, Object.keys(COMMANDS)));
  const spec = await findCommand(command ?? "")?.();
  const flags = Object.entries(spec?.flags ?? globalFlags).filter(([, flag]) => flag.hidden !== true);
  const near = suggest(name, [...flags.map(([key]) => flagName(key)), "help"]);
  return question(near === undefined ? undefined : `--${near}`);
}

function question(near: string | undefined): string | undefined {
  return near === undefined ? undefined : `did you mean ${near}?`;
}
