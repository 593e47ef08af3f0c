import { api } from "../../../lib/client/api.ts";
import { findContainer, requireStatus } from "../../../lib/client/containers.ts";
import { required } from "../../args.ts";
import { psOptions } from "../../ps-options.ts";
import { ctrCommand } from "../command.ts";

export const topCommand = ctrCommand({
  name: "top",
  summary: "list the processes of a container",
  description: "With their pids on the host, where the daemon has to be, too.",
  examples: [
    { command: "top web", summary: "as ps -ef would" },
    { command: "top web -o pid,rss,args", summary: "with columns of your choice" },
  ],
  stopAtPositional: true,
  args: { id: required("container", "its id, or the begin of it", (given) => given), psOptions },
  flags: {},
  run: async (context, args) => {
    const [{ describeProcesses }, { parsePsOptions, renderPsTable }] = await Promise.all([
      import("../../../lib/runtime/processes.ts"),
      import("../../runtime/ps-table.ts"),
    ]);
    const columns = parsePsOptions(args.psOptions);
    const client = await context.connect();
    const container = await findContainer(client, args.id);
    await requireStatus(client, container, { doing: "list the processes of", statuses: ["running", "paused"] });
    const { processes } = await client.call(api.tasks.listPids, { containerId: container.id });
    const pids = processes.map(({ pid }) => pid);
    await context.print(renderPsTable(columns, describeProcesses(context.kernel, pids, context.now())));
    return 0;
  },
});
