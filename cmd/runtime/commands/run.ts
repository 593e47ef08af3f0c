import { command } from "../../command.ts";
import { boolean } from "../../flags.ts";
import { containerId } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";
import { createFlags, toCreateRequest } from "../create-request.ts";

export const runCommand = command({
  name: "run",
  summary: "create a container, start it and wait for its program",
  description:
    "Does what create and start do, forwards signals to the program, waits for its end, deletes the container and " +
    "exits with the program's status.",
  examples: [
    { command: "run web", summary: "run the bundle in the current directory" },
    { command: "run --detach --pid-file web.pid --bundle /var/lib/bundles/web web", summary: "and do not wait" },
  ],
  exitStatuses: [
    { status: "N", meaning: "the program's own status" },
    { status: "128+N", meaning: "the program was ended by signal N" },
  ],
  args: { id: containerId },
  flags: {
    ...createFlags,
    detach: boolean("return as soon as the program runs", { short: "d" }),
    keep: boolean("do not delete the container when its program ends"),
    noSubreaper: boolean("do not adopt the processes that the container leaves behind"),
  },
  run: async (context: RuntimeContext, args, flags) => {
    const { run } = await import("../../../lib/runtime/run.ts");
    const { detach, keep, noSubreaper } = flags;
    const request = toCreateRequest(context, args.id, flags);
    return await run(context.options, { ...request, detach, keep, noSubreaper });
  },
});
