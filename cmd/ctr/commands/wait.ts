import { api } from "../../../lib/client/api.ts";
import { findContainer } from "../../../lib/client/containers.ts";
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
        const status = findContainer(client, given)
          .then(({ id }) => client.call(api.tasks.wait, { containerId: id }, {}))
          .then(({ exitStatus }) => String(exitStatus));
        // Its failure is told in its turn.
        status.catch(() => undefined);
        return [given, status];
      }),
    );
    return await forEach(context, ids, async (given) => (await waiting.get(given)) ?? "");
  },
});
