import { type Args, parseArgs } from "../args.ts";
import type { CommandSpec, Invocation } from "../command.ts";
import type { Flags, Values } from "../flags.ts";
import { parseScanned, type Scanned } from "../parse-flags.ts";
import type { CtrContext } from "./context.ts";

/** A command of tsctr; `name` may have two words, as `images ls` has. */
export interface CtrCommand extends CommandSpec {
  /** @throws {UsageError} */
  readonly prepare: (scanned: Scanned) => Invocation<CtrContext>;
}

/** Defines a command: the parsers of `args` and `flags` give `run` its types; `run` gives the exit status. */
export function ctrCommand<const A extends Args, const F extends Flags>(
  spec: CommandSpec & {
    readonly args: A;
    readonly flags: F;
    readonly run: (context: CtrContext, args: Values<A>, flags: Values<F>) => Promise<number | undefined>;
  },
): CtrCommand {
  return {
    ...spec,
    prepare(scanned) {
      const parsed = parseScanned(spec.flags, scanned, "--");
      if (parsed.help) return { run: undefined };
      const args = parseArgs(spec.name, spec.args, parsed.positionals);
      return { run: (context) => spec.run(context, args, parsed.flags) };
    },
  };
}
