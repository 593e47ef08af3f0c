import { api } from "../../../lib/client/api.ts";
import type { Client } from "../../../lib/client/client.ts";
import { findContainer, findTask } from "../../../lib/client/containers.ts";
import { ContainerError } from "../../../lib/errors.ts";
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

function notStarted(id: string): ContainerError {
  const why = `it was not started; tsctr start ${id} does that`;
  return new ContainerError("failed_precondition", `cannot wait for ${id}: ${why}`);
}
