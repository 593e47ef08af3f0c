import { ContainerError, describeFault, SpecError } from "../../../lib/errors.ts";
import type { SchemaChange } from "../../../lib/runtime/resctrl.ts";
import type { LinuxResources } from "../../../lib/spec/resources.ts";
import { command } from "../../command.ts";
import { fileError } from "../../file-error.ts";
import type { Values } from "../../flags.ts";
import { absolutePath } from "../../path.ts";
import { containerId } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";
import { resourceFlags, resourcesOf } from "../resource-flags.ts";

export const updateCommand = command({
  name: "update",
  summary: "change resource limits of a container",
  description: "What is not named stays as it is; device rules are never changed. All of it is applied or nothing.",
  examples: [
    { command: "update --memory 64m --pids-limit 100 web", summary: "set two limits" },
    { command: "update --resources limits.json web", summary: 'set those of a file, e.g. {"cpu": {"shares": 512}}' },
  ],
  args: { id: containerId },
  flags: resourceFlags,
  run: async (context: RuntimeContext, args, flags) => {
    const resources = await readResources(context, flags);
    const { update } = await import("../../../lib/runtime/update.ts");
    await update(context.options, args.id, resources, schemataOf(flags));
    return 0;
  },
});

async function readResources(context: RuntimeContext, flags: Values<typeof resourceFlags>): Promise<LinuxResources> {
  if (flags.resources === undefined) return resourcesOf(flags);
  const { parseResources } = await import("../../../lib/spec/parse-config.ts");
  const text = await readInput(context, flags.resources);
  try {
    return parseResources(text);
  } catch (error) {
    throw error instanceof SpecError ? resourcesError(flags.resources, error) : error;
  }
}

/** It is no config.json that has the faults. */
function resourcesError(file: string, { faults }: SpecError): ContainerError {
  const name = file === "-" ? "standard input" : file;
  return new ContainerError(
    "invalid_argument",
    `cannot use the resources of ${name}: ${faults.map(describeFault).join("; ")}`,
  );
}

async function readInput(context: RuntimeContext, file: string): Promise<string> {
  try {
    return await (file === "-" ? Bun.stdin : Bun.file(absolutePath(context.cwd, file))).text();
  } catch (error) {
    throw fileError(`cannot read ${file}`, error);
  }
}

/** An option that is given as "" is as good as absent. */
function schemataOf({ l3CacheSchema, memBwSchema }: Values<typeof resourceFlags>): SchemaChange {
  return { ...(l3CacheSchema && { l3CacheSchema }), ...(memBwSchema && { memBwSchema }) };
}
