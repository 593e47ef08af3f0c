import { findContainer } from "../../../lib/client/containers.ts";
import { startAgain } from "../../../lib/client/start.ts";
import { ctrCommand } from "../command.ts";
import { forEach, several } from "../each.ts";

export const startCommand = ctrCommand({
  name: "start",
  summary: "run containers again that have ended",
  description:
    "In the background, with the root as it was left. What is written goes to the log, if the container has one.",
  args: { ids: several("container", "its id, or the begin of it") },
  flags: {},
  run: async (context, { ids }) => {
    const client = await context.connect();
    return await forEach(context, ids, async (given) => {
      const container = await findContainer(client, given);
      await startAgain(client, container);
      return container.id;
    });
  },
});
