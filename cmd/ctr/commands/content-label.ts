import { api } from "../../../lib/client/api.ts";
import { required } from "../../args.ts";
import { ctrCommand } from "../command.ts";
import { several } from "../each.ts";
import { labelsText, parseLabels } from "../labels.ts";

export const contentLabelCommand = ctrCommand({
  name: "content label",
  summary: "set labels of a blob, and remove those without a value",
  args: {
    digest: required("digest", "digest of the blob", (given) => given),
    labels: { ...several("key=value", "labels"), parse: parseLabels },
  },
  flags: {},
  run: async (context, { digest, labels }) => {
    const client = await context.connect();
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    const { info } = await client.call(api.content.update, { info: { digest, labels }, updateMask: { paths } });
    await context.print(`${labelsText(info?.labels ?? {})}\n`);
    return 0;
  },
});
