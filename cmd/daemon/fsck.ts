import { type Finding, fsck } from "../../lib/daemon/fsck.ts";
import { explain } from "../../lib/errors.ts";
import { openKernel } from "../../lib/linux/kernel.ts";
import { boolean, oneOf, path } from "../flags.ts";
import { writeStderr, writeStdout } from "../output.ts";
import { parseFlags } from "../parse-flags.ts";
import { UsageError } from "../usage-error.ts";
import { type DaemonFlags, readSettings } from "./settings.ts";

const FLAGS = {
  root: path("directory of the store", { label: "DIR" }),
  config: path("configuration file, in TOML", { label: "FILE", short: "c" }),
  repair: boolean("set right what can be"),
  quick: boolean("look at the sizes of content, not at its bytes"),
  format: oneOf(["text", "json"], "how to print what is found"),
};

/** fsck(8): its exit statuses are ours. */
const STATUS = { clean: 0, repaired: 1, left: 4, notDone: 8, usage: 16 } as const;

/** `tsrund fsck`: looks at a store while no daemon has it. Returns the exit status. */
export async function runFsck(name: string, words: readonly string[], daemon: DaemonFlags): Promise<number> {
  try {
    const { flags, positionals, help } = parseFlags(FLAGS, words);
    if (help) {
      await writeStdout(usage(name));
      return STATUS.clean;
    }
    if (positionals.length > 0) throw new UsageError(`fsck takes no arguments: ${positionals.join(" ")}`);
    const { root } = await readSettings({
      ...daemon,
      root: flags.root ?? daemon.root,
      config: flags.config ?? daemon.config,
    });
    const counts = { found: 0, repaired: 0, left: 0 };
    for await (const finding of fsck(openKernel(), { root, repair: flags.repair, readAll: !flags.quick })) {
      counts.found += 1;
      if (finding.outcome === "repaired") counts.repaired += 1;
      else counts.left += 1;
      await writeStdout(flags.format === "json" ? `${JSON.stringify(finding)}\n` : describe(finding));
    }
    if (flags.format === "text") {
      await writeStdout(`${root}: ${counts.found} found, ${counts.repaired} repaired, ${counts.left} left\n`);
    }
    if (counts.left > 0) return STATUS.left;
    return counts.repaired > 0 ? STATUS.repaired : STATUS.clean;
  } catch (error) {
    writeStderr(`${name} fsck: ${explain(error)}\n`);
    return error instanceof UsageError ? STATUS.usage : STATUS.notDone;
  }
}

function describe({ what, why, outcome, detail }: Finding): string {
  return `${what}: ${why}: ${outcome}${detail === "" ? "" : `: ${detail}`}\n`;
}

function usage(name: string): string {
  return `${name} fsck looks at a store that no daemon has open, and says in what it is damaged.

  ${name} fsck [options]

      --root DIR         the store (default as the configuration says)
  -c, --config FILE      configuration in TOML
      --repair           set right what can be: without it nothing is changed
      --quick            look at the sizes of content, not at its bytes
      --format FORM      text, or json: a line for each thing that is found
  -h, --help             print this

Exit status: 0 nothing is wrong, 1 all that was wrong is repaired, 4 something is left, 8 it could not be looked at,
16 wrong usage.
`;
}
