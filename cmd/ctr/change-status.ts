import { findContainer, requireStatus } from "../../lib/client/containers.ts";
import type { UnaryMethod } from "../../lib/client/method.ts";
import type { ContainerStatus } from "../../lib/client/tasks.ts";
import { type CtrCommand, ctrCommand } from "./command.ts";
import { forEach, several } from "./each.ts";

/** A command that takes tasks from one status to another by one call. */
export function changeStatus<A>(parts: {
  readonly name: string;
  readonly summary: string;
  readonly from: ContainerStatus;
  readonly method: UnaryMethod<{ readonly containerId: string }, A>;
}): CtrCommand {
  const { name, summary, from, method } = parts;
  return ctrCommand({
    ...{ name, summary },
    args: { ids: several("container", "its id, or the begin of it") },
    flags: {},
    run: async (context, { ids }) => {
      const client = await context.connect();
      return await forEach(context, ids, async (given) => {
        const container = await findContainer(client, given);
        await requireStatus(client, container, { doing: name, statuses: [from] });
        await client.call(method, { containerId: container.id });
        return container.id;
      });
    },
  });
}
