import { type Arg, optional } from "../../args.ts";
import { command } from "../../command.ts";
import { boolean, oneOf, text, type Values } from "../../flags.ts";
import { absolutePath } from "../../path.ts";
import { UsageError } from "../../usage-error.ts";
import { bundleArgument } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";

const args = {
  bundle: bundleArgument,
  syscall: optional("syscall", "with --seccomp: name or number of a system call", "", (given) => given),
  arguments: {
    label: "[arguments...]",
    summary: "with --seccomp: its arguments, 0x for hexadecimal, after -- when one is negative; others are 0",
    min: 0,
    max: 6,
    parse: (texts) => texts.map(parseWord),
  } satisfies Arg<readonly bigint[]>,
};

const flags = {
  format: oneOf(["text", "json"], "how to print the answer", { label: "FORMAT" }),
  seccomp: boolean("say which rule of linux.seccomp decides about a system call"),
  arch: text("with --seccomp: one architecture, such as x86 or SCMP_ARCH_X86 (default: all that have the call)", {
    label: "ARCH",
  }),
};

export const explainCommand = command({
  name: "explain",
  summary: "print the system calls that a bundle will cause, in order",
  description:
    "Compiles the bundle as create does and prints the program instead of running it: each system call with its " +
    "arguments and the property of config.json it comes from. With --seccomp answers what the filter of the bundle " +
    "does with a system call, and why. Changes nothing and needs no privilege.",
  examples: [
    { command: "explain web", summary: "what would create do with the bundle web?" },
    { command: "explain --format json web", summary: "the same, for programs" },
    { command: "explain --seccomp web clone 0x10000000", summary: "may it make a user namespace?" },
  ],
  args,
  flags,
  run: async (context: RuntimeContext, given, options) => {
    await context.print(await (options.seccomp ? explainCall : explainPlan)(context, given, options));
    return 0;
  },
});

async function explainPlan(
  context: RuntimeContext,
  given: Values<typeof args>,
  { arch, format }: Values<typeof flags>,
): Promise<string> {
  if (given.syscall !== "" || arch !== undefined) {
    throw new UsageError('"explain" takes a system call and --arch only with --seccomp');
  }
  const { explainBundle } = await import("../../../lib/runtime/explain.ts");
  return explainBundle(context.options, { bundle: absolutePath(context.cwd, given.bundle), format });
}

async function explainCall(
  context: RuntimeContext,
  given: Values<typeof args>,
  { arch, format }: Values<typeof flags>,
): Promise<string> {
  if (given.syscall === "") throw new UsageError('"explain --seccomp" requires a bundle and a system call');
  const { explainSeccomp } = await import("../../../lib/runtime/explain-seccomp.ts");
  const isNumber = /^(0x[0-9a-f]+|\d+)$/i.test(given.syscall);
  const syscall = isNumber ? Number(given.syscall) : given.syscall;
  const bundle = absolutePath(context.cwd, given.bundle);
  return explainSeccomp(context.options, { bundle, syscall, args: given.arguments, arch, format });
}

const WORD_BITS = 64;

/** @throws {UsageError} unless it fits into 64 bits */
function parseWord(given: string): bigint {
  const [, sign, digits] = /^(-?)(0x[0-9a-f]+|0o?[0-7]+|0|[1-9]\d*)$/i.exec(given) ?? [];
  // A leading 0 is octal, as in C.
  const magnitude = digits === undefined ? undefined : BigInt(digits.replace(/^0(?=\d)/, "0o"));
  const value = magnitude === undefined || sign !== "-" ? magnitude : -magnitude;
  if (
    value !== undefined &&
    (BigInt.asUintN(WORD_BITS, value) === value || BigInt.asIntN(WORD_BITS, value) === value)
  ) {
    return BigInt.asUintN(WORD_BITS, value);
  }
  throw new UsageError(`invalid argument ${JSON.stringify(given)}: must be a number of 64 bits`);
}
