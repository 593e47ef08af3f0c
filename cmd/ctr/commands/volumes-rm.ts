import { unlessGone } from "../../../lib/client/create.ts";
import { removeVolume } from "../../../lib/client/volumes/use.ts";
import { boolean } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { forEach, several } from "../each.ts";

export const volumesRmCommand = ctrCommand({
  name: "volumes rm",
  summary: "remove volumes that no container mounts, with what is in them",
  args: { names: several("volume", "its name") },
  flags: { force: boolean("one that is not there is no fault", { short: "f" }) },
  run: async (context, { names }, { force }) => {
    const client = await context.connect();
    return await forEach(context, names, async (name) => {
      await removeVolume(context.kernel, client, name).catch(force ? unlessGone : undefined);
      return name;
    });
  },
});
