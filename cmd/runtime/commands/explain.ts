import { command } from "../../command.ts";
import { oneOf } from "../../flags.ts";
import { absolutePath } from "../../path.ts";
import { bundleArgument } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";

export const explainCommand = command({
  name: "explain",
  summary: "print the system calls that a bundle will cause, in order",
  description:
    "Compiles the bundle as create does and prints the program instead of running it: each system call with its " +
    "arguments and the property of config.json it comes from. Changes nothing and needs no privilege.",
  examples: [
    { command: "explain web", summary: "what would create do with the bundle web?" },
    { command: "explain --format json web", summary: "the same, for programs" },
  ],
  args: { bundle: bundleArgument },
  flags: { format: oneOf(["text", "json"], "how to print the program", { label: "FORMAT" }) },
  run: async (context: RuntimeContext, args, flags) => {
    const { explainBundle } = await import("../../../lib/runtime/explain.ts");
    const bundle = absolutePath(context.cwd, args.bundle);
    await context.print(explainBundle(context.options, { bundle, format: flags.format }));
    return 0;
  },
});
