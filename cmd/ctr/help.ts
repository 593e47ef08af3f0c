import { openKernel } from "../../lib/linux/kernel.ts";
import { findWindowSize } from "../../lib/linux/terminal.ts";
import { flagName } from "../flags.ts";
import { type ProgramSpec, renderCommandHelp, renderProgramHelp, usageLine } from "../help.ts";
import { suggest } from "../suggest.ts";
import type { UsageError } from "../usage-error.ts";
import { globalFlags } from "./global-flags.ts";
import { COMMANDS } from "./program.ts";

const STDOUT = 1;

/** The text of `--help`, of one command or of the whole program, as wide as the terminal. */
export async function helpText(program: string, command: string | undefined): Promise<string> {
  const spec = await COMMANDS[command ?? ""]?.();
  // One that was never told its size says 0.
  const width = findWindowSize(openKernel(), STDOUT)?.columns || undefined;
  if (spec !== undefined) return renderCommandHelp(program, spec, width);
  return renderProgramHelp(await programSpec(program), width);
}

/** All that help, manual pages and completion are made from. */
export async function programSpec(program: string): Promise<ProgramSpec> {
  return {
    name: program,
    summary: "runs and looks after containers of a daemon",
    description:
      `The nouns are containerd's, the habits those of docker. ${program} talks to tsrund, and to any containerd from 1.6 ` +
      "on, through containerd's API. Errors say what to do next where that is known. The exit status is 2 for a command " +
      "line that is not understood.",
    flags: globalFlags,
    commands: await Promise.all(Object.values(COMMANDS).map((load) => load())),
  };
}

/** What a wrong command line is told: the nearest known word, or how the command is used. */
export async function usageAdvice(program: string, command: string | undefined, error: UsageError): Promise<string> {
  const spec = await COMMANDS[command ?? ""]?.();
  const { kind, name } = error.unknown ?? {};
  const flags = Object.keys(spec?.flags ?? globalFlags).map(flagName);
  if (kind === "command" && Object.hasOwn(OTHER_WORDS, name ?? "")) return OTHER_WORDS[name ?? ""] ?? "";
  const near = name === undefined ? undefined : suggest(name, kind === "command" ? Object.keys(COMMANDS) : flags);
  if (near !== undefined) return `did you mean ${kind === "command" ? `${program} ${near}` : `--${near}`}?`;
  if (spec === undefined) return `${program} --help shows all commands`;
  return `usage: ${usageLine(program, spec)}; ${program} ${spec.name} --help says more`;
}

/** What somebody is told who has docker's words on his fingers. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  build: "images are built by buildah or BuildKit; tsctr pull and tsctr import take what they make",
  diff: "tsctr cp CONTAINER:PATH - looks into a container, and tsctr commit keeps what has changed",
  login: "logins are those of docker's config.json, or --user of tsctr pull and tsctr push",
  network: "networks are those of CNI, in /etc/cni/net.d: tsctr run --net NAME",
  rename: "the name of a container is its id, and stays: tsctr commit keeps what is in it for another one",
  system: "tsctr df, tsctr info, tsctr events and tsctr prune look at all there is",
};
