import { findContainer, findTask } from "../../../lib/client/containers.ts";
import { keptDuring } from "../../../lib/client/removal.ts";
import { startAgain } from "../../../lib/client/start.ts";
import { statusOf } from "../../../lib/client/tasks.ts";
import { ctrCommand } from "../command.ts";
import { forEach, several } from "../each.ts";
import { signalFlag } from "../signal-flag.ts";
import { graceFlag, stopContainer } from "../stop.ts";

export const restartCommand = ctrCommand({
  name: "restart",
  summary: "stop containers and start them again",
  description: "One that does not run is started. See tsctr-stop(8) and tsctr-start(8).",
  args: { ids: several("container", "its id, or the begin of it") },
  flags: { time: graceFlag, signal: signalFlag("the signal to send, instead of the image's") },
  run: async (context, { ids }, { time: graceMs, signal }) => {
    const client = await context.connect();
    return await forEach(context, ids, async (given) => {
      const container = await findContainer(client, given);
      const status = statusOf(await findTask(client, container.id));
      await keptDuring(client, container, async () => {
        if (status === "running" || status === "paused") await stopContainer(client, container, { graceMs, signal });
        await startAgain(client, context.kernel, container);
      });
      return container.id;
    });
  },
});
