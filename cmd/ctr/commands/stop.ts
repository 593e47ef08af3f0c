import { findContainer, requireStatus } from "../../../lib/client/containers.ts";
import { ctrCommand } from "../command.ts";
import { forEach, several } from "../each.ts";
import { signalFlag } from "../signal-flag.ts";
import { graceFlag, stopContainer } from "../stop.ts";

export const stopCommand = ctrCommand({
  name: "stop",
  summary: "ask containers to end, and end those that do not",
  description:
    "The first process gets the signal that the image names, or SIGTERM, and after some time all get SIGKILL. The container " +
    "stays: tsctr start runs it again, tsctr rm removes it.",
  args: { ids: several("container", "its id, or the begin of it") },
  flags: { time: graceFlag, signal: signalFlag("the signal to send, instead of the image's") },
  run: async (context, { ids }, { time: graceMs, signal }) => {
    const client = await context.connect();
    return await forEach(context, ids, async (given) => {
      const container = await findContainer(client, given);
      await requireStatus(client, container, { doing: "stop", statuses: ["running", "paused", "stopped"] });
      await stopContainer(client, container, { signal, graceMs });
      return container.id;
    });
  },
});
