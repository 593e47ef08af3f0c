import { command } from "../../command.ts";
import { oneOf } from "../../flags.ts";
import { psOptions } from "../../ps-options.ts";
import { containerId } from "../arguments.ts";
import type { RuntimeContext } from "../context.ts";
import { parsePsOptions, renderPsTable } from "../ps-table.ts";

export const psCommand = command({
  name: "ps",
  summary: "list the processes of a container",
  description: "They are found by the container's cgroup and shown with their pids on the host.",
  examples: [
    { command: "ps web", summary: "as ps -ef would" },
    { command: "ps web -o pid,rss,args", summary: "with columns of your choice" },
    { command: "ps --format json web", summary: "as a JSON array of pids" },
  ],
  args: { id: containerId, psOptions },
  flags: { format: oneOf(["table", "json"], "how to print them", { short: "f", label: "FORMAT" }) },
  stopAtPositional: true,
  run: async (context: RuntimeContext, args, flags) => {
    const { inspectProcesses, listContainerPids } = await import("../../../lib/runtime/processes.ts");
    if (flags.format === "json") {
      const pids = listContainerPids(context.options, args.id);
      // An empty list is null in Go.
      await context.print(`${JSON.stringify(pids.length === 0 ? null : pids)}\n`);
      return 0;
    }
    const columns = parsePsOptions(args.psOptions);
    await context.print(renderPsTable(columns, inspectProcesses(context.options, args.id, Date.now())));
    return 0;
  },
});
