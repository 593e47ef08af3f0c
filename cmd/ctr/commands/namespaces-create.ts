import { api } from "../../../lib/client/api.ts";
import { required } from "../../args.ts";
import { ctrCommand } from "../command.ts";
import { anyNumber } from "../each.ts";
import { parseLabels } from "../labels.ts";

export const namespacesCreateCommand = ctrCommand({
  name: "namespaces create",
  summary: "make a namespace",
  args: {
    name: required("name", "its name", (given) => given),
    labels: { ...anyNumber("key=value", "its labels"), parse: parseLabels },
  },
  flags: {},
  run: async (context, { name, labels }) => {
    const client = await context.connect();
    await client.call(api.namespaces.create, { namespace: { name, labels } });
    await context.print(`${name}\n`);
    return 0;
  },
});
