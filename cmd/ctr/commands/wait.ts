import { api } from "../../../lib/client/api.ts";
import type { Client } from "../../../lib/client/client.ts";
import { findContainer, findTask } from "../../../lib/client/containers.ts";
import { AdvisedError } from "../advice.ts";
import { ctrCommand } from "../command.ts";
import { forEach, several } from "../each.ts";

export const waitCommand = ctrCommand({
  name: "wait",
  summary: "wait until containers have ended, and print their exit statuses",
  args: { ids: several("container", "its id, or the begin of it") },
  flags: {},
  run: async (context, { ids }) => {
    const client = await context.connect();
    const waiting = new Map(
      ids.map((given) => {
        const status = waitFor(client, given);
        // Its failure is told in its turn.
        status.catch(() => undefined);
        return [given, status];
      }),
    );
    return await forEach(context, ids, async (given) => (await waiting.get(given)) ?? "");
  },
});

async function waitFor(client: Client, given: string): Promise<string> {
  const { id } = await findContainer(client, given);
  if ((await findTask(client, id)) === undefined) throw notStarted(id);
  return String((await client.call(api.tasks.wait, { containerId: id }, {})).exitStatus);
}

function notStarted(id: string): AdvisedError {
  const advice = `tsctr start ${id} runs it`;
  return new AdvisedError("failed_precondition", `cannot wait for ${id}: it was not started`, { advice });
}
