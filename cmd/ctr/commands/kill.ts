import { api } from "../../../lib/client/api.ts";
import { findContainer, requireStatus } from "../../../lib/client/containers.ts";
import { SIGNALS } from "../../../lib/linux/constants/processes.ts";
import { boolean } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { forEach, several } from "../each.ts";
import { signalFlag } from "../signal-flag.ts";

export const killCommand = ctrCommand({
  name: "kill",
  summary: "send a signal to the first process of containers",
  args: { ids: several("container", "its id, or the begin of it") },
  flags: {
    signal: signalFlag("the signal to send (default: KILL)"),
    all: boolean("send it to every process of the container", { short: "a" }),
  },
  run: async (context, { ids }, { signal = SIGNALS.SIGKILL, all }) => {
    const client = await context.connect();
    return await forEach(context, ids, async (given) => {
      const container = await findContainer(client, given);
      await requireStatus(client, container, { doing: "send a signal to", statuses: ["running", "paused"] });
      await client.call(api.tasks.kill, { containerId: container.id, signal, all });
      return container.id;
    });
  },
});
