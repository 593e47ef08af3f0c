import { describeFault, type Fault, SpecError } from "../../../lib/errors.ts";
import { command } from "../../command.ts";
import { fileError } from "../../file-error.ts";
import { oneOf } from "../../flags.ts";
import { absolutePath } from "../../path.ts";
import { bundleArgument } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";

const EXIT_FAULTS = 1;

export const validateCommand = command({
  name: "validate",
  summary: "print every fault of a bundle's config.json",
  description:
    "Reads config.json only and changes nothing. Each fault is one line on standard output: JSON pointer, value, and " +
    "what is allowed.",
  examples: [
    { command: "validate web", summary: "check web/config.json" },
    { command: "validate --format json web", summary: "as a JSON array of {pointer, value, problem}" },
  ],
  exitStatuses: [{ status: "1", meaning: "config.json has faults" }],
  args: { bundle: bundleArgument },
  flags: { format: oneOf(["text", "json"], "how to print the faults", { label: "FORMAT" }) },
  run: async (context: RuntimeContext, args, flags) => {
    const faults = await findFaults(context, absolutePath(context.cwd, `${args.bundle}/config.json`));
    await context.print(renderFaults(faults, flags.format));
    return faults.length === 0 ? 0 : EXIT_FAULTS;
  },
});

async function findFaults(context: RuntimeContext, file: string): Promise<readonly Fault[]> {
  const { parseConfig } = await import("../../../lib/spec/parse-config.ts");
  const text = await readConfig(file);
  try {
    for (const warning of parseConfig(text).warnings) context.options.warn(warning);
    return [];
  } catch (error) {
    if (error instanceof SpecError) return error.faults;
    throw error;
  }
}

async function readConfig(file: string): Promise<string> {
  try {
    return await Bun.file(file).text();
  } catch (error) {
    throw fileError(`cannot read ${file}`, error);
  }
}

/** The output of `validate`. */
export function renderFaults(faults: readonly Fault[], format: "text" | "json"): string {
  if (format === "text") return faults.map((fault) => `${describeFault(fault)}\n`).join("");
  return `${JSON.stringify(faults, null, 2)}\n`;
}
