import { api } from "../../../lib/client/api.ts";
import { ctrCommand } from "../command.ts";
import { forEach, several } from "../each.ts";

export const namespacesRmCommand = ctrCommand({
  name: "namespaces rm",
  summary: "remove namespaces, which must be empty",
  args: { names: several("name", "names of namespaces") },
  flags: {},
  run: async (context, { names }) => {
    const client = await context.connect();
    return await forEach(context, names, async (name) => {
      await client.call(api.namespaces.delete, { name });
      return name;
    });
  },
});
