import { api } from "../../../lib/client/api.ts";
import { required } from "../../args.ts";
import { ctrCommand } from "../command.ts";
import { several } from "../each.ts";
import { labelsText, parseLabels } from "../labels.ts";

export const namespacesLabelCommand = ctrCommand({
  name: "namespaces label",
  summary: "set labels of a namespace, and remove those without a value",
  args: {
    name: required("name", "the namespace", (given) => given),
    labels: { ...several("key=value", "labels"), parse: parseLabels },
  },
  flags: {},
  run: async (context, { name, labels }) => {
    const client = await context.connect();
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    await client.call(api.namespaces.update, { namespace: { name, labels }, updateMask: { paths } });
    // Not every daemon answers with all labels.
    const { namespace } = await client.call(api.namespaces.get, { name });
    await context.print(`${labelsText(namespace?.labels ?? {})}\n`);
    return 0;
  },
});
