import { findContainer, getContainer } from "../../../lib/client/containers.ts";
import { removeWhole } from "../../../lib/client/remove.ts";
import { boolean } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { forEach, several } from "../each.ts";
import { fifoRoot } from "../places.ts";

export const rmCommand = ctrCommand({
  name: "rm",
  summary: "remove containers: the task, the record, the snapshot and the log",
  args: { ids: several("container", "its id, or the begin of it") },
  flags: {
    force: boolean("end those that run", { short: "f" }),
    volumes: boolean("and the volumes that were made for them alone, without a name", { short: "v" }),
    exact: boolean("take ids for whole ones, not for the begins of others", { hidden: true }),
  },
  run: async (context, { ids }, { force, volumes: withVolumes, exact }) => {
    const client = await context.connect();
    return await forEach(context, ids, async (given) => {
      const container = await (exact ? getContainer : findContainer)(client, given);
      await removeWhole(client, context.kernel, { container, force, fifoRoot: fifoRoot(context), withVolumes });
      return container.id;
    });
  },
});
