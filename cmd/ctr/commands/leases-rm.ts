import { api } from "../../../lib/client/api.ts";
import { boolean } from "../../flags.ts";
import { ctrCommand } from "../command.ts";
import { forEach, several } from "../each.ts";

export const leasesRmCommand = ctrCommand({
  name: "leases rm",
  summary: "remove leases, and what nothing keeps any more",
  args: { ids: several("id", "ids of leases") },
  flags: { sync: boolean("return when the space is free") },
  run: async (context, { ids }, { sync }) => {
    const client = await context.connect();
    return await forEach(context, ids, async (id) => {
      await client.call(api.leases.delete, { id, sync });
      return id;
    });
  },
});
