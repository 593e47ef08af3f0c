import { type Args, parseArgs } from "./args.ts";
import type { Flags, Values } from "./flags.ts";
import { parseFlags } from "./parse-flags.ts";

/** What a command line asks of a command; `run` undefined means that help was asked for. */
export interface Invocation<C> {
  readonly run: ((context: C) => Promise<number | undefined>) | undefined;
}

export interface Example {
  readonly command: string;
  readonly summary: string;
}

export interface ExitStatus {
  readonly status: string;
  readonly meaning: string;
}

/** What help, man pages and completion are made from. */
export interface CommandSpec {
  readonly name: string;
  /** One line, no capital, no full stop. */
  readonly summary: string;
  readonly description?: string;
  readonly examples?: readonly Example[];
  /** Exit statuses besides 0 and 1. */
  readonly exitStatuses?: readonly ExitStatus[];
  readonly args: Args;
  readonly flags: Flags;
  /** The first argument by position ends the options: what follows belongs to somebody else. */
  readonly stopAtPositional?: boolean;
}

/** A command whose argument types have been closed over; `C` is what its program gives every command. */
export interface Command<C> extends CommandSpec {
  /** Parses what follows the command's name. @throws {UsageError} */
  readonly prepare: (argv: readonly string[]) => Invocation<C>;
}

/** Defines a command: the parsers of `args` and `flags` give `run` its types; `run` gives the exit status. */
export function command<C, const A extends Args, const F extends Flags>(
  spec: CommandSpec & {
    readonly args: A;
    readonly flags: F;
    readonly run: (context: C, args: Values<A>, flags: Values<F>) => Promise<number | undefined>;
  },
): Command<C> {
  return {
    ...spec,
    prepare(argv) {
      const parsed = parseFlags(spec.flags, argv, { stopAtPositional: spec.stopAtPositional ?? false });
      if (parsed.help) return { run: undefined };
      const args = parseArgs(spec.name, spec.args, parsed.positionals);
      return { run: (context) => spec.run(context, args, parsed.flags) };
    },
  };
}
